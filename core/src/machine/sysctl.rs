//! Kernel settings (`/proc/sys`): their names, defaults, ranges, and what a written text means, as in Linux 6.1 on
//! Debian 12. What follows from a value is decided where it is used: fields, not names, are read there.
//!
//! A setting is listed only if it has an effect here. Names are paths below `/proc/sys`
//! (`net/ipv4/conf/eth0/rp_filter`); `sysctl`'s dots are the tool's affair.
//!
//! `net/bridge/*` exists once the module br_netfilter is loaded: by `modprobe br_netfilter`, by the first rule with
//! `-m physdev` (net/netfilter/xt_physdev.c asks for it), or by a lab file that sets one of these settings.
//! `net/netfilter/*` is always there, as if nf_conntrack were built in.

use super::iface::{Iface, Ifaces};
use crate::programs::Errno;

/// A number among the settings of one group.
struct Field<G> {
    name: &'static str,
    min: i32,
    max: i32,
    get: fn(&G) -> i32,
    set: fn(&mut G, i32),
}

macro_rules! settings {
    ($(#[doc = $about:literal])* $group:ident { $($(#[doc = $doc:literal])* $field:ident = $default:literal in $min:expr, $max:expr;)* }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $group { $($(#[doc = $doc])* pub $field: i32,)* }

        impl Default for $group {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $group {
            const FIELDS: &'static [Field<Self>] = &[$(Field {
                name: stringify!($field),
                min: $min,
                max: $max,
                get: |group| group.$field,
                set: |group, value| group.$field = value,
            },)*];
        }
    };
}

const ANY: (i32, i32) = (i32::MIN, i32::MAX);

settings! {
    /// `net/ipv4/*`. Flags are numbers: anything but 0 is on.
    Ipv4 {
        /// Echo requests are not answered.
        icmp_echo_ignore_all = 0 in 0, 1;
        /// Echo requests to a broadcast address are not answered.
        icmp_echo_ignore_broadcasts = 1 in 0, 1;
        /// ICMP messages at once, of all kinds that `icmp_ratemask` names, to everybody together.
        icmp_msgs_burst = 50 in 0, ANY.1;
        /// ICMP messages a second to everybody together.
        icmp_msgs_per_sec = 1000 in 0, ANY.1;
        /// Milliseconds between two ICMP messages to one destination; 0 for no limit.
        icmp_ratelimit = 1000 in 0, ANY.1;
        /// The ICMP types that are limited, one bit a type: 3, 4, 11, 12.
        icmp_ratemask = 6168 in ANY.0, ANY.1;
        /// The time to live of packets made here.
        ip_default_ttl = 64 in 1, 255;
        /// Bytes that fragments may hold while they wait for the rest.
        ipfrag_high_thresh = 4194304 in 3145728, ANY.1;
        /// Fragments of other packets from the same sender that may come in between.
        ipfrag_max_dist = 64 in 0, ANY.1;
        /// Seconds that the first fragment waits for the rest.
        ipfrag_time = 30 in ANY.0, ANY.1;
        /// Seconds in FIN-WAIT-2 after the program has closed the socket.
        tcp_fin_timeout = 60 in ANY.0, ANY.1;
    }
}

settings! {
    /// `net/ipv4/route/*`.
    Route {
        /// Smallest path MTU that is believed.
        min_pmtu = 552 in 68, ANY.1;
        /// Seconds after which a learned path MTU is forgotten.
        mtu_expires = 600 in ANY.0, ANY.1;
    }
}

settings! {
    /// `net/core/*`.
    Core {
        /// Connections that may wait at a listener, whatever it asked for.
        somaxconn = 4096 in 0, ANY.1;
    }
}

settings! {
    /// `net/netfilter/*`.
    Conntrack {
        /// Connections that are tracked at most.
        nf_conntrack_max = 65536 in 0, ANY.1;
    }
}

