use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::addr::{Cidr, MacAddr};
use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::rng::{Purpose, Rng};
use crate::time::SimTime;
use crate::view::{DhcpClientState, LeaseState};

fn rng() -> Rng {
    Rng::stream(1, Purpose::DhcpServer, 1)
}

fn config(last: u8) -> ServerConfig {
    let subnet: Cidr = "10.0.2.0/24".parse().unwrap();
    let addr = |host| Ipv4Addr::new(10, 0, 2, host);
    ServerConfig {
        router: Some(addr(1)),
        dns: vec![addr(1)],
        ..ServerConfig::new(addr(1), subnet, addr(15), addr(last))
    }
}

fn mac(n: u8) -> MacAddr {
    MacAddr([8, 0, 0x27, 0, 0, n])
}

fn client(n: u8) -> Client {
    Client::new(
        ClientConfig { hostname: Some("vm1".into()), params: vec![1, 3, 6], ..ClientConfig::new(mac(n)) },
        rng(),
    )
}

/// Lets a client and a server talk until nothing more is to be said at `now`; what the client did besides sending.
fn talk(now: SimTime, client: &mut Client, server: &mut Server) -> Vec<ClientAction> {
    let mut done = Vec::new();
    while let Some(action) = client.poll_action() {
        if let ClientAction::Send { message, .. } = &action {
            let message = Message::parse(&message.emit()).unwrap();
            if let ServerAction::Reply(reply) = server.handle_message(now, &message) {
                client.handle_message(now, &Message::parse(&reply.message.emit()).unwrap());
            }
        } else {
            done.push(action);
        }
    }
    done
}

#[test]
fn a_client_gets_the_first_address_for_a_week_and_renews_it_at_half_of_it() {
    let (mut client, mut server) = (client(1), Server::new(config(254), rng()));
    client.start(SimTime::ZERO);
    talk(SimTime::ZERO, &mut client, &mut server);
    let lease = client.lease().unwrap().clone();
    assert_eq!(lease.cidr.to_string(), "10.0.2.15/24");
    assert_eq!(lease.ack.router(), Some(Ipv4Addr::new(10, 0, 2, 1)));
    assert_eq!(lease.expires, SimTime::from_secs(604_800));
    // dhclient renews between three and four quarters of T1, which is half the lease; T2 is seven eighths.
    let t1 = client.next_wakeup().unwrap();
    assert!((SimTime::from_secs(226_800)..=SimTime::from_secs(302_400)).contains(&t1), "{t1:?}");
    assert_eq!(lease.rebind_at, SimTime::from_secs(529_200));
    client.handle_timeout(t1);
    assert_eq!(client.row(NodeId(1), 2).state, DhcpClientState::Renewing);
    let done = talk(t1, &mut client, &mut server);
    assert!(matches!(done.last(), Some(ClientAction::Renewed(_))), "{done:?}");
    assert_eq!(client.lease().unwrap().expires, t1 + core::time::Duration::from_secs(604_800));
}

#[test]
fn a_client_whose_server_is_gone_renews_rebinds_and_gives_the_address_up() {
    let (mut client, mut server) = (client(1), Server::new(config(254), rng()));
    client.start(SimTime::ZERO);
    talk(SimTime::ZERO, &mut client, &mut server);
    let mut states = Vec::new();
    let mut expired_at = None;
    while expired_at.is_none() {
        let now = client.next_wakeup().unwrap();
        client.handle_timeout(now);
        states.push(client.row(NodeId(1), 2).state);
        while let Some(action) = client.poll_action() {
            if matches!(action, ClientAction::Expired(_)) {
                expired_at = Some(now);
            }
        }
    }
    states.dedup();
    assert_eq!(states, [DhcpClientState::Renewing, DhcpClientState::Rebinding, DhcpClientState::Selecting]);
    let expired_at = expired_at.unwrap();
    assert!((SimTime::from_secs(604_800)..SimTime::from_secs(604_802)).contains(&expired_at), "{expired_at:?}");
}

#[test]
fn a_client_that_nobody_answers_rests_after_a_minute() {
    let mut client = client(1);
    client.start(SimTime::ZERO);
    let mut rested = None;
    while rested.is_none() {
        let now = client.next_wakeup().unwrap();
        client.handle_timeout(now);
        while let Some(action) = client.poll_action() {
            if action == ClientAction::NoOffers {
                rested = Some(now);
            }
        }
    }
    // dhclient 4.4.3-P1 took 60.9 seconds: the last interval goes past the minute by one.
    let rested = rested.unwrap();
    assert!((SimTime::from_secs(60)..SimTime::from_secs(62)).contains(&rested), "{rested:?}");
}

