//! `ss -s`: totals.

use std::fmt::Write as _;

use super::Text;
use crate::shell::meaning;
use crate::view::{SocketKind, SocketRow, SocketState};

/// Totals, as Linux counts them in /proc/net/sockstat and sockstat6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SsSummary {
    /// Sockets of all kinds in use.
    pub used: u32,
    /// TCP sockets that exist (`alloc`), TIME-WAIT not counted.
    pub tcp_alloc: u32,
    /// TCP connections with a peer (`CurrEstab`: ESTABLISHED and CLOSE-WAIT).
    pub tcp_estab: u32,
    /// TCP sockets without a process.
    pub tcp_orphaned: u32,
    /// TCP sockets in TIME-WAIT.
    pub tcp_timewait: u32,
    /// In use: raw sockets by IPv4 and IPv6.
    pub raw: [u32; 2],
    /// UDP sockets by IPv4 and IPv6.
    pub udp: [u32; 2],
    /// TCP sockets by IPv4 and IPv6.
    pub tcp: [u32; 2],
    /// Packets being put together from fragments, by IPv4 and IPv6.
    pub frag: [u32; 2],
}

impl SsSummary {
    /// Totals of these rows.
    pub fn of(rows: &[SocketRow]) -> Self {
        let mut sum = Self { used: u32::try_from(rows.len()).unwrap_or(u32::MAX), ..Self::default() };
        for row in rows {
            let family = usize::from(row.v6);
            match row.kind {
                SocketKind::Raw => sum.raw[family] += 1,
                SocketKind::Udp => sum.udp[family] += 1,
                SocketKind::Tcp if row.state == SocketState::TimeWait => {
                    sum.tcp_timewait += 1;
                    sum.used -= 1;
                }
                SocketKind::Tcp => {
                    sum.tcp[family] += 1;
                    sum.tcp_alloc += 1;
                    // The kernel's CurrEstab.
                    let connected = matches!(row.state, SocketState::Established | SocketState::CloseWait);
                    sum.tcp_estab += u32::from(connected);
                }
                SocketKind::PRaw => {}
            }
        }
        sum
    }
}

/// The text of `ss -s`.
pub fn render_summary(sum: &SsSummary) -> Text {
    let in_use = sum.tcp[0] + sum.tcp[1];
    // misc/ss.c takes TIME-WAIT twice: what is allocated and not hashed is "closed", and so are those that wait.
    let closed = sum.tcp_alloc.saturating_sub(in_use) + sum.tcp_timewait;
    let mut head = format!("Total: {}\n", sum.used);
    let _ = write!(
        head,
        "TCP:   {} (estab {}, closed {closed}, orphaned {}, timewait {})\n\n",
        sum.tcp_alloc + sum.tcp_timewait,
        sum.tcp_estab,
        sum.tcp_orphaned,
        sum.tcp_timewait
    );
    let mut text = Text::new();
    text.word(head, meaning::SOCKET_TOTAL).word("Transport Total     IP        IPv6\n", meaning::HEADING);
    let add = |a: [u32; 2], b: [u32; 2]| [a[0] + b[0], a[1] + b[1]];
    let inet = add(add(sum.raw, sum.udp), sum.tcp);
    for (name, [v4, v6]) in [("RAW", sum.raw), ("UDP", sum.udp), ("TCP", sum.tcp), ("INET", inet), ("FRAG", sum.frag)] {
        text.word(name, meaning::SOCKET_NETID).put("\t  ");
        text.word(format!("{:<9} {v4:<9} {v6:<9}", v4 + v6), meaning::SOCKET_TOTAL).put("\n");
    }
    text.put("\n");
    text
}