settings! {
    /// `net/ipv4/conf/NAME/*`.
    Conf4 {
        /// Packets from outside with a source address of our own are taken.
        accept_local = 0 in ANY.0, ANY.1;
        /// ICMP redirects are believed.
        accept_redirects = 1 in ANY.0, ANY.1;
        /// A neighbour entry is made from an ARP message that nobody asked for: 0 no, 1 yes, 2 if it is on the network.
        arp_accept = 0 in ANY.0, ANY.1;
        /// The sender address of ARP questions: 0 any of ours, 1 rather one of the target's network, 2 the best one.
        arp_announce = 0 in ANY.0, ANY.1;
        /// ARP is answered only by the interface that leads to who asks.
        arp_filter = 0 in ANY.0, ANY.1;
        /// Which ARP questions are answered: 0 for any address of ours, 1 for this interface's, 2 from its network only,
        /// 3 not for addresses of scope host, 8 none.
        arp_ignore = 0 in ANY.0, ANY.1;
        /// Packets that come in here are forwarded.
        forwarding = 0 in ANY.0, ANY.1;
        /// Routes without carrier are passed over.
        ignore_routes_with_linkdown = 0 in ANY.0, ANY.1;
        /// Packets with impossible addresses are logged (there is no kernel log here; they are always shown).
        log_martians = 0 in ANY.0, ANY.1;
        /// The first secondary address takes the place of a deleted primary one, instead of going with it.
        promote_secondaries = 0 in ANY.0, ANY.1;
        /// ARP is answered for what is routed elsewhere.
        proxy_arp = 0 in ANY.0, ANY.1;
        /// The way back to a packet's source: 0 not looked at, 1 must be this interface, 2 must be any.
        rp_filter = 0 in ANY.0, ANY.1;
        /// ICMP redirects are sent.
        send_redirects = 1 in ANY.0, ANY.1;
    }
}

settings! {
    /// `net/ipv6/conf/NAME/*`.
    Conf6 {
        /// Duplicates are looked for: 0 no, 1 yes, 2 and with a duplicate link-local address IPv6 is switched off.
        accept_dad = 1 in ANY.0, ANY.1;
        /// Questions that are asked before an address is used.
        dad_transmits = 1 in ANY.0, ANY.1;
        /// No IPv6 at all.
        disable_ipv6 = 0 in ANY.0, ANY.1;
        /// Seconds before the first router solicitation.
        router_solicitation_delay = 1 in ANY.0, ANY.1;
        /// Seconds between the first two router solicitations; later ones wait twice as long each.
        router_solicitation_interval = 4 in ANY.0, ANY.1;
        /// Router solicitations at most; -1 for no end.
        router_solicitations = -1 in -1, ANY.1;
    }
}

settings! {
    /// `net/ipv4/neigh/NAME/*`.
    Neigh {
        /// About how long a confirmation is good, in milliseconds.
        base_reachable_time_ms = 30000 in 0, ANY.1;
        /// Seconds in DELAY.
        delay_first_probe_time = 5 in 0, ANY.1;
        /// Broadcast questions before an entry fails.
        mcast_solicit = 3 in 0, ANY.1;
        /// Milliseconds between questions.
        retrans_time_ms = 1000 in 0, ANY.1;
        /// Questions to the known MAC in PROBE.
        ucast_solicit = 3 in 0, ANY.1;
    }
}

/// The settings of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfaceConf {
    /// `net/ipv4/conf/NAME`.
    pub v4: Conf4,
    /// `net/ipv6/conf/NAME`.
    pub v6: Conf6,
    /// `net/ipv4/neigh/NAME`.
    pub neigh: Neigh,
    /// Settings of [`Conf4`] that were written here, one bit each: `default` does not reach them any more
    /// (net/ipv4/devinet.c `devinet_copy_dflt_conf`).
    written: u32,
}

impl IfaceConf {
    /// The interface got an address: from now on it keeps what it has (`ipv4_devconf_setall`).
    pub fn keep(&mut self) {
        self.written = u32::MAX;
    }
}

