//! A name server as a service: authoritative for the names its lab file lists, and for their addresses backwards.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::dns::{A, AAAA, Answer, Data, DnsMessage, NXDOMAIN, PTR};
use super::{Kernel, Step};
use crate::addr::Endpoint;
use crate::id::SocketId;

/// The service.
#[derive(Clone, Debug)]
pub struct Dnsd {
    at: Endpoint,
    records: BTreeMap<String, Vec<Ipv4Addr>>,
    socket: Option<SocketId>,
}

impl Dnsd {
    /// A server of these names.
    pub fn new(at: Endpoint, records: BTreeMap<String, Vec<Ipv4Addr>>) -> Self {
        let records = records.into_iter().map(|(name, addrs)| (name.to_ascii_lowercase(), addrs)).collect();
        Self { at, records, socket: None }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        let socket = match self.socket {
            Some(socket) => socket,
            None => match kernel.udp_open(self.at) {
                Ok(socket) => *self.socket.insert(socket),
                Err(_) => return Step::Exited(1),
            },
        };
        while let Some(received) = kernel.udp_recv(socket) {
            let Ok(datagram) = received else { continue };
            let Some(query) = DnsMessage::parse(&datagram.payload).filter(|message| !message.response) else {
                continue;
            };
            if let Some(bytes) = self.answer(query).emit() {
                let _ = kernel.udp_send(socket, datagram.from, &bytes);
            }
        }
        Step::Running
    }

    fn answer(&self, query: DnsMessage) -> DnsMessage {
        let name = query.name.to_ascii_lowercase();
        let answer = |data, kind| Answer { name: query.name.clone(), kind, data };
        let (rcode, answers) = match (query.kind, self.records.get(&name)) {
            (A, Some(addrs)) => (0, addrs.iter().map(|addr| answer(Data::A(*addr), A)).collect()),
            (AAAA, Some(_)) => (0, Vec::new()),
            (PTR, _) => match self.name_of(&name) {
                Some(found) => (0, vec![answer(Data::Name(found), PTR)]),
                None => (NXDOMAIN, Vec::new()),
            },
            (_, Some(_)) => (0, Vec::new()),
            (_, None) => (NXDOMAIN, Vec::new()),
        };
        DnsMessage { response: true, rcode, answers, ..query }
    }

    fn name_of(&self, reverse: &str) -> Option<String> {
        let has = |addrs: &Vec<Ipv4Addr>| addrs.iter().any(|addr| DnsMessage::reverse_name(*addr) == reverse);
        self.records.iter().find(|(_, addrs)| has(addrs)).map(|(name, _)| name.clone())
    }
}
