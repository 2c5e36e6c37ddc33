//! A switch's tables as rows, and which of them have changed since they were said.

use core::time::Duration;

use super::security::Security;
use super::{Switch, SwitchPort};
use crate::id::NodeId;
use crate::time::SimTime;
use crate::view::{BridgePortRow, BridgeRow, FdbRow, Key, PortSecurityRow, Row};

impl Switch {
    /// All rows of switch `node`; with ages and counters if `samples`.
    pub fn rows(&self, node: NodeId, now: SimTime, samples: bool) -> Vec<Row> {
        let mut rows: Vec<_> = self.fdb_rows(node, now, samples).map(Row::Fdb).collect();
        rows.push(Row::Bridge(self.bridge_row(node, samples)));
        rows.extend(self.port_rows(node, samples).map(Row::BridgePort));
        rows
    }

    /// The FDB as rows, in the order of addresses.
    pub fn fdb_rows(&self, node: NodeId, now: SimTime, samples: bool) -> impl Iterator<Item = FdbRow> {
        let age = move |seen: SimTime| samples.then(|| now.since(seen).as_secs());
        self.fdb.sorted().map(move |(mac, port, seen)| FdbRow { switch: node, mac, port, age_secs: age(seen) })
    }

    /// Rows about spanning tree and ports that are new, changed or gone since this was asked last.
    pub fn poll_rows(&mut self, node: NodeId, mut put: impl FnMut(Row), mut del: impl FnMut(Key)) {
        if !self.dirty && self.dirty_ports.is_empty() {
            return;
        }
        let row = self.bridge_row(node, false);
        if self.told_bridge.as_ref() != Some(&row) {
            self.told_bridge = Some(row.clone());
            put(Row::Bridge(row));
        }
        let mut ports = core::mem::take(&mut self.dirty_ports);
        if core::mem::take(&mut self.dirty) {
            ports = (0..self.ports.len() as u32).collect();
        }
        ports.sort_unstable();
        ports.dedup();
        for number in ports.drain(..) {
            let plugged = self.ports.get(number as usize).filter(|port| port.plugged);
            match plugged.and_then(|port| self.port_row(node, number, port, false)) {
                Some(row) if self.told_ports.get(&number) == Some(&row) => {}
                Some(row) => {
                    self.told_ports.insert(number, row.clone());
                    put(Row::BridgePort(row));
                }
                None if self.told_ports.remove(&number).is_some() => del(Key::BridgePort((node, number))),
                None => {}
            }
        }
        self.dirty_ports = ports;
    }

    fn bridge_row(&self, node: NodeId, samples: bool) -> BridgeRow {
        let ((root_id, root_port, root_cost), times) = (self.stp.root(), self.stp.times());
        let own = self.stp.config();
        BridgeRow {
            switch: node,
            bridge_id: self.stp.id(),
            stp: self.stp.enabled(),
            root_id,
            root_port,
            root_cost,
            hello_ms: millis(times.hello),
            forward_delay_ms: millis(times.forward_delay),
            max_age_ms: millis(times.max_age),
            own_times_ms: [own.hello_time, own.forward_delay, own.max_age].map(millis),
            ageing_secs: u32::try_from(self.fdb.ageing().as_secs()).unwrap_or(u32::MAX),
            topology_change: self.stp.topology_change(),
            topology_changes: self.stp.changes(),
            storm: self.storm.is_storm(),
            storm_drops: samples.then(|| self.storm.dropped()),
            learns_refused: samples.then(|| self.fdb.refused()),
        }
    }

    fn port_rows(&self, node: NodeId, samples: bool) -> impl Iterator<Item = BridgePortRow> {
        let plugged = (0..).zip(&self.ports).filter(|(_, port)| port.plugged);
        plugged.filter_map(move |(number, port)| self.port_row(node, number, port, samples))
    }

    fn port_row(&self, node: NodeId, number: u32, port: &SwitchPort, samples: bool) -> Option<BridgePortRow> {
        let tree = self.stp.port(number)?;
        Some(BridgePortRow {
            switch: node,
            port: number,
            state: port.state,
            role: self.stp.role(number),
            cost: tree.path_cost,
            port_id: tree.id,
            designated_root: tree.designated_root,
            designated_cost: tree.designated_cost,
            designated_bridge: tree.designated_bridge,
            designated_port: tree.designated_port,
            security: port.security.as_ref().map(|security| security_row(security, samples)),
        })
    }
}

fn security_row(security: &Security, samples: bool) -> PortSecurityRow {
    PortSecurityRow {
        max: security.config.max,
        allowed: security.config.allowed.clone(),
        learned: security.learned.clone(),
        violation: security.config.violation,
        foreign: security.foreign,
        shut: security.shut,
        violations: samples.then_some(security.violations),
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
