//! DHCP as a student meets it: several servers, none, another network, conflicts, leases that end.

use netmodes_core::addr::MacAddr;
use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Event, Fact};
use netmodes_core::lab::Lab;
use netmodes_core::runner::ScriptReport;
use netmodes_core::view::{DhcpClientRow, DhcpClientState, LeaseState, Row};
use netmodes_tests::content::{lab, lab_of, read};
use netmodes_tests::paths::root;
use netmodes_tests::scripts::{run, stdout, trace};

/// The lab `modes` with further lines in the office's scope.
fn office(scope: &str) -> Lab {
    let text = read(&root().join("static/labs/modes.toml"));
    let (before, after) = text.split_once("domain = \"office.example\"\n").expect("the office's scope");
    lab_of(&format!("{before}domain = \"office.example\"\n{scope}{after}"))
}

/// With another lease time in the office's scope.
fn office_for(lease_secs: u32, scope: &str) -> Lab {
    let text = read(&root().join("static/labs/modes.toml"));
    let text = text.replace("lease_secs = 604800", &format!("lease_secs = {lease_secs}"));
    lab_of(&text.replace("domain = \"office.example\"\n", &format!("domain = \"office.example\"\n{scope}")))
}

fn bridged(lab: &Lab, script: &str) -> ScriptReport {
    run(lab, 1, &format!("@attach vm1 1 bridged\n@attach vm2 1 bridged\n{script}"))
}

fn stderr(report: &ScriptReport, at: usize) -> &str {
    report.results.get(at).map_or_else(|| panic!("no command {at}: {:?}", report.results), |result| &result.stderr)
}

/// What the first DHCP client's row said, one after the other.
fn client_rows(events: &[Event]) -> Vec<(u64, DhcpClientRow)> {
    let rows = events.iter().filter_map(|event| match &event.fact {
        Fact::Put { row: Row::DhcpClient(row) } => Some((event.time.as_micros(), row.clone())),
        _ => None,
    });
    rows.collect()
}

#[test]
fn of_two_servers_the_faster_one_wins_and_the_race_ends_the_same_way_every_time() {
    let text = read(&root().join("static/labs/rogue-dhcp.toml"));
    for (office_ms, rogue_ms, winner) in [(5, 20, "192.168.0.10"), (20, 5, "192.168.0.66")] {
        let with =
            |text: &str, at: &str, ms: u32| text.replace(at, &format!("{at}ping_check = false\ndelay_ms = {ms}\n"));
        let lab = lab_of(&with(&with(&text, "lease_secs = 604800\n", office_ms), "lease_secs = 86400\n", rogue_ms));
        let script = "vm1: dhclient -v enp0s3\nvm1: ip route\n";
        let report = run(&lab, 1, script);
        assert!(stderr(&report, 0).contains(&format!("from {winner}\n")), "{}", stderr(&report, 0));
        assert_eq!(trace(&report.events), trace(&run(&lab, 1, script).events));
        let gateway = if winner.ends_with("66") { "192.168.0.66" } else { "192.168.0.1" };
        assert!(stdout(&report, 1).starts_with(&format!("default via {gateway} dev enp0s3")), "{}", stdout(&report, 1));
    }
}

#[test]
fn without_a_server_dhclient_gives_up_after_a_minute_with_the_real_words() {
    let report =
        run(&lab("modes"), 1, "@attach vm1 1 internal\nvm1: dhclient -v -1 enp0s3\nvm1: ip -4 addr show dev enp0s3\n");
    let words = stderr(&report, 0);
    assert_eq!(report.results[0].exit, 2);
    assert!(words.ends_with("No DHCPOFFERS received.\nUnable to obtain a lease on first try.  Exiting.\n"), "{words}");
    // dhclient 4.4.3-P1 sent six or seven of them in 60.9 seconds.
    let asked = words.matches("DHCPDISCOVER on enp0s3 to 255.255.255.255 port 67 interval ").count();
    assert!((5..=9).contains(&asked), "{words}");
    let took = report.results[1].time_us - report.results[0].time_us;
    assert!((60_000_000..62_000_000).contains(&took), "{took}");
    assert_eq!(stdout(&report, 1), "");
}

