//! One flow entry: both sides, how far it has come, when it dies.

use core::time::Duration;

use super::config::Timeouts;
use crate::addr::{Endpoint, L4Proto};
use crate::frame::tcp::flags;
use crate::time::SimTime;
use crate::view::{FlowOrigin, FlowState, FlowTimer};

/// One flow entry.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub realm: u32,
    pub proto: L4Proto,
    pub inside: Endpoint,
    pub outside: Endpoint,
    pub remote: Endpoint,
    pub origin: FlowOrigin,
    /// It dies then, if no further packet comes.
    pub expires: SimTime,
    /// The deadline it stands in the queue with; MAX before it does.
    pub queued: SimTime,
    seen_out: bool,
    seen_in: bool,
    fin_out: bool,
    fin_in: bool,
    reset: bool,
}

impl Flow {
    pub(super) fn new(
        realm: u32,
        proto: L4Proto,
        inside: Endpoint,
        outside: Endpoint,
        remote: Endpoint,
        origin: FlowOrigin,
        now: SimTime,
    ) -> Self {
        Self {
            realm,
            proto,
            inside,
            outside,
            remote,
            origin,
            expires: now,
            queued: SimTime::MAX,
            seen_out: false,
            seen_in: false,
            fin_out: false,
            fin_in: false,
            reset: false,
        }
    }

    /// A packet passed.
    pub(super) fn saw(&mut self, outward: bool, tcp_flags: u8) {
        if tcp_flags & flags::SYN != 0 && (self.reset || (self.fin_in && self.fin_out)) {
            // The same endpoints begin a new connection.
            (self.reset, self.fin_in, self.fin_out) = (false, false, false);
            (self.seen_in, self.seen_out) = (false, false);
        }
        self.seen_out |= outward;
        self.seen_in |= !outward;
        self.reset |= tcp_flags & flags::RST != 0;
        if tcp_flags & flags::FIN != 0 {
            self.fin_out |= outward;
            self.fin_in |= !outward;
        }
    }

    pub(super) fn state(&self) -> FlowState {
        if self.reset || self.fin_in || self.fin_out {
            FlowState::Closing
        } else if self.seen_in && self.seen_out {
            FlowState::Established
        } else {
            FlowState::New
        }
    }

    /// The timer it runs on.
    pub(super) fn timer(&self) -> FlowTimer {
        match (self.proto, self.state()) {
            (L4Proto::Icmp, _) => FlowTimer::Icmp,
            (L4Proto::Udp, FlowState::New) => FlowTimer::Udp,
            (L4Proto::Udp, _) => FlowTimer::UdpStream,
            (L4Proto::Tcp, FlowState::New) => FlowTimer::TcpOpening,
            (L4Proto::Tcp, FlowState::Established) => FlowTimer::TcpEstablished,
            (L4Proto::Tcp, FlowState::Closing) if self.reset => FlowTimer::TcpClosed,
            (L4Proto::Tcp, FlowState::Closing) => FlowTimer::TcpClosing,
        }
    }

    /// How long it lives from its last packet on.
    pub(super) fn timeout(&self, timeouts: &Timeouts) -> Duration {
        match self.timer() {
            FlowTimer::Icmp => timeouts.icmp,
            FlowTimer::Udp | FlowTimer::Dns => timeouts.udp,
            FlowTimer::UdpStream => timeouts.udp_stream,
            FlowTimer::TcpOpening => timeouts.tcp_opening,
            FlowTimer::TcpEstablished | FlowTimer::Socket => timeouts.tcp_established,
            FlowTimer::TcpClosing => timeouts.tcp_closing,
            FlowTimer::TcpClosed => timeouts.tcp_closed,
        }
    }
}
