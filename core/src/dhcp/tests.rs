use core::net::Ipv4Addr;
use std::collections::BTreeMap;

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
        ClientConfig { mac: mac(n), hostname: Some("vm1".into()), params: vec![1, 3, 6], remembered: None },
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
    assert_eq!(client.next_wakeup(), Some(SimTime::from_secs(302_400)));
    let t1 = SimTime::from_secs(302_400);
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
    assert_eq!(expired_at, Some(SimTime::from_secs(604_800)));
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
    assert_eq!(rested, Some(SimTime::from_secs(60)));
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
    let kept = Reservation { mac: mac(9), addr: Ipv4Addr::new(10, 0, 2, 15) };
    let mut server = Server::new(ServerConfig { reservations: vec![kept], ..config(254) }, rng());
    for (n, host) in [(1, 16), (9, 15)] {
        let mut client = client(n);
        client.start(SimTime::ZERO);
        talk(SimTime::ZERO, &mut client, &mut server);
        assert_eq!(client.lease().unwrap().cidr.addr, Ipv4Addr::new(10, 0, 2, host));
    }
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
        options in proptest::collection::btree_map(1u8..255, proptest::collection::vec(any::<u8>(), 0..600), 0..6),
    ) {
        let mut options: Vec<_> = options.into_iter().filter(|(code, _)| *code != option::OVERLOAD).collect();
        options.insert(0, (option::MESSAGE_TYPE, vec![1]));
        options.dedup_by_key(|(code, _)| *code);
        options.retain({ let mut seen = std::collections::BTreeSet::new(); move |(code, _)| seen.insert(*code) });
        let [ciaddr, yiaddr, siaddr, giaddr] = addrs.map(Ipv4Addr::from_bits);
        let message = Message {
            secs, broadcast, hops, ciaddr, yiaddr, siaddr, giaddr, options,
            ..Message::request(MessageType::Discover, xid, mac(last))
        };
        prop_assert_eq!(Message::parse(&message.emit()), Ok(message));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700), header: bool) {
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
        steps in proptest::collection::vec((1u8..6, 0u8..6, 14u8..22, any::<bool>(), 0u64..400), 1..120),
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
