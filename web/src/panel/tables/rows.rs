//! Rows of the tables, as cells.

use core::time::Duration;

use netmodes_core::id::{NodeId, Port};
use netmodes_core::switch::{PortRole, PortState};
use netmodes_core::view::{
    FlowMapping, FlowOrigin, FlowState, FlowTimer, FlowWhy, LabView, LeaseState, NeighState, NodeKind, SocketOwner,
    SocketState,
};

use super::grid::{Cell, Line, Table};
use crate::app::TextsHandle;
use crate::store::Highlight;
use crate::store::highlight::{holder, holder_of_mac};

/// What the rows are made from.
pub(super) struct Context<'a> {
    pub(super) view: &'a LabView,
    pub(super) node: NodeId,
    pub(super) texts: &'a TextsHandle,
}

/// All tables of the machine but its routes and its DHCP client; those without rows as well.
pub(super) fn tables(c: &Context<'_>) -> Vec<Table> {
    let mut tables = vec![addresses(c), neighbours(c), listeners(c)];
    tables.extend([flows(c), forwards(c), servers(c), leases(c), fdb(c), ports(c), networks(c)]);
    tables.extend([interfaces(c), processes(c)]);
    tables
}

impl Context<'_> {
    fn iface(&self, index: u32) -> String {
        let iface = self.view.ifaces.get(&(self.node, index));
        iface.map_or_else(|| index.to_string(), |iface| iface.name.clone())
    }

    fn word(&self, key: &str) -> Cell {
        self.texts.ui(key).to_string().into()
    }

    fn kind(&self) -> Option<NodeKind> {
        self.view.nodes.get(&self.node).map(|node| node.kind)
    }

    /// What to say of an empty table, where the node is of a kind that has such rows.
    fn empty(&self, kinds: &[NodeKind], key: &'static str) -> Option<&'static str> {
        self.kind().filter(|kind| kinds.contains(kind)).map(|_| key)
    }

    /// Who is at the other end of the cable of a port.
    fn behind(&self, index: u32) -> String {
        let here = Port::new(self.node, index);
        let other = self.view.links.values().find_map(|link| match (link.a == here, link.b == here) {
            (true, _) => Some(link.b.node),
            (_, true) => Some(link.a.node),
            _ => None,
        });
        or_dash(other.and_then(|other| self.view.nodes.get(&other)).map(|node| node.name.clone()))
    }
}

const MACHINES: [NodeKind; 4] = [NodeKind::Vm, NodeKind::Host, NodeKind::Computer, NodeKind::Router];

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| value.to_string())
}

fn addresses(c: &Context<'_>) -> Table {
    let rows = c.view.addrs.values().filter(|row| row.node == c.node).map(|row| {
        let valid = if row.dynamic { Cell::Left(row.valid_until) } else { c.word("forever") };
        let addr = format!("{}/{}", row.addr, row.prefix);
        let state = if row.dad_failed {
            "addr-duplicate"
        } else if row.tentative {
            "addr-tentative"
        } else if row.dynamic {
            "addr-dhcp"
        } else {
            "addr-fixed"
        };
        let cells = vec![c.iface(row.iface).into(), addr.into(), row.scope.name().into(), c.word(state), valid];
        let about = Highlight::Iface { node: row.node, iface: row.iface };
        Line::new(format!("{:?}", row.key()), cells).about(about)
    });
    let head = vec!["c-interface", "c-address", "c-scope", "c-from", "c-valid"];
    Table { caption: "t-addresses", head, rows: rows.collect(), empty: c.empty(&MACHINES, "e-addresses") }
}

fn interfaces(c: &Context<'_>) -> Table {
    let rows = c.view.ifaces.values().filter(|row| row.node == c.node && !row.loopback).map(|row| {
        let state = match (row.up, row.carrier) {
            (false, _) => "if-down",
            (true, false) => "if-no-carrier",
            (true, true) => "if-up",
        };
        let cells = vec![
            row.name.clone().into(),
            row.mac.to_string().into(),
            row.mtu.to_string().into(),
            c.word(state),
            c.behind(row.index).into(),
        ];
        Line::new(row.index, cells).about(Highlight::Iface { node: row.node, iface: row.index })
    });
    let head = vec!["c-interface", "c-mac", "c-mtu", "c-state", "c-behind"];
    Table { caption: "t-interfaces", head, rows: rows.collect(), empty: None }
}

fn neighbours(c: &Context<'_>) -> Table {
    let rows = c.view.neighs.values().filter(|row| row.node == c.node).map(|row| {
        let words = match row.state {
            NeighState::Incomplete => "neigh-incomplete",
            NeighState::Reachable => "neigh-reachable",
            NeighState::Stale => "neigh-stale",
            NeighState::Delay => "neigh-delay",
            NeighState::Probe => "neigh-probe",
            NeighState::Failed => "neigh-failed",
            NeighState::Permanent => "neigh-permanent",
        };
        let cells = vec![
            row.addr.to_string().into(),
            or_dash(row.mac).into(),
            c.iface(row.iface).into(),
            row.state.name().into(),
            c.word(words),
        ];
        let addr = core::net::IpAddr::V4(row.addr);
        let about = Highlight::Addr { addr, at: holder(c.view, addr, Some(c.node)) };
        Line::new(format!("{:?}", row.key()), cells).about(about)
    });
    let head = vec!["c-address", "c-mac", "c-interface", "c-state", "c-in-words"];
    Table { caption: "t-neighbours", head, rows: rows.collect(), empty: c.empty(&MACHINES, "e-neighbours") }
}

