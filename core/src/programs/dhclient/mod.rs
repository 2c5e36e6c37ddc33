//! `dhclient` of ISC DHCP 4.4.3-P1, as Debian 12 has it: options, words on the terminal, and what dhclient-script does.
//!
//! The state machine is [`crate::dhcp::Client`]'s; this file sends what it wants sent and says what it does.

pub(crate) mod leases;
mod script;

use core::net::Ipv4Addr;

use super::dhcpd::payload;
use super::{Errno, Kernel, LinkChange, Signal, Step};
use crate::addr::{Endpoint, MacAddr};
use crate::dhcp::{
    BoundLease, CLIENT_PORT, Client, ClientAction, ClientConfig, Message, MessageType, SERVER_PORT, option,
};
use crate::drop_reason::DropReason;
use crate::event::{Span, Stream};
use crate::frame::ethernet::ethertype;
use crate::frame::{Ethernet, Ipv4Header, Udp};
use crate::id::{Pid, SocketId};
use crate::rng::{Purpose, Rng};

const BANNER: &str = "Internet Systems Consortium DHCP Client 4.4.3-P1\n\
    Copyright 2004-2022 Internet Systems Consortium.\n\
    All rights reserved.\n\
    For info, please visit https://www.isc.org/software/dhcp/\n";
const USAGE: &str = "Usage: dhclient [-4|-6] [-SNTPRI1dvrxi] [-nw] [-p <port>] [-D LL|LLT]
                [--dad-wait-time <seconds>] [--prefix-len-hint <length>]
                [--decline-wait-time <seconds>]
                [--address-prefix-len <length>]
                [-s server-addr] [-cf config-file]
                [-df duid-file] [-lf lease-file]
                [-pf pid-file] [--no-pid] [-e VAR=val]
                [-sf script-file] [interface]*
       dhclient {--version|--help|-h}
";
const FAREWELL: &str = "
If you think you have received this message due to a bug rather
than a configuration issue please read the section on submitting
bugs on either our web page at www.isc.org or in the README file
before submitting a bug.  These pages explain the proper
process and the information we find helpful for debugging.

exiting.
";
/// What Debian's /etc/dhcp/dhclient.conf asks for.
const PARAMS: [u8; 13] = [
    option::SUBNET_MASK,
    option::BROADCAST_ADDRESS,
    option::TIME_OFFSET,
    option::ROUTERS,
    option::DOMAIN_NAME,
    option::DOMAIN_NAME_SERVERS,
    option::DOMAIN_SEARCH,
    option::HOST_NAME,
    option::NETBIOS_NAME_SERVERS,
    option::NETBIOS_SCOPE,
    option::INTERFACE_MTU,
    option::CLASSLESS_ROUTES,
    option::NTP_SERVERS,
];

#[derive(Clone, Debug)]
struct Options {
    verbose: bool,
    release: bool,
    stop: bool,
    once: bool,
    foreground: bool,
    no_wait: bool,
    lease_file: String,
    pid_file: String,
    ifaces: Vec<String>,
}

/// The program.
#[derive(Clone, Debug)]
pub struct Dhclient {
    argv: Vec<String>,
    options: Option<Options>,
    clients: Vec<OnIface>,
    udp: Option<SocketId>,
    daemon: bool,
}

/// A client at one interface.
#[derive(Clone, Debug)]
struct OnIface {
    index: u32,
    name: String,
    mac: MacAddr,
    socket: SocketId,
    client: Client,
    /// The ping to the router of a recorded lease, and that lease.
    trying: Option<(Pid, BoundLease)>,
}

