//! `dhcpcd` 9.4.1 of Debian's dhcpcd-base: the same state machine as dhclient's with other manners. It probes an address
//! by ARP before it uses it, declines it when somebody answers, and makes its own routes (`proto dhcp`).
//!
//! The words are those that the real one printed in a namespace. It runs as with `noipv4ll` and without IPv6.

mod config;
mod options;

use core::net::Ipv4Addr;
use core::time::Duration;

use super::dhcpd::payload;
use super::{Kernel, LinkChange, Signal, Step};
use crate::addr::{Endpoint, MacAddr};
use crate::dhcp::{CLIENT_PORT, Client, ClientAction, ClientConfig, Manner, Message, MessageType, SERVER_PORT, option};
use crate::drop_reason::DropReason;
use crate::event::{Span, Stream};
use crate::frame::arp::{self, Arp};
use crate::frame::ethernet::ethertype;
use crate::frame::{Ethernet, Ipv4Header, Udp};
use crate::id::{Pid, SocketId};
use crate::rng::{Purpose, Rng};
use crate::time::SimTime;
use options::{Options, Task};

/// What it asks for (dhcpcd.conf of Debian, seen on the wire).
const PARAMS: [u8; 14] = [1, 121, 3, 6, 12, 15, 26, 28, 33, 51, 54, 58, 59, 119];
/// The largest DHCP packet it takes: the interface's MTU without headers.
const MESSAGE_SIZE: u16 = 1472;
/// How often it looks whether a cable was plugged in, or a process has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The program.
#[derive(Clone, Debug)]
pub struct Dhcpcd {
    argv: Vec<String>,
    options: Option<Options>,
    clients: Vec<OnIface>,
    udp: Option<SocketId>,
    daemon: bool,
    give_up_at: Option<SimTime>,
    /// The process that was told to end.
    ending: Option<Pid>,
}

/// Where it is at an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    NoCarrier,
    /// A random time before it begins, so that not all machines ask at once after a power cut.
    Delay(SimTime),
    Running,
}

#[derive(Clone, Debug)]
struct OnIface {
    index: u32,
    name: String,
    mac: MacAddr,
    phase: Phase,
    socket: SocketId,
    arp: Option<SocketId>,
    client: Client,
    xid: Option<u32>,
    /// What was put on the interface, to be taken off.
    configured: Option<crate::dhcp::BoundLease>,
    done: bool,
}