#[test]
fn an_empty_pool_says_so_and_serves_again_after_a_release() {
    let mut server = Server::new(config(15), rng());
    let mut first = client(1);
    first.start(SimTime::ZERO);
    talk(SimTime::ZERO, &mut first, &mut server);
    let discover = Message::request(MessageType::Discover, 7, mac(2));
    assert_eq!(server.handle_message(SimTime::ZERO, &discover), ServerAction::Ignore(DropReason::DhcpPoolEmpty));
    let mut release = Message::request(MessageType::Release, 8, mac(1));
    release.ciaddr = Ipv4Addr::new(10, 0, 2, 15);
    assert_eq!(server.handle_message(SimTime::ZERO, &release), ServerAction::Taken);
    assert!(matches!(server.handle_message(SimTime::ZERO, &discover), ServerAction::Reply(_)));
}

#[test]
fn a_request_for_anothers_address_is_refused() {
    let mut server = Server::new(config(254), rng());
    let mut first = client(1);
    first.start(SimTime::ZERO);
    talk(SimTime::ZERO, &mut first, &mut server);
    let mut request = Message::request(MessageType::Request, 9, mac(2));
    request.set(option::REQUESTED_ADDRESS, &[10, 0, 2, 15]);
    let ServerAction::Reply(reply) = server.handle_message(SimTime::ZERO, &request) else { panic!("no answer") };
    assert_eq!((reply.message.kind(), reply.to), (Some(MessageType::Nak), ReplyTo::Broadcast));
}

#[test]
fn a_reserved_address_goes_to_its_client_only() {
    let kept = Reservation::for_mac(mac(9), Ipv4Addr::new(10, 0, 2, 15));
    let mut server = Server::new(ServerConfig { reservations: vec![kept], ..config(254) }, rng());
    for (n, host) in [(1, 16), (9, 15)] {
        let mut client = client(n);
        client.start(SimTime::ZERO);
        talk(SimTime::ZERO, &mut client, &mut server);
        assert_eq!(client.lease().unwrap().cidr.addr, Ipv4Addr::new(10, 0, 2, host));
    }
}

fn ask(server: &mut Server, now: SimTime, message: &Message) -> Option<Reply> {
    match server.handle_message(now, message) {
        ServerAction::Reply(reply) => Some(reply),
        _ => None,
    }
}

fn request_for(n: u8, addr: Ipv4Addr) -> Message {
    let mut message = Message::request(MessageType::Request, 9, mac(n));
    message.set(option::REQUESTED_ADDRESS, &addr.octets());
    message
}

fn flavoured(flavour: Flavour, last: u8) -> Server {
    let subnet: Cidr = "10.0.2.0/24".parse().unwrap();
    let addr = |host| Ipv4Addr::new(10, 0, 2, host);
    let config = ServerConfig {
        router: Some(addr(1)),
        dns: vec![addr(3)],
        ..ServerConfig::of(flavour, addr(2), subnet, addr(15), addr(last))
    };
    Server::new(config, rng())
}

#[test]
fn isc_answers_a_remembered_address_as_the_real_dhcpd_did_in_a_namespace() {
    // isc-dhcp-server 4.4.3-P1, range .15 to .20: a free address of the range is granted, one outside the ranges is an
    // unknown lease, another network's is refused when authoritative and ignored when not.
    for authoritative in [true, false] {
        let kind = |addr| {
            let mut server = Server::new(ServerConfig { authoritative, ..config(20) }, rng());
            ask(&mut server, SimTime::ZERO, &request_for(1, addr)).and_then(|reply| reply.message.kind())
        };
        assert_eq!(kind(Ipv4Addr::new(10, 0, 2, 18)), Some(MessageType::Ack));
        assert_eq!(kind(Ipv4Addr::new(10, 0, 2, 200)), None);
        assert_eq!(kind(Ipv4Addr::new(192, 168, 9, 9)), authoritative.then_some(MessageType::Nak));
    }
}

