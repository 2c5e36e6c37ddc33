//! Every cap in one place, so that a hostile frame or a careless loop costs a bounded amount. What a cap discards is
//! counted and said.

use crate::time::SimTime;

/// Frames waiting on one direction of a link (Linux's default `txqueuelen` is 1000).
pub const LINK_QUEUE_FRAMES_MAX: usize = 1_000;
/// Largest Ethernet frame, FCS not counted: 9000 bytes of payload (jumbo) and a header with one VLAN tag.
pub const FRAME_BYTES_MAX: usize = 9_018;
/// A frame from a TAP may be a segmentation super-frame: 64 KiB of IP and the Ethernet header.
pub const OFFLOAD_FRAME_BYTES_MAX: usize = 65_535 + 14;
/// Frames handled at one instant of lab time before `StormDetected` is said and the rest of the instant is dropped.
pub const FRAMES_PER_INSTANT_MAX: u32 = 20_000;
/// MAC addresses one switch learns (a small office switch; Linux's bridge has no limit by default).
pub const FDB_ENTRIES_MAX: usize = 4_096;
/// MAC addresses that one switch port with port security keeps (Cisco's Catalyst: up to 3,072 a system; a port of an
/// office needs a few).
pub const PORT_SECURITY_MACS_MAX: u32 = 128;
/// Copies of frames that come round in loops of cables, which all switches of a lab together send on in a lab second;
/// more are dropped as a storm, so that a page can keep up with real time. Frames that pass once are never counted.
pub const STORM_COPIES_PER_SEC: u32 = 16_000;
/// Frames on cables at once; more are dropped as a storm. A thousand cards at one switch that all broadcast at one
/// instant make a million.
pub const FRAMES_IN_FLIGHT_MAX: usize = 2_000_000;
/// Neighbours of one machine (Linux: `net.ipv4.neigh.default.gc_thresh3`).
pub const NEIGHBOURS_MAX: usize = 1_024;
/// Packets that wait for one neighbour's address (Linux 6.1 bounds bytes, `unres_qlen_bytes`; this is about as many).
pub const NEIGHBOUR_QUEUE_MAX: usize = 101;
/// Sockets of one NAT engine: what an ordinary process may open (`RLIMIT_NOFILE`, 1024), less what it has open already.
pub const ENGINE_SOCKETS_MAX: usize = 1_000;
/// Guests' packets that wait for the hypervisor's process.
pub const ENGINE_QUEUE_MAX: usize = 1_000;
/// Senders to one UDP port-forwarding rule that are remembered.
pub const FORWARD_CLIENTS_MAX: usize = 256;
/// Flow entries of one NAT.
pub const FLOWS_MAX: usize = 65_535;
/// Connections that one machine's conntrack follows (Linux: `net.netfilter.nf_conntrack_max`, at most).
pub const CONNTRACK_MAX: usize = 65_535;
/// Netfilter tables of one machine.
pub const NETFILTER_TABLES_MAX: usize = 256;
/// Netfilter chains of one machine.
pub const NETFILTER_CHAINS_MAX: usize = 1_024;
/// Netfilter rules of one machine.
pub const NETFILTER_RULES_MAX: usize = 16_384;
/// Parts of one netfilter rule (include/net/netfilter/nf_tables.h `NFT_RULE_MAXEXPRS`).
pub const NETFILTER_RULE_PARTS_MAX: usize = 128;
/// Lines of a machine's kernel log.
pub const KERNEL_LOG_LINES_MAX: usize = 1_000;
/// Elements of one set in a netfilter rule.
pub const NETFILTER_SET_MAX: usize = 1_024;
/// Bytes of fragments that wait in one machine for the rest of their packet (Linux: `net.ipv4.ipfrag_high_thresh`).
pub const FRAGMENT_BYTES_MAX: usize = 4 << 20;
/// Path MTUs that one machine remembers.
pub const PATH_MTUS_MAX: usize = 1_024;
/// Sockets of one machine.
pub const SOCKETS_MAX: usize = 16_384;
/// Standard input of a tool that reads all of it before it begins (`nft -f -`), in bytes.
pub const TOOL_INPUT_BYTES_MAX: usize = 1 << 20;
/// Files of one machine.
pub const FILES_MAX: usize = 1_024;
/// Bytes of all files of one machine: its disk.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Processes of one machine.
pub const PROCESSES_MAX: usize = 1_024;
/// Bytes waiting in one datagram socket (Linux: `net.core.rmem_default`).
pub const SOCKET_RECEIVE_BYTES_MAX: usize = 212_992;
/// Addresses one DHCP pool may hold.
pub const DHCP_POOL_MAX: u32 = 65_536;
/// Scopes of one DHCP service of a machine.
pub const DHCP_SCOPES_MAX: usize = 32;
/// Answers of one DHCP server that wait for a ping or for its delay.
pub const DHCP_PENDING_MAX: usize = 1_024;
/// Characters of one command line.
pub const COMMAND_LINE_CHARS_MAX: usize = 65_536;
/// Characters of one display filter.
pub const DISPLAY_FILTER_CHARS_MAX: usize = 2_000;
/// How deep parentheses and negations of a display filter may be nested.
pub const DISPLAY_FILTER_DEPTH_MAX: usize = 50;
/// Bytes of one lab file.
pub const LAB_BYTES_MAX: usize = 1 << 20;
/// Bytes of one script.
pub const SCRIPT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one message between page and world.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Adapters of one VM (VirtualBox with the PIIX3 chipset).
pub const ADAPTERS_MAX: u8 = 8;
/// Host-only interfaces of one host (VirtualBox: `VBOXNETADP_MAX_INSTANCES`).
pub const HOST_ONLY_IFACES_MAX: u8 = 128;
/// NAT networks of one hypervisor, its DHCP servers, rules of one port forwarding: each at most so many.
pub const HYPERVISOR_OBJECTS_MAX: usize = 256;
/// Nodes of one lab.
pub const NODES_MAX: usize = 10_000;
/// Frames a viewer keeps; older ones are forgotten and counted.
pub const VIEW_FRAMES_MAX: usize = 100_000;
/// Bytes of frames a viewer keeps.
pub const VIEW_FRAME_BYTES_MAX: usize = 48 << 20;
/// Outputs kept per machine's terminal, in characters.
pub const TERMINAL_CHARS_MAX: usize = 200_000;
/// Bytes of frame facts that a runner keeps to look back at; older ones are forgotten, and it is said from where.
pub const RECORD_FRAME_BYTES_MAX: usize = 64 << 20;
/// Bytes of row facts that a runner keeps to look back at: what bounds how far back that goes.
pub const RECORD_ROW_BYTES_MAX: usize = 32 << 20;
/// Bytes of terminals' output that a runner keeps to look back at.
pub const RECORD_WORD_BYTES_MAX: usize = 16 << 20;
/// Rows in all keyframes of a runner together.
pub const RECORD_KEYFRAME_ROWS_MAX: usize = 200_000;
/// Passing events that a snapshot carries: words, and frame facts, each.
pub const RECORD_EVENTS_SHOWN_MAX: usize = 4_000;
/// Facts about frames that a viewer remembers in order to explain what failed.
pub const WHY_EVENTS_MAX: usize = 16_384;
/// Command lines that are remembered in order to explain them.
pub const WHY_JOBS_MAX: usize = 200;
/// Bytes of one command's output that are remembered for that.
pub const WHY_OUTPUT_MAX: usize = 4_096;
/// Characters of a link's text; browsers take some two million, chat programs cut far earlier.
pub const LINK_CHARS_MAX: usize = 100_000;
/// Bytes of a session that a link's text may unfold to.
pub const LINK_BYTES_MAX: usize = 2 << 20;
/// Inputs of one session.
pub const SESSION_INPUTS_MAX: usize = 10_000;
/// Where lab time ends: 500 years, well before its nanoseconds run out, so that nothing is ever due at an instant that
/// cannot be left.
pub const LAB_TIME_MAX: SimTime = SimTime::from_secs(500 * 365 * 86_400);

const _: () = assert!(FRAME_BYTES_MAX < OFFLOAD_FRAME_BYTES_MAX);
const _: () = assert!(LINK_QUEUE_FRAMES_MAX < FRAMES_PER_INSTANT_MAX as usize);
