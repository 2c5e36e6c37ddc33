//! Netfilter: the rules a packet meets on its way through a machine or over its bridge, and the connections it belongs
//! to. Decisions for a packet and a time, as Linux takes them.
//!
//! One rule set ([`model`]) stands under `iptables` and `nft`: both are tools that read and edit it. Must not know
//! where packets come from or go to: [`crate::machine`] and the bridge on a host call it at their hooks.

pub mod model;