fn listeners(c: &Context<'_>) -> Table {
    let mine = c.view.sockets.values().filter(|row| row.node == Some(c.node));
    let waiting = mine.filter(|row| matches!(row.state, SocketState::Listen | SocketState::Unconnected));
    let rows = waiting.filter(|row| row.local.port != 0).map(|row| {
        let owner = match &row.owner {
            SocketOwner::Processes(list) => list.iter().map(|p| p.name.clone()).collect::<Vec<_>>().join(", "),
            _ => "—".to_owned(),
        };
        let addr = if row.local.addr.is_unspecified() { "*".to_owned() } else { row.local.addr.to_string() };
        let cells = vec![row.kind.netid().into(), addr.into(), row.local.port.to_string().into(), owner.into()];
        Line::new(row.id, cells)
    });
    let head = vec!["c-proto", "c-address", "c-port", "c-command"];
    Table { caption: "t-listening", head, rows: rows.collect(), empty: c.empty(&MACHINES, "e-listening") }
}

fn servers(c: &Context<'_>) -> Table {
    let rows = c.view.dhcp_servers.values().filter(|row| row.node == c.node).map(|row| {
        let dns = row.dns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let units = netmodes_core::time::SimTime::ZERO;
        let lease = super::grid::left(units + Duration::from_secs(u64::from(row.lease_secs)), units, c.texts);
        let pool = format!("{} – {}", row.first, row.last);
        let cells =
            vec![row.server.to_string().into(), pool.into(), or_dash(row.router).into(), dns.into(), lease.into()];
        Line::new(row.scope, cells)
    });
    let head = vec!["c-server", "c-pool", "c-router", "c-dns", "c-lease"];
    let empty = c.empty(&[NodeKind::DhcpServer], "e-dhcp-server");
    Table { caption: "t-dhcp-server", head, rows: rows.collect(), empty }
}

fn leases(c: &Context<'_>) -> Table {
    let serves = c.view.dhcp_servers.values().any(|row| row.node == c.node);
    let rows = c.view.leases.values().filter(|row| row.server == c.node).map(|row| {
        let state = match row.state {
            LeaseState::Offered => "lease-offered",
            LeaseState::Bound => "lease-bound",
            LeaseState::Released => "lease-released",
            LeaseState::Expired => "lease-expired",
            LeaseState::Declined => "lease-declined",
        };
        let cells = vec![
            row.addr.to_string().into(),
            row.mac.to_string().into(),
            row.hostname.clone().into(),
            c.word(state),
            Cell::Left(Some(row.expires)),
        ];
        Line::new(row.addr, cells)
            .about(Highlight::Mac { mac: row.mac, at: holder_of_mac(c.view, row.mac, Some(c.node)) })
    });
    let head = vec!["c-address", "c-mac", "c-name", "c-state", "c-expires"];
    Table { caption: "t-leases", head, rows: rows.collect(), empty: serves.then_some("e-leases") }
}

fn flows(c: &Context<'_>) -> Table {
    let mine = c.view.flows.values().filter(|row| row.node == c.node || row.engine == Some(c.node));
    let rows = mine.map(|row| {
        let state = match row.state {
            FlowState::New => "flow-new",
            FlowState::Established => "flow-established",
            FlowState::Closing => "flow-closing",
        };
        let mut cells: Vec<Cell> = vec![row.proto.name().into()];
        cells.extend([row.inside, row.outside, row.remote].map(|end| end.to_string().into()));
        cells.push(c.word(state));
        cells.extend(row.why.as_ref().map_or([(); 3].map(|()| "—".into()), |why| flow_why(c, why)));
        cells.push(Cell::Left(row.expires));
        Line::new(format!("{:?}", row.key()), cells)
    });
    let head =
        vec!["c-proto", "c-inside", "c-outside", "c-remote", "c-state", "c-why", "c-mapping", "c-timer", "c-expires"];
    Table { caption: "t-flows", head, rows: rows.collect(), empty: c.empty(&[NodeKind::NatEngine], "e-flows") }
}

