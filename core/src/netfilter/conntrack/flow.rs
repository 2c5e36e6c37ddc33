//! A translated connection as a row of the table of flows, beside those of NAT engines.

use super::conn::{Conn, Track};
use super::tuple::{ICMP, TcpState, Tuple};
use crate::addr::{Endpoint, L4Proto};
use crate::id::{FlowId, NodeId};
use crate::view::{FlowMapping, FlowOrigin, FlowRow, FlowState, FlowTimer, FlowWhy};

impl Conn {
    /// What a row shows of it that changes.
    pub(super) fn shown(&self) -> (FlowState, FlowTimer) {
        use TcpState::{Close, CloseWait, Established, FinWait, LastAck, TimeWait};
        let answered = if self.seen_reply { FlowState::Established } else { FlowState::New };
        match &self.track {
            Track::Tcp(track) => match track.state {
                Close => (FlowState::Closing, FlowTimer::TcpClosed),
                FinWait | CloseWait | LastAck | TimeWait => (FlowState::Closing, FlowTimer::TcpClosing),
                Established => (answered, FlowTimer::TcpEstablished),
                _ => (answered, FlowTimer::TcpOpening),
            },
            Track::Udp(_) if self.assured => (answered, FlowTimer::UdpStream),
            Track::Udp(_) => (answered, FlowTimer::Udp),
            Track::Other => (answered, FlowTimer::Icmp),
        }
    }

    /// Its row; none for a protocol that the table does not show. With samples, its deadline.
    ///
    /// Where both ends are translated, the row is that of the destination.
    pub fn flow_row(&self, node: NodeId, samples: bool) -> Option<FlowRow> {
        let proto = L4Proto::from_number(self.original.proto)?;
        let (inside, outside, remote) = if self.dnat {
            (source(&self.reply), destination(&self.original), source(&self.original))
        } else {
            (source(&self.original), destination(&self.reply), destination(&self.original))
        };
        // ICMP's other side has no port.
        let (outside, remote) = match proto {
            L4Proto::Icmp => (Endpoint::new(outside.addr, self.reply.src_port), Endpoint::new(remote.addr, 0)),
            _ => (outside, remote),
        };
        let (state, timer) = self.shown();
        Some(FlowRow {
            node,
            id: FlowId(self.flow()),
            engine: None,
            proto,
            inside,
            outside,
            remote,
            state,
            why: Some(FlowWhy {
                origin: if self.dnat { FlowOrigin::Forward } else { FlowOrigin::Outgoing },
                rule: self.rule.as_deref().unwrap_or_default().to_owned(),
                mapping: FlowMapping::AddressAndPortDependent,
                timer,
            }),
            expires: samples.then_some(self.expires),
        })
    }
}

fn source(tuple: &Tuple) -> Endpoint {
    Endpoint::new(tuple.src, tuple.src_port)
}

fn destination(tuple: &Tuple) -> Endpoint {
    Endpoint::new(tuple.dst, if tuple.proto == ICMP { tuple.src_port } else { tuple.dst_port })
}