/// What has to follow a write, besides the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Nothing,
    /// `disable_ipv6` may have changed somewhere.
    Ipv6,
}

/// The settings of a machine that belong to no interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// `net/ipv4`.
    pub ipv4: Ipv4,
    /// `net/ipv4/route`.
    pub route: Route,
    /// `net/core`.
    pub core: Core,
    /// `net/netfilter`.
    pub conntrack: Conntrack,
    /// First and last ephemeral L4 port.
    pub ip_local_port_range: (i32, i32),
    /// Groups whose members may open ping sockets, first and last; none when the first is the greater.
    pub ping_group_range: (i32, i32),
    /// `net/*/conf/all`.
    pub all: IfaceConf,
    /// `net/*/conf/default`: what a new interface begins with.
    pub default: IfaceConf,
    /// `net/bridge/bridge-nf-call-iptables`, once br_netfilter is loaded (which switches it on).
    pub bridge_nf_call_iptables: Option<i32>,
}

impl Default for Sysctl {
    fn default() -> Self {
        Self {
            ipv4: Ipv4::default(),
            route: Route::default(),
            core: Core::default(),
            conntrack: Conntrack::default(),
            ip_local_port_range: (32_768, 60_999),
            // Nobody: Debian 12's `ping` has the capability instead.
            ping_group_range: (1, 0),
            all: IfaceConf::default(),
            default: IfaceConf::default(),
            bridge_nf_call_iptables: None,
        }
    }
}

/// `name` of a group's fields, and what is to be done with it.
fn read_field<G>(group: &G, fields: &[Field<G>], name: &str) -> Option<String> {
    let field = fields.iter().find(|field| field.name == name)?;
    Some(format!("{}\n", (field.get)(group)))
}

/// Its place among the fields, when it was written.
fn write_field<G>(group: &mut G, fields: &[Field<G>], name: &str, text: &str) -> Option<Result<usize, Errno>> {
    let at = fields.iter().position(|field| field.name == name)?;
    let field = &fields[at];
    let value = match numbers(text, 1) {
        Ok(list) => *list.first()?,
        Err(errno) => return Some(Err(errno)),
    };
    match i32::try_from(value) {
        Ok(value) if (field.min..=field.max).contains(&value) => {
            (field.set)(group, value);
            Some(Ok(at))
        }
        _ => Some(Err(Errno::EINVAL)),
    }
}

fn names<G>(fields: &[Field<G>]) -> impl Iterator<Item = &'static str> {
    fields.iter().map(|field| field.name)
}

/// Up to `max` numbers as the kernel reads them (kernel/sysctl.c `proc_get_long`): decimal, `0x…` or octal, with white
/// space around. What follows the last wanted one is not looked at.
fn numbers(text: &str, max: usize) -> Result<Vec<i64>, Errno> {
    let mut list = Vec::new();
    for word in text.split_ascii_whitespace().take(max) {
        let (negative, digits) = word.strip_prefix('-').map_or((false, word), |digits| (true, digits));
        let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => (hex, 16),
            None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
            None => (digits, 10),
        };
        if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
            return Err(Errno::EINVAL);
        }
        let value = i64::from_str_radix(digits, radix).map_err(|_| Errno::EINVAL)?;
        list.push(if negative { -value } else { value });
    }
    if list.is_empty() { Err(Errno::EINVAL) } else { Ok(list) }
}

const IP_FORWARD: &str = "net/ipv4/ip_forward";
const PORT_RANGE: &str = "net/ipv4/ip_local_port_range";
const PING_GROUPS: &str = "net/ipv4/ping_group_range";
const CALL_IPTABLES: &str = "net/bridge/bridge-nf-call-iptables";
const COUNT: &str = "net/netfilter/nf_conntrack_count";

