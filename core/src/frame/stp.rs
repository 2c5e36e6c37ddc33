//! Spanning tree's messages (IEEE 802.1D-1998, clause 9): configuration and topology change notification BPDUs in their
//! 802.3 frames with LLC, as Linux sends them (net/bridge/br_stp_bpdu.c).

use core::time::Duration;

use super::bytes;
use super::ethernet::Ethernet;
use crate::addr::{BridgeId, MacAddr};
use crate::drop_reason::DropReason;

/// Whom BPDUs are for: every bridge at the other end of the cable, and nobody beyond (IEEE 802.1D-1998, table 7-9).
pub const GROUP: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0, 0, 0]);

/// LLC: the spanning tree's service access point twice, unnumbered information (IEEE 802.2).
const LLC: [u8; 3] = [0x42, 0x42, 0x03];
/// Bytes of a configuration BPDU.
const CONFIG_LEN: usize = 35;
/// Bytes of a topology change notification.
const TCN_LEN: usize = 4;
const TYPE_CONFIG: u8 = 0x00;
const TYPE_TCN: u8 = 0x80;
const FLAG_CHANGE: u8 = 0x01;
const FLAG_ACK: u8 = 0x80;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bpdu {
    /// What a bridge believes about the tree.
    Config(ConfigBpdu),
    /// Told towards the root: somewhere below, the tree has changed.
    TopologyChange,
}

/// A configuration BPDU. Times travel in 256ths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigBpdu {
    /// The tree is changing: learned addresses age fast.
    pub topology_change: bool,
    /// The topology change notification has been heard.
    pub topology_change_ack: bool,
    /// Who the sender takes for the root.
    pub root: BridgeId,
    /// What the way from the sender to the root costs.
    pub root_cost: u32,
    /// The sender.
    pub bridge: BridgeId,
    /// The sender's port: priority and number.
    pub port: u16,
    /// How old the root's information is.
    pub message_age: Duration,
    /// The age at which it is void.
    pub max_age: Duration,
    /// How often the root speaks.
    pub hello_time: Duration,
    /// How long a port listens, and then learns.
    pub forward_delay: Duration,
}

impl Bpdu {
    /// Reads a frame to [`GROUP`].
    ///
    /// # Errors
    /// [`DropReason::BpduMalformed`] when it is cut short or no BPDU of this version of the protocol. A message of a
    /// later version with the same type is read as far as this version goes (IEEE 802.1D-1998, 9.3.4), as Linux does.
    pub fn parse(frame: &[u8]) -> Result<Self, DropReason> {
        Self::read(frame).ok_or(DropReason::BpduMalformed)
    }

    fn read(frame: &[u8]) -> Option<Self> {
        let (header, rest) = Ethernet::parse(frame)?;
        let inside = rest.get(..usize::from(header.ethertype)).filter(|_| header.ethertype <= 1_500)?;
        let message = inside.strip_prefix(&LLC)?;
        // Protocol 0; the version is not looked at, the type is.
        if bytes::be16(message, 0)? != 0 {
            return None;
        }
        match *message.get(3)? {
            TYPE_TCN => Some(Self::TopologyChange),
            TYPE_CONFIG if message.len() >= CONFIG_LEN => ConfigBpdu::read(message).map(Self::Config),
            _ => None,
        }
    }

    /// The whole frame from the bridge port with address `src`.
    pub fn emit(&self, src: MacAddr) -> Vec<u8> {
        let mut message = LLC.to_vec();
        match self {
            Self::TopologyChange => message.extend([0, 0, 0, TYPE_TCN]),
            Self::Config(config) => config.write(&mut message),
        }
        debug_assert!([LLC.len() + CONFIG_LEN, LLC.len() + TCN_LEN].contains(&message.len()));
        Ethernet { dst: GROUP, src, ethertype: message.len() as u16 }.emit(&message)
    }
}