#[test]
fn vboxnetdhcp_gives_ten_minutes_and_clamps_what_a_client_asks_for() {
    let granted = |asked: Option<u32>| {
        let mut discover = Message::request(MessageType::Discover, 1, mac(1));
        if let Some(secs) = asked {
            discover.set(option::LEASE_TIME, &secs.to_be_bytes());
        }
        let reply = ask(&mut flavoured(Flavour::VBoxNetDhcp, 20), SimTime::ZERO, &discover).unwrap();
        assert_eq!(reply.to, ReplyTo::Broadcast);
        reply.message.lease_secs().unwrap()
    };
    assert_eq!([granted(None), granted(Some(1)), granted(Some(604_800)), granted(Some(900))], [600, 300, 43_200, 900]);
}

#[test]
fn vboxnetdhcp_ignores_decline_and_a_discover_with_an_address_and_commits_at_once_when_asked() {
    let mut server = flavoured(Flavour::VBoxNetDhcp, 20);
    let mut discover = Message::request(MessageType::Discover, 1, mac(1));
    discover.ciaddr = Ipv4Addr::new(10, 0, 2, 16);
    assert_eq!(ask(&mut server, SimTime::ZERO, &discover), None);
    discover.ciaddr = Ipv4Addr::UNSPECIFIED;
    discover.set(option::RAPID_COMMIT, &[]);
    let ack = ask(&mut server, SimTime::ZERO, &discover).unwrap().message;
    assert_eq!((ack.kind(), ack.get(option::RAPID_COMMIT)), (Some(MessageType::Ack), Some(&[][..])));
    let mut decline = Message::request(MessageType::Decline, 1, mac(1));
    decline.set(option::REQUESTED_ADDRESS, &ack.yiaddr.octets());
    assert_eq!(server.handle_message(SimTime::ZERO, &decline), ServerAction::Taken);
    assert_eq!(
        server.lease_row(NodeId(1), ack.yiaddr).unwrap().state,
        LeaseState::Bound,
        "the conflict will come back"
    );
}

#[test]
fn vboxnetdhcp_says_no_when_option_and_header_differ_and_gives_its_own_address_otherwise() {
    let mut server = flavoured(Flavour::VBoxNetDhcp, 20);
    let mut request = request_for(1, Ipv4Addr::new(10, 0, 2, 15));
    request.ciaddr = Ipv4Addr::new(10, 0, 2, 16);
    let nak = ask(&mut server, SimTime::ZERO, &request).unwrap().message;
    assert_eq!(nak.get(option::MESSAGE), Some(&b"Requested address does not match ciaddr"[..]));
    for (n, addr) in [(1, 15), (2, 16)] {
        let ack = ask(&mut server, SimTime::ZERO, &request_for(n, Ipv4Addr::new(10, 0, 2, 15))).unwrap().message;
        assert_eq!((ack.kind(), ack.yiaddr), (Some(MessageType::Ack), Ipv4Addr::new(10, 0, 2, addr)));
    }
    let outside = ask(&mut server, SimTime::ZERO, &request_for(3, Ipv4Addr::new(10, 0, 9, 9))).unwrap();
    assert_eq!((outside.message.kind(), outside.to), (Some(MessageType::Nak), ReplyTo::Broadcast));
}

#[test]
fn vboxnetdhcp_cancels_its_offer_when_another_server_was_chosen() {
    let mut server = flavoured(Flavour::VBoxNetDhcp, 15);
    let offer = ask(&mut server, SimTime::ZERO, &Message::request(MessageType::Discover, 1, mac(1))).unwrap().message;
    let mut request = request_for(1, offer.yiaddr);
    request.set(option::SERVER_IDENTIFIER, &[10, 0, 2, 99]);
    assert_eq!(server.handle_message(SimTime::ZERO, &request), ServerAction::Ignore(DropReason::DhcpNotForUs));
    assert_eq!(server.held(), 0);
}

