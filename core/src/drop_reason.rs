//! Why a frame or packet stopped: a stable code and its layer. No text: the words are in `static/explain/<lang>.toml`,
//! keyed by the code, and `cargo xtask check` fails when a code has none.

use serde::{Deserialize, Serialize};

macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $layer:ident;)*) => {
        /// Why a frame or packet stopped.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum DropReason {
            $($(#[doc = $doc])* #[serde(rename = $code)] $name,)*
        }

        impl DropReason {
            /// All of them, in the order of layers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code: the key of its explanation.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The layer that refused.
            pub const fn layer(self) -> Layer {
                match self { $(Self::$name => Layer::$layer,)* }
            }
        }
    };
}

/// The layer at which something stopped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The cable.
    Link,
    /// Ethernet, switches, ARP.
    Ethernet,
    /// IPv4 and ICMP.
    Ip,
    /// TCP, UDP, sockets.
    Transport,
    /// NAT and filters.
    Nat,
    /// DHCP and other services.
    Service,
}

drop_reasons! {
    /// Nothing is plugged in.
    NoCable = "no-cable", Link;
    /// The cable is plugged out or broken at one end.
    CarrierOff = "carrier-off", Link;
    /// Lost on the way, as the link's loss says.
    LinkLoss = "link-loss", Link;
    /// The link's queue was full.
    LinkQueueFull = "link-queue-full", Link;
    /// The cable was taken away while the frame was on it.
    LinkCut = "link-cut", Link;
    /// More frames at one instant than anything real could send.
    Storm = "storm", Link;
    /// The interface is administratively down.
    InterfaceDown = "interface-down", Ethernet;
    /// Shorter than an Ethernet header.
    FrameTooShort = "frame-too-short", Ethernet;
    /// Longer than the interface's MTU allows.
    FrameTooLong = "frame-too-long", Ethernet;
    /// The source address is a group's.
    SourceMacInvalid = "source-mac-invalid", Ethernet;
    /// Addressed to another machine; a card that is not promiscuous does not take it.
    NotForThisMac = "not-for-this-mac", Ethernet;
    /// Addressed to another machine; a promiscuous card took it, and above the packet sockets nobody wants it.
    ForAnotherMachine = "for-another-machine", Ethernet;
    /// The hypervisor's switch does not show a card what is for another one.
    PromiscuousDenied = "promiscuous-denied", Ethernet;
    /// No protocol here takes this EtherType.
    UnknownEtherType = "unknown-ethertype", Ethernet;
    /// The switch knows that the destination is on the port the frame came from.
    SamePort = "same-port", Ethernet;
    /// The switch has no other port to send it to.
    NoOtherPort = "no-other-port", Ethernet;
    /// Addressed to a group that no bridge forwards (spanning tree, LLDP …).
    ReservedMulticast = "reserved-multicast", Ethernet;
    /// A BPDU that cannot be read.
    BpduMalformed = "bpdu-malformed", Ethernet;
    /// Spanning tree does not let frames through this switch port, or not yet.
    StpBlocking = "stp-blocking", Ethernet;
    /// Port security: this MAC is not allowed at this switch port.
    PortSecurity = "port-security", Ethernet;
    /// Port security has shut the switch port.
    PortErrDisabled = "port-err-disabled", Ethernet;
    /// An ARP message that is not for Ethernet and IPv4, or is cut short.
    ArpMalformed = "arp-malformed", Ethernet;
    /// An ARP question about another machine's address.
    ArpNotForUs = "arp-not-for-us", Ethernet;
    /// An ARP question that the kernel's settings leave unanswered.
    ArpIgnored = "arp-ignored", Ethernet;
    /// Nobody answered the ARP questions.
    NeighbourFailed = "neighbour-failed", Ethernet;
    /// Too many packets already wait for this neighbour.
    NeighbourQueueFull = "neighbour-queue-full", Ethernet;
    /// An IPv6 packet that says nothing about an address of ours.
    Ipv6NotUsed = "ipv6-not-used", Ip;
    /// The IPv4 header is cut short, or a length in it is wrong.
    IpMalformed = "ip-malformed", Ip;
    /// The IPv4 header's checksum is wrong.
    IpChecksum = "ip-checksum", Ip;
    /// A source address that nobody can have.
    IpSourceInvalid = "ip-source-invalid", Ip;
    /// A destination address that cannot come from outside.
    IpDestinationInvalid = "ip-destination-invalid", Ip;
    /// The way back to the source leads elsewhere.
    ReversePath = "reverse-path", Ip;
    /// Addressed to another machine, and this one does not forward.
    NotForwarding = "not-forwarding", Ip;
    /// No route to the destination.
    NoRoute = "no-route", Ip;
    /// The time to live ran out.
    TtlExpired = "ttl-expired", Ip;
    /// Larger than the next link's MTU and marked "don't fragment".
    FragmentationNeeded = "fragmentation-needed", Ip;
    /// A fragment whose place or length is impossible.
    FragmentMalformed = "fragment-malformed", Ip;
    /// A fragment that was there already.
    FragmentTwice = "fragment-twice", Ip;
    /// Fragments of one packet overlap: none of them is believed.
    FragmentOverlap = "fragment-overlap", Ip;
    /// The other fragments did not come in time.
    FragmentTimeout = "fragment-timeout", Ip;
    /// Too many bytes of fragments wait already.
    FragmentMemory = "fragment-memory", Ip;
    /// A fragment of something this machine does not put together.
    FragmentUnsupported = "fragment-unsupported", Ip;
    /// A protocol number nobody here listens to.
    UnknownIpProtocol = "unknown-ip-protocol", Ip;
    /// A broadcast that a router does not carry further.
    BroadcastNotForwarded = "broadcast-not-forwarded", Ip;
    /// An ICMP message that is cut short or has a wrong checksum.
    IcmpMalformed = "icmp-malformed", Ip;
    /// An echo request that the kernel's settings leave unanswered.
    EchoIgnored = "echo-ignored", Ip;
    /// An ICMP message that nobody waits for.
    IcmpUnexpected = "icmp-unexpected", Ip;
    /// A TCP segment that is cut short or has a wrong checksum.
    TcpMalformed = "tcp-malformed", Transport;
    /// A UDP datagram that is cut short or has a wrong checksum.
    UdpMalformed = "udp-malformed", Transport;
    /// No socket has this port.
    PortClosed = "port-closed", Transport;
    /// The listener's queue of new connections is full.
    BacklogFull = "backlog-full", Transport;
    /// The socket's receive queue is full.
    SocketQueueFull = "socket-queue-full", Transport;
    /// A cap of this machine's socket table.
    SocketTableFull = "socket-table-full", Transport;
    /// The NAT has no flow that this belongs to, and nothing is forwarded to the inside.
    NatNoMapping = "nat-no-mapping", Nat;
    /// The NAT has the mapping, but filters who may use it.
    NatFiltered = "nat-filtered", Nat;
    /// The NAT's flow table is full.
    NatTableFull = "nat-table-full", Nat;
    /// The NAT cannot translate this protocol.
    NatProtocol = "nat-protocol", Nat;
    /// A rule of a packet filter dropped or refused it.
    Filtered = "filtered", Nat;
    /// No rule of a packet filter let it pass, and the chain's policy is to drop.
    FilteredByPolicy = "filtered-by-policy", Nat;
    /// The interface has no address that could be put in the place of another.
    NoSourceAddress = "no-source-address", Nat;
    /// Connection tracking is full.
    ConntrackTableFull = "conntrack-table-full", Nat;
    /// A DHCP message that cannot be read.
    DhcpMalformed = "dhcp-malformed", Service;
    /// A DHCP message for another server.
    DhcpNotForUs = "dhcp-not-for-us", Service;
    /// The DHCP server has no address left.
    DhcpPoolEmpty = "dhcp-pool-empty", Service;
    /// Too many answers of the DHCP server wait already.
    DhcpBusy = "dhcp-busy", Service;
    /// The DHCP server knows nothing of this client's address and is not authoritative.
    DhcpUnknownLease = "dhcp-unknown-lease", Service;
    /// The NAT engine offers no service on this port.
    EngineNoService = "engine-no-service", Service;
    /// Not a DHCP client's message, or not one this client waits for.
    DhcpUnexpected = "dhcp-unexpected", Service;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = DropReason::ALL.iter().map(|r| r.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), DropReason::ALL.len());
    }
}