impl ConfigBpdu {
    fn read(message: &[u8]) -> Option<Self> {
        let flags = *message.get(4)?;
        let time = |at| bytes::be16(message, at).map(from_ticks);
        Some(Self {
            topology_change: flags & FLAG_CHANGE != 0,
            topology_change_ack: flags & FLAG_ACK != 0,
            root: BridgeId::from_bytes(bytes::array(message, 5)?),
            root_cost: u32::from_be_bytes(bytes::array(message, 13)?),
            bridge: BridgeId::from_bytes(bytes::array(message, 17)?),
            port: bytes::be16(message, 25)?,
            message_age: time(27)?,
            max_age: time(29)?,
            hello_time: time(31)?,
            forward_delay: time(33)?,
        })
    }

    fn write(&self, message: &mut Vec<u8>) {
        let flag = |set, bit| if set { bit } else { 0 };
        let flags = flag(self.topology_change, FLAG_CHANGE) | flag(self.topology_change_ack, FLAG_ACK);
        message.extend([0, 0, 0, TYPE_CONFIG, flags]);
        message.extend(self.root.to_bytes());
        message.extend(self.root_cost.to_be_bytes());
        message.extend(self.bridge.to_bytes());
        message.extend(self.port.to_be_bytes());
        for time in [self.message_age, self.max_age, self.hello_time, self.forward_delay] {
            message.extend(to_ticks(time).to_be_bytes());
        }
    }
}

/// 256ths of a second as time.
pub fn from_ticks(ticks: u16) -> Duration {
    Duration::from_nanos(u64::from(ticks) * 1_000_000_000 / 256)
}

/// Time in 256ths of a second, the nearest one; what does not fit is the largest.
pub fn to_ticks(time: Duration) -> u16 {
    let ticks = (time.as_nanos().saturating_mul(256) + 500_000_000) / 1_000_000_000;
    u16::try_from(ticks).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SRC: MacAddr = MacAddr([2, 0, 0, 0, 0x21, 1]);

    fn config() -> impl Strategy<Value = ConfigBpdu> {
        let times = any::<[u16; 4]>();
        (any::<(bool, bool, [u8; 8], u32, [u8; 8], u16)>(), times).prop_map(
            |((tc, ack, root, root_cost, own, port), t)| ConfigBpdu {
                topology_change: tc,
                topology_change_ack: ack,
                root: BridgeId::from_bytes(root),
                root_cost,
                bridge: BridgeId::from_bytes(own),
                port,
                message_age: from_ticks(t[0]),
                max_age: from_ticks(t[1]),
                hello_time: from_ticks(t[2]),
                forward_delay: from_ticks(t[3]),
            },
        )
    }

    #[test]
    fn a_notification_has_seven_bytes_after_the_header() {
        let frame = Bpdu::TopologyChange.emit(SRC);
        assert_eq!(frame[12..], [0, 7, 0x42, 0x42, 3, 0, 0, 0, 0x80]);
        assert_eq!(Bpdu::parse(&frame), Ok(Bpdu::TopologyChange));
    }

    #[test]
    fn other_protocols_on_the_same_group_are_no_bpdus() {
        let good = Bpdu::TopologyChange.emit(SRC);
        for at in [14, 15, 16, 17, 20] {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(Bpdu::parse(&bad), Err(DropReason::BpduMalformed), "byte {at}");
        }
        let mut ethernet2 = good.clone();
        ethernet2[12..14].copy_from_slice(&[8, 0]);
        assert_eq!(Bpdu::parse(&ethernet2), Err(DropReason::BpduMalformed));
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same_even_padded(config in config(), padding in 0_usize..20) {
            let mut frame = Bpdu::Config(config).emit(SRC);
            prop_assert_eq!(frame.len(), 52);
            frame.resize(52 + padding, 0);
            prop_assert_eq!(Bpdu::parse(&frame), Ok(Bpdu::Config(config)));
            prop_assert_eq!(Bpdu::parse(&frame[..51]), Err(DropReason::BpduMalformed));
        }

        #[test]
        fn no_bytes_panic(frame: Vec<u8>, message: Vec<u8>) {
            let _ = Bpdu::parse(&frame);
            let head = [&GROUP.0[..], &SRC.0, &[0, message.len() as u8], &LLC, &[0, 0]].concat();
            let _ = Bpdu::parse(&[head, message].concat());
        }
    }
}
