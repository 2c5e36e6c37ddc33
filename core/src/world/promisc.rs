//! What of other cards' traffic a VM's card gets to see: the hypervisor's switch knows each card's MAC and hands it only
//! its own frames, those to groups, and what its promiscuous policy allows (VirtualBox: Devices/Network/SrvIntNetR0.cpp).

use super::World;
use super::node::Body;
use crate::addr::MacAddr;
use crate::id::{LinkId, NodeId, Port};
use crate::view::{IfaceRow, Promiscuous};

/// A VM's card at a port of a hypervisor's switch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    /// The MAC that the hypervisor gave it. A guest that takes another one hears nothing under it.
    pub mac: MacAddr,
    /// Its policy.
    pub policy: Promiscuous,
    /// The guest switched its card to promiscuous: without that the policy has nothing to allow.
    pub listening: bool,
}

impl Card {
    /// Whether a frame is handed to this card; `of_vm`: another VM's card sent it.
    pub(super) fn takes(&self, frame: &[u8], of_vm: bool) -> bool {
        let to = frame.get(..6).and_then(MacAddr::from_slice);
        to.is_none_or(|to| to.is_multicast() || to == self.mac) || self.overhears(of_vm)
    }

    /// Whether it is shown others' frames.
    pub(super) fn overhears(&self, of_vm: bool) -> bool {
        self.listening
            && match self.policy {
                Promiscuous::Deny => false,
                Promiscuous::AllowVms => of_vm,
                Promiscuous::AllowAll => true,
            }
    }
}

impl World {
    /// Changes the policy of the card that a cable plugs in.
    pub(super) fn set_policy(&mut self, link: LinkId, policy: Promiscuous) {
        let Some(port) = self.across(link) else { return };
        let card = self.node(port.node).and_then(|node| node.cards.get(&port.index)).copied();
        if let Some(card) = card {
            self.set_card(port, Card { policy, ..card });
        }
    }

    /// A guest's interface changed: is its card promiscuous?
    pub(super) fn guest_changed(&mut self, row: &IfaceRow) {
        let nic = self.nics.range((row.node, 0)..=(row.node, u8::MAX)).find(|(_, nic)| nic.row.iface == row.index);
        let Some(port) = nic.and_then(|(_, nic)| nic.link).and_then(|link| self.across(link)) else { return };
        let card = self.node(port.node).and_then(|node| node.cards.get(&port.index)).copied();
        if let Some(card) = card {
            self.set_card(port, Card { listening: row.up && row.promisc, ..card });
        }
    }

    /// Whether the guest's interface is up and promiscuous.
    pub(super) fn guest_listens(&self, guest: NodeId, iface: u32) -> bool {
        match self.node(guest).map(|node| &node.body) {
            Some(Body::Machine(machine)) => machine.ifaces().get(iface).is_some_and(|iface| iface.up && iface.promisc),
            _ => false,
        }
    }

    /// Says which card is at a switch's port.
    pub(super) fn set_card(&mut self, port: Port, card: Card) {
        let Some(node) = self.nodes.get_mut(port.node.0 as usize).and_then(Option::as_mut) else { return };
        if matches!(node.body, Body::Switch(_)) {
            node.cards.insert(port.index, card);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_takes_its_own_and_groups_frames_and_of_others_only_what_its_policy_allows_a_listening_guest() {
        let (own, other) = (MacAddr([8, 0, 0x27, 0, 0, 1]), MacAddr([8, 0, 0x27, 0, 0, 2]));
        for policy in [Promiscuous::Deny, Promiscuous::AllowVms, Promiscuous::AllowAll] {
            for (listening, of_vm) in [(false, false), (false, true), (true, false), (true, true)] {
                let card = Card { mac: own, policy, listening };
                let takes = |to: MacAddr| card.takes(&[&to.0[..], &other.0, &[8, 0]].concat(), of_vm);
                assert!(takes(own) && takes(MacAddr::BROADCAST) && takes(MacAddr([1, 0, 0x5e, 0, 0, 1])));
                let allowed = policy == Promiscuous::AllowAll || (policy == Promiscuous::AllowVms && of_vm);
                assert_eq!(takes(other), listening && allowed, "{policy:?} {listening} {of_vm}");
            }
        }
    }
}