impl Sysctl {
    /// All paths, in the order in which `sysctl -a` lists them.
    pub fn paths(&self, ifaces: &Ifaces) -> Vec<String> {
        let confs: Vec<&str> = ["all", "default"].into_iter().chain(ifaces.iter().map(|i| i.name.as_str())).collect();
        let mut paths: Vec<String> =
            [IP_FORWARD, PORT_RANGE, PING_GROUPS, COUNT].into_iter().map(str::to_owned).collect();
        paths.extend(self.bridge_nf_call_iptables.map(|_| CALL_IPTABLES.to_owned()));
        paths.extend(names(Ipv4::FIELDS).map(|name| format!("net/ipv4/{name}")));
        paths.extend(names(Route::FIELDS).map(|name| format!("net/ipv4/route/{name}")));
        paths.extend(names(Core::FIELDS).map(|name| format!("net/core/{name}")));
        paths.extend(names(Conntrack::FIELDS).map(|name| format!("net/netfilter/{name}")));
        for conf in confs {
            paths.extend(names(Conf4::FIELDS).map(|name| format!("net/ipv4/conf/{conf}/{name}")));
            paths.extend(names(Conf6::FIELDS).map(|name| format!("net/ipv6/conf/{conf}/{name}")));
            if conf != "all" {
                paths.extend(names(Neigh::FIELDS).map(|name| format!("net/ipv4/neigh/{conf}/{name}")));
            }
        }
        paths.sort_by(|a, b| a.split('/').cmp(b.split('/')));
        paths
    }

    fn conf<'a>(&'a self, ifaces: &'a Ifaces, name: &str) -> Option<&'a IfaceConf> {
        match name {
            "all" => Some(&self.all),
            "default" => Some(&self.default),
            name => ifaces.by_name(name).map(|iface| &iface.conf),
        }
    }

    /// The text of a setting, with its line feed. `count`: connections tracked now.
    pub fn read(&self, ifaces: &Ifaces, count: usize, path: &str) -> Option<String> {
        let pair = |(first, last): (i32, i32)| Some(format!("{first}\t{last}\n"));
        match path {
            IP_FORWARD => return Some(format!("{}\n", self.all.v4.forwarding)),
            PORT_RANGE => return pair(self.ip_local_port_range),
            PING_GROUPS => return pair(self.ping_group_range),
            CALL_IPTABLES => return self.bridge_nf_call_iptables.map(|value| format!("{value}\n")),
            COUNT => return Some(format!("{count}\n")),
            _ => {}
        }
        let parts: Vec<&str> = path.split('/').collect();
        match *parts.as_slice() {
            ["net", "ipv4", name] => read_field(&self.ipv4, Ipv4::FIELDS, name),
            ["net", "ipv4", "route", name] => read_field(&self.route, Route::FIELDS, name),
            ["net", "core", name] => read_field(&self.core, Core::FIELDS, name),
            ["net", "netfilter", name] => read_field(&self.conntrack, Conntrack::FIELDS, name),
            ["net", "ipv4", "conf", conf, name] => read_field(&self.conf(ifaces, conf)?.v4, Conf4::FIELDS, name),
            ["net", "ipv6", "conf", conf, name] => read_field(&self.conf(ifaces, conf)?.v6, Conf6::FIELDS, name),
            ["net", "ipv4", "neigh", conf, name] if conf != "all" => {
                read_field(&self.conf(ifaces, conf)?.neigh, Neigh::FIELDS, name)
            }
            _ => None,
        }
    }

