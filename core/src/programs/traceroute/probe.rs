//! One probe of traceroute, and what an ICMP report about it means.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::id::SocketId;
use crate::programs::Kernel;
use crate::time::SimTime;

/// A probe, before and after.
#[derive(Clone, Debug, Default)]
pub(super) struct Probe {
    pub sent: Option<SimTime>,
    pub socket: Option<SocketId>,
    /// Its UDP port or sequence number.
    pub number: u16,
    /// Answered or given up.
    pub done: bool,
    /// The way ends with it.
    pub last: bool,
    pub from: Option<Ipv4Addr>,
    pub received: Option<SimTime>,
    /// `!H` and its like.
    pub note: String,
}

impl Probe {
    /// How long the answer took.
    pub fn trip(&self) -> Option<Duration> {
        Some(self.received?.since(self.sent?))
    }

    /// An answer, or an ICMP report (type, code, MTU).
    pub fn answered(&mut self, kernel: &mut dyn Kernel, from: Ipv4Addr, now: SimTime, report: Option<(u8, u8, u16)>) {
        (self.from, self.received) = (Some(from), Some(now));
        match report.map(|(icmp_type, code, mtu)| note(icmp_type, code, mtu)) {
            // Time exceeded: there is more behind.
            Some(None) => {}
            Some(Some(note)) => (self.note, self.last) = (note, true),
            None => self.last = true,
        }
        self.finish(kernel);
    }

    /// Nothing more is heard of it.
    pub fn finish(&mut self, kernel: &mut dyn Kernel) {
        if let Some(socket) = self.socket.take() {
            kernel.close(socket);
        }
        self.done = true;
    }
}

/// What traceroute writes about an ICMP message (traceroute(8) "LIST OF AVAILABLE METHODS", `parse_icmp_res`); none when
/// the packet only ran out of hops.
fn note(icmp_type: u8, code: u8, mtu: u16) -> Option<String> {
    let text = match (icmp_type, code) {
        (11, 0) => return None,
        (3, 0 | 6 | 8 | 11) => "!N",
        (3, 1 | 7 | 12) => "!H",
        (3, 9 | 10 | 13) => "!X",
        (3, 3) => "",
        (3, 2) => "!P",
        (3, 4) => return Some(format!("!F-{mtu}")),
        (3, 5) => "!S",
        (3, 14) => "!V",
        (3, 15) => "!C",
        (3, code) => return Some(format!("!<{code}>")),
        (icmp_type, code) => return Some(format!("!<{icmp_type}-{code}>")),
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_have_the_manuals_signs() {
        let text = |icmp_type, code| note(icmp_type, code, 1_400);
        assert_eq!(text(11, 0), None);
        for ((icmp_type, code), sign) in [
            ((3, 0), "!N"),
            ((3, 1), "!H"),
            ((3, 2), "!P"),
            ((3, 3), ""),
            ((3, 4), "!F-1400"),
            ((3, 13), "!X"),
            ((3, 42), "!<42>"),
            ((11, 1), "!<11-1>"),
        ] {
            assert_eq!(text(icmp_type, code).as_deref(), Some(sign), "{icmp_type}/{code}");
        }
    }
}
