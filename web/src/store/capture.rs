//! A capture file of frames: every cable's end is an interface with the names that the page shows.

use std::rc::Rc;

use netmodes_core::frame::pcapng;
use netmodes_core::id::{LinkId, Port};
use netmodes_core::view::LabView;

use super::FrameEntry;

/// The file; `only` leaves out what went over other cables. Each frame stands once for each cable it was on, at the time
/// it was put there, as captured at its sender's interface.
pub fn capture(frames: &[Rc<FrameEntry>], view: &LabView, only: Option<LinkId>) -> Vec<u8> {
    let frames = frames.iter().filter(|entry| only.is_none_or(|link| entry.sent.link == link));
    pcapng::capture(frames.map(|entry| (entry.sent.from, entry.time, entry.bytes())), |port| name(view, port))
}

/// `vm1:enp0s3`; a switch's ports have numbers.
fn name(view: &LabView, port: Port) -> String {
    let node = view.nodes.get(&port.node).map_or_else(|| port.node.to_string(), |node| node.name.clone());
    match view.ifaces.get(&(port.node, port.index)) {
        Some(iface) => format!("{node}:{}", iface.name),
        None => format!("{node}:{}", port.index),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::tests::sent;
    use super::*;
    use netmodes_core::id::NodeId;
    use netmodes_core::time::SimTime;

    #[test]
    fn frames_stand_at_their_senders_interface_and_other_cables_are_left_out() {
        let entry = |seq: u64, link: u32, node: u32| {
            let mut sent = sent(seq, None, &[seq as u8; 60]);
            (sent.link, sent.from) = (LinkId(link), Port::new(NodeId(node), 0));
            Rc::new(FrameEntry::new(seq, SimTime::from_millis(seq), sent))
        };
        let frames = [entry(1, 1, 1), entry(2, 1, 2), entry(3, 2, 1), entry(4, 1, 1)];
        // Blocks by type: section, interface, packet.
        let blocks = |bytes: &[u8]| {
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let (mut at, mut kinds) = (0, Vec::new());
            while at < bytes.len() {
                kinds.push(word(at));
                at += word(at + 4) as usize;
            }
            kinds
        };
        let view = LabView::default();
        assert_eq!(blocks(&capture(&frames, &view, None)), [0x0a0d_0d0a, 1, 6, 1, 6, 6, 6]);
        assert_eq!(blocks(&capture(&frames, &view, Some(LinkId(2)))), [0x0a0d_0d0a, 1, 6]);
    }
}
