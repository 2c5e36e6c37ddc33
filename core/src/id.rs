//! Identities. Numbers are never reused within a world, so a late frame or timer of something removed finds nothing.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// Anything that holds ports of links: a machine, a switch, a NAT engine.
    NodeId(u32)
);
id!(
    /// A cable between two ports.
    LinkId(u32)
);
id!(
    /// A frame. A rewritten frame has an id of its own and knows its parent's.
    FrameId(u64)
);
id!(
    /// A TAP port: the place where a real Linux device stands in for a VM's NIC.
    TapId(u32)
);
id!(
    /// A process of one machine; unique in that machine only.
    Pid(u32)
);
id!(
    /// A command line that was given to a machine, and everything it started.
    JobId(u32)
);
id!(
    /// A socket of one machine; unique in that machine only.
    SocketId(u32)
);
id!(
    /// One row of a NAT's flow table; unique in that machine only.
    FlowId(u64)
);

/// One end of a cable: a node and the number of its port. A machine's port number is its interface's index; a
/// switch's is its switch port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Port {
    /// Whose port.
    pub node: NodeId,
    /// Which of its ports, or the interface's index.
    pub index: u32,
}

impl Port {
    /// The port `index` of `node`.
    pub const fn new(node: NodeId, index: u32) -> Self {
        Self { node, index }
    }
}
