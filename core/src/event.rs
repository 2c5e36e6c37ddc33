//! The facts a world emits, in the past tense. A viewer folds them ([`crate::view::LabView::apply`]).
//!
//! These types are also what the protocol carries, so they derive serde: a change to them is a change of
//! [`crate::protocol::VERSION`]. Table rows come as [`Fact::Put`] and [`Fact::Del`]; what passes by (frames, output)
//! as facts of their own. Frame facts go only to who subscribed.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::id::{FlowId, FrameId, JobId, LinkId, NodeId, Pid, Port, SocketId};
use crate::time::SimTime;
use crate::view::{Key, Row};

/// One fact, numbered in the order it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Grows by one with every event of a source; frame facts that nobody subscribed to take no number.
    pub seq: u64,
    /// Lab time at which it happened.
    pub time: SimTime,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum Fact {
    /// A row of a table is new or changed; the whole row comes.
    Put {
        /// The row as it is now.
        row: Row,
    },
    /// A row is gone.
    Del {
        /// Which one it was.
        key: Key,
    },
    /// A frame was put on a cable.
    FrameSent(FrameSent),
    /// A frame or packet ended here.
    FrameDropped(FrameDropped),
    /// A node decided something about a frame.
    Decided {
        /// Who decided.
        node: NodeId,
        /// About which frame.
        frame: FrameId,
        /// What it decided, and why.
        decision: Decision,
    },
    /// A program printed something.
    Output(Output),
    /// A command line was accepted at a machine.
    JobStarted {
        /// The machine.
        node: NodeId,
        /// The new job.
        job: JobId,
        /// The line as it was typed.
        line: String,
    },
    /// A command line came to its end: the prompt is back.
    JobEnded {
        /// The machine.
        node: NodeId,
        /// The job.
        job: JobId,
        /// Its exit status, as `$?` would say.
        status: i32,
    },
    /// Frames come round in a loop of cables, or there were more at one instant than anything real could send. Said once,
    /// until it is quiet again.
    StormDetected {
        /// The switch to which frames came back, or the node at which the cap of one instant was reached.
        node: NodeId,
        /// How many frames of the instant were dropped; 0 for a loop.
        dropped: u32,
        /// How many frames had come back to the switch by then; 0 for the cap of one instant.
        #[serde(default, skip_serializing_if = "is_zero")]
        returned: u32,
    },
    /// An input of the session was carried out.
    InputDone {
        /// Its number in the session, from 0.
        index: u32,
        /// The trace's fingerprint after it, in hexadecimal.
        fingerprint: String,
    },
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A frame was put on a cable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameSent {
    /// The cable.
    pub link: LinkId,
    /// The end it entered at.
    pub from: Port,
    /// The end it will come out at.
    pub to: Port,
    /// The frame.
    pub frame: FrameId,
    /// What it was rewritten from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<FrameId>,
    /// When it comes out at the other end, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<SimTime>,
    /// Its bytes.
    pub bytes: FrameBytes,
}

/// A frame or packet ended here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameDropped {
    /// Who dropped it; for a loss on the way, who sent it.
    pub node: NodeId,
    /// The port or interface where it happened, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The frame; none for a packet that never became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// Why.
    pub reason: DropReason,
    /// The rule of a packet filter that ended it: table, chain, number and the rule in its tool's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// What a node decided about a frame. Texts are in `static/explain/<lang>.toml` under `decisions`, keyed by the tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "d", rename_all = "kebab-case")]
pub enum Decision {
    /// A switch sent it out of the one port where the destination was learned.
    Forwarded {
        /// The port.
        port: u32,
    },
    /// A switch did not know the destination, or everybody is meant: all other ports.
    Flooded {
        /// How many ports.
        ports: u32,
    },
    /// It is for this machine's socket.
    Delivered {
        /// The socket, when one took it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<SocketId>,
        /// The program that owns it, or `kernel`.
        to: String,
    },
    /// A route was chosen.
    Routed {
        /// The route's destination as `ip route` prints it.
        route: String,
        /// The next hop: the gateway or the destination itself.
        next_hop: String,
        /// The interface's name.
        iface: String,
    },
    /// The next hop's MAC is not known yet: ARP asks first, the packet waits.
    WaitsForNeighbour {
        /// Whose MAC is asked for.
        next_hop: String,
    },
    /// A router counted the time to live down.
    TtlDecremented {
        /// What is left.
        ttl: u8,
    },
    /// A NAT rewrote the source on the way out.
    TranslatedOut {
        /// The flow entry that did it.
        flow: FlowId,
        /// Protocol.
        proto: L4Proto,
        /// Source before.
        inside: Endpoint,
        /// Source after.
        outside: Endpoint,
        /// The other side; unchanged.
        remote: Endpoint,
    },
    /// A NAT rewrote the destination on the way back in.
    TranslatedIn {
        /// The flow entry that did it.
        flow: FlowId,
        /// Protocol.
        proto: L4Proto,
        /// Destination before.
        outside: Endpoint,
        /// Destination after.
        inside: Endpoint,
        /// The other side; unchanged.
        remote: Endpoint,
    },
    /// A packet was cut into fragments for the next link.
    Fragmented {
        /// How many.
        pieces: u32,
        /// The next link's MTU.
        mtu: u32,
    },
    /// A fragment waits for the others.
    WaitsForFragments,
    /// The last missing fragment: the packet is whole again.
    Reassembled {
        /// Of how many fragments.
        fragments: u32,
    },
    /// Connection tracking has found its connection.
    Tracked {
        /// The connection's state, seen from this packet: `NEW`, `ESTABLISHED`, `RELATED`, `INVALID`, `UNTRACKED`.
        state: String,
    },
    /// A rule of a packet filter, or a chain's policy, ended it.
    Filtered {
        /// The hook: `prerouting`, `input`, `forward`, `output`, `postrouting`.
        hook: String,
        /// `drop` or `reject`.
        verdict: String,
        /// The rule.
        #[serde(flatten)]
        rule: RuleName,
    },
    /// A rule of a `nat` chain chose how its connection is translated.
    NatRule {
        /// The rule.
        #[serde(flatten)]
        rule: RuleName,
    },
    /// A server or the machine itself answered.
    Answered {
        /// What answered: `arp`, `icmp`, `dhcp` …
        by: String,
    },
}

/// A rule of netfilter, in the words of the tool that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleName {
    /// Its table: `filter`, or with its family as `nft` writes it: `inet fw`.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// Its number in the chain, from 1, or `policy`.
    pub number: String,
    /// The rule itself: `-A FORWARD -s 10.0.0.0/24 -j DROP`, `ip saddr 10.0.0.0/24 drop`.
    pub text: String,
}

