use proptest::prelude::*;

use super::*;
use crate::frame::ipv4::Ipv4Header;

const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn packet(ident: u16, len: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
    let header = Ipv4Header {
        src: SRC,
        dst: Ipv4Addr::new(10, 0, 0, 2),
        proto: 17,
        ttl: 64,
        ident,
        tos: 0,
        dont_fragment: false,
    };
    header.emit(&payload)
}

fn settings() -> sysctl::Ipv4 {
    sysctl::Ipv4::default()
}

fn push(reassembler: &mut Reassembler, piece: &[u8]) -> Pushed {
    reassembler.push(SimTime::ZERO, &settings(), 0, PacketBuf::new(piece, None))
}

fn empty(reassembler: &Reassembler) -> bool {
    reassembler.bytes() == 0
        && reassembler.next_wakeup().is_none()
        && reassembler.queues.is_empty()
        && reassembler.senders.is_empty()
}

/// What `ping -s 3000` over an MTU of 1500 looks like on a real wire: 1480, 1480 and 48 bytes behind the headers.
#[test]
fn three_thousand_bytes_of_ping_become_three_fragments() {
    let pieces = split(&packet(7, 3_008), 1_500).unwrap();
    let seen: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let parsed = Ipv4::parse(piece).unwrap();
            (parsed.fragment_offset, parsed.payload.len(), parsed.more_fragments, parsed.ident)
        })
        .collect();
    assert_eq!(seen, [(0, 1_480, true, 7), (1_480, 1_480, true, 7), (2_960, 48, false, 7)]);
}

#[test]
fn a_packet_with_an_overlap_is_given_up_whole_and_a_repeated_fragment_is_not() {
    let mut reassembler = Reassembler::default();
    let whole = packet(1, 4_000);
    let pieces = split(&whole, 1_500).unwrap();
    assert_eq!(push(&mut reassembler, &pieces[0]).outcome, Outcome::Waits);
    let twice = push(&mut reassembler, &pieces[0]);
    assert!(matches!(twice.outcome, Outcome::Dropped(DropReason::FragmentTwice, _)), "{twice:?}");
    assert!(twice.lost.is_empty());
    // Eight bytes further: neither beside the first nor within it.
    let mut moved = pieces[0].clone();
    finish_header(&mut moved, 20, MORE | 1);
    let overlap = push(&mut reassembler, &moved);
    assert!(matches!(overlap.outcome, Outcome::Dropped(DropReason::FragmentOverlap, _)), "{overlap:?}");
    assert_eq!(overlap.lost.len(), 1);
    assert!(empty(&reassembler));
}

#[test]
fn what_waits_longer_than_thirty_seconds_is_given_up_with_its_first_fragment() {
    let mut reassembler = Reassembler::default();
    let pieces = split(&packet(1, 3_008), 1_500).unwrap();
    push(&mut reassembler, &pieces[1]);
    push(&mut reassembler, &pieces[0]);
    assert_eq!(reassembler.next_wakeup(), Some(SimTime::from_secs(30)));
    assert!(reassembler.handle_timeout(SimTime::from_millis(29_999)).is_empty());
    let expired = reassembler.handle_timeout(SimTime::from_secs(30));
    assert_eq!(expired.len(), 1);
    assert!(expired[0].has_first);
    assert_eq!(expired[0].fragments[0].packet(), &*pieces[0], "the first is first");
    assert!(empty(&reassembler));
}

#[test]
fn a_flood_of_first_fragments_is_held_to_the_cap() {
    let mut reassembler = Reassembler::default();
    let mut refused = 0;
    for ident in 0..u16::MAX {
        let piece = &split(&packet(ident, 1_600), 1_500).unwrap()[0];
        let pushed = push(&mut reassembler, piece);
        refused += usize::from(matches!(pushed.outcome, Outcome::Dropped(DropReason::FragmentMemory, _)));
    }
    assert!(reassembler.bytes() <= limits::FRAGMENT_BYTES_MAX + 2_000, "{}", reassembler.bytes());
    assert!(refused > 50_000, "{refused}");
}

