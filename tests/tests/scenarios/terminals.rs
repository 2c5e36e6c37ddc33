//! Tools that make visible what is simulated, and the shell they are used from.

use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

/// Who answered at each hop of `traceroute -n -q 1`.
fn hops(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect()
}

#[test]
fn a_traceroute_lists_every_router_of_the_lab_nat_with_udp_and_with_icmp() {
    let report = run(
        &lab("nat"),
        1,
        "vm1: dhclient enp0s3\nvm1: traceroute -n -q 1 8.8.8.8\n@wait 60\nvm1: traceroute -I -n -q 1 8.8.8.8\n@wait 60\n\
         vm1: traceroute 8.8.8.8\n",
    );
    let way = ["10.0.2.1", "192.168.0.1", "203.0.113.1", "198.51.100.2", "198.51.100.6", "198.51.100.10", "8.8.8.8"];
    assert_eq!(hops(stdout(&report, 1)), way);
    assert_eq!(hops(stdout(&report, 2)), way);
    let last = stdout(&report, 3).lines().last().unwrap_or_default();
    assert!(last.starts_with(" 7  dns.google (8.8.8.8)  ") && last.matches(" ms").count() == 3, "{last}");
}

#[test]
fn a_traceroute_says_why_a_way_ends_or_cannot_begin() {
    let report = run(
        &lab("nat"),
        1,
        "host: traceroute -n 192.168.0.77\nhost: traceroute -n -w 1 -m 2 203.0.113.77\nhost: traceroute 192.168.0.255\n\
         host: traceroute -F -n -q 1 8.8.8.8 1501\nhost: ip route del default\nhost: traceroute 8.8.8.8\n\
         router: iptables -A FORWARD -j REJECT --reject-with icmp-admin-prohibited\n\
         host: ip route add default via 192.168.0.1\nhost: traceroute -n -q 1 8.8.8.8\n",
    );
    let unreachable = " 1  192.168.0.111  3000.000 ms !H  3000.000 ms !H  3000.000 ms !H\n";
    assert!(stdout(&report, 0).ends_with(unreachable), "{}", stdout(&report, 0));
    assert!(stdout(&report, 1).ends_with(" 2  * * *\n"), "{}", stdout(&report, 1));
    assert_eq!(report.results[2].stderr, "\nconnect: Permission denied\n");
    assert!(stdout(&report, 3).ends_with("\n 1  *  0.000 ms !F-1500\n"), "{}", stdout(&report, 3));
    assert_eq!(report.results[5].stderr, "\nconnect: Network is unreachable\n");
    assert_eq!(report.results[5].exit, 1);
    // The packet's last hop is taken before the filter sees it: the router shows itself, and forbids what would go on.
    assert_eq!(hops(stdout(&report, 8)), ["192.168.0.1", "192.168.0.1"], "{}", stdout(&report, 8));
    assert!(stdout(&report, 8).ends_with(" ms !X\n"), "{}", stdout(&report, 8));
}

#[test]
fn a_setting_is_changed_by_writing_to_its_file_as_tutorials_do() {
    let report = run(
        &lab("nat"),
        1,
        "vm1: echo 1 > /proc/sys/net/ipv4/ip_forward\nvm1: sysctl net.ipv4.ip_forward\n\
         vm1: echo x > /proc/sys/net/ipv4/ip_forward\nvm1: echo 1 > /proc/sys/net/ipv4/nope\n\
         vm1: iptables -A INPUT -j ACCEPT; iptables-save > rules; iptables -F; iptables-restore < rules; iptables -S INPUT\n\
         vm1: dhclient -v enp0s3 > log 2>&1\nvm1: cat log\n\
         vm1: ping -c 2 8.8.8.8 > pings; tail pings || cat pings\n",
    );
    assert_eq!((report.results[0].exit, report.results[0].stderr.as_str()), (0, ""));
    assert_eq!(stdout(&report, 1), "net.ipv4.ip_forward = 1\n");
    assert_eq!(report.results[2].stderr, "bash: line 1: echo: write error: Invalid argument\n");
    assert_eq!(report.results[3].stderr, "bash: line 1: /proc/sys/net/ipv4/nope: No such file or directory\n");
    assert_eq!(stdout(&report, 4), "-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n");
    assert_eq!(stdout(&report, 5), "");
    assert!(stdout(&report, 6).contains("DHCPACK of 10.0.2.15"), "{}", stdout(&report, 6));
    assert!(stdout(&report, 7).contains("2 packets transmitted, 2 received"), "{}", stdout(&report, 7));
}
