//! The tables of a view, one per kind of row, and the fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rows::*;
use crate::event::{Event, Fact};
use crate::time::SimTime;

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $table:ident: $variant:ident($row:ident, $key:ty);)*) => {
        /// A row of any table.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "k", rename_all = "kebab-case")]
        pub enum Row {
            $($(#[doc = $doc])* $variant($row),)*
        }

        /// Names one row of any table.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(tag = "k", content = "id", rename_all = "kebab-case")]
        pub enum Key {
            $($(#[doc = $doc])* $variant($key),)*
        }

        impl Row {
            /// Which row this is.
            pub fn key(&self) -> Key {
                match self { $(Self::$variant(row) => Key::$variant(row.key()),)* }
            }
        }

        /// What a viewer knows of a lab: the fold of its facts.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct LabView {
            /// Number of the last event that was applied.
            pub seq: u64,
            /// Lab time of the last event that was applied.
            pub time: SimTime,
            $($(#[doc = $doc])* pub $table: BTreeMap<$key, $row>,)*
        }

        impl LabView {
            /// Puts one row.
            pub fn put(&mut self, row: Row) {
                match row { $(Row::$variant(row) => { self.$table.insert(row.key(), row); })* }
            }

            /// Removes one row.
            pub fn del(&mut self, key: &Key) {
                match key { $(Key::$variant(key) => { self.$table.remove(key); })* }
            }

            /// All rows, table by table.
            pub fn rows(&self) -> Vec<Row> {
                let mut rows = Vec::new();
                $(rows.extend(self.$table.values().cloned().map(Row::$variant));)*
                rows
            }
        }
    };
}

tables! {
    /// Machines, switches, NAT engines.
    nodes: Node(NodeRow, crate::id::NodeId);
    /// A VM's virtual network cards.
    nics: Nic(NicRow, (crate::id::NodeId, u8));
    /// NAT networks, host-only interfaces, internal networks with a DHCP server.
    host_networks: HostNetwork(HostNetworkRow, (crate::id::NodeId, Mode, String));
    /// Interfaces, as `ip link` shows them.
    ifaces: Iface(IfaceRow, (crate::id::NodeId, u32));
    /// Cables.
    links: Link(LinkRow, crate::id::LinkId);
    /// Addresses, as `ip addr` shows them.
    addrs: Addr(AddrRow, (crate::id::NodeId, u32, core::net::IpAddr, u8));
    /// Routes, as `ip route` shows them.
    routes: Route(RouteRow, RouteKey);
    /// Neighbours, as `ip neigh` shows them.
    neighs: Neigh(NeighRow, (crate::id::NodeId, u32, core::net::Ipv4Addr));
    /// MAC addresses that switches learned.
    fdb: Fdb(FdbRow, (crate::id::NodeId, crate::addr::MacAddr));
    /// Switches as bridges of the spanning tree.
    bridges: Bridge(BridgeRow, crate::id::NodeId);
    /// Switch ports: spanning tree and port security.
    bridge_ports: BridgePort(BridgePortRow, (crate::id::NodeId, u32));
    /// What DHCP servers promised.
    leases: Lease(LeaseRow, (crate::id::NodeId, core::net::Ipv4Addr));
    /// DHCP servers and their scopes.
    dhcp_servers: DhcpServer(DhcpServerRow, (crate::id::NodeId, u32));
    /// Services of machines, running or not.
    services: Service(ServiceRow, (crate::id::NodeId, String));
    /// DHCP clients and where they are in their state machine.
    dhcp_clients: DhcpClient(DhcpClientRow, (crate::id::NodeId, u32));
    /// Port-forwarding rules whose sockets are open on a host.
    forwards: Forward(ForwardRow, (crate::id::NodeId, String));
    /// Flow entries of NATs.
    flows: Flow(FlowRow, (crate::id::NodeId, crate::id::FlowId));
    /// Sockets, as `ss` shows them.
    sockets: Socket(SocketRow, (Option<crate::id::NodeId>, u64));
    /// Processes.
    processes: Process(ProcessRow, (crate::id::NodeId, crate::id::Pid));
}

impl LabView {
    /// Folds one event in. Facts that pass by (frames, output) change only `seq` and `time`.
    pub fn apply(&mut self, event: &Event) {
        self.seq = event.seq;
        self.time = event.time;
        match &event.fact {
            Fact::Put { row } => self.put(row.clone()),
            Fact::Del { key } => self.del(key),
            _ => {}
        }
    }
}