#[test]
fn slirp_answers_everybody_with_a_day_and_knows_neither_release_nor_inform() {
    let mut server = flavoured(Flavour::Slirp, 30);
    let offer = ask(&mut server, SimTime::ZERO, &Message::request(MessageType::Discover, 1, mac(1))).unwrap();
    assert_eq!((offer.to, offer.message.siaddr), (ReplyTo::Broadcast, Ipv4Addr::new(10, 0, 2, 2)));
    assert_eq!(offer.message.lease_secs(), Some(86_400));
    let ack = ask(&mut server, SimTime::ZERO, &request_for(1, offer.message.yiaddr)).unwrap().message;
    for kind in [MessageType::Release, MessageType::Inform, MessageType::Decline] {
        let mut message = Message::request(kind, 2, mac(1));
        message.ciaddr = ack.yiaddr;
        assert_eq!(server.handle_message(SimTime::ZERO, &message), ServerAction::Ignore(DropReason::DhcpUnexpected));
    }
    let taken = ask(&mut server, SimTime::ZERO, &request_for(2, ack.yiaddr)).unwrap().message;
    assert_eq!(taken.get(option::MESSAGE), Some(&b"requested address not available"[..]));
}

#[test]
fn isc_pings_before_a_first_offer_and_gives_up_an_address_that_answers() {
    let mut server = Server::new(ServerConfig { ping_check: true, ..config(20) }, rng());
    let discover = Message::request(MessageType::Discover, 1, mac(1));
    assert_eq!(server.handle_message(SimTime::ZERO, &discover), ServerAction::Taken);
    assert_eq!(server.poll_probe(), Some(Ipv4Addr::new(10, 0, 2, 15)));
    server.handle_echo(SimTime::from_millis(1), Ipv4Addr::new(10, 0, 2, 15));
    assert_eq!(server.lease_row(NodeId(1), Ipv4Addr::new(10, 0, 2, 15)).unwrap().state, LeaseState::Declined);
    // The client asks again; now nobody answers, and the offer goes out after a second.
    let again = SimTime::from_secs(5);
    assert_eq!(server.handle_message(again, &discover), ServerAction::Taken);
    assert_eq!(server.next_wakeup(), Some(SimTime::from_secs(6)));
    server.handle_timeout(SimTime::from_millis(5_999));
    assert_eq!(server.poll_reply(), None);
    server.handle_timeout(SimTime::from_secs(6));
    assert_eq!(server.poll_reply().unwrap().message.yiaddr, Ipv4Addr::new(10, 0, 2, 16));
    // Who spoke of the address a moment ago is not pinged again.
    assert!(ask(&mut server, SimTime::from_secs(7), &discover).is_some());
}

#[test]
fn a_flood_of_discovers_empties_the_pool_which_recovers_when_the_offers_time_out() {
    let subnet: Cidr = "10.8.0.0/16".parse().unwrap();
    let addr = |a, b| Ipv4Addr::new(10, 8, a, b);
    let mut server = Server::new(ServerConfig::new(addr(0, 1), subnet, addr(1, 0), addr(4, 255)), rng());
    let mut refused = 0;
    for n in 0..5_000u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let discover = Message::request(MessageType::Discover, n, MacAddr([2, 0, 0, a, b, c]));
        refused += u32::from(
            server.handle_message(SimTime::from_millis(u64::from(n)), &discover)
                == ServerAction::Ignore(DropReason::DhcpPoolEmpty),
        );
    }
    assert_eq!((server.held(), refused), (1_024, 5_000 - 1_024));
    let later = SimTime::from_secs(200);
    assert!(ask(&mut server, later, &Message::request(MessageType::Discover, 1, mac(1))).is_some());
    assert_eq!(server.held(), 1);
}

#[test]
fn a_client_is_known_by_its_identifier_before_its_mac() {
    let mut server = Server::new(config(20), rng());
    let with_id = |n: u8, id: u8| {
        let mut discover = Message::request(MessageType::Discover, 1, mac(n));
        discover.set(option::CLIENT_IDENTIFIER, &[0, id]);
        discover
    };
    let first = ask(&mut server, SimTime::ZERO, &with_id(1, 7)).unwrap().message.yiaddr;
    assert_eq!(ask(&mut server, SimTime::ZERO, &with_id(2, 7)).unwrap().message.yiaddr, first, "same client, new card");
    assert_ne!(ask(&mut server, SimTime::ZERO, &with_id(1, 8)).unwrap().message.yiaddr, first, "same card, new client");
}