/// Who made a flow entry, for whom it is used again, and which timer it runs on.
fn flow_why(c: &Context<'_>, why: &FlowWhy) -> [Cell; 3] {
    let made = match why.origin {
        FlowOrigin::Outgoing => c.texts.ui("flow-why-outgoing").to_string(),
        FlowOrigin::Incoming => c.texts.ui("flow-why-incoming").to_string(),
        FlowOrigin::Forward => c.texts.ui("flow-why-forward").replace("{rule}", &why.rule),
    };
    let mapping = match why.mapping {
        FlowMapping::EndpointIndependent => "mapping-all",
        FlowMapping::AddressDependent => "mapping-address",
        FlowMapping::AddressAndPortDependent => "mapping-endpoint",
    };
    let timer = match why.timer {
        FlowTimer::Udp => "timer-udp",
        FlowTimer::UdpStream => "timer-udp-stream",
        FlowTimer::Dns => "timer-dns",
        FlowTimer::Icmp => "timer-icmp",
        FlowTimer::TcpOpening => "timer-tcp-opening",
        FlowTimer::TcpEstablished => "timer-tcp-established",
        FlowTimer::TcpClosing => "timer-tcp-closing",
        FlowTimer::TcpClosed => "timer-tcp-closed",
        FlowTimer::Socket => "timer-socket",
    };
    [made.into(), c.word(mapping), c.word(timer)]
}

fn forwards(c: &Context<'_>) -> Table {
    let rows = c.view.forwards.values().filter(|row| row.engine == c.node).map(|row| {
        let host = if row.host.addr.is_unspecified() { format!("*:{}", row.host.port) } else { row.host.to_string() };
        let cells = vec![row.name.clone().into(), row.proto.name().into(), host.into(), row.guest.to_string().into()];
        Line::new(&row.name, cells)
    });
    let head = vec!["c-name", "c-proto", "c-listens", "c-leads-to"];
    Table { caption: "t-forwards", head, rows: rows.collect(), empty: c.empty(&[NodeKind::NatEngine], "e-forwards") }
}

fn fdb(c: &Context<'_>) -> Table {
    let ageing = c.view.bridges.get(&c.node).map_or(300, |row| u64::from(row.ageing_secs));
    let secs = |secs: u64| format!("{secs} {}", c.texts.ui("unit-s"));
    let rows = c.view.fdb.values().filter(|row| row.switch == c.node).map(|row| {
        let cells = vec![
            row.mac.to_string().into(),
            row.port.to_string().into(),
            c.behind(row.port).into(),
            or_dash(row.age_secs.map(secs)).into(),
            or_dash(row.age_secs.map(|age| secs(ageing.saturating_sub(age)))).into(),
        ];
        Line::new(row.mac, cells)
            .about(Highlight::Mac { mac: row.mac, at: holder_of_mac(c.view, row.mac, Some(c.node)) })
    });
    let head = vec!["c-mac", "c-port", "c-behind", "c-age", "c-forgotten-in"];
    Table { caption: "t-fdb", head, rows: rows.collect(), empty: c.empty(&[NodeKind::Switch], "e-fdb") }
}

fn ports(c: &Context<'_>) -> Table {
    let stp = c.view.bridges.get(&c.node).is_some_and(|row| row.stp);
    let rows = c.view.bridge_ports.values().filter(|row| row.switch == c.node).map(|row| {
        let state = match row.state {
            PortState::Disabled => "stp-disabled",
            PortState::Blocking => "stp-blocking",
            PortState::Listening => "stp-listening",
            PortState::Learning => "stp-learning",
            PortState::Forwarding => "stp-forwarding",
        };
        let role = match row.role {
            PortRole::Root => "stp-root",
            PortRole::Designated => "stp-designated",
            _ => "stp-other",
        };
        let shut = row.security.as_ref().is_some_and(|security| security.shut);
        let security = match (&row.security, shut) {
            (None, _) => "security-off",
            (Some(_), true) => "security-shut",
            (Some(_), false) => "security-on",
        };
        let role = if stp { c.word(role) } else { "—".into() };
        let cells = vec![row.port.to_string().into(), c.behind(row.port).into(), c.word(state), role, c.word(security)];
        Line::new(row.port, cells)
    });
    let head = vec!["c-port", "c-behind", "c-state", "c-role", "c-security"];
    Table { caption: "t-ports", head, rows: rows.collect(), empty: None }
}

fn networks(c: &Context<'_>) -> Table {
    let rows = c.view.host_networks.values().filter(|row| row.host == c.node).map(|row| {
        let yes = |on: bool| c.word(if on { "yes" } else { "no" });
        let cells = vec![
            row.name.clone().into(),
            c.word(&format!("mode-{}", row.mode.name())),
            row.address.to_string().into(),
            yes(row.enabled),
            yes(row.dhcp),
        ];
        Line::new(format!("{:?}", row.key()), cells)
    });
    let head = vec!["c-name", "c-kind", "c-address", "c-enabled", "c-dhcp"];
    Table { caption: "t-networks", head, rows: rows.collect(), empty: None }
}

fn processes(c: &Context<'_>) -> Table {
    let rows = c.view.processes.values().filter(|row| row.node == c.node).map(|row| {
        Line::new(row.pid, vec![row.pid.to_string().into(), row.ppid.to_string().into(), row.argv.join(" ").into()])
    });
    Table { caption: "t-processes", head: vec!["c-pid", "c-ppid", "c-command"], rows: rows.collect(), empty: None }
}
