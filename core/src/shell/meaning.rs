//! What pieces of output mean: the keys of their explanations (`static/explain/<lang>.toml`, section `words`).
//!
//! Every meaning that a tool of this module uses is in [`ALL`], so that a test can hold it against the explanations.

macro_rules! meanings {
    ($($(#[doc = $doc:literal])* $name:ident = $key:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $key;)*

        /// Every meaning that the shell's tools use.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

meanings! {
    /// The interface's number.
    IFACE_INDEX = "iface-index";
    /// The interface's name.
    IFACE_NAME = "iface-name";
    /// `<BROADCAST,MULTICAST,UP,LOWER_UP>`.
    IFACE_FLAGS = "iface-flags";
    /// Largest packet.
    MTU = "mtu";
    /// How frames wait to be sent.
    QDISC = "qdisc";
    /// `state UP`.
    IFACE_STATE = "iface-state";
    /// `group default`.
    IFACE_GROUP = "iface-group";
    /// Length of the transmit queue.
    QLEN = "qlen";
    /// `mode DEFAULT`.
    LINK_MODE = "link-mode";
    /// `link/ether`.
    LINK_TYPE = "link-type";
    /// An Ethernet address.
    MAC_ADDRESS = "mac-address";
    /// The Ethernet broadcast address.
    MAC_BROADCAST = "mac-broadcast";
    /// What `ip -d link` adds.
    LINK_DETAILS = "link-details";
    /// A counter of `ip -s link`.
    COUNTER = "counter";
    /// `inet` or `inet6`.
    ADDRESS_FAMILY = "address-family";
    /// An IP address (with its prefix length).
    IP_ADDRESS = "ip-address";
    /// The broadcast address.
    BROADCAST = "broadcast";
    /// `scope global`.
    SCOPE = "scope";
    /// `dynamic`, `secondary`, `tentative`.
    ADDRESS_FLAGS = "address-flags";
    /// The address's label.
    ADDRESS_LABEL = "address-label";
    /// `valid_lft` and `preferred_lft`.
    LIFETIME = "lifetime";
    /// `default`.
    ROUTE_DEFAULT = "route-default";
    /// A route's destination.
    ROUTE_DST = "route-dst";
    /// `via GATEWAY`.
    ROUTE_VIA = "route-via";
    /// `dev INTERFACE`.
    ROUTE_DEV = "route-dev";
    /// `proto kernel`.
    ROUTE_PROTO = "route-proto";
    /// `src ADDRESS`.
    ROUTE_SRC = "route-src";
    /// `metric N`.
    ROUTE_METRIC = "route-metric";
    /// `linkdown` and other flags.
    ROUTE_FLAGS = "route-flags";
    /// `local`, `broadcast` …
    ROUTE_TYPE = "route-type";
    /// What was learned of the way: `expires 599sec mtu 1400`.
    ROUTE_CACHE = "route-cache";
    /// `uid 0`.
    ROUTE_UID = "route-uid";
    /// `REACHABLE`, `STALE` …
    NEIGH_STATE = "neigh-state";
    /// A column's name.
    HEADING = "heading";
    /// Which protocol a socket speaks.
    SOCKET_NETID = "socket-netid";
    /// A socket's state.
    SOCKET_STATE = "socket-state";
    /// Bytes not yet read; of a listener, connections not yet accepted.
    SOCKET_RECV_Q = "socket-recv-q";
    /// Bytes not yet acknowledged; of a listener, its backlog.
    SOCKET_SEND_Q = "socket-send-q";
    /// A socket's own address.
    SOCKET_LOCAL = "socket-local";
    /// A socket's own L4 port.
    SOCKET_LOCAL_PORT = "socket-local-port";
    /// The other side's address.
    SOCKET_PEER = "socket-peer";
    /// The other side's L4 port.
    SOCKET_PEER_PORT = "socket-peer-port";
    /// Which processes hold the socket.
    SOCKET_PROCESS = "socket-process";
    /// What `ss -e` and `-o` add.
    SOCKET_DETAILS = "socket-details";
    /// A total of `ss -s`.
    SOCKET_TOTAL = "socket-total";
    /// A kernel setting's name.
    SYSCTL_NAME = "sysctl-name";
    /// A kernel setting's value.
    SYSCTL_VALUE = "sysctl-value";
    /// A table of netfilter.
    RULE_TABLE = "rule-table";
    /// A chain of rules.
    RULE_CHAIN = "rule-chain";
    /// When and for what a chain is called (`type filter hook input priority filter`).
    RULE_HOOK = "rule-hook";
    /// What happens at a chain's end.
    RULE_POLICY = "rule-policy";
    /// How many rules lead to a chain.
    RULE_REFERENCES = "rule-references";
    /// A rule's place in its chain.
    RULE_NUMBER = "rule-number";
    /// A number that stays with a rule, chain or table.
    RULE_HANDLE = "rule-handle";
    /// Packets and bytes that a rule or policy has met.
    RULE_COUNTERS = "rule-counters";
    /// What a rule does to the packet.
    RULE_TARGET = "rule-target";
    /// More about that.
    RULE_TARGET_OPTIONS = "rule-target-options";
    /// The protocol that a rule asks for.
    RULE_PROTOCOL = "rule-protocol";
    /// Whether a rule is for fragments.
    RULE_OPT = "rule-opt";
    /// The interface that a packet came in by.
    RULE_IN = "rule-in";
    /// The interface that a packet goes out by.
    RULE_OUT = "rule-out";
    /// Which source addresses a rule asks for.
    RULE_SOURCE = "rule-source";
    /// Which destination addresses a rule asks for.
    RULE_DESTINATION = "rule-destination";
    /// What else a rule asks for.
    RULE_MATCH = "rule-match";
    /// A remark.
    RULE_COMMENT = "rule-comment";
    /// Protocol of a tracked connection.
    CONN_PROTOCOL = "conn-protocol";
    /// Seconds until a tracked connection is forgotten.
    CONN_TIMEOUT = "conn-timeout";
    /// Where a tracked TCP connection is.
    CONN_STATE = "conn-state";
    /// One direction of a tracked connection.
    CONN_TUPLE = "conn-tuple";
    /// `[UNREPLIED]`, `[ASSURED]`.
    CONN_FLAGS = "conn-flags";
    /// What a VM's card is attached to.
    ATTACHMENT = "attachment";
    /// What a promiscuous card gets to see.
    PROMISC_POLICY = "promisc-policy";
    /// The machine's name.
    HOSTNAME = "hostname";
    /// A command's name.
    COMMAND = "command";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_meaning_is_listed_once() {
        assert_eq!(super::ALL.iter().collect::<BTreeSet<_>>().len(), super::ALL.len());
    }
}
