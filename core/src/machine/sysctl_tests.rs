use super::*;
use crate::addr::MacAddr;

fn machine() -> (Sysctl, Ifaces) {
    let mut ifaces = Ifaces::default();
    ifaces.add(Iface::new(2, "eth0", MacAddr([2, 0, 0, 0, 0, 1])));
    ifaces.add(Iface::new(3, "eth0.7", MacAddr([2, 0, 0, 0, 0, 2])));
    (Sysctl::default(), ifaces)
}

/// What `sysctl -w NAME=VALUE` and then `sysctl -n NAME` said on a real kernel (6.18; none of these changed since 6.1).
#[test]
fn values_are_taken_or_refused_as_the_kernel_does() {
    let (mut sysctl, mut ifaces) = machine();
    for (name, text, after) in [
        ("net.ipv4.ip_forward", "abc", None),
        ("net.ipv4.ip_forward", "1x", None),
        ("net.ipv4.ip_forward", "99999999999", None),
        ("net.ipv4.ip_forward", " 1 ", Some("1")),
        ("net.ipv4.ip_forward", "0x1", Some("1")),
        ("net.ipv4.ip_forward", "-1", Some("-1")),
        ("net.ipv4.ip_forward", "7", Some("7")),
        ("net.ipv4.conf.eth0.rp_filter", "9", Some("9")),
        ("net.ipv4.conf.eth0/7.rp_filter", "2", Some("2")),
        ("net.ipv4.icmp_echo_ignore_all", "2", None),
        ("net.ipv4.icmp_echo_ignore_all", "1", Some("1")),
        ("net.ipv4.icmp_ratelimit", "-1", None),
        ("net.ipv4.icmp_msgs_per_sec", "-1", None),
        ("net.ipv4.icmp_ratemask", "-1", Some("-1")),
        ("net.ipv4.ip_default_ttl", "0", None),
        ("net.ipv4.ip_default_ttl", "256", None),
        ("net.ipv4.ip_default_ttl", "255", Some("255")),
        ("net.ipv4.ipfrag_time", "0", Some("0")),
        ("net.ipv4.ipfrag_max_dist", "-1", None),
        ("net.ipv4.ipfrag_high_thresh", "100", None),
        ("net.ipv4.ip_local_port_range", "100", None),
        ("net.ipv4.ip_local_port_range", "5000 4000", None),
        ("net.ipv4.ip_local_port_range", "5000 70000", None),
        ("net.ipv4.ip_local_port_range", "5000 6000", Some("5000\t6000")),
        ("net.ipv4.ping_group_range", "0 2147483647", Some("0\t2147483647")),
        ("net.ipv4.ping_group_range", "5 4", Some("1\t0")),
        ("net.ipv4.route.min_pmtu", "5", None),
        ("net.ipv6.conf.eth0.disable_ipv6", "2", Some("2")),
    ] {
        let path = path_of(name);
        let written = sysctl.write(&mut ifaces, &path, text);
        assert_eq!(written.err(), after.is_none().then_some(Errno::EINVAL), "{name}={text}");
        if let Some(after) = after {
            assert_eq!(sysctl.read(&ifaces, 0, &path), Some(format!("{after}\n")), "{name}={text}");
        }
    }
}

#[test]
fn every_listed_setting_can_be_read_and_written_with_what_it_says() {
    let (mut sysctl, mut ifaces) = machine();
    sysctl.load_br_netfilter();
    for path in sysctl.paths(&ifaces) {
        let text = sysctl.read(&ifaces, 3, &path).unwrap_or_else(|| panic!("{path} cannot be read"));
        let written = sysctl.write(&mut ifaces, &path, &text);
        let expected = if path == COUNT { Err(Errno::EACCES) } else { Ok(()) };
        assert_eq!(written.map(|_| ()), expected, "{path}");
        assert_eq!(sysctl.read(&ifaces, 3, &path), Some(text), "{path}");
    }
    assert_eq!(sysctl.write(&mut ifaces, "net/ipv4/nope", "1"), Err(Errno::ENOENT));
    assert_eq!(sysctl.write(&mut ifaces, "net/ipv4/conf/eth9/rp_filter", "1"), Err(Errno::ENOENT));
}

#[test]
fn forwarding_for_all_reaches_every_interface_and_ends_the_trust_in_redirects() {
    let (mut sysctl, mut ifaces) = machine();
    sysctl.write(&mut ifaces, IP_FORWARD, "1\n").unwrap();
    assert!(ifaces.iter().all(|iface| iface.conf.v4.forwarding == 1));
    assert_eq!((sysctl.default.v4.forwarding, sysctl.all.v4.accept_redirects), (1, 0));
    assert!(!sysctl.accepts_redirects(ifaces.get(2).unwrap()));
    sysctl.write(&mut ifaces, "net/ipv4/conf/eth0/forwarding", "0").unwrap();
    assert_eq!(sysctl.read(&ifaces, 0, IP_FORWARD).unwrap(), "1\n", "one interface alone changes nothing for all");
}

#[test]
fn default_reaches_interfaces_that_have_no_value_and_no_address_of_their_own() {
    let (mut sysctl, mut ifaces) = machine();
    sysctl.write(&mut ifaces, "net/ipv4/conf/eth0/arp_ignore", "1").unwrap();
    sysctl.write(&mut ifaces, "net/ipv4/conf/default/arp_ignore", "2").unwrap();
    let values: Vec<_> = ifaces.iter().map(|iface| iface.conf.v4.arp_ignore).collect();
    assert_eq!(values, [2, 1, 2], "lo, eth0, eth0.7");
    ifaces.get_mut(3).unwrap().conf.keep();
    sysctl.write(&mut ifaces, "net/ipv4/conf/default/rp_filter", "1").unwrap();
    let values: Vec<_> = ifaces.iter().map(|iface| iface.conf.v4.rp_filter).collect();
    assert_eq!(values, [1, 1, 0]);
}

#[test]
fn bridge_settings_exist_once_br_netfilter_is_loaded() {
    let (mut sysctl, mut ifaces) = machine();
    assert_eq!(sysctl.write(&mut ifaces, CALL_IPTABLES, "0"), Err(Errno::ENOENT));
    assert!(!sysctl.bridge_calls_iptables());
    sysctl.load_br_netfilter();
    assert!(sysctl.bridge_calls_iptables());
    sysctl.write(&mut ifaces, CALL_IPTABLES, "0").unwrap();
    sysctl.load_br_netfilter();
    assert!(!sysctl.bridge_calls_iptables(), "loading it twice changes nothing");
}
