//! Packet filters and translation set up by commands: on a gateway, on the office's router, on a host's bridge.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Decision, Fact, FrameDropped};
use netmodes_core::runner::ScriptReport;
use netmodes_core::view::{FlowOrigin, Row};
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

/// Drops by a rule or a policy, with the rule's words.
fn filtered(report: &ScriptReport) -> Vec<(DropReason, String)> {
    let drops = report.events.iter().filter_map(|event| match &event.fact {
        Fact::FrameDropped(FrameDropped { reason, rule: Some(rule), .. }) => Some((*reason, rule.clone())),
        _ => None,
    });
    drops.collect()
}

fn sound(report: &ScriptReport) {
    assert_eq!(report.world.check(), Ok(()));
}

const GATEWAY: &str = "@setup gw: dhclient enp0s3\n@setup gw: sysctl -w net.ipv4.ip_forward=1\n\
    @setup vm1: ip addr add 10.10.0.11/24 dev enp0s3\n@setup vm1: ip link set enp0s3 up\n\
    @setup vm1: ip route add default via 10.10.0.1\n";

#[test]
fn a_gateway_vm_lets_an_internal_network_out_once_it_masquerades() {
    let script = format!(
        "{GATEWAY}vm1: ping -c 1 -W 1 8.8.8.8\n\
         gw: iptables -t nat -A POSTROUTING -o enp0s3 -j MASQUERADE\nvm1: ping -c 2 8.8.8.8\n\
         gw: iptables -t nat -S POSTROUTING\n"
    );
    let report = run(&lab("gateway"), 1, &script);
    assert_eq!(report.results[0].exit, 1, "the answer has no way back: {:?}", report.results[0]);
    assert!(stdout(&report, 2).contains("2 packets transmitted, 2 received"), "{:?}", report.results);
    assert_eq!(stdout(&report, 3), "-P POSTROUTING ACCEPT\n-A POSTROUTING -o enp0s3 -j MASQUERADE\n");
    let chosen = report.events.iter().any(|event| {
        matches!(&event.fact, Fact::Decided { decision: Decision::NatRule { rule }, .. }
            if rule.text == "-A POSTROUTING -o enp0s3 -j MASQUERADE")
    });
    assert!(chosen, "the decision names the rule");
    sound(&report);
}

#[test]
fn a_drop_names_its_rule_and_a_policy_itself() {
    let script = format!(
        "{GATEWAY}@setup gw: iptables -t nat -A POSTROUTING -o enp0s3 -j MASQUERADE\n\
         @setup gw: iptables -A FORWARD -s 10.10.0.11 -p icmp -j DROP\nvm1: ping -c 1 -W 1 8.8.8.8\n\
         @setup gw: iptables -F FORWARD\n@setup gw: iptables -P FORWARD DROP\nvm1: ping -c 1 -W 1 8.8.8.8\n\
         @setup gw: iptables -A FORWARD -i enp0s8 -j ACCEPT\n\
         @setup gw: iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nvm1: ping -c 1 8.8.8.8\n"
    );
    let report = run(&lab("gateway"), 1, &script);
    let exits: Vec<_> = report.results.iter().map(|result| result.exit).collect();
    assert_eq!(exits, [1, 1, 0], "{:?}", report.results);
    let drops = filtered(&report);
    assert_eq!(drops.len(), 2, "{drops:?}");
    assert_eq!(drops[0].0, DropReason::Filtered);
    assert_eq!(drops[0].1, "filter FORWARD 1: -A FORWARD -s 10.10.0.11 -p icmp -j DROP");
    assert_eq!(drops[1], (DropReason::FilteredByPolicy, "filter FORWARD policy: -P FORWARD DROP".to_owned()));
    sound(&report);
}