    /// Writes a setting.
    ///
    /// # Errors
    /// `ENOENT`: there is none of that name; `EACCES`: it can only be read; `EINVAL`: not a value it can have.
    pub fn write(&mut self, ifaces: &mut Ifaces, path: &str, text: &str) -> Result<After, Errno> {
        match path {
            IP_FORWARD => return self.write_conf4(ifaces, "all", "forwarding", text),
            PORT_RANGE => {
                let list = numbers(text, 2)?;
                let (first, last) = (list[0], list.get(1).copied().unwrap_or(i64::from(self.ip_local_port_range.1)));
                // Below are the ports that only root may have (`ip_unprivileged_port_start`).
                if first < 1024 || last < first || last > 65_535 {
                    return Err(Errno::EINVAL);
                }
                self.ip_local_port_range = (first as i32, last as i32);
                return Ok(After::Nothing);
            }
            PING_GROUPS => return self.write_ping_groups(text),
            CALL_IPTABLES => {
                let value = self.bridge_nf_call_iptables.as_mut().ok_or(Errno::ENOENT)?;
                *value = i32::from(numbers(text, 1)?[0] != 0);
                return Ok(After::Nothing);
            }
            COUNT => return Err(Errno::EACCES),
            _ => {}
        }
        let parts: Vec<&str> = path.split('/').collect();
        let written = match *parts.as_slice() {
            ["net", "ipv4", name] => write_field(&mut self.ipv4, Ipv4::FIELDS, name, text),
            ["net", "ipv4", "route", name] => write_field(&mut self.route, Route::FIELDS, name, text),
            ["net", "core", name] => write_field(&mut self.core, Core::FIELDS, name, text),
            ["net", "netfilter", name] => write_field(&mut self.conntrack, Conntrack::FIELDS, name, text),
            ["net", "ipv4", "conf", conf, name] => return self.write_conf4(ifaces, conf, name, text),
            ["net", "ipv6", "conf", conf, name] => return self.write_conf6(ifaces, conf, name, text),
            ["net", "ipv4", "neigh", "default", name] => {
                write_field(&mut self.default.neigh, Neigh::FIELDS, name, text)
            }
            ["net", "ipv4", "neigh", conf, name] => {
                let iface = iface_mut(ifaces, conf)?;
                write_field(&mut iface.conf.neigh, Neigh::FIELDS, name, text)
            }
            _ => None,
        };
        written.ok_or(Errno::ENOENT)?.map(|_| After::Nothing)
    }

    fn write_ping_groups(&mut self, text: &str) -> Result<After, Errno> {
        let list = numbers(text, 2)?;
        let (first, last) = (list[0], list.get(1).copied().unwrap_or(i64::from(self.ping_group_range.1)));
        if [first, last].iter().any(|group| !(0..=i64::from(i32::MAX)).contains(group)) {
            return Err(Errno::EINVAL);
        }
        // An empty range is kept as "nobody" (net/ipv4/sysctl_net_ipv4.c `ipv4_ping_group_range`).
        self.ping_group_range = if first > last { (1, 0) } else { (first as i32, last as i32) };
        Ok(After::Nothing)
    }

    fn write_conf4(&mut self, ifaces: &mut Ifaces, conf: &str, name: &str, text: &str) -> Result<After, Errno> {
        let before = self.all.v4.forwarding;
        let target = match conf {
            "all" => &mut self.all,
            "default" => &mut self.default,
            conf => &mut iface_mut(ifaces, conf)?.conf,
        };
        let at = write_field(&mut target.v4, Conf4::FIELDS, name, text).ok_or(Errno::ENOENT)??;
        target.written |= 1 << at;
        let field = &Conf4::FIELDS[at];
        match conf {
            // A router believes no redirects (`inet_forward_change`).
            "all" if name == "forwarding" && self.all.v4.forwarding != before => {
                let value = self.all.v4.forwarding;
                self.all.v4.accept_redirects = i32::from(value == 0);
                self.default.v4.forwarding = value;
                ifaces.iter_mut().for_each(|iface| iface.conf.v4.forwarding = value);
            }
            "default" if name != "forwarding" => {
                let value = (field.get)(&self.default.v4);
                for iface in ifaces.iter_mut().filter(|iface| iface.conf.written & 1 << at == 0) {
                    (field.set)(&mut iface.conf.v4, value);
                }
            }
            _ => {}
        }
        Ok(After::Nothing)
    }