#[test]
fn a_lease_of_another_network_is_refused_by_an_authoritative_server_and_ignored_by_another() {
    let script = "@attach vm1 1 nat\n@setup vm1: dhclient enp0s3\n@setup vm1: dhclient -x enp0s3\n\
        @attach vm1 1 bridged\nvm1: dhclient -v enp0s3\nvm1: ip -4 addr show dev enp0s3\n";
    for (authoritative, nak) in [("", true), ("authoritative = false\n", false)] {
        let report = run(&office(authoritative), 1, script);
        let words = stderr(&report, 0);
        assert!(words.contains("DHCPREQUEST for 10.0.2.15 on enp0s3 to 255.255.255.255 port 67\n"), "{words}");
        assert_eq!(words.contains("DHCPNAK from 192.168.0.10\n"), nak, "{words}");
        assert!(words.contains("bound to 192.168.0.120 -- renewal in "), "{words}");
        assert!(stdout(&report, 1).contains("inet 192.168.0.120/24"), "{}", stdout(&report, 1));
    }
}

#[test]
fn without_a_server_a_recorded_lease_is_tried_by_asking_its_router() {
    let script = "@attach vm1 1 nat\n@setup vm1: dhclient enp0s3\n@setup vm1: dhclient -x enp0s3\n\
        @attach vm1 1 internal\nvm1: dhclient -v -1 enp0s3\nvm1: ip -4 addr show dev enp0s3\n";
    let report = run(&lab("modes"), 1, script);
    let words = stderr(&report, 0);
    assert!(words.contains("No DHCPOFFERS received.\nTrying recorded lease 10.0.2.15\n"), "{words}");
    assert!(words.ends_with("Unable to obtain a lease on first try.  Exiting.\n"), "{words}");
    assert!(
        stdout(&report, 0).starts_with("PING 10.0.2.1 (10.0.2.1) 56(84) bytes of data.\n"),
        "{}",
        stdout(&report, 0)
    );
    assert_eq!(stdout(&report, 1), "");
}

#[test]
fn reservations_are_kept_exclusions_never_given_and_further_options_arrive() {
    let scope = "exclusion = [{ first = \"192.168.0.120\", last = \"192.168.0.129\" }]\n\
        reservation = [{ mac = \"08:00:27:11:22:33\", address = \"192.168.0.150\" }]\n\
        option = [{ code = \"ntp-servers\", value = { addresses = [\"192.168.0.9\"] } }, \
        { code = 26, value = { u16 = 1400 } }, \
        { code = \"rfc3442-classless-static-routes\", value = { routes = [{ to = \"10.9.0.0/16\", via = \"192.168.0.1\" }] } }, \
        { code = \"domain-search\", value = { names = [\"eng.office.example\"] } }]\n";
    let report = bridged(
        &office(scope),
        "vm1: dhclient -v enp0s3\nvm2: dhclient -v enp0s3\nvm1: cat /var/lib/dhcp/dhclient.leases\nvm1: ip link show dev enp0s3\n\
         vm1: ip route\nvm1: cat /etc/resolv.conf\n",
    );
    assert!(stderr(&report, 0).contains("bound to 192.168.0.130 "), "{}", stderr(&report, 0));
    assert!(stderr(&report, 1).contains("bound to 192.168.0.150 "), "{}", stderr(&report, 1));
    assert!(stdout(&report, 2).contains("  option ntp-servers 192.168.0.9;\n"), "{}", stdout(&report, 2));
    assert!(stdout(&report, 3).contains(" mtu 1400 "), "{}", stdout(&report, 3));
    // RFC 3442: with classless routes the router is not used.
    assert!(stdout(&report, 4).contains("10.9.0.0/16 via 192.168.0.1 dev enp0s3"), "{}", stdout(&report, 4));
    assert!(!stdout(&report, 4).contains("default"), "{}", stdout(&report, 4));
    let resolv = "domain office.example\nsearch office.example eng.office.example.\nnameserver 8.8.8.8\n";
    assert_eq!(stdout(&report, 5), resolv);
}

