//! What a rule set is made of: tables, chains, rules, as the kernel keeps them (nf_tables). `iptables` (on Debian 12 a
//! front-end to nf_tables) and `nft` both edit and print this.

use core::net::Ipv4Addr;

use crate::addr::{Cidr, MacAddr};

/// The address family of a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv4 and IPv6; only IPv4 packets exist here.
    Inet,
    /// Frames on a bridge.
    Bridge,
}

/// Where a base chain is called (Linux: `NF_INET_*` and `NF_BR_*`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hook {
    /// Came in, before routing (bridge: before the FDB is asked).
    Prerouting,
    /// For this machine itself.
    Input,
    /// Passes through.
    Forward,
    /// Made by this machine itself.
    Output,
    /// Goes out, after routing.
    Postrouting,
}

/// What a base chain is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ChainKind {
    /// Lets pass or not.
    Filter,
    /// Chooses translations; sees the first packet of a connection only.
    Nat,
    /// Changes what routing depends on (iptables' mangle OUTPUT).
    Route,
}

/// What happens at the end of a base chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Policy {
    /// The packet goes on.
    Accept,
    /// It ends here.
    Drop,
}

/// All rules of a machine.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// In the order in which they were made.
    pub tables: Vec<Table>,
    /// Counts tables made, for their handles.
    pub made: u64,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its family.
    pub family: Family,
    /// Its name; with the family, unique.
    pub name: String,
    /// Its number in `nft -a`.
    pub handle: u64,
    /// In the order in which they were made.
    pub chains: Vec<Chain>,
    /// Counts chains and rules made in it, for their handles.
    pub made: u64,
    /// Made by `iptables` (`nft` warns of touching it).
    pub of_iptables: bool,
}

/// A chain: called by the kernel if it has a base, else only by `jump` and `goto`.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Its name, unique in the table.
    pub name: String,
    /// Its number in `nft -a`.
    pub handle: u64,
    /// Where and when the kernel calls it.
    pub base: Option<Base>,
    /// In order.
    pub rules: Vec<Rule>,
    /// Packets that came to the policy (`iptables -L -v` shows them).
    pub policy_counter: Counter,
}

/// Where and when the kernel calls a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Base {
    /// What it is for.
    pub kind: ChainKind,
    /// Where it is called.
    pub hook: Hook,
    /// Smaller is earlier (`raw` -300, `mangle` -150, `dstnat` -100, `filter` 0, `security` 50, `srcnat` 100; in the
    /// bridge family `dstnat` -300, `filter` -200, `out` 100, `srcnat` 300).
    pub priority: i32,
    /// What happens at its end.
    pub policy: Policy,
}

/// A rule: its parts in order; the first that does not match ends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its number in `nft -a`.
    pub handle: u64,
    /// Matches and statements, in order.
    pub parts: Vec<Part>,
    /// `-m comment`, or nft's `comment`.
    pub comment: Option<String>,
    /// How it was written; for printing alone.
    pub written: Written,
}

impl Rule {
    /// A rule without a handle yet, as `nft` makes it.
    pub const fn new(parts: Vec<Part>) -> Self {
        Self { handle: 0, parts, comment: None, written: Written::Nft(Vec::new()) }
    }
}

