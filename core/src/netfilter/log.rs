//! What `LOG` rules write to the kernel's log (net/netfilter/nf_log_syslog.c).

use core::fmt::Write as _;
use std::collections::VecDeque;

use super::hook::Place;
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::Ipv4;
use crate::frame::tcp::{Tcp, flags};
use crate::limits;
use crate::time::SimTime;

/// The lines, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: VecDeque<(SimTime, String)>,
    /// Lines that are no longer there.
    forgotten: u64,
}

impl Log {
    /// All lines, with the instant they were written at.
    pub fn lines(&self) -> impl Iterator<Item = &(SimTime, String)> {
        self.lines.iter()
    }

    /// How many older lines were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn push(&mut self, place: &Place<'_>, packet: &[u8], prefix: &str) {
        if self.lines.len() >= limits::KERNEL_LOG_LINES_MAX {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back((place.now, line(place, packet, prefix)));
    }
}

fn line(place: &Place<'_>, packet: &[u8], prefix: &str) -> String {
    let mut text = format!("{prefix}IN={} OUT={} ", place.in_iface, place.out_iface);
    let (physdev_in, physdev_out) = place.physdev;
    if !physdev_in.is_empty() {
        let _ = write!(text, "PHYSIN={physdev_in} ");
    }
    if !physdev_out.is_empty() {
        let _ = write!(text, "PHYSOUT={physdev_out} ");
    }
    if let Some((src, dst, kind)) = place.ether.filter(|_| !place.in_iface.is_empty()) {
        let [high, low] = kind.to_be_bytes();
        let _ = write!(text, "MAC={dst}:{src}:{high:02x}:{low:02x} ");
    }
    let Ok(ip) = Ipv4::parse(packet) else { return text };
    let _ = write!(
        text,
        "SRC={} DST={} LEN={} TOS=0x{:02X} PREC=0x{:02X} TTL={} ID={} ",
        ip.src,
        ip.dst,
        ip.total_len,
        ip.tos & 0x1e,
        ip.tos & 0xe0,
        ip.ttl,
        ip.ident
    );
    if ip.dont_fragment {
        text.push_str("DF ");
    }
    if ip.more_fragments {
        text.push_str("MF ");
    }
    if ip.fragment_offset > 0 {
        let _ = write!(text, "FRAG:{} ", ip.fragment_offset / 8);
    }
    l4(&mut text, &ip);
    text
}

fn l4(text: &mut String, ip: &Ipv4<'_>) {
    let first = ip.fragment_offset == 0;
    let _ = match ip.proto {
        1 => write!(text, "PROTO=ICMP "),
        6 => write!(text, "PROTO=TCP "),
        17 => write!(text, "PROTO=UDP "),
        other => write!(text, "PROTO={other} "),
    };
    let word = |at: usize| ip.payload.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    match ip.proto {
        6 if first => {
            let Some(tcp) = Tcp::peek(ip.payload) else { return };
            let _ = write!(text, "SPT={} DPT={} WINDOW={} RES=0x00 ", tcp.src_port, tcp.dst_port, tcp.window);
            let names = [
                (flags::CWR, "CWR "),
                (flags::ECE, "ECE "),
                (flags::URG, "URG "),
                (flags::ACK, "ACK "),
                (flags::PSH, "PSH "),
                (flags::RST, "RST "),
                (flags::SYN, "SYN "),
                (flags::FIN, "FIN "),
            ];
            names.iter().filter(|(flag, _)| tcp.has(*flag)).for_each(|(_, name)| text.push_str(name));
            let _ = write!(text, "URGP={} ", word(18));
        }
        17 if first => {
            let _ = write!(text, "SPT={} DPT={} LEN={} ", word(0), word(2), word(4));
        }
        1 if first => {
            let Some((icmp, _)) = Icmp::peek(ip.payload) else { return };
            let (kind, code) = icmp.type_and_code();
            let _ = write!(text, "TYPE={kind} CODE={code} ");
            if matches!(kind, 0 | 8) {
                let _ = write!(text, "ID={} SEQ={} ", word(4), word(6));
            }
        }
        _ => {}
    }
}