impl Dhcpcd {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        let (options, clients) = (None, Vec::new());
        Self { argv: argv.to_vec(), options, clients, udp: None, daemon: false, give_up_at: None, ending: None }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if let Some(pid) = self.ending {
            return wait_for(kernel, pid);
        }
        let options = match self.options.clone() {
            Some(options) => options,
            None => match self.begin(kernel) {
                Ok(options) => options,
                Err(step) => return step,
            },
        };
        match kernel.take_signal() {
            Some(_) if self.handle_signal(kernel, &options) => return Step::Exited(0),
            _ => {}
        }
        for at in 0..self.clients.len() {
            let udp = self.udp;
            self.clients[at].poll(kernel, &options, udp);
        }
        if self.clients.iter().all(|on| on.done) && !self.daemon {
            if options.task == Task::Test || options.once {
                return Step::Exited(0);
            }
            if !options.foreground {
                self.go_to_background(kernel, &options);
            }
        }
        if let Some(at) = self.give_up_at.filter(|_| !self.daemon && self.clients.iter().any(|on| !on.done)) {
            if at <= kernel.now() {
                say(kernel, "timed out\n");
                return Step::Exited(1);
            }
            kernel.wake_at(at);
        }
        if let Some(at) = self.clients.iter().filter_map(|on| on.next_wakeup(kernel.now())).min() {
            kernel.wake_at(at);
        }
        Step::Running
    }

    fn begin(&mut self, kernel: &mut dyn Kernel) -> Result<Options, Step> {
        let options = match options::parse(&self.argv) {
            Ok(options) => options,
            Err((text, status)) => {
                say(kernel, &text);
                return Err(Step::Exited(status));
            }
        };
        if options.task == Task::Version {
            kernel.write(Stream::Stdout, vec![Span::plain(options::VERSION)]);
            return Err(Step::Exited(0));
        }
        let running = options.running(kernel);
        match (options.task, running) {
            (Task::Release | Task::Exit, None) => {
                say(kernel, "dhcpcd not running\n");
                return Err(Step::Exited(1));
            }
            (Task::Release | Task::Exit, Some(pid)) => {
                let name = if options.task == Task::Release { "ALRM" } else { "TERM" };
                say(kernel, &format!("sending signal {name} to pid {}\nwaiting for pid {} to exit\n", pid.0, pid.0));
                order(kernel, &options, pid);
                self.ending = Some(pid);
                return Err(wait_for(kernel, pid));
            }
            (Task::Run | Task::Rebind, Some(pid)) => {
                say(kernel, "sending commands to dhcpcd process\n");
                order(kernel, &options, pid);
                return Err(Step::Exited(0));
            }
            _ => {}
        }
        say(kernel, "dhcpcd-9.4.1 starting\n");
        self.open_all(kernel, &options)?;
        self.udp = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT)).ok();
        self.give_up_at = (options.timeout_secs > 0).then(|| kernel.now() + Duration::from_secs(options.timeout_secs));
        self.options = Some(options.clone());
        Ok(options)
    }

    fn open_all(&mut self, kernel: &mut dyn Kernel, options: &Options) -> Result<(), Step> {
        let rows = kernel.ifaces();
        let all = options.ifaces.is_empty();
        let chosen: Vec<_> =
            rows.iter().filter(|row| !row.loopback && (all || options.ifaces.contains(&row.name))).cloned().collect();
        let Some(first) = rows.iter().find(|row| !row.loopback) else { return Err(Step::Exited(1)) };
        let duid = config::duid(kernel, first.mac);
        say(kernel, &format!("DUID {}\n", config::colons(&duid)));
        for row in &chosen {
            let _ = kernel.link_set(row.index, LinkChange { up: Some(true), ..LinkChange::default() });
            let iaid = &row.mac.0[2..];
            say(kernel, &format!("{}: IAID {}\n", row.name, config::colons(iaid)));
            let Ok(socket) = kernel.packet_open(row.index, CLIENT_PORT) else { continue };
            let remembered = config::remembered(kernel, &row.name).filter(|_| options.request.is_none());
            let config = ClientConfig {
                hostname: options.hostname.clone(),
                params: PARAMS.to_vec(),
                remembered,
                hint: options.request,
                client_id: Some([&[255], iaid, &duid].concat()),
                extra: vec![(option::MAX_MESSAGE_SIZE, MESSAGE_SIZE.to_be_bytes().to_vec()), (145, vec![1])],
                manner: Manner::Dhcpcd,
                probe: options.arp,
                rapid_commit: true,
                ..ClientConfig::new(row.mac)
            };
            let seed = u64::from(kernel.random_u32());
            let client = Client::new(config, Rng::stream(seed, Purpose::Machine, u64::from(row.index)));
            let (xid, arp) = (None, kernel.arp_open(row.index).ok());
            let (name, mac, phase) = (row.name.clone(), row.mac, Phase::NoCarrier);
            let mut on =
                OnIface { index: row.index, name, mac, phase, socket, arp, client, xid, configured: None, done: false };
            on.begin(kernel, options, true);
            self.clients.push(on);
        }
        if self.clients.is_empty() { Err(Step::Exited(1)) } else { Ok(()) }
    }

    fn go_to_background(&mut self, kernel: &mut dyn Kernel, options: &Options) {
        let pid = kernel.next_pid();
        say(kernel, &format!("forked to background, child pid {}\n", pid.0));
        let pid = kernel.daemonize();
        self.daemon = true;
        let _ = kernel.write_file(&options.pid_file(), format!("{}\n", pid.0));
    }

    /// Does what it was ordered to. `true`: it ends.
    fn handle_signal(&mut self, kernel: &mut dyn Kernel, options: &Options) -> bool {
        let order = kernel.read_file(&options.control_file()).unwrap_or_default();
        let _ = kernel.write_file(&options.control_file(), String::new());
        match order.trim() {
            "rebind" => {
                self.clients.iter_mut().for_each(|on| on.client.renew_now(kernel.now()));
                false
            }
            "release" => {
                for on in &mut self.clients {
                    on.release(kernel, self.udp);
                }
                true
            }
            // dhcpcd.conf's `persistent`: what is configured stays.
            _ => {
                say(kernel, "received SIGTERM, stopping\n");
                for on in &self.clients {
                    say(kernel, &format!("{}: removing interface\n", on.name));
                }
                true
            }
        }
    }
}