impl RuleName {
    /// One line: `filter FORWARD 3: -A FORWARD -s 10.0.0.0/24 -j DROP`.
    pub fn line(&self) -> String {
        format!("{} {} {}: {}", self.table, self.chain, self.number, self.text)
    }
}

/// A program printed something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The machine.
    pub node: NodeId,
    /// The command line it belongs to.
    pub job: JobId,
    /// The process that wrote it.
    pub pid: Pid,
    /// Where to.
    pub stream: Stream,
    /// The text in pieces of one meaning each; their concatenation is what the real tool prints.
    pub spans: Vec<Span>,
}

/// Where a program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output with one meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    #[serde(rename = "s")]
    pub text: String,
    /// What it is: the key of its explanation in `static/explain/<lang>.toml` under `words`, or empty.
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    pub meaning: String,
}

impl Span {
    /// Text without a meaning of its own.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), meaning: String::new() }
    }

    /// Text with a meaning.
    pub fn new(text: impl Into<String>, meaning: &str) -> Self {
        Self { text: text.into(), meaning: meaning.to_owned() }
    }
}

/// A frame's bytes; hexadecimal in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct FrameBytes(pub Rc<[u8]>);

impl core::fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for FrameBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = String::with_capacity(self.0.len() * 2);
        for byte in self.0.iter() {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for FrameBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let digits = hex.as_bytes();
        if digits.len() % 2 != 0 {
            return Err(serde::de::Error::custom("hexadecimal digits come in pairs"));
        }
        let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
        digits
            .chunks_exact(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<Rc<[u8]>>>()
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a hexadecimal digit"))
    }
}