/// How a rule was written, where its parts alone do not tell: two words of `nft` may look at the same thing, and
/// `iptables` groups matches by extensions, which stay visible in the kernel (nft_compat) and in `nft list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// By `nft`: places in `parts` whose key is not the usual one (`ip protocol` for `meta l4proto`, `iif` for
    /// `iifname`), with that key.
    Nft(Vec<(usize, &'static str)>),
    /// By `iptables`: its extensions in order, each with how many of the matches that follow the rule's own
    /// (addresses, interfaces, protocol) are its.
    Iptables(Vec<(&'static str, usize)>),
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes of their IPv4 packets (in the bridge family: of the frames without their Ethernet header).
    pub bytes: u64,
}

/// One part of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Goes on only if the packet is so.
    Match {
        /// Turned round (`!`, `!=`).
        not: bool,
        /// What is looked at.
        what: Match,
    },
    /// Counts.
    Counter(Counter),
    /// Goes on only so often (a token bucket).
    Limit(Limit),
    /// Writes a line to the kernel's log.
    Log {
        /// What stands before it.
        prefix: String,
        /// The syslog level, 0 (emerg) to 7 (debug); none is 4 (warning).
        level: Option<u8>,
    },
    /// The packet is not tracked (`-j CT --notrack`, `notrack`); only before conntrack's priority.
    Notrack,
    /// Ends the rule.
    Verdict(Verdict),
}

/// What a match looks at. Sets hold if any of their elements does.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// The interface it came in by; a `+` or `*` at the end stands for anything.
    InIface(Vec<String>),
    /// The interface it goes out by.
    OutIface(Vec<String>),
    /// Source addresses.
    Source(Vec<AddrRange>),
    /// Destination addresses.
    Destination(Vec<AddrRange>),
    /// Protocol numbers.
    Protocol(Vec<u8>),
    /// L4 source ports, both ends included; of a packet that has ports.
    SourcePort(Vec<(u16, u16)>),
    /// L4 destination ports.
    DestinationPort(Vec<(u16, u16)>),
    /// TCP flags: of those in `mask`, exactly those in `set` are on.
    TcpFlags {
        /// Which are looked at.
        mask: u8,
        /// Which of them are on.
        set: u8,
    },
    /// ICMP type, and code if that matters.
    Icmp(Vec<(u8, Option<u8>)>),
    /// State of its connection.
    CtState(Vec<CtState>),
    /// Its connection is translated at this end (`--ctstate DNAT`, `ct status dnat`).
    CtStatus(Vec<CtStatus>),
    /// On a bridge: the bridge port it came in by (`-m physdev --physdev-in`, in the bridge family `iifname`).
    PhysdevIn(Vec<String>),
    /// On a bridge: the bridge port it goes out by.
    PhysdevOut(Vec<String>),
    /// It passes over a bridge (`--physdev-is-bridged`).
    PhysdevIsBridged,
    /// Source MAC.
    SourceMac(Vec<MacAddr>),
    /// Destination MAC.
    DestinationMac(Vec<MacAddr>),
    /// EtherType.
    EtherType(Vec<u16>),
    /// Its destination is one of this machine's addresses (`-m addrtype --dst-type LOCAL`, `fib daddr type local`).
    DestinationIsLocal,
    /// A later fragment (`-f`).
    Fragment,
    /// Time to live, both ends included.
    Ttl(u8, u8),
    /// ARP's operation (bridge family).
    ArpOperation(Vec<u16>),
}

/// A range of addresses; a network keeps its prefix, so that it is printed as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddrRange {
    /// A network, or one address (/32).
    Net(Cidr),
    /// Both ends included.
    Range(Ipv4Addr, Ipv4Addr),
}

/// State of a connection, seen from a packet of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CtState {
    /// Its first packet, or not answered yet.
    New,
    /// Answered.
    Established,
    /// Belongs to another: an ICMP error.
    Related,
    /// Fits no connection.
    Invalid,
    /// Taken out of tracking.
    Untracked,
}

/// How a connection is translated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CtStatus {
    /// Its source is.
    Snat,
    /// Its destination is.
    Dnat,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many packets …
    pub rate: u32,
    /// … in so many seconds (1, 60, 3600, 86400).
    pub per_secs: u32,
    /// So many at once.
    pub burst: u32,
    /// Holds while there are more than that (`limit rate over`).
    pub over: bool,
    /// State: tokens left in millionths, and the instant they were counted at, in nanoseconds of lab time.
    pub tokens: (u64, u64),
}

/// What ends a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The packet goes on to the next base chain.
    Accept,
    /// It ends here.
    Drop,
    /// It ends here, and its sender is told.
    Reject(RejectWith),
    /// Goes on in that chain, and comes back.
    Jump(String),
    /// Goes on in that chain.
    Goto(String),
    /// Back to where the chain was called from; in a base chain, its policy.
    Return,
    /// Source becomes the address of the interface it goes out by.
    Masquerade {
        /// L4 ports to take.
        ports: Option<(u16, u16)>,
    },
    /// Source becomes this.
    Snat(NatTo),
    /// Destination becomes this.
    Dnat(NatTo),
    /// Destination becomes this machine itself.
    Redirect {
        /// L4 ports to take.
        ports: Option<(u16, u16)>,
    },
}

/// What an address is translated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatTo {
    /// Addresses, both ends included; none leaves it.
    pub addrs: Option<(Ipv4Addr, Ipv4Addr)>,
    /// L4 ports, both ends included; none leaves them where they are free.
    pub ports: Option<(u16, u16)>,
}

/// How a sender is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RejectWith {
    /// ICMP unreachable with this code (3 is iptables' default, port unreachable).
    Icmp(u8),
    /// A RST, to a TCP segment.
    TcpReset,
}
