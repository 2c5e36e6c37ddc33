//! One flow entry: both sides, how far it has come, when it dies.

use core::time::Duration;

use super::config::Timeouts;
use crate::addr::{Endpoint, L4Proto};
use crate::frame::tcp::flags;
use crate::time::SimTime;
use crate::view::FlowState;

/// One flow entry.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub realm: u32,
    pub proto: L4Proto,
    pub inside: Endpoint,
    pub outside: Endpoint,
    pub remote: Endpoint,
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
        now: SimTime,
    ) -> Self {
        Self {
            realm,
            proto,
            inside,
            outside,
            remote,
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

    /// How long it lives from its last packet on.
    pub(super) fn timeout(&self, timeouts: &Timeouts) -> Duration {
        match (self.proto, self.state()) {
            (L4Proto::Icmp, _) => timeouts.icmp,
            (L4Proto::Udp, FlowState::New) => timeouts.udp,
            (L4Proto::Udp, _) => timeouts.udp_stream,
            (L4Proto::Tcp, FlowState::New) => timeouts.tcp_opening,
            (L4Proto::Tcp, FlowState::Established) => timeouts.tcp_established,
            (L4Proto::Tcp, FlowState::Closing) if self.reset => timeouts.tcp_closed,
            (L4Proto::Tcp, FlowState::Closing) => timeouts.tcp_closing,
        }
    }
}