#[test]
fn dhcpcd_finds_the_address_in_use_declines_it_and_takes_the_next_one() {
    let report = bridged(
        &office("ping_check = false\n"),
        "@setup pc: ip addr add 192.168.0.120/24 dev eth0\nvm1: dhcpcd -4 -d enp0s3\nvm1: ip route\nvm1: ip -4 addr show dev enp0s3\n",
    );
    let words = stderr(&report, 0);
    let mut rest = words;
    for expected in [
        "dhcpcd-9.4.1 starting\n",
        "enp0s3: soliciting a DHCP lease\n",
        "enp0s3: offered 192.168.0.120 from 192.168.0.10\n",
        "enp0s3: probing address 192.168.0.120/24\n",
        "enp0s3: ARP probing 192.168.0.120 (1 of 3), next in ",
        " claims 192.168.0.120\n",
        "enp0s3: DAD detected 192.168.0.120\n",
        "enp0s3: sending DECLINE with xid ",
        "enp0s3: soliciting a DHCP lease\n",
        "enp0s3: offered 192.168.0.121 from 192.168.0.10\n",
        "enp0s3: ARP probing 192.168.0.121 (3 of 3), next in 2.0 seconds\n",
        "enp0s3: DAD completed for 192.168.0.121\n",
        "enp0s3: leased 192.168.0.121 for 604800 seconds\n",
        "enp0s3: renew in 302400 seconds, rebind in 529200 seconds\n",
        "enp0s3: adding route to 192.168.0.0/24\n",
        "enp0s3: adding default route via 192.168.0.1\n",
        "forked to background, child pid ",
    ] {
        let at = rest.find(expected).unwrap_or_else(|| panic!("{expected:?} is missing in {words}"));
        rest = &rest[at + expected.len()..];
    }
    // As the real one's: seen with dhcpcd 9.4.1 in a namespace.
    let routes = stdout(&report, 1);
    assert!(
        routes.contains("default via 192.168.0.1 dev enp0s3 proto dhcp src 192.168.0.121 metric 1002 \n"),
        "{routes}"
    );
    assert!(
        routes.contains("192.168.0.0/24 dev enp0s3 proto dhcp scope link src 192.168.0.121 metric 1002 \n"),
        "{routes}"
    );
    assert!(stdout(&report, 2).contains("inet 192.168.0.121/24"), "{}", stdout(&report, 2));
    let declined = report.world.rows(false).into_iter().any(
        |row| matches!(&row, Row::Lease(lease) if lease.addr.octets()[3] == 120 && lease.state == LeaseState::Declined),
    );
    assert!(declined);
}

#[test]
fn dhcpd_pings_before_it_offers_and_abandons_an_address_that_answers() {
    let report = bridged(
        &office(""),
        "@setup pc: ip addr add 192.168.0.120/24 dev eth0\nvm1: dhclient -v enp0s3\ndhcp-server: cat /var/lib/dhcp/dhcpd.leases\n",
    );
    let words = stderr(&report, 0);
    assert!(words.contains("DHCPOFFER of 192.168.0.121 from 192.168.0.10\n"), "{words}");
    assert_eq!(words.matches("DHCPDISCOVER").count(), 2, "nothing comes of the first one: {words}");
    let file = stdout(&report, 1);
    assert!(file.contains("lease 192.168.0.120 {\n") && file.contains("  binding state abandoned;\n"), "{file}");
    assert!(file.contains("  binding state active;\n  next binding state free;\n"), "{file}");
}

#[test]
fn a_released_address_is_given_to_the_next_when_no_other_is_left() {
    let text = read(&root().join("static/labs/modes.toml")).replace("192.168.0.199", "192.168.0.120");
    let report = bridged(
        &lab_of(&text),
        "vm1: dhclient enp0s3\nvm2: dhclient -1 enp0s3\nvm1: dhclient -r enp0s3\nvm2: dhclient -v -1 enp0s3\n",
    );
    assert_eq!(report.results.iter().map(|result| result.exit).collect::<Vec<_>>(), [0, 2, 0, 0]);
    assert!(stderr(&report, 3).contains("bound to 192.168.0.120 "), "{}", stderr(&report, 3));
}

#[test]
fn when_the_server_stays_away_the_client_renews_rebinds_and_loses_its_address() {
    let report = bridged(
        &office_for(600, ""),
        "vm1: dhclient enp0s3\n@service dhcp-server dhcpd stop\n@wait 560\nvm1: ip -4 addr show dev enp0s3\n@wait 60\n\
         vm1: ip -4 addr show dev enp0s3\n",
    );
    assert!(stdout(&report, 1).contains("inet 192.168.0.120/24"), "{}", stdout(&report, 1));
    assert_eq!(stdout(&report, 2), "");
    let mut states: Vec<_> = client_rows(&report.events).into_iter().map(|(_, row)| row.state).collect();
    states.dedup();
    use DhcpClientState::{Bound, Rebinding, Renewing, Requesting, Selecting};
    assert_eq!(states, [Selecting, Requesting, Bound, Renewing, Rebinding, Selecting]);
}

