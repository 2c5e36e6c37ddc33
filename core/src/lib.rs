//! The network of Netmodes as a library: machines, links, switches, NAT, DHCP, the hypervisor's modes, the shell.
//!
//! # The contract
//! [`world::World`] is a function of its lab, its seed and its inputs. One input goes in with a time
//! ([`world::World::handle`]), then [`world::World::poll_output`] is drained to `None`, then
//! [`world::World::next_wakeup`] says when time itself is the next input. Nothing here reads a clock, draws entropy,
//! opens a file, starts a thread or calls back.
//!
//! # The map
//! - values: [`time`], [`rng`], [`id`], [`addr`], [`limits`], [`error`], [`drop_reason`]
//! - bytes: [`frame`] (decoding, lineage, capture files), [`display_filter`] (which frames are shown), [`dhcp`] and [`nat`] (decisions for a packet and a time)
//! - things: [`link`], [`switch`], [`machine`] (one computer), [`programs`] (what runs on it), [`shell`] (words to
//!   programs), [`hypervisor`] (what each attachment mode builds)
//! - the whole: [`world`] (event queue, topology, commands), [`event`] (the facts it emits), [`view`] (what a viewer
//!   knows: the fold of the facts), [`reach`] (who reaches whom, tried in forks), [`why`] (the first cause of a failure,
//!   read from the facts)
//! - at the edge, with serde: [`lab`], [`exercise`], [`script`], [`protocol`], [`share`] (a session as a link's text),
//!   and [`runner`], which drives a world for the page's worker, the headless simulator and the agent alike.

pub mod addr;
pub mod dhcp;
pub mod display_filter;
pub mod drop_reason;
pub mod error;
pub mod event;
pub mod exercise;
pub mod fixed_map;
pub mod frame;
pub mod hypervisor;
pub mod id;
pub mod lab;
pub mod limits;
pub mod link;
pub mod machine;
pub mod nat;
pub mod netfilter;
pub mod programs;
pub mod protocol;
pub mod reach;
pub mod rng;
pub mod runner;
pub mod script;
pub mod share;
pub mod shell;
pub mod switch;
pub mod time;
pub mod view;
pub mod why;
pub mod world;
