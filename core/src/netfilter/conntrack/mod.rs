//! Connection tracking as Linux does it (net/netfilter/nf_conntrack_core.c): which connection a packet belongs to, how
//! far that has come, when it is forgotten, how it is translated. Must not know rules or interfaces.

mod tuple;

pub use tuple::{ConntrackRow, ICMP, TCP, TcpState, Tuple, UDP};