#[test]
fn after_64_other_fragments_of_the_same_sender_a_packet_begins_anew() {
    let mut reassembler = Reassembler::default();
    let pieces = split(&packet(1, 3_008), 1_500).unwrap();
    push(&mut reassembler, &pieces[0]);
    for ident in 100..164 {
        push(&mut reassembler, &split(&packet(ident, 1_600), 1_500).unwrap()[0]);
    }
    let late = push(&mut reassembler, &pieces[1]);
    assert_eq!((late.outcome, late.lost.len()), (Outcome::Waits, 1));
    assert_eq!(push(&mut reassembler, &pieces[2]).outcome, Outcome::Waits, "the first piece is gone");
}

#[test]
fn options_that_are_not_to_be_copied_stand_in_the_first_fragment_only() {
    // Record route (7, not copied) of 7 bytes, then end; the header has 28 bytes.
    let mut bytes = packet(1, 3_000);
    bytes.splice(20..20, [7, 7, 4, 0, 0, 0, 0, 0]);
    bytes[0] = 0x47;
    finish_header(&mut bytes, 28, 0);
    let pieces = split(&bytes, 1_500).unwrap();
    assert_eq!(&pieces[0][20..28], [7, 7, 4, 0, 0, 0, 0, 0]);
    assert_eq!(&pieces[1][20..28], [1, 1, 1, 1, 1, 1, 1, 0]);
    assert!(pieces.iter().all(|piece| Ipv4::parse(piece).is_ok()));
}

proptest! {
    #[test]
    fn what_is_cut_and_put_together_in_any_order_is_the_same(
        len in 1_usize..20_000, mtu in 28_usize..2_000, again in 28_usize..600, seed in any::<u64>()
    ) {
        let whole = packet(9, len);
        // Twice: a second router cuts the pieces again.
        let mut pieces: Vec<_> =
            split(&whole, mtu.max(300)).unwrap().iter().flat_map(|piece| split(piece, again.max(100)).unwrap()).collect();
        prop_assert!(pieces.iter().all(|piece| piece.len() <= again.max(100)));
        let mut rng = crate::rng::Rng::stream(seed, crate::rng::Purpose::Machine, 1);
        for i in (1..pieces.len()).rev() {
            pieces.swap(i, rng.below(i as u32 + 1) as usize);
        }
        let mut reassembler = Reassembler::default();
        let count = pieces.len();
        for (i, piece) in pieces.iter().enumerate() {
            let pushed = push(&mut reassembler, piece);
            prop_assert!(pushed.lost.is_empty());
            if i + 1 < count {
                prop_assert_eq!(pushed.outcome, Outcome::Waits);
            } else {
                let Outcome::Whole(buf, of) = pushed.outcome else { panic!("{:?}", pushed.outcome) };
                prop_assert_eq!(of, count);
                prop_assert_eq!(buf.packet(), &*whole);
            }
        }
        prop_assert!(empty(&reassembler));
    }

    #[test]
    fn fragments_with_any_offsets_never_panic_and_what_comes_out_has_the_length_it_says(
        pieces in proptest::collection::vec((any::<u16>(), 0_usize..64, 0_u16..3), 0..60)
    ) {
        let mut reassembler = Reassembler::default();
        for (flags, len, ident) in pieces {
            let mut piece = packet(ident, len);
            // Small offsets, so that they meet.
            finish_header(&mut piece, 20, flags & (MORE | 0x0007));
            match push(&mut reassembler, &piece).outcome {
                Outcome::Whole(buf, _) => {
                    prop_assert!(Ipv4::parse(buf.packet()).is_ok_and(|packet| !packet.is_fragment()));
                }
                Outcome::Waits | Outcome::Dropped(..) => {}
            }
        }
        reassembler.handle_timeout(SimTime::from_secs(60));
        prop_assert!(empty(&reassembler));
    }
}
