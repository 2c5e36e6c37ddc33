//! Spanning tree's timers (IEEE 802.1D-1998, 8.5; net/bridge/br_stp_timer.c).

use core::time::Duration;

use super::{PortState, Stp};
use crate::time::SimTime;

impl Stp {
    /// Does what has come due, in the order of the bridge's timers and then its ports'.
    pub(in crate::switch) fn handle_timeout(&mut self, now: SimTime) {
        if self.wakeup.is_none_or(|at| at > now) {
            return;
        }
        if take_due(&mut self.hello_timer, now) {
            self.hello_expired(now);
        }
        if take_due(&mut self.tcn_timer, now) && !self.is_root() && self.config.enabled {
            self.send_notification();
            self.tcn_timer = Some(now + self.config.hello_time);
        }
        if take_due(&mut self.topology_change_timer, now) {
            (self.topology_change, self.topology_change_detected) = (false, false);
        }
        let indices: Vec<u32> = self.ports.keys().copied().collect();
        for index in indices {
            self.port_timers(now, index);
        }
        self.changed();
    }

    fn hello_expired(&mut self, now: SimTime) {
        if self.config.enabled {
            self.speak(now);
            // A hostile root may have said zero; the standard's least is a second.
            self.hello_timer = Some(now + self.times.hello.max(Duration::from_secs(1)));
        }
    }

    fn port_timers(&mut self, now: SimTime, index: u32) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        let hold = take_due(&mut port.hold_timer, now);
        let age = take_due(&mut port.message_age_timer, now);
        let delay = take_due(&mut port.forward_delay_timer, now);
        if age {
            // 8.7.5: whoever served this cable has fallen silent.
            let was_root = self.is_root();
            self.become_designated(index);
            self.update_configuration();
            self.select_states(now);
            self.became_root_perhaps(now, was_root);
        }
        if delay {
            self.step_forward(now, index);
        }
        if hold && self.ports.get(&index).is_some_and(|port| port.config_pending) {
            self.send_config(now, index);
        }
    }

    /// 8.7.6: from listening to learning to forwarding.
    fn step_forward(&mut self, now: SimTime, index: u32) {
        let delay = self.times.forward_delay;
        let Some(port) = self.ports.get_mut(&index) else { return };
        match port.state {
            PortState::Listening => {
                port.state = PortState::Learning;
                port.forward_delay_timer = Some(now + delay);
            }
            PortState::Learning => {
                port.state = PortState::Forwarding;
                // A change that nobody else could notice is none (`br_is_designated_for_some_port`).
                if self.serves_somewhere() {
                    self.detect_change(now);
                }
            }
            _ => {}
        }
    }

    fn serves_somewhere(&self) -> bool {
        self.alive().any(|(_, port)| port.designated_bridge == self.id())
    }

    /// Finds the next wake-up anew.
    pub(super) fn refresh(&mut self) {
        let bridge = [self.hello_timer, self.tcn_timer, self.topology_change_timer];
        // A hold timer matters only to a message that waits for it.
        let hold = |port: &super::Port| if port.config_pending { port.hold_timer } else { None };
        let ports = self.ports.values().flat_map(|port| [port.message_age_timer, port.forward_delay_timer, hold(port)]);
        self.wakeup = bridge.into_iter().chain(ports).flatten().min();
    }
}

/// Whether a timer has run out; it is stopped then.
fn take_due(timer: &mut Option<SimTime>, now: SimTime) -> bool {
    timer.take_if(|at| *at <= now).is_some()
}