impl Dhclient {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_vec(), options: None, clients: Vec::new(), udp: None, daemon: false }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        let options = match self.options.clone() {
            Some(options) => options,
            None => match self.begin(kernel) {
                Ok(options) => options,
                Err(step) => return step,
            },
        };
        let mut failed = false;
        for at in 0..self.clients.len() {
            failed |= self.poll_client(kernel, at, &options);
        }
        if failed && options.once {
            return Step::Exited(2);
        }
        if !self.daemon && !options.foreground && self.clients.iter().all(|on| on.client.lease().is_some() || failed) {
            self.go_to_background(kernel, &options);
        }
        if let Some(at) = self.clients.iter().filter_map(|on| on.client.next_wakeup()).min() {
            kernel.wake_at(at);
        }
        Step::Running
    }

    /// Reads the options and opens the interfaces; or ends.
    fn begin(&mut self, kernel: &mut dyn Kernel) -> Result<Options, Step> {
        let options = match parse(&self.argv) {
            Ok(options) => options,
            Err(word) => {
                say(kernel, &format!("{BANNER}Unknown command: {word}\n{USAGE}{FAREWELL}"));
                return Err(Step::Exited(1));
            }
        };
        if options.release || options.stop {
            kill_old(kernel, &options);
        }
        if options.verbose {
            say(kernel, &format!("{BANNER}\n"));
        }
        let rows = kernel.ifaces();
        let names: Vec<String> = if options.ifaces.is_empty() {
            rows.iter().filter(|row| !row.loopback).map(|row| row.name.clone()).collect()
        } else {
            options.ifaces.clone()
        };
        let mut found = Vec::new();
        for name in &names {
            let Some(row) = rows.iter().find(|row| row.name == *name) else {
                let banner = if options.verbose { String::new() } else { format!("{BANNER}\n") };
                let reason = "Failed to get interface index: No such device";
                say(kernel, &format!("Cannot find device \"{name}\"\n{banner}{reason}\n{FAREWELL}"));
                return Err(Step::Exited(1));
            };
            found.push(row.clone());
        }
        for row in &found {
            if options.release || options.stop {
                announce(kernel, &options, &row.name, row.mac);
                continue;
            }
            let up = LinkChange { up: Some(true), ..LinkChange::default() };
            let _ = kernel.link_set(row.index, up);
            self.open(kernel, &options, row.index, &row.name, row.mac);
        }
        if options.verbose {
            say(kernel, "Sending on   Socket/fallback\n");
        }
        if options.release || options.stop {
            for row in found.iter().filter(|_| options.release) {
                release(kernel, &options, row.index, &row.name, row.mac);
            }
            // What was to be sent is on its way.
            return Err(Step::Exited(0));
        }
        self.udp = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT)).ok();
        for on in &mut self.clients {
            on.client.start(kernel.now());
        }
        self.options = Some(options.clone());
        if options.no_wait {
            self.go_to_background(kernel, &options);
        }
        Ok(options)
    }

    fn open(&mut self, kernel: &mut dyn Kernel, options: &Options, index: u32, name: &str, mac: MacAddr) {
        let Ok(socket) = kernel.packet_open(index, CLIENT_PORT) else { return };
        announce(kernel, options, name, mac);
        let remembered = leases::last(kernel, &options.lease_file, name);
        let runs = |lease: &&leases::Remembered| lease.expires > kernel.now();
        let config = ClientConfig {
            hostname: Some(kernel.hostname()),
            params: PARAMS.to_vec(),
            remembered: remembered.as_ref().filter(runs).map(|lease| lease.addr),
            // The address of a lease that is over is asked for all the same (client/dhclient.c, `make_discover`).
            hint: remembered.map(|lease| lease.addr),
            ..ClientConfig::new(mac)
        };
        let seed = u64::from(kernel.random_u32());
        let client = Client::new(config, Rng::stream(seed, Purpose::Machine, u64::from(index)));
        self.clients.push(OnIface { index, name: name.to_owned(), mac, socket, client, trying: None });
    }

    fn go_to_background(&mut self, kernel: &mut dyn Kernel, options: &Options) {
        let pid = kernel.daemonize();
        self.daemon = true;
        let _ = kernel.write_file(&options.pid_file, format!("{}\n", pid.0));
    }

    /// One interface's turn. `true`: nobody answered.
    fn poll_client(&mut self, kernel: &mut dyn Kernel, at: usize, options: &Options) -> bool {
        let udp = self.udp;
        let Some(on) = self.clients.get_mut(at) else { return false };
        while let Some(frame) = kernel.packet_recv(on.socket) {
            match payload(&frame).and_then(|bytes| Message::parse(&bytes).ok()) {
                Some(message) => on.client.handle_message(kernel.now(), &message),
                None => kernel.packet_refuse(on.socket, DropReason::DhcpMalformed),
            }
        }
        let mut failed = on.finish_trying(kernel, options);
        // The packet socket saw these too; they are only taken away here.
        while udp.and_then(|socket| kernel.udp_recv(socket)).is_some() {}
        on.client.handle_timeout(kernel.now());
        while let Some(action) = on.client.poll_action() {
            if action == ClientAction::NoOffers {
                failed |= on.no_offers(kernel, options);
            } else {
                on.act(kernel, options, udp, action);
            }
        }
        let row = on.client.row(kernel.node(), on.index);
        kernel.dhcp_client_put(row);
        failed
    }
}

