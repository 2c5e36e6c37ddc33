//! Rows of the tables, as text.

use netmodes_core::id::NodeId;
use netmodes_core::time::SimTime;
use netmodes_core::view::{DhcpClientState, FlowOrigin, FlowState, FlowTimer, FlowWhy, LeaseState};

use super::{Context, Table};
use crate::format;

/// All tables of the machine; those without rows as well.
pub(super) fn tables(c: &Context<'_>) -> Vec<Table> {
    vec![
        addresses(c),
        clients(c),
        routes(c),
        neighbours(c),
        servers(c),
        leases(c),
        flows(c),
        fdb(c),
        interfaces(c),
        processes(c),
    ]
}

impl Context<'_> {
    fn iface(&self, index: u32) -> String {
        self.iface_of(self.node, index)
    }

    fn iface_of(&self, node: NodeId, index: u32) -> String {
        self.view.ifaces.get(&(node, index)).map_or_else(|| index.to_string(), |iface| iface.name.clone())
    }

    fn left(&self, until: Option<SimTime>) -> String {
        let Some(until) = until else { return "—".to_owned() };
        let units = ["unit-d", "unit-h", "unit-min", "unit-s"].map(|key| self.texts.ui(key));
        let [d, h, m, s] = &units;
        format::left(until, self.now, &[d, h, m, s])
    }

    fn word(&self, key: &str) -> String {
        self.texts.ui(key).to_string()
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| value.to_string())
}

fn addresses(c: &Context<'_>) -> Table {
    let rows = c.view.addrs.values().filter(|row| row.node == c.node).map(|row| {
        let valid = if row.dynamic { c.left(row.valid_until) } else { c.word("forever") };
        vec![c.iface(row.iface), format!("{}/{}", row.addr, row.prefix), row.scope.name().to_owned(), valid]
    });
    Table { caption: "t-addresses", head: vec!["c-interface", "c-address", "c-scope", "c-valid"], rows: rows.collect() }
}

fn interfaces(c: &Context<'_>) -> Table {
    let rows = c.view.ifaces.values().filter(|row| row.node == c.node && !row.loopback).map(|row| {
        let state = match (row.up, row.carrier) {
            (false, _) => "if-down",
            (true, false) => "if-no-carrier",
            (true, true) => "if-up",
        };
        vec![row.name.clone(), row.mac.to_string(), row.mtu.to_string(), c.word(state)]
    });
    Table { caption: "t-interfaces", head: vec!["c-interface", "c-mac", "c-mtu", "c-state"], rows: rows.collect() }
}

fn clients(c: &Context<'_>) -> Table {
    let rows = c.view.dhcp_clients.values().filter(|row| row.node == c.node).map(|row| {
        vec![
            c.iface(row.iface),
            client_state(row.state).to_owned(),
            or_dash(row.addr),
            or_dash(row.server),
            c.left(row.renew_at),
            c.left(row.rebind_at),
            c.left(row.expires),
        ]
    });
    let head = vec!["c-interface", "c-state", "c-address", "c-server", "c-t1", "c-t2", "c-expires"];
    Table { caption: "t-dhcp-client", head, rows: rows.collect() }
}

/// The state's name in RFC 2131, figure 5.
const fn client_state(state: DhcpClientState) -> &'static str {
    match state {
        DhcpClientState::Init => "INIT",
        DhcpClientState::Selecting => "SELECTING",
        DhcpClientState::Requesting => "REQUESTING",
        DhcpClientState::Bound => "BOUND",
        DhcpClientState::Renewing => "RENEWING",
        DhcpClientState::Rebinding => "REBINDING",
        DhcpClientState::InitReboot => "INIT-REBOOT",
    }
}

fn routes(c: &Context<'_>) -> Table {
    let rows = c.view.routes.values().filter(|row| row.node == c.node).map(|row| {
        let dst = if row.dst.prefix == 0 { "default".to_owned() } else { row.dst.to_string() };
        vec![dst, or_dash(row.via), c.iface(row.iface), or_dash(row.src), row.metric.to_string()]
    });
    let head = vec!["c-destination", "c-gateway", "c-interface", "c-source", "c-metric"];
    Table { caption: "t-routes", head, rows: rows.collect() }
}