/// Orders the running process to do something: its control socket is a file here.
fn order(kernel: &mut dyn Kernel, options: &Options, pid: Pid) {
    let word = match options.task {
        Task::Release => "release",
        Task::Exit => "exit",
        _ => "rebind",
    };
    let _ = kernel.write_file(&options.control_file(), word.to_owned());
    let _ = kernel.kill(pid, Signal::Term);
}

/// Waits until a process has ended.
fn wait_for(kernel: &mut dyn Kernel, pid: Pid) -> Step {
    if kernel.processes().iter().any(|row| row.pid == pid) {
        kernel.wake_at(kernel.now() + LOOK_AGAIN);
        return Step::Running;
    }
    Step::Exited(0)
}

impl OnIface {
    fn carrier(&self, kernel: &dyn Kernel) -> bool {
        kernel.ifaces().iter().any(|row| row.index == self.index && row.carrier)
    }

    /// Begins as soon as there is a cable.
    fn begin(&mut self, kernel: &mut dyn Kernel, options: &Options, first: bool) {
        if !self.carrier(kernel) {
            if first {
                say(kernel, &format!("{}: waiting for carrier\n", self.name));
            }
            return;
        }
        let millis = 500 + u64::from(kernel.random_u32() % 1_501);
        let tenths = millis / 100;
        self.debug(kernel, options, &format!("delaying IPv4 for {}.{} seconds", tenths / 10, tenths % 10));
        self.phase = Phase::Delay(kernel.now() + Duration::from_millis(millis));
    }

    fn debug(&self, kernel: &mut dyn Kernel, options: &Options, text: &str) {
        if options.debug {
            self.info(kernel, text);
        }
    }

    fn info(&self, kernel: &mut dyn Kernel, text: &str) {
        say(kernel, &format!("{}: {text}\n", self.name));
    }

    fn next_wakeup(&self, now: SimTime) -> Option<SimTime> {
        match self.phase {
            Phase::NoCarrier => Some(now + LOOK_AGAIN),
            Phase::Delay(at) => Some(at),
            Phase::Running => self.client.next_wakeup(),
        }
    }

    fn poll(&mut self, kernel: &mut dyn Kernel, options: &Options, udp: Option<SocketId>) {
        match self.phase {
            Phase::NoCarrier => self.begin(kernel, options, false),
            Phase::Delay(at) if at <= kernel.now() => {
                self.phase = Phase::Running;
                match options.inform {
                    Some(own) => self.client.inform(kernel.now(), own),
                    None => {
                        self.debug(kernel, options, &format!("reading lease: {}", config::lease_file(&self.name)));
                        self.client.start(kernel.now());
                    }
                }
            }
            _ => {}
        }
        while let Some(frame) = kernel.packet_recv(self.socket) {
            match payload(&frame).and_then(|bytes| Message::parse(&bytes).ok()) {
                Some(message) => self.client.handle_message(kernel.now(), &message),
                None => kernel.packet_refuse(self.socket, DropReason::DhcpMalformed),
            }
        }
        while udp.and_then(|socket| kernel.udp_recv(socket)).is_some() {}
        while let Some(frame) = self.arp.and_then(|socket| kernel.packet_recv(socket)) {
            self.handle_arp(kernel.now(), &frame);
        }
        self.client.handle_timeout(kernel.now());
        while let Some(action) = self.client.poll_action() {
            self.act(kernel, options, udp, action);
        }
        let row = self.client.row(kernel.node(), self.index);
        kernel.dhcp_client_put(row);
    }