impl OnIface {
    fn act(&mut self, kernel: &mut dyn Kernel, options: &Options, udp: Option<SocketId>, action: ClientAction) {
        let name = &self.name;
        match action {
            ClientAction::Send { message, unicast_to, retry } => {
                let to = unicast_to.unwrap_or(Ipv4Addr::BROADCAST);
                let wanted = message.requested_ip().unwrap_or(message.ciaddr);
                let (what, interval) = match (message.kind(), retry) {
                    (Some(MessageType::Discover), Some(retry)) => {
                        ("DHCPDISCOVER".to_owned(), format!(" interval {}", retry.as_secs()))
                    }
                    _ => (format!("DHCPREQUEST for {wanted}"), String::new()),
                };
                info(kernel, options, &format!("{what} on {name} to {to} port 67{interval}\n"));
                self.send(kernel, udp, unicast_to, &message);
            }
            ClientAction::Offered(addr, server) => {
                info(kernel, options, &format!("DHCPOFFER of {addr} from {server}\n"))
            }
            ClientAction::Acked(addr, server) => info(kernel, options, &format!("DHCPACK of {addr} from {server}\n")),
            ClientAction::Refused(server, _) => info(kernel, options, &format!("DHCPNAK from {server}\n")),
            ClientAction::Bound(lease) => {
                script::bound(kernel, self.index, &lease);
                leases::append(kernel, &options.lease_file, name, &lease);
                self.say_bound(kernel, options, &lease);
            }
            ClientAction::Renewed(lease) => {
                script::renewed(kernel, self.index, &lease);
                leases::append(kernel, &options.lease_file, name, &lease);
                self.say_bound(kernel, options, &lease);
            }
            ClientAction::Expired(_) => script::flush(kernel, self.index),
            // dhclient does not probe by itself, informs nobody, and says nothing of the rest.
            ClientAction::NoOffers
            | ClientAction::NotConfirmed
            | ClientAction::Renewing(_)
            | ClientAction::Rebinding(_)
            | ClientAction::Informed(_)
            | ClientAction::Probe { .. }
            | ClientAction::Conflict(..)
            | ClientAction::Announce { .. } => {}
        }
    }

    /// Nobody answered (client/dhclient.c, `state_panic`): a recorded lease that still runs is tried by asking its router.
    /// `true` when that cannot be.
    fn no_offers(&mut self, kernel: &mut dyn Kernel, options: &Options) -> bool {
        info(kernel, options, "No DHCPOFFERS received.\n");
        let recorded = leases::last(kernel, &options.lease_file, &self.name);
        let Some(recorded) = recorded.filter(|lease| lease.expires > kernel.now()) else {
            no_lease(kernel, options);
            return true;
        };
        info(kernel, options, &format!("Trying recorded lease {}\n", recorded.addr));
        let router = script::try_recorded(kernel, self.index, &recorded.lease);
        let ping = router.map(|to| kernel.spawn(["ping", "-q", "-c", "1", &to.to_string()].map(str::to_owned).into()));
        match ping {
            Some(Ok(pid)) => {
                self.trying = Some((pid, recorded.lease));
                false
            }
            Some(Err(_)) => {
                script::flush(kernel, self.index);
                no_lease(kernel, options);
                true
            }
            None => {
                self.recorded_works(kernel, options, recorded.lease);
                false
            }
        }
    }

    /// What the router of a recorded lease answered. `true` when it did not.
    fn finish_trying(&mut self, kernel: &mut dyn Kernel, options: &Options) -> bool {
        let Some((pid, lease)) = self.trying.clone() else { return false };
        match kernel.wait(pid) {
            None => false,
            Some(0) => {
                self.trying = None;
                self.recorded_works(kernel, options, lease);
                false
            }
            Some(_) => {
                self.trying = None;
                script::flush(kernel, self.index);
                no_lease(kernel, options);
                true
            }
        }
    }

    fn recorded_works(&mut self, kernel: &mut dyn Kernel, options: &Options, lease: BoundLease) {
        script::recorded_works(kernel, self.index, &lease);
        let secs = lease.renew_at.since(kernel.now().min(lease.renew_at)).as_secs();
        info(kernel, options, &format!("bound: renewal in {secs} seconds.\n"));
        self.client.adopt(lease);
    }

    fn say_bound(&self, kernel: &mut dyn Kernel, options: &Options, lease: &BoundLease) {
        let secs = lease.renew_at.since(kernel.now()).as_secs();
        info(kernel, options, &format!("bound to {} -- renewal in {secs} seconds.\n", lease.cidr.addr));
    }

    fn send(&self, kernel: &mut dyn Kernel, udp: Option<SocketId>, unicast: Option<Ipv4Addr>, message: &Message) {
        let bytes = message.emit();
        if let (Some(server), Some(socket)) = (unicast, udp) {
            let _ = kernel.udp_send(socket, Endpoint::new(server, SERVER_PORT), &bytes);
            return;
        }
        let (src, dst) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        let datagram = Udp { src_port: CLIENT_PORT, dst_port: SERVER_PORT }.emit(src, dst, &bytes);
        // As ISC's raw sockets make it (common/packet.c): TTL 128, low delay, id 0.
        let header = Ipv4Header { src, dst, proto: 17, ttl: 128, ident: 0, tos: 0x10, dont_fragment: false };
        let header = header.emit(&datagram);
        let frame = Ethernet { dst: MacAddr::BROADCAST, src: self.mac, ethertype: ethertype::IPV4 }.emit(&header);
        if kernel.packet_send(self.socket, frame) == Err(Errno::ENETDOWN) {
            say(kernel, "send_packet: Network is down\n");
        }
    }
}

