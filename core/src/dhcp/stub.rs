//! Interfaces only, until the real thing is here.
#![allow(missing_docs)]
use crate::addr::{Cidr, MacAddr};
use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{DhcpServerRow, LeaseRow};
use core::net::Ipv4Addr;

#[derive(Clone, Debug)]
pub struct Message;
#[derive(Clone, Copy, Debug)]
pub struct MessageError;
impl Message {
    pub fn parse(_: &[u8]) -> Result<Self, MessageError> {
        Err(MessageError)
    }
    pub fn emit(&self) -> Vec<u8> {
        Vec::new()
    }
}
#[derive(Clone, Copy, Debug)]
pub enum ReplyTo {
    Broadcast,
    Unicast { addr: Ipv4Addr, mac: MacAddr },
    Relay(Ipv4Addr),
}
#[derive(Clone, Debug)]
pub struct Reply {
    pub message: Message,
    pub to: ReplyTo,
}
#[derive(Clone, Debug)]
pub enum ServerAction {
    Reply(Reply),
    /// Taken without an answer (RELEASE, DECLINE, a REQUEST for another server).
    Taken,
    Ignore(DropReason),
}
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub server_id: Ipv4Addr,
    pub subnet: Cidr,
    pub first: Ipv4Addr,
    pub last: Ipv4Addr,
    pub lease_secs: u32,
    pub router: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
}
impl ServerConfig {
    pub fn new(server_id: Ipv4Addr, subnet: Cidr, first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self { server_id, subnet, first, last, lease_secs: 0, router: None, dns: Vec::new() }
    }
}
#[derive(Clone, Copy, Debug)]
pub enum LeaseChange {
    Put(Ipv4Addr),
    Del(Ipv4Addr),
}
#[derive(Clone, Debug)]
pub struct Server(ServerConfig);
impl Server {
    pub fn new(config: ServerConfig, _: Rng) -> Self {
        Self(config)
    }
    pub fn handle_message(&mut self, _: SimTime, _: &Message) -> ServerAction {
        ServerAction::Ignore(DropReason::DhcpUnexpected)
    }
    pub fn handle_timeout(&mut self, _: SimTime) {}
    pub fn next_wakeup(&self) -> Option<SimTime> {
        None
    }
    pub fn poll_change(&mut self) -> Option<LeaseChange> {
        None
    }
    pub fn lease_row(&self, _: NodeId, _: Ipv4Addr) -> Option<LeaseRow> {
        None
    }
    pub fn lease_rows(&self, _: NodeId) -> Vec<LeaseRow> {
        Vec::new()
    }
    pub fn row(&self, node: NodeId) -> DhcpServerRow {
        let c = &self.0;
        DhcpServerRow {
            node,
            server: c.server_id,
            first: c.first,
            last: c.last,
            lease_secs: c.lease_secs,
            router: c.router,
            dns: c.dns.clone(),
        }
    }
}