#[test]
fn options_come_in_the_order_in_which_they_were_asked_for_and_only_those() {
    let options = vec![(option::NTP_SERVERS, vec![10, 0, 2, 9]), (option::DOMAIN_NAME, b"corp".to_vec())];
    let mut server = Server::new(ServerConfig { options, ..config(20) }, rng());
    let mut discover = Message::request(MessageType::Discover, 1, mac(1));
    discover.set(option::PARAMETER_REQUEST_LIST, &[option::DOMAIN_NAME, option::ROUTERS, option::INTERFACE_MTU]);
    let offer = ask(&mut server, SimTime::ZERO, &discover).unwrap().message;
    let codes: Vec<u8> = offer.options.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [53, 54, 51, 1, 15, 3]);
}

#[test]
fn options_that_do_not_fit_go_into_the_name_fields_and_come_back() {
    let mut message = Message::request(MessageType::Offer, 1, mac(1));
    for code in 200..=205 {
        message.set(code, &[code; 55]);
    }
    let (bytes, left_out) = message.emit_within(576);
    assert!(bytes.len() <= 548 && left_out.is_empty(), "{} {left_out:?}", bytes.len());
    let mut read = Message::parse(&bytes).unwrap();
    let overload = read.options.iter().position(|(code, _)| *code == option::OVERLOAD).unwrap();
    assert_eq!(read.options.remove(overload).1.len(), 1);
    assert_eq!(read.options, message.options);
    message.set(206, &[1; 255]);
    assert_eq!(message.emit_within(576).1, [206]);
}

/// A client with dhcpcd's manners.
fn dhcpcd(n: u8) -> Client {
    let config = ClientConfig { manner: Manner::Dhcpcd, probe: true, ..ClientConfig::new(mac(n)) };
    Client::new(config, rng())
}

#[test]
fn rfc_2131_3_1_5_a_client_that_finds_the_address_in_use_declines_waits_ten_seconds_and_gets_another() {
    let (mut client, mut server) = (dhcpcd(1), Server::new(config(20), rng()));
    client.start(SimTime::ZERO);
    let done = talk(SimTime::ZERO, &mut client, &mut server);
    assert!(matches!(done.last(), Some(ClientAction::Probe { number: 1, .. })), "{done:?}");
    assert_eq!(client.lease(), None, "the address is not used before it was probed");
    let at = SimTime::from_millis(20);
    client.handle_conflict(at, mac(77));
    let mut declined = None;
    while let Some(action) = client.poll_action() {
        if let ClientAction::Send { message, .. } = action {
            assert_eq!(server.handle_message(at, &message), ServerAction::Taken);
            declined = Some(message);
        }
    }
    let decline = declined.unwrap();
    assert_eq!(decline.kind(), Some(MessageType::Decline));
    assert_eq!((decline.ciaddr, decline.requested_ip()), (Ipv4Addr::UNSPECIFIED, Some(Ipv4Addr::new(10, 0, 2, 15))));
    assert!(decline.server_id().is_some() && decline.param_list().is_empty(), "RFC 2131 table 5");
    assert_eq!(server.lease_row(NodeId(1), Ipv4Addr::new(10, 0, 2, 15)).unwrap().state, LeaseState::Declined);
    assert_eq!(client.next_wakeup(), Some(at + core::time::Duration::from_secs(10)));
    let mut announced = 0;
    while client.lease().is_none() || announced < 2 {
        let now = client.next_wakeup().unwrap();
        client.handle_timeout(now);
        let done = talk(now, &mut client, &mut server);
        announced += done.iter().filter(|action| matches!(action, ClientAction::Announce { .. })).count();
    }
    let lease = client.lease().unwrap();
    assert_eq!(lease.cidr.addr, Ipv4Addr::new(10, 0, 2, 16));
    assert_eq!(lease.renew_at.since(lease.since).as_secs(), 302_400, "dhcpcd renews at half of it");
}

