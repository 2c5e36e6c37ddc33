//! What of other cards' traffic a VM's card gets to see: the hypervisor's switch knows each card's MAC and hands it only
//! its own frames, those to groups, and what its promiscuous policy allows (VirtualBox: Devices/Network/SrvIntNetR0.cpp).

use super::World;
use crate::addr::MacAddr;
use crate::id::{LinkId, Port};
use crate::view::Promiscuous;

/// A VM's card at a port of a hypervisor's switch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    /// The MAC that the hypervisor gave it. A guest that takes another one hears nothing under it.
    pub mac: MacAddr,
    /// Its policy.
    pub policy: Promiscuous,
}

impl Card {
    /// Whether a frame is handed to this card; `of_vm`: another VM's card sent it.
    pub(super) fn takes(&self, frame: &[u8], of_vm: bool) -> bool {
        let to = frame.get(..6).and_then(MacAddr::from_slice);
        to.is_none_or(|to| to.is_multicast() || to == self.mac) || self.overhears(of_vm)
    }

    /// Whether it is shown others' frames.
    pub(super) fn overhears(&self, of_vm: bool) -> bool {
        match self.policy {
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

    /// Says which card is at a switch's port.
    pub(super) fn set_card(&mut self, port: Port, card: Card) {
        let Some(node) = self.nodes.get_mut(port.node.0 as usize).and_then(Option::as_mut) else { return };
        if matches!(node.body, super::node::Body::Switch(_)) {
            node.cards.insert(port.index, card);
        }
    }
}
