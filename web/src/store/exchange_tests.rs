//! Tests of [`super::Timeline`].

use super::super::frames::tests::sent;
use super::*;

fn ip(proto: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 34];
    bytes[12..14].copy_from_slice(&[8, 0]);
    bytes[14] = 0x45;
    bytes[16..18].copy_from_slice(&u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
    bytes[22] = 64;
    bytes[23] = proto;
    bytes[26..30].copy_from_slice(&src);
    bytes[30..34].copy_from_slice(&dst);
    bytes.extend(payload);
    bytes
}

fn echo(kind: u8, src: [u8; 4], dst: [u8; 4], id: u8) -> Vec<u8> {
    ip(1, src, dst, &[kind, 0, 0, 0, 0, id, 0, 1])
}

fn tcp(src: ([u8; 4], u8), dst: ([u8; 4], u8), flags: u8) -> Vec<u8> {
    let mut header = vec![0; 20];
    (header[1], header[3], header[12], header[13]) = (src.1, dst.1, 0x50, flags);
    ip(6, src.0, dst.0, &header)
}

fn arp(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let mut bytes = vec![0; 42];
    bytes[12..14].copy_from_slice(&[8, 6]);
    bytes[14..20].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
    bytes[21] = operation;
    bytes[28..32].copy_from_slice(&sender);
    bytes[38..42].copy_from_slice(&target);
    bytes
}

fn dhcp(operation: u8, client: u8) -> Vec<u8> {
    let mut payload = vec![0; 8 + 240];
    (payload[1], payload[3]) = if operation == 1 { (68, 67) } else { (67, 68) };
    payload[8] = operation;
    payload[8 + 33] = client;
    ip(17, [0; 4], [255; 4], &payload)
}

struct Feed {
    timeline: Timeline,
    log: FrameLog,
    seq: u64,
}

impl Feed {
    fn new() -> Self {
        Self { timeline: Timeline::default(), log: FrameLog::default(), seq: 0 }
    }

    fn send(&mut self, millis: u64, frame: u64, parent: Option<u64>, bytes: &[u8]) {
        self.seq += 1;
        let entry = FrameEntry::new(self.seq, SimTime::from_millis(millis), sent(frame, parent, bytes));
        self.timeline.push(&entry, "vm1");
        self.log.push(entry);
    }

    fn titles(&self) -> Vec<(String, u32)> {
        self.timeline.exchanges.iter().map(|e| (e.title.to_string(), e.frames)).collect()
    }
}

const VM: [u8; 4] = [10, 0, 2, 15];
const HOST: [u8; 4] = [192, 168, 0, 111];
const FAR: [u8; 4] = [8, 8, 8, 8];

#[test]
fn a_ping_through_a_nat_is_one_exchange_with_its_turns() {
    let mut feed = Feed::new();
    for turn in 0..3 {
        let (at, id) = (turn * 1_000, turn * 10);
        feed.send(at, id + 1, None, &echo(8, VM, FAR, 1));
        feed.send(at + 1, id + 2, Some(id + 1), &echo(8, HOST, FAR, 7));
        feed.send(at + 9, id + 3, None, &echo(0, FAR, HOST, 7));
        feed.send(at + 10, id + 4, Some(id + 3), &echo(0, FAR, VM, 1));
    }
    assert_eq!(feed.titles(), [("ping 8.8.8.8".to_owned(), 12)]);
    assert_eq!(feed.timeline.exchanges[0].turns, 3);
    // Long afterwards it is another one, and another ping at once is too.
    feed.send(60_000, 90, None, &echo(8, VM, FAR, 1));
    feed.send(60_000, 91, None, &echo(8, VM, FAR, 2));
    assert_eq!(feed.timeline.exchanges.len(), 3);
}

#[test]
fn an_address_handed_out_is_one_exchange_and_two_clients_are_two() {
    let mut feed = Feed::new();
    for (millis, operation) in [(0, 1), (1, 2), (2, 1), (3, 2)] {
        feed.send(millis, millis + 1, None, &dhcp(operation, 1));
    }
    feed.send(4, 9, None, &dhcp(1, 2));
    assert_eq!(feed.titles(), [("DHCP · vm1".to_owned(), 4), ("DHCP · vm1".to_owned(), 1)]);
}

