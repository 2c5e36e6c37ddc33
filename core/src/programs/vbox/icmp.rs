//! Guests' pings: libslirp 4.8 opens a ping socket for each echo request and closes it after the answer (src/ip_icmp.c).
//! Of ICMP nothing else passes.

use core::net::Ipv4Addr;

use super::instance::{Instance, TTL, unreachable_for};
use super::udp::{EXPIRE, outside_of};
use crate::addr::{Endpoint, L4Proto};
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::Ipv4;
use crate::id::{FlowId, SocketId};
use crate::programs::{EchoAnswer, EchoRequest, Errno, Kernel, PathMtu};
use crate::time::SimTime;
use crate::view::{FlowMapping, FlowOrigin, FlowRow, FlowState, FlowTimer, FlowWhy};

/// The time to live of the answers that guests get: `MAXTTL`, by `icmp_reflect`. So it is in VirtualBox 7.2.4
/// (github.com/VirtualBox/virtualbox/issues/479).
const REPLY_TTL: u8 = 255;

/// A request that waits for its answer.
#[derive(Clone, Debug)]
struct Waiting {
    socket: SocketId,
    ident: u16,
    seq: u16,
    /// Guest and target, as the guest said.
    ends: (Ipv4Addr, Ipv4Addr),
    request: Vec<u8>,
    expires: SimTime,
    flow: FlowId,
}

/// All pings of an engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Echoes(Vec<Waiting>);

impl Echoes {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.0.iter().map(|waiting| waiting.socket)
    }

    pub fn flows(&self) -> impl Iterator<Item = FlowId> {
        self.0.iter().map(|waiting| waiting.flow)
    }
}

impl Instance {
    /// A guest's ICMP message.
    pub(super) fn icmp_in(&mut self, kernel: &mut dyn Kernel, packet: &Ipv4<'_>, bytes: &[u8]) {
        let Ok((Icmp::EchoRequest { ident, seq }, data)) = Icmp::parse(packet.payload) else { return };
        let real = match Self::translate(&self.settings, kernel, Endpoint::new(packet.dst, 0)) {
            Ok(_) if self.full() => Err(Errno::ENFILE),
            other => other,
        };
        let opened = real.and_then(|real| Ok((kernel.ping_open()?, real.addr)));
        let (socket, real) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.out.refuse(kernel, None, unreachable_for(error), bytes),
        };
        // The guest's time to live is not carried over: a traceroute by echo requests shows one hop (the same issue).
        let request = EchoRequest {
            to: real,
            seq,
            ttl: None,
            iface: None,
            src: None,
            path_mtu: PathMtu::Want,
            payload: data.to_vec(),
        };
        if let Err(error) = kernel.ping_send(socket, request) {
            kernel.close(socket);
            return self.out.refuse(kernel, None, unreachable_for(error), bytes);
        }
        let why = FlowWhy {
            origin: FlowOrigin::Outgoing,
            rule: String::new(),
            mapping: FlowMapping::AddressAndPortDependent,
            timer: FlowTimer::Icmp,
        };
        let row = FlowRow {
            node: kernel.node(),
            id: kernel.new_flow(),
            engine: Some(self.out.engine),
            proto: L4Proto::Icmp,
            inside: Endpoint::new(packet.src, ident),
            outside: outside_of(kernel, socket, Endpoint::new(real, 0)),
            remote: Endpoint::new(real, 0),
            state: FlowState::New,
            why: Some(why),
            expires: None,
        };
        let flow = row.id;
        kernel.flow_put(row);
        self.echoes.0.push(Waiting {
            socket,
            ident,
            seq,
            ends: (packet.src, packet.dst),
            request: bytes.to_vec(),
            expires: kernel.now() + EXPIRE,
            flow,
        });
    }

    /// Answers, and requests that wait no longer.
    pub(super) fn poll_echoes(&mut self, kernel: &mut dyn Kernel) {
        let Self { out, echoes, ended, .. } = self;
        let now = kernel.now();
        echoes.0.retain(|waiting| {
            let answer = kernel.ping_recv(waiting.socket);
            let over = answer.is_some() || waiting.expires <= now;
            match answer {
                Some(EchoAnswer::Reply { payload, .. }) => {
                    let reply = Icmp::EchoReply { ident: waiting.ident, seq: waiting.seq }.emit(&payload);
                    let (guest, target) = waiting.ends;
                    out.send(kernel, (target, guest), L4Proto::Icmp, REPLY_TTL, &reply);
                }
                Some(EchoAnswer::Error { from, icmp_type, code, info, .. }) => {
                    let message = match icmp_type {
                        3 => Icmp::Unreachable { code, mtu: info },
                        11 => Icmp::TimeExceeded { code },
                        _ => Icmp::Other { icmp_type, code, rest: u32::from(info) },
                    };
                    out.refuse(kernel, Some(from), message, &waiting.request);
                }
                Some(EchoAnswer::Unreachable { .. }) => {
                    let message = Icmp::Unreachable { code: unreachable::HOST, mtu: 0 };
                    out.refuse(kernel, None, message, &waiting.request);
                }
                None => {}
            }
            if over {
                kernel.close(waiting.socket);
                ended.push(waiting.flow);
            } else {
                kernel.wake_at(waiting.expires);
            }
            !over
        });
    }
}

const _: () = assert!(REPLY_TTL > TTL);