    fn write_conf6(&mut self, ifaces: &mut Ifaces, conf: &str, name: &str, text: &str) -> Result<After, Errno> {
        let target = match conf {
            "all" => &mut self.all,
            "default" => &mut self.default,
            conf => &mut iface_mut(ifaces, conf)?.conf,
        };
        write_field(&mut target.v6, Conf6::FIELDS, name, text).ok_or(Errno::ENOENT)??;
        if name != "disable_ipv6" {
            return Ok(After::Nothing);
        }
        if conf == "all" {
            // It reaches every interface, and those to come (net/ipv6/addrconf.c `addrconf_disable_change`).
            let value = self.all.v6.disable_ipv6;
            self.default.v6.disable_ipv6 = value;
            ifaces.iter_mut().for_each(|iface| iface.conf.v6.disable_ipv6 = value);
        }
        Ok(After::Ipv6)
    }

    /// Loads br_netfilter, whose settings begin switched on.
    pub fn load_br_netfilter(&mut self) {
        self.bridge_nf_call_iptables.get_or_insert(1);
    }

    /// Whether a bridge's IPv4 packets pass the iptables hooks.
    pub fn bridge_calls_iptables(&self) -> bool {
        self.bridge_nf_call_iptables.is_some_and(|value| value != 0)
    }

    /// `arp_ignore` at an interface (include/linux/inetdevice.h: `IN_DEV_MAXCONF`).
    pub fn arp_ignore(&self, iface: &Iface) -> i32 {
        iface.conf.v4.arp_ignore.max(self.all.v4.arp_ignore)
    }

    /// `arp_announce` at an interface.
    pub fn arp_announce(&self, iface: &Iface) -> i32 {
        iface.conf.v4.arp_announce.max(self.all.v4.arp_announce)
    }

    /// `rp_filter` at an interface.
    pub fn rp_filter(&self, iface: &Iface) -> i32 {
        iface.conf.v4.rp_filter.max(self.all.v4.rp_filter)
    }

    /// A flag that is on when it is on at the interface or for all (`IN_DEV_ORCONF`).
    pub fn either(&self, iface: &Iface, flag: fn(&Conf4) -> i32) -> bool {
        flag(&iface.conf.v4) != 0 || flag(&self.all.v4) != 0
    }

    /// Whether ICMP redirects that come in at an interface are believed (`IN_DEV_RX_REDIRECTS`).
    pub fn accepts_redirects(&self, iface: &Iface) -> bool {
        let (own, all) = (iface.conf.v4.accept_redirects != 0, self.all.v4.accept_redirects != 0);
        if iface.conf.v4.forwarding != 0 { own && all } else { own || all }
    }
}

fn iface_mut<'a>(ifaces: &'a mut Ifaces, name: &str) -> Result<&'a mut Iface, Errno> {
    ifaces.iter_mut().find(|iface| iface.name == name).ok_or(Errno::ENOENT)
}

/// Whether a machine with these interfaces can have these settings, by dotted names; the first that it cannot.
///
/// # Errors
/// The name, and `ENOENT` (no such setting) or `EINVAL` (not a value it can have).
pub fn try_all<'a>(
    ifaces: impl Iterator<Item = &'a str>,
    settings: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), (&'a str, Errno)> {
    let mut table = Ifaces::default();
    for (index, name) in (2..).zip(ifaces) {
        table.add(Iface::new(index, name, crate::addr::MacAddr::ZERO));
    }
    let mut sysctl = Sysctl::default();
    sysctl.load_br_netfilter();
    for (name, value) in settings {
        sysctl.write(&mut table, &path_of(name), value).map_err(|errno| (name, errno))?;
    }
    Ok(())
}

/// The path of a setting from the name that one types: the first separator decides whether dots or slashes separate
/// (procps `slashdot`), so that `net.ipv4.conf.eth0/1.rp_filter` means eth0.1.
pub fn path_of(name: &str) -> String {
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    match name.chars().find(|c| matches!(c, '.' | '/')) {
        Some('.') => name.chars().map(swap).collect(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
#[path = "sysctl_tests.rs"]
mod tests;