fn parse(argv: &[String]) -> Result<Options, String> {
    let mut options = Options {
        verbose: false,
        release: false,
        stop: false,
        once: false,
        foreground: false,
        no_wait: false,
        lease_file: "/var/lib/dhcp/dhclient.leases".to_owned(),
        pid_file: "/run/dhclient.pid".to_owned(),
        ifaces: Vec::new(),
    };
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or_else(|| word.clone());
        match word.as_str() {
            "-v" => options.verbose = true,
            "-r" => options.release = true,
            "-x" => options.stop = true,
            "-1" => options.once = true,
            "-d" => (options.foreground, options.verbose) = (true, true),
            "-nw" => options.no_wait = true,
            "-4" | "-q" | "--no-pid" => {}
            "-lf" => options.lease_file = value()?,
            "-pf" => options.pid_file = value()?,
            "-cf" | "-sf" | "-df" | "-e" | "-p" | "-s" => drop(value()?),
            _ if word.starts_with('-') => return Err(word.clone()),
            _ => options.ifaces.push(word.clone()),
        }
    }
    Ok(options)
}

fn no_lease(kernel: &mut dyn Kernel, options: &Options) {
    let then = if options.once {
        "Unable to obtain a lease on first try.  Exiting.\n"
    } else {
        "No working leases in persistent database - sleeping.\n"
    };
    info(kernel, options, then);
}

fn say(kernel: &mut dyn Kernel, text: &str) {
    kernel.write(Stream::Stderr, spans(text));
}

fn info(kernel: &mut dyn Kernel, options: &Options, text: &str) {
    if options.verbose {
        say(kernel, text);
    }
}

/// Words that have a meaning of their own: the message's name, addresses.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let piece = |word: &str| {
        let bare = word.trim_end();
        if bare.starts_with("DHCP") && bare.len() > 4 && bare.bytes().all(|b| b.is_ascii_uppercase()) {
            Span::new(word, "dhcp-message")
        } else if bare.parse::<Ipv4Addr>().is_ok() {
            Span::new(word, "ip-address")
        } else {
            Span::plain(word)
        }
    };
    let mut spans: Vec<Span> = Vec::new();
    for span in text.split_inclusive(' ').map(piece) {
        match spans.last_mut() {
            Some(last) if last.meaning.is_empty() && span.meaning.is_empty() => last.text.push_str(&span.text),
            _ => spans.push(span),
        }
    }
    spans
}

fn announce(kernel: &mut dyn Kernel, options: &Options, name: &str, mac: MacAddr) {
    info(kernel, options, &format!("Listening on LPF/{name}/{mac}\nSending on   LPF/{name}/{mac}\n"));
}

/// Ends the client that runs already, if one does.
fn kill_old(kernel: &mut dyn Kernel, options: &Options) {
    let text = kernel.read_file(&options.pid_file).unwrap_or_default();
    let old = text.trim().parse().ok().map(Pid);
    let is_dhclient = |pid: Pid| {
        kernel
            .processes()
            .iter()
            .any(|row| row.pid == pid && row.argv.first().is_some_and(|name| name.ends_with("dhclient")))
    };
    if let Some(pid) = old.filter(|pid| is_dhclient(*pid)) {
        let _ = kernel.kill(pid, Signal::Kill);
        info(kernel, options, "Killed old client process\n");
    }
}

/// Gives back the lease that the lease file knows.
fn release(kernel: &mut dyn Kernel, options: &Options, index: u32, name: &str, mac: MacAddr) {
    let Some(lease) = leases::last(kernel, &options.lease_file, name) else { return };
    info(kernel, options, &format!("DHCPRELEASE of {} on {name} to {} port 67\n", lease.addr, lease.server));
    let mut message = Message::request(MessageType::Release, kernel.random_u32(), mac);
    message.ciaddr = lease.addr;
    message.set(option::SERVER_IDENTIFIER, &lease.server.octets());
    if let Ok(socket) = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT)) {
        let _ = kernel.udp_send(socket, Endpoint::new(lease.server, SERVER_PORT), &message.emit());
        kernel.close(socket);
    }
    script::flush(kernel, index);
    leases::released(kernel, &options.lease_file, name, lease.lease);
    kernel.dhcp_client_del(index);
}