    /// RFC 5227 2.1.1: somebody uses the address, or probes it too.
    fn handle_arp(&mut self, now: SimTime, frame: &[u8]) {
        let Some(message) = Ethernet::parse(frame).and_then(|(_, payload)| Arp::parse(payload).ok()) else { return };
        let Some(addr) = self.client.probing().filter(|_| message.sender_mac != self.mac) else { return };
        let probes = message.op == arp::REQUEST && message.sender_ip.is_unspecified() && message.target_ip == addr;
        if message.sender_ip == addr || probes {
            self.client.handle_conflict(now, message.sender_mac);
        }
    }

    fn act(&mut self, kernel: &mut dyn Kernel, options: &Options, udp: Option<SocketId>, action: ClientAction) {
        match action {
            ClientAction::Send { message, unicast_to, retry } => {
                self.say_sending(kernel, options, &message, retry);
                self.send(kernel, udp, unicast_to, &message);
            }
            ClientAction::Offered(addr, server) => self.info(kernel, &format!("offered {addr} from {server}")),
            ClientAction::Acked(addr, server) => {
                self.debug(kernel, options, &format!("acknowledged {addr} from {server}"));
            }
            ClientAction::Refused(server, _) => self.info(kernel, &format!("NAK: from {server}")),
            ClientAction::Probe { addr, number, wait } => {
                if number == 1 {
                    self.info(
                        kernel,
                        &format!(
                            "probing address {}",
                            self.client.probed().map(|cidr| cidr.to_string()).unwrap_or_default()
                        ),
                    );
                    self.debug(kernel, options, &format!("probing for {addr}"));
                }
                let text = format!("ARP probing {addr} ({number} of 3), next in {} seconds", tenths(wait));
                self.debug(kernel, options, &text);
                self.send_arp(kernel, Ipv4Addr::UNSPECIFIED, addr);
            }
            ClientAction::Conflict(addr, mac) => {
                self.info(kernel, &format!("{mac}({mac}) claims {addr}"));
                self.info(kernel, &format!("DAD detected {addr}"));
            }
            ClientAction::Announce { addr, number, wait } => {
                let next = wait.map(|wait| format!(", next in {} seconds", tenths(wait))).unwrap_or_default();
                self.debug(kernel, options, &format!("ARP announcing {addr} ({number} of 2){next}"));
                self.send_arp(kernel, addr, addr);
            }
            ClientAction::Bound(lease) => self.bound(kernel, options, &lease),
            ClientAction::Renewed(lease) => {
                self.debug(kernel, options, &config::leased(&lease));
                config::write_lease(kernel, &self.name, &lease);
                config::put_address(kernel, self.index, &lease);
            }
            ClientAction::Expired(_) => {
                self.info(kernel, "DHCP lease expired");
                self.unconfigure(kernel);
            }
            ClientAction::Renewing(addr) => self.debug(kernel, options, &format!("renewing lease of {addr}")),
            ClientAction::Rebinding(_) => self.info(kernel, "failed to renew DHCP, rebinding"),
            ClientAction::Informed(ack) => {
                let addr = ack.ciaddr;
                self.info(kernel, &format!("received approval for {addr}"));
                config::put_routes(kernel, self.index, options.metric, addr, &ack);
                config::write_resolv_conf(kernel, &ack);
                self.done = true;
            }
            ClientAction::NotConfirmed | ClientAction::NoOffers => {}
        }
    }

    fn say_sending(&mut self, kernel: &mut dyn Kernel, options: &Options, message: &Message, retry: Option<Duration>) {
        let first = self.xid.replace(message.xid) != Some(message.xid);
        let name = match message.kind() {
            Some(MessageType::Discover) => "DISCOVER",
            Some(MessageType::Decline) => "DECLINE",
            Some(MessageType::Inform) => "INFORM",
            _ => "REQUEST",
        };
        if first && name == "DISCOVER" {
            self.info(kernel, "soliciting a DHCP lease");
        } else if let (true, "REQUEST", Some(addr)) = (first, name, message.requested_ip()) {
            self.info(kernel, &format!("rebinding lease of {addr}"));
        }
        let text = match retry {
            Some(wait) => format!("sending {name} (xid {:#x}), next in {} seconds", message.xid, tenths(wait)),
            None => format!("sending {name} with xid {:#x}", message.xid),
        };
        self.debug(kernel, options, &text);
    }