#[test]
fn rfc_2131_table_5_each_request_names_its_address_and_server_where_its_state_says() {
    let (mut client, mut server) = (client(1), Server::new(config(20), rng()));
    client.start(SimTime::ZERO);
    let mut requests = Vec::new();
    let mut now = SimTime::ZERO;
    for _ in 0..400 {
        while let Some(action) = client.poll_action() {
            let ClientAction::Send { message, unicast_to, .. } = action else { continue };
            let known =
                [message.server_id().is_some(), message.requested_ip().is_some(), !message.ciaddr.is_unspecified()];
            if message.kind() == Some(MessageType::Request) {
                requests.push((client.row(NodeId(1), 2).state, known, unicast_to.is_some()));
            }
            if now == SimTime::ZERO
                && let ServerAction::Reply(reply) = server.handle_message(now, &message)
            {
                client.handle_message(now, &reply.message);
            }
        }
        now = client.next_wakeup().unwrap();
        if now > SimTime::from_secs(540_000) {
            break;
        }
        // Whatever is in between is the same again.
        if requests.len() > 3 && now < SimTime::from_secs(529_200) {
            let lease = client.lease().unwrap().clone();
            now = lease.rebind_at + core::time::Duration::from_secs(1);
        }
        client.handle_timeout(now);
    }
    requests.dedup();
    let (selecting, extending) = ([true, true, false], [false, false, true]);
    // The row is read after the answer: REQUESTING.
    assert_eq!(requests[0], (DhcpClientState::Requesting, selecting, false));
    assert_eq!(requests[1], (DhcpClientState::Renewing, extending, true));
    assert_eq!(requests[2], (DhcpClientState::Rebinding, extending, false));
}

#[test]
fn rfc_2131_4_4_5_init_reboot_names_the_address_and_no_server_and_a_nak_sends_it_back_to_discover() {
    let config = ClientConfig { remembered: Some(Ipv4Addr::new(192, 168, 9, 9)), ..ClientConfig::new(mac(1)) };
    let mut client = Client::new(config, rng());
    let mut server = Server::new(self::config(20), rng());
    client.start(SimTime::ZERO);
    assert_eq!(client.row(NodeId(1), 2).state, DhcpClientState::InitReboot);
    let done = talk(SimTime::ZERO, &mut client, &mut server);
    assert!(matches!(done.first(), Some(ClientAction::Refused(..))), "{done:?}");
    assert_eq!(client.lease().unwrap().cidr.addr, Ipv4Addr::new(10, 0, 2, 15));
}

#[test]
fn rfc_2131_4_4_3_inform_gets_options_and_no_lease() {
    let mut client = dhcpcd(1);
    let mut server = Server::new(config(20), rng());
    client.inform(SimTime::ZERO, "10.0.2.77/24".parse().unwrap());
    let done = talk(SimTime::ZERO, &mut client, &mut server);
    let [ClientAction::Informed(ack)] = &done[..] else { panic!("{done:?}") };
    assert_eq!((ack.yiaddr, ack.lease_secs(), ack.router().is_some()), (Ipv4Addr::UNSPECIFIED, None, true));
    assert!(client.is_informed() && server.lease_rows(NodeId(1)).is_empty());
}

#[test]
fn of_several_offers_the_first_is_taken_or_the_preferred_one_within_a_time() {
    let offer = |server: u8, addr: u8, xid| {
        let mut offer = Message::request(MessageType::Discover, xid, mac(1))
            .answer(MessageType::Offer, Ipv4Addr::new(10, 0, 2, server));
        offer.yiaddr = Ipv4Addr::new(10, 0, 2, addr);
        offer
    };
    for (wait, expected) in [(0, 100), (2, 200)] {
        let config = ClientConfig {
            select_wait: core::time::Duration::from_secs(wait),
            prefer_server: Some(Ipv4Addr::new(10, 0, 2, 2)),
            ..ClientConfig::new(mac(1))
        };
        let mut client = Client::new(config, rng());
        client.start(SimTime::ZERO);
        let Some(ClientAction::Send { message, .. }) = client.poll_action() else { panic!() };
        client.handle_message(SimTime::ZERO, &offer(1, 100, message.xid));
        client.handle_message(SimTime::ZERO, &offer(2, 200, message.xid));
        client.handle_timeout(SimTime::from_secs(wait));
        assert_eq!(client.row(NodeId(1), 2).addr, Some(Ipv4Addr::new(10, 0, 2, expected)));
    }
}

#[test]
fn a_fresh_lease_is_not_written_anew() {
    let mut server = Server::new(config(20), rng());
    ask(&mut server, SimTime::ZERO, &request_for(1, Ipv4Addr::new(10, 0, 2, 15)));
    let left = |server: &mut Server, secs| {
        let request = request_for(1, Ipv4Addr::new(10, 0, 2, 15));
        ask(server, SimTime::from_secs(secs), &request).unwrap().message.lease_secs().unwrap()
    };
    assert_eq!(left(&mut server, 100_000), 504_800);
    assert_eq!(left(&mut server, 151_200), 604_800);
}

