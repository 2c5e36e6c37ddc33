//! Sockets to lines: which rows an invocation shows, in which order, and the text of every column.

use core::net::IpAddr;

use super::layout::{self, COLUMNS, HEADINGS, Line};
use super::options::SsOptions;
use super::services::Names;
use crate::event::Span;
use crate::shell::meaning;
use crate::shell::out::Text;
use crate::view::{SocketEnd, SocketKind, SocketOwner, SocketRow, SocketState};

/// Ports that are never looked up: Linux's default `ip_local_port_range`.
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Prints the rows that the options take.
///
/// Real `ss` prints in the order of its dumps: packet, raw, UDP, TCP; of each IPv4 before IPv6; of TCP the listeners
/// first. Rows are brought into that order here; within it they stay as they are given.
/// `columns` is the width of the terminal, or none for a pipe.
pub fn render(options: &SsOptions, rows: &[SocketRow], columns: Option<u16>, names: &dyn Names) -> Text {
    let mut taken: Vec<&SocketRow> = rows.iter().filter(|row| options.takes(row)).collect();
    taken.sort_by_key(|row| (rank(row.kind), row.v6, row.kind == SocketKind::Tcp && row.state != SocketState::Listen));
    let mut lines = Vec::with_capacity(taken.len() + 1);
    if options.header {
        lines.push(HEADINGS.map(|heading| Span::new(heading, meaning::HEADING)));
    }
    lines.extend(taken.into_iter().map(|row| line(options, row, names)));
    let mut shown = [true; COLUMNS];
    shown[0] = options.shows_netid();
    shown[1] = options.shows_state();
    layout::render(&lines, shown, columns)
}

fn rank(kind: SocketKind) -> u8 {
    match kind {
        SocketKind::PRaw => 0,
        SocketKind::Raw => 1,
        SocketKind::Udp => 2,
        SocketKind::Tcp => 3,
    }
}

fn line(options: &SsOptions, row: &SocketRow, names: &dyn Names) -> Line {
    let queue = |value: Option<u32>, key| Span::new(format!("{:<6}", value.unwrap_or(0)), key);
    let (local, local_port) = local_end(options, row, names);
    let (peer, peer_port) = if row.kind == SocketKind::PRaw {
        ("*".to_owned(), String::new())
    } else {
        let port = port(options, row.kind, row.peer.port, names);
        (format!("{}:", address(options, row, &row.peer, names)), port)
    };
    [
        Span::new(row.kind.netid(), meaning::SOCKET_NETID),
        Span::new(row.state.name(), meaning::SOCKET_STATE),
        queue(row.queues.map(|queues| queues.recv), meaning::SOCKET_RECV_Q),
        queue(row.queues.map(|queues| queues.send), meaning::SOCKET_SEND_Q),
        Span::new(local, meaning::SOCKET_LOCAL),
        Span::new(local_port, meaning::SOCKET_LOCAL_PORT),
        Span::new(peer, meaning::SOCKET_PEER),
        Span::new(peer_port, meaning::SOCKET_PEER_PORT),
        extra(options, row),
    ]
}

/// A packet socket has a protocol and an interface where others have address and port.
fn local_end(options: &SsOptions, row: &SocketRow, names: &dyn Names) -> (String, String) {
    if row.kind == SocketKind::PRaw {
        let proto = match (row.local.port, options.numeric) {
            (0 | 3, _) => "*".to_owned(),
            (0x0800, false) => "ip".to_owned(),
            (0x0806, false) => "arp".to_owned(),
            (number, _) => format!("[{number}]"),
        };
        return (format!("{proto}:"), row.local.iface.clone().unwrap_or_else(|| "*".to_owned()));
    }
    let iface = row.local.iface.as_ref().map_or(String::new(), |iface| format!("%{iface}"));
    let addr = address(options, row, &row.local, names);
    (format!("{addr}{iface}:"), port(options, row.kind, row.local.port, names))
}

fn address(options: &SsOptions, row: &SocketRow, end: &SocketEnd, names: &dyn Names) -> String {
    // `[::]` of a socket that takes IPv4 too is every address there is.
    if row.v6 && !row.v6_only && end.addr.is_unspecified() {
        return "*".to_owned();
    }
    let named = if options.resolve_hosts && !end.addr.is_unspecified() { names.host(end.addr) } else { None };
    named.unwrap_or_else(|| match end.addr {
        IpAddr::V4(addr) if row.v6 && !end.addr.is_unspecified() => format!("[{}]", addr.to_ipv6_mapped()),
        IpAddr::V4(_) if row.v6 => "[::]".to_owned(),
        IpAddr::V4(addr) => addr.to_string(),
        IpAddr::V6(addr) => format!("[{addr}]"),
    })
}

fn port(options: &SsOptions, kind: SocketKind, port: u16, names: &dyn Names) -> String {
    if port == 0 {
        return "*".to_owned();
    }
    let lookup = !options.numeric && (kind == SocketKind::Raw || !EPHEMERAL.contains(&port));
    lookup.then(|| names.service(kind, port)).flatten().unwrap_or_else(|| port.to_string())
}

/// What `-p` and `-e` add.
fn extra(options: &SsOptions, row: &SocketRow) -> Span {
    let mut text = String::new();
    let mut key = meaning::SOCKET_PROCESS;
    if options.processes
        && let SocketOwner::Processes(processes) = &row.owner
        && !processes.is_empty()
    {
        let list: Vec<String> =
            processes.iter().map(|p| format!("(\"{}\",pid={},fd={})", p.name, p.pid, p.fd)).collect();
        text.push_str(&format!(" users:({})", list.join(",")));
    }
    if options.extended {
        key = if text.is_empty() { meaning::SOCKET_DETAILS } else { key };
        if row.uid != 0 {
            text.push_str(&format!(" uid:{}", row.uid));
        }
        text.push_str(&format!(" ino:{} sk:{:x}", row.id, row.id));
        if row.v6 && row.state == SocketState::Listen {
            text.push_str(&format!(" v6only:{}", u8::from(row.v6_only)));
        }
        text.push_str(match row.state {
            SocketState::TimeWait => "",
            SocketState::CloseWait => " -->",
            SocketState::FinWait1 | SocketState::FinWait2 => " <--",
            SocketState::LastAck | SocketState::Closing => " ---",
            _ => " <->",
        });
    }
    Span::new(text, key)
}