    fn bound(&mut self, kernel: &mut dyn Kernel, options: &Options, lease: &crate::dhcp::BoundLease) {
        if options.task == Task::Test {
            kernel.write(Stream::Stdout, vec![Span::plain(config::variables(kernel, self.index, &self.name, lease))]);
            self.done = true;
            return;
        }
        if options.arp {
            self.debug(kernel, options, &format!("DAD completed for {}", lease.cidr.addr));
        }
        self.info(kernel, &config::leased(lease));
        let after = |at: SimTime| at.since(lease.since).as_secs();
        let times = format!("renew in {} seconds, rebind in {} seconds", after(lease.renew_at), after(lease.rebind_at));
        self.debug(kernel, options, &times);
        self.debug(kernel, options, &format!("writing lease: {}", config::lease_file(&self.name)));
        config::write_lease(kernel, &self.name, lease);
        let broadcast = lease.cidr.broadcast();
        self.debug(kernel, options, &format!("adding IP address {} broadcast {broadcast}", lease.cidr));
        config::put_address(kernel, self.index, lease);
        for text in config::put_network(kernel, self.index, options.metric, lease) {
            self.info(kernel, &text);
        }
        config::write_resolv_conf(kernel, &lease.ack);
        self.configured = Some(lease.clone());
        self.done = true;
    }

    fn unconfigure(&mut self, kernel: &mut dyn Kernel) {
        if let Some(lease) = self.configured.take() {
            let _ = kernel.addr_del(self.index, lease.cidr);
        }
    }

    fn release(&mut self, kernel: &mut dyn Kernel, udp: Option<SocketId>) {
        if let Some((message, server)) = self.client.release() {
            self.send(kernel, udp, Some(server), &message);
        }
        self.unconfigure(kernel);
        config::forget_lease(kernel, &self.name);
        kernel.dhcp_client_del(self.index);
    }

    fn send(&self, kernel: &mut dyn Kernel, udp: Option<SocketId>, unicast: Option<Ipv4Addr>, message: &Message) {
        let bytes = message.emit();
        if let (Some(server), Some(socket)) = (unicast, udp) {
            let _ = kernel.udp_send(socket, Endpoint::new(server, SERVER_PORT), &bytes);
            return;
        }
        let (src, dst) = (message.ciaddr, Ipv4Addr::BROADCAST);
        let datagram = Udp { src_port: CLIENT_PORT, dst_port: SERVER_PORT }.emit(src, dst, &bytes);
        let ident = (kernel.random_u32() & 0xffff) as u16;
        let header = Ipv4Header { src, dst, proto: 17, ttl: 64, ident, tos: 0, dont_fragment: false };
        self.send_frame(kernel, ethertype::IPV4, &header.emit(&datagram));
    }

    fn send_arp(&self, kernel: &mut dyn Kernel, sender_ip: Ipv4Addr, target_ip: Ipv4Addr) {
        let target_mac = MacAddr::default();
        let message = Arp { op: arp::REQUEST, sender_mac: self.mac, sender_ip, target_mac, target_ip };
        self.send_frame(kernel, ethertype::ARP, &message.emit());
    }

    fn send_frame(&self, kernel: &mut dyn Kernel, ethertype: u16, payload: &[u8]) {
        let frame = Ethernet { dst: MacAddr::BROADCAST, src: self.mac, ethertype }.emit(payload);
        let _ = kernel.packet_send(self.socket, frame);
    }
}

/// `3.4`.
fn tenths(wait: Duration) -> String {
    let tenths = wait.as_millis() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn say(kernel: &mut dyn Kernel, text: &str) {
    kernel.write(Stream::Stderr, super::dhclient::spans(text));
}