fn neighbours(c: &Context<'_>) -> Table {
    let rows = c
        .view
        .neighs
        .values()
        .filter(|row| row.node == c.node)
        .map(|row| vec![row.addr.to_string(), or_dash(row.mac), c.iface(row.iface), row.state.name().to_owned()]);
    Table { caption: "t-neighbours", head: vec!["c-address", "c-mac", "c-interface", "c-state"], rows: rows.collect() }
}

fn servers(c: &Context<'_>) -> Table {
    let rows = c.view.dhcp_servers.values().filter(|row| row.node == c.node).map(|row| {
        let dns = row.dns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let lease = c.left(Some(c.now + core::time::Duration::from_secs(u64::from(row.lease_secs))));
        vec![row.server.to_string(), format!("{} – {}", row.first, row.last), or_dash(row.router), dns, lease]
    });
    let head = vec!["c-server", "c-pool", "c-router", "c-dns", "c-lease"];
    Table { caption: "t-dhcp-server", head, rows: rows.collect() }
}

fn leases(c: &Context<'_>) -> Table {
    let rows = c.view.leases.values().filter(|row| row.server == c.node).map(|row| {
        let state = match row.state {
            LeaseState::Offered => "lease-offered",
            LeaseState::Bound => "lease-bound",
            LeaseState::Released => "lease-released",
            LeaseState::Expired => "lease-expired",
            LeaseState::Declined => "lease-declined",
        };
        vec![row.addr.to_string(), row.mac.to_string(), row.hostname.clone(), c.word(state), c.left(Some(row.expires))]
    });
    let head = vec!["c-address", "c-mac", "c-name", "c-state", "c-expires"];
    Table { caption: "t-leases", head, rows: rows.collect() }
}

fn flows(c: &Context<'_>) -> Table {
    let mine = c.view.flows.values().filter(|row| row.node == c.node || row.engine == Some(c.node));
    let rows = mine.map(|row| {
        let state = match row.state {
            FlowState::New => "flow-new",
            FlowState::Established => "flow-established",
            FlowState::Closing => "flow-closing",
        };
        let proto = row.proto.name().to_owned();
        let ends = [row.inside, row.outside, row.remote].map(|end| end.to_string());
        let [inside, outside, remote] = ends;
        let (why, timer) = row.why.as_ref().map_or((String::new(), String::new()), |why| flow_why(c, why));
        vec![proto, inside, outside, remote, c.word(state), why, timer, c.left(row.expires)]
    });
    let head = vec!["c-proto", "c-inside", "c-outside", "c-remote", "c-state", "c-why", "c-timer", "c-expires"];
    Table { caption: "t-flows", head, rows: rows.collect() }
}

/// Who made a flow entry, and which timer it runs on.
fn flow_why(c: &Context<'_>, why: &FlowWhy) -> (String, String) {
    let made = match why.origin {
        FlowOrigin::Outgoing => c.word("flow-why-outgoing"),
        FlowOrigin::Incoming => c.word("flow-why-incoming"),
        FlowOrigin::Forward => c.word("flow-why-forward").replace("{rule}", &why.rule),
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
    (made, c.word(timer))
}

fn fdb(c: &Context<'_>) -> Table {
    let rows = c.view.fdb.values().filter(|row| row.switch == c.node).map(|row| {
        let behind = c.view.links.values().find_map(|link| {
            let here = netmodes_core::id::Port::new(row.switch, row.port);
            let other = if link.a == here {
                link.b
            } else if link.b == here {
                link.a
            } else {
                return None;
            };
            c.view.nodes.get(&other.node).map(|node| node.name.clone())
        });
        let age = row.age_secs.map(|secs| format!("{secs} {}", c.texts.ui("unit-s")));
        vec![row.mac.to_string(), row.port.to_string(), or_dash(behind), or_dash(age)]
    });
    Table { caption: "t-fdb", head: vec!["c-mac", "c-port", "c-behind", "c-age"], rows: rows.collect() }
}

fn processes(c: &Context<'_>) -> Table {
    let rows = c
        .view
        .processes
        .values()
        .filter(|row| row.node == c.node)
        .map(|row| vec![row.pid.to_string(), row.ppid.to_string(), row.argv.join(" ")]);
    Table { caption: "t-processes", head: vec!["c-pid", "c-ppid", "c-command"], rows: rows.collect() }
}