#[test]
fn a_weeks_lease_is_renewed_at_t1_to_the_millisecond_and_the_week_is_quiet() {
    let report = bridged(&office(""), "vm1: dhclient enp0s3\n@wait 604800\nvm1: ip -4 addr show dev enp0s3\n");
    assert!(stdout(&report, 1).contains("inet 192.168.0.120/24"), "{}", stdout(&report, 1));
    let rows = client_rows(&report.events);
    let renewals: Vec<_> = rows
        .windows(2)
        .filter(|pair| pair[1].1.state == DhcpClientState::Bound && pair[0].1.renew_at != pair[1].1.renew_at)
        .collect();
    assert!(renewals.len() >= 2, "{rows:?}");
    for pair in &renewals[1..] {
        let due = pair[0].1.renew_at.expect("a lease has its T1").as_micros();
        assert!(pair[1].0 - due < 1_000, "due at {due}, renewed at {}", pair[1].0);
        let since = pair[0].1.since.expect("a lease has its begin").as_micros();
        // dhclient draws its T1 between three quarters and the whole of half the lease.
        assert!((226_800..=302_400).contains(&((due - since) / 1_000_000)), "{}", due - since);
    }
    // Little happens in between, a router solicitation an hour: that is what makes the week short.
    assert!(report.events.len() < 4_500, "{} events", report.events.len());
}

#[test]
fn a_server_that_restarts_knows_its_leases_from_its_file() {
    let report = bridged(
        &office("ping_check = false\n"),
        "vm1: dhclient enp0s3\n@service dhcp-server dhcpd stop\n@service dhcp-server dhcpd start\nvm2: dhclient -v enp0s3\n",
    );
    assert!(stderr(&report, 1).contains("bound to 192.168.0.121 "), "{}", stderr(&report, 1));
}

#[test]
fn what_is_no_dhcp_message_ends_with_its_reason() {
    let report = bridged(
        &office("ping_check = false\n"),
        "vm1: dhclient enp0s3\nvm1 &n: nc -u 192.168.0.10 67\n@input n \"hello\"\n@wait 1\n@int n\n",
    );
    let dropped = report.events.iter().filter(
        |event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == DropReason::DhcpMalformed),
    );
    assert_eq!(dropped.count(), 1);
}

#[test]
fn dhcpcd_releases_exits_informs_and_tests_with_the_real_words() {
    let report = bridged(
        &office("ping_check = false\n"),
        "vm1: dhcpcd -4 -x enp0s3\nvm1: dhcpcd -4 enp0s3\nvm1: dhcpcd -4 enp0s3\nvm1: dhcpcd -4 -x enp0s3\n\
         vm1: ip -4 addr show dev enp0s3\nvm1: dhcpcd -4 enp0s3\nvm1: dhcpcd -4 -k enp0s3\nvm1: ip -4 addr show dev enp0s3\n\
         vm2: dhcpcd -4 -T enp0s3\nvm2: ip -4 addr show dev enp0s3\n@setup vm2: ip addr add 192.168.0.77/24 dev enp0s3\n\
         vm2: dhcpcd -4 -s 192.168.0.77/24 enp0s3\nvm2: cat /etc/resolv.conf\nvm2: dhcpcd --foo\n",
    );
    let said = |at: usize| stderr(&report, at);
    assert_eq!((said(0), report.results[0].exit), ("dhcpcd not running\n", 1));
    assert!(said(1).contains("enp0s3: leased 192.168.0.120 for 604800 seconds\n"), "{}", said(1));
    assert_eq!(said(2), "sending commands to dhcpcd process\n");
    assert!(said(3).starts_with("sending signal TERM to pid "), "{}", said(3));
    assert!(stdout(&report, 4).contains("inet 192.168.0.120/24"), "persistent: {}", stdout(&report, 4));
    assert!(said(5).contains("enp0s3: rebinding lease of 192.168.0.120\n"), "{}", said(5));
    assert!(said(6).starts_with("sending signal ALRM to pid "), "{}", said(6));
    assert_eq!(stdout(&report, 7), "");
    assert!(stdout(&report, 8).contains("new_routers='192.168.0.1'\n"), "{}", stdout(&report, 8));
    assert_eq!(stdout(&report, 9), "");
    assert!(said(10).contains("enp0s3: received approval for 192.168.0.77\n"), "{}", said(10));
    assert!(stdout(&report, 11).contains("nameserver 8.8.8.8\n"), "{}", stdout(&report, 11));
    assert!(said(12).starts_with("dhcpcd: unrecognized option '--foo'\nusage: dhcpcd\t"), "{}", said(12));
    let held: Vec<MacAddr> = report
        .world
        .rows(false)
        .iter()
        .filter_map(|row| match row {
            Row::Lease(lease) if lease.state == LeaseState::Bound && lease.addr.octets()[3] == 120 => Some(lease.mac),
            _ => None,
        })
        .collect();
    assert!(held.is_empty(), "it was given back");
}