#[test]
fn the_office_router_forwards_a_port_to_a_colleague() {
    let report = run(
        &lab("nat"),
        1,
        "@setup router: iptables -t nat -A PREROUTING -i wan -p tcp --dport 8080 -j DNAT --to-destination 192.168.0.50:80\n\
         web: curl -s http://203.0.113.10:8080/\nweb: curl -s http://203.0.113.10:8081/\nrouter: conntrack -L\n",
    );
    assert_eq!(report.results[0].exit, 0, "{:?}", report.results);
    assert!(!stdout(&report, 0).is_empty());
    assert_eq!(report.results[1].exit, 7, "nobody is at the other port");
    let forwarded = report.events.iter().find_map(|event| match &event.fact {
        Fact::Put { row: Row::Flow(flow) } if flow.why.as_ref()?.origin == FlowOrigin::Forward => Some(flow.clone()),
        _ => None,
    });
    let flow = forwarded.expect("a flow of the forward");
    assert_eq!(flow.inside.to_string(), "192.168.0.50:80");
    assert_eq!(flow.outside.to_string(), "203.0.113.10:8080");
    assert!(stdout(&report, 2).contains("src=192.168.0.50"), "{}", stdout(&report, 2));
    sound(&report);
}

#[test]
fn a_refused_sender_is_told_in_its_own_protocol() {
    let report = run(
        &lab("nat"),
        1,
        "@setup pc: iptables -A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset\n\
         @setup pc: iptables -A INPUT -p icmp --icmp-type echo-request -j REJECT\n\
         host: curl http://192.168.0.50/\nhost: ping -c 1 -W 1 192.168.0.50\n\
         @setup host: iptables -A OUTPUT -d 192.168.0.10 -j DROP\nhost: ping -c 1 -W 1 192.168.0.10\n",
    );
    assert_eq!(report.results[0].exit, 7);
    assert!(
        report.results[0].stderr.contains("onnection refused")
            || report.results[0].stderr.contains("Failed to connect")
    );
    assert!(stdout(&report, 1).contains("Destination Port Unreachable"), "{}", stdout(&report, 1));
    assert!(report.results[2].stderr.contains("ping: sendmsg: Operation not permitted"), "{:?}", report.results[2]);
    sound(&report);
}

const BRIDGED: &str = "@setup vm1: ip addr add 192.168.0.201/24 dev enp0s3\n@setup vm1: ip link set enp0s3 up\n";

#[test]
fn the_hosts_bridge_filters_by_physdev_once_br_netfilter_calls_iptables() {
    let report = run(
        &lab("bridged"),
        1,
        &format!(
            "{BRIDGED}vm1: ping -c 1 192.168.0.50\n\
             @setup host: iptables -A FORWARD -m physdev --physdev-in tap-vm1 -p icmp -j DROP\n\
             vm1: ping -c 1 -W 1 192.168.0.50\n\
             @setup host: sysctl -w net.bridge.bridge-nf-call-iptables=0\nvm1: ping -c 1 192.168.0.50\n"
        ),
    );
    let exits: Vec<_> = report.results.iter().map(|result| result.exit).collect();
    assert_eq!(exits, [0, 1, 0], "{:?}", report.results);
    let drops = filtered(&report);
    assert_eq!(drops.len(), 1, "{drops:?}");
    assert!(drops[0].1.starts_with("filter FORWARD 1: -A FORWARD"), "{drops:?}");
    assert!(drops[0].1.contains("--physdev-in tap-vm1"), "{drops:?}");
    sound(&report);
}

#[test]
fn the_hosts_bridge_filters_by_nft_in_the_bridge_family() {
    let report = run(
        &lab("bridged"),
        1,
        &format!(
            "{BRIDGED}@setup host: nft add table bridge fw\n\
             @setup host: nft add chain bridge fw forward \"{{ type filter hook forward priority 0; policy accept; }}\"\n\
             @setup host: nft add rule bridge fw forward iifname tap-vm1 ip daddr 192.168.0.50 counter drop\n\
             vm1: ping -c 1 -W 1 192.168.0.50\nvm1: ping -c 1 192.168.0.111\nhost: nft list chain bridge fw forward\n"
        ),
    );
    let exits: Vec<_> = report.results.iter().map(|result| result.exit).collect();
    assert_eq!(exits, [1, 0, 0], "{:?}", report.results);
    let drops = filtered(&report);
    assert_eq!(drops.len(), 1, "{drops:?}");
    assert!(drops[0].1.starts_with("bridge fw forward 1: "), "{drops:?}");
    assert!(stdout(&report, 2).contains("counter packets 1 bytes 84 drop"), "{}", stdout(&report, 2));
    sound(&report);
}