#[test]
fn a_connection_ends_with_its_fin_and_a_syn_begins_another() {
    let mut feed = Feed::new();
    let (a, b) = ((VM, 40), (FAR, 80));
    let flags = [(a, b, 0x02), (b, a, 0x12), (a, b, 0x10), (a, b, 0x11), (b, a, 0x11), (a, b, 0x10)];
    for (index, (from, to, flags)) in flags.into_iter().enumerate() {
        feed.send(index as u64, index as u64 + 1, None, &tcp(from, to, flags));
    }
    feed.send(100, 50, None, &tcp(a, b, 0x02));
    let titles = [("TCP vm1:40 → 8.8.8.8:80".to_owned(), 6), ("TCP vm1:40 → 8.8.8.8:80".to_owned(), 1)];
    assert_eq!(feed.titles(), titles);
}

#[test]
fn a_question_and_its_answer_overlap_with_what_goes_on() {
    let mut feed = Feed::new();
    feed.send(0, 1, None, &echo(8, VM, FAR, 1));
    feed.send(1, 2, None, &arp(1, VM, [10, 0, 2, 2]));
    feed.send(2, 3, None, &arp(2, [10, 0, 2, 2], VM));
    feed.send(3, 4, None, &echo(0, FAR, VM, 1));
    let titles = [("ping 8.8.8.8".to_owned(), 2), ("ARP who-has 10.0.2.2".to_owned(), 2)];
    assert_eq!(feed.titles(), titles);
    assert_eq!(feed.timeline.at(4).map(|e| &*e.title), Some("ping 8.8.8.8"));
    assert_eq!(feed.timeline.after(1).map(|e| e.first), Some(2));
    assert_eq!(feed.timeline.before(2).map(|e| e.first), Some(1));
}

#[test]
fn an_error_belongs_to_the_packet_it_is_about() {
    let mut feed = Feed::new();
    feed.send(0, 1, None, &echo(8, VM, FAR, 1));
    let mut about = vec![11, 0, 0, 0, 0, 0, 0, 0];
    about.extend(&echo(8, VM, FAR, 1)[14..]);
    feed.send(1, 2, None, &ip(1, [10, 0, 2, 2], VM, &about));
    assert_eq!(feed.titles(), [("ping 8.8.8.8".to_owned(), 2)]);
}

#[test]
fn what_is_cut_off_is_as_if_it_had_not_been() {
    let mut whole = Feed::new();
    let mut short = Feed::new();
    for turn in 0..10_u64 {
        let bytes = echo(
            if turn % 2 == 0 { 8 } else { 0 },
            if turn % 2 == 0 { VM } else { FAR },
            if turn % 2 == 0 { FAR } else { VM },
            1,
        );
        whole.send(turn * 500, turn + 1, None, &bytes);
        whole.send(turn * 500 + 1, 100 + turn, None, &arp(1, VM, [10, 0, 2, turn as u8]));
        if turn < 5 {
            short.send(turn * 500, turn + 1, None, &bytes);
            short.send(turn * 500 + 1, 100 + turn, None, &arp(1, VM, [10, 0, 2, turn as u8]));
        }
    }
    let mut log = FrameLog::default();
    whole.log.iter().filter(|e| e.seq <= 10).for_each(|e| log.push(FrameEntry::new(e.seq, e.time, e.sent.clone())));
    whole.timeline.cut(10, SimTime::from_millis(2_001), &log, |_| "vm1".to_owned());
    assert_eq!(whole.titles(), short.titles());
    assert_eq!(whole.timeline.exchanges[0].turns, 3);
}

#[test]
fn many_frames_stay_within_the_caps() {
    let mut feed = Feed::new();
    for n in 0..20_000_u64 {
        feed.send(n * 200, n + 1, None, &echo(8, VM, [8, 8, (n >> 8) as u8, n as u8], n as u8));
    }
    assert!(feed.timeline.exchanges.len() <= EXCHANGES_MAX && feed.timeline.beats.len() <= BEATS_MAX);
    assert!(feed.timeline.by_ends.len() <= ENDS_MAX && feed.timeline.by_frame.len() <= FRAMES_MAX);
    let beats = &feed.timeline.beats;
    assert!(beats.windows(2).all(|pair| pair[0] < pair[1]) && beats.last().unwrap().as_secs() > 3_900);
}

#[test]
fn cut_frames_are_looked_at_without_harm() {
    let whole = tcp((VM, 1), (FAR, 2), 2);
    for len in 0..whole.len() {
        see(&whole[..len]);
    }
    let about = dhcp(1, 3);
    for len in 0..about.len() {
        see(&about[..len]);
    }
}
