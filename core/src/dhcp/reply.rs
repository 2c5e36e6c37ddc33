//! A server's answers: what stands in them, and where they go (RFC 2131 4.1, 4.3.1).

use core::net::Ipv4Addr;

use super::config::Flavour;
use super::message::{Message, MessageType};
use super::server::{Server, ServerAction};
use super::{ServerConfig, option};
use crate::addr::MacAddr;

/// Where an answer goes (RFC 2131 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// To everybody: the client cannot take unicast, or has no address.
    Broadcast,
    /// To this address at this MAC, without asking ARP.
    Unicast {
        /// The address.
        addr: Ipv4Addr,
        /// The MAC.
        mac: MacAddr,
    },
    /// To the relay.
    Relay(Ipv4Addr),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub message: Message,
    /// Where it goes.
    pub to: ReplyTo,
    /// The largest IP packet that the client takes (option 57).
    pub packet_max: usize,
}

impl Reply {
    /// The bytes on the wire, and the options that found no room.
    pub fn emit(&self) -> (Vec<u8>, Vec<u8>) {
        self.message.emit_within(self.packet_max)
    }
}

/// IP packets that a client takes that does not say (RFC 2131 2: a message of 576 bytes).
const PACKET_DEFAULT: usize = 576;

impl Server {
    /// An offer or acknowledgement of `addr`, and where it goes.
    pub(super) fn grant(&self, kind: MessageType, message: &Message, addr: Ipv4Addr) -> ServerAction {
        let config = self.config();
        let mut answer = message.answer(kind, config.server_id);
        answer.yiaddr = addr;
        if kind == MessageType::Ack {
            answer.ciaddr = message.ciaddr;
        }
        answer.set(option::LEASE_TIME, &config.granted_secs(message.lease_secs()).to_be_bytes());
        add_options(config, message, &mut answer);
        let to = self.reply_to(message, &answer);
        self.reply(message, answer, to)
    }

    /// The answer to INFORM: options, but no lease (RFC 2131 4.3.5).
    pub(super) fn informed(&self, message: &Message) -> ServerAction {
        let mut ack = message.answer(MessageType::Ack, self.config().server_id);
        ack.ciaddr = message.ciaddr;
        add_options(self.config(), message, &mut ack);
        ack.options.retain(|(code, _)| !matches!(*code, option::RENEWAL_TIME | option::REBINDING_TIME));
        self.reply(message, ack, ReplyTo::Unicast { addr: message.ciaddr, mac: message.chaddr })
    }

    /// No, with a reason for people.
    pub(super) fn nak(&self, message: &Message, why: Option<&str>) -> ServerAction {
        let mut nak = message.answer(MessageType::Nak, self.config().server_id);
        if let Some(why) = why {
            nak.set(option::MESSAGE, why.as_bytes());
        }
        // RFC 2131 4.3.2: to everybody, unless a relay passes it on, which then has to tell everybody.
        let to = if message.giaddr.is_unspecified() {
            ReplyTo::Broadcast
        } else {
            nak.broadcast = true;
            ReplyTo::Relay(message.giaddr)
        };
        self.reply(message, nak, to)
    }

    fn reply(&self, message: &Message, answer: Message, to: ReplyTo) -> ServerAction {
        let packet_max = message
            .get(option::MAX_MESSAGE_SIZE)
            .and_then(|bytes| <[u8; 2]>::try_from(bytes).ok())
            .map_or(PACKET_DEFAULT, |bytes| usize::from(u16::from_be_bytes(bytes)));
        ServerAction::Reply(Reply { message: answer, to, packet_max })
    }

    fn reply_to(&self, message: &Message, answer: &Message) -> ReplyTo {
        if !message.giaddr.is_unspecified() {
            return ReplyTo::Relay(message.giaddr);
        }
        match self.config().flavour {
            Flavour::Slirp => return ReplyTo::Broadcast,
            // DhcpMessage.cpp, `maybeUnicast`: only a client that has its address already.
            Flavour::VBoxNetDhcp if message.ciaddr.is_unspecified() => return ReplyTo::Broadcast,
            Flavour::VBoxNetDhcp | Flavour::Isc => {}
        }
        if !message.ciaddr.is_unspecified() {
            ReplyTo::Unicast { addr: message.ciaddr, mac: message.chaddr }
        } else if message.broadcast {
            ReplyTo::Broadcast
        } else {
            ReplyTo::Unicast { addr: answer.yiaddr, mac: message.chaddr }
        }
    }
}

/// The mask, and what the client asked for of what we have, in its order; all of it if it did not say.
fn add_options(config: &ServerConfig, message: &Message, answer: &mut Message) {
    answer.siaddr = match config.flavour {
        Flavour::Slirp => config.server_id,
        Flavour::Isc | Flavour::VBoxNetDhcp => config.next_server,
    };
    answer.sname = config.server_name.clone().into_bytes();
    answer.file = config.boot_file.clone().into_bytes();
    let mut ours: Vec<(u8, Vec<u8>)> = vec![(option::SUBNET_MASK, config.subnet.netmask().octets().into())];
    if let Some(router) = config.router {
        ours.push((option::ROUTERS, router.octets().into()));
    }
    if !config.dns.is_empty() {
        ours.push((option::DOMAIN_NAME_SERVERS, config.dns.iter().flat_map(Ipv4Addr::octets).collect()));
    }
    for (code, value) in &config.options {
        ours.retain(|(known, _)| known != code);
        ours.push((*code, value.clone()));
    }
    let wanted = message.param_list();
    let ranked = |code: u8| match code {
        // What makes the address usable does not wait to be asked for.
        option::SUBNET_MASK | option::RENEWAL_TIME | option::REBINDING_TIME => Some(0),
        _ if wanted.is_empty() || config.flavour == Flavour::Slirp => Some(1),
        _ => wanted.iter().position(|asked| *asked == code).map(|at| at + 1),
    };
    let mut chosen: Vec<_> = ours.iter().filter_map(|(code, value)| Some((ranked(*code)?, *code, value))).collect();
    chosen.sort_by_key(|(rank, ..)| *rank);
    for (_, code, value) in chosen {
        // What belongs to the exchange itself is not for a scope to say.
        if !matches!(code, option::MESSAGE_TYPE | option::SERVER_IDENTIFIER | option::LEASE_TIME | option::OVERLOAD) {
            answer.set(code, value);
        }
    }
}