#[test]
fn options_that_need_more_room_stand_in_the_name_fields() {
    let mut bytes = Message::request(MessageType::Discover, 1, mac(1)).emit();
    bytes[240..247].copy_from_slice(&[53, 1, 1, 52, 1, 3, 255]);
    bytes[108..113].copy_from_slice(&[12, 2, b'v', b'm', 255]);
    bytes[44..48].copy_from_slice(&[12, 1, b'1', 255]);
    assert_eq!(Message::parse(&bytes).unwrap().hostname().unwrap(), "vm1");
}

proptest! {
    #[test]
    fn parsing_what_was_emitted_gives_the_message_back(
        xid: u32, secs: u16, broadcast: bool, hops: u8, addrs: [u32; 4], last: u8,
        sname in vec(1u8..=255, 0..64), file in vec(1u8..=255, 0..128),
        options in proptest::collection::btree_map(1u8..255, vec(any::<u8>(), 0..600), 0..6),
    ) {
        let mut options: Vec<_> = options.into_iter().filter(|(code, _)| *code != option::OVERLOAD).collect();
        options.insert(0, (option::MESSAGE_TYPE, vec![1]));
        options.dedup_by_key(|(code, _)| *code);
        options.retain({ let mut seen = std::collections::BTreeSet::new(); move |(code, _)| seen.insert(*code) });
        let [ciaddr, yiaddr, siaddr, giaddr] = addrs.map(Ipv4Addr::from_bits);
        let message = Message {
            secs, broadcast, hops, ciaddr, yiaddr, siaddr, giaddr, options, sname, file,
            ..Message::request(MessageType::Discover, xid, mac(last))
        };
        let (bytes, left_out) = message.emit_within(1500);
        prop_assert!(bytes.len() <= 1472);
        let mut read = Message::parse(&bytes).unwrap();
        read.options.retain(|(code, _)| *code != option::OVERLOAD);
        let whole = |options: &[(u8, Vec<u8>)]| {
            options.iter().filter(|(code, _)| !left_out.contains(code)).cloned().collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(whole(&read.options), whole(&message.options));
        prop_assert_eq!(Message { options: Vec::new(), ..read }, Message { options: Vec::new(), ..message });
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..700), header: bool) {
        let mut bytes = bytes;
        if header && bytes.len() > 244 {
            bytes[..3].copy_from_slice(&[1, 1, 6]);
            bytes[236..240].copy_from_slice(&[99, 130, 83, 99]);
        }
        if let Ok(message) = Message::parse(&bytes) {
            Server::new(config(20), rng()).handle_message(SimTime::ZERO, &message);
        }
    }

    #[test]
    fn no_two_clients_hold_one_address_whatever_they_say(
        steps in vec((1u8..6, 0u8..6, 14u8..22, any::<bool>(), 0u64..400), 1..120),
    ) {
        let short = ServerConfig { lease_secs: 300, offer_secs: 20, ..config(18) };
        let mut server = Server::new(short, rng());
        let mut now = SimTime::ZERO;
        for (who, what, host, to_us, wait) in steps {
            now += core::time::Duration::from_secs(wait);
            let kind = [MessageType::Discover, MessageType::Request, MessageType::Request, MessageType::Decline, MessageType::Release, MessageType::Inform][usize::from(what)];
            let mut message = Message::request(kind, 1, mac(who));
            let addr = Ipv4Addr::new(10, 0, 2, host);
            if what == 2 || what > 3 { message.ciaddr = addr } else { message.set(option::REQUESTED_ADDRESS, &addr.octets()) }
            if to_us { message.set(option::SERVER_IDENTIFIER, &[10, 0, 2, 1]) }
            let action = server.handle_message(now, &message);
            if let ServerAction::Reply(Reply { message: ack, .. }) = &action
                && ack.kind() == Some(MessageType::Ack) && kind == MessageType::Request
            {
                prop_assert!((15..=18).contains(&ack.yiaddr.octets()[3]), "outside the pool: {}", ack.yiaddr);
            }
            let mut holders: BTreeMap<MacAddr, Ipv4Addr> = BTreeMap::new();
            for row in server.lease_rows(NodeId(1)) {
                if row.state == LeaseState::Bound {
                    prop_assert!(row.expires > now);
                    prop_assert!(holders.insert(row.mac, row.addr).is_none(), "{} holds two addresses", row.mac);
                }
            }
        }
    }
}
