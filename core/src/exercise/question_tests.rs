//! Tests of questions of every kind, and of checks over history.

use core::net::IpAddr;

use super::tests::{FAR, FAR_IP, HOST, HOST_IP, Stage, VM, VM_IP, addr_row, address, echo, with};
use super::*;
use crate::event::Fact;
use crate::id::JobId;
use crate::view::{AddrRow, Row, SocketEnd, SocketKind, SocketOwner, SocketRow, SocketState};

/// A question of this kind about nothing but itself.
fn asks(answer: AnswerCheck) -> Exercise {
    with(Check::Answer(answer), false)
}

#[test]
fn an_order_is_right_as_a_whole_and_wrong_for_its_first_known_reason() {
    let ahead =
        |id: &str, pair: [&str; 2]| WrongAnswer { id: id.into(), expect: Expect::Ahead(pair.map(str::to_owned)) };
    let answer = AnswerCheck {
        kind: AnswerKind::Order,
        expect: Some(Expect::Value("a b c".into())),
        choices: ["c", "b", "a"].map(str::to_owned).to_vec(),
        wrongs: vec![ahead("c-first", ["c", "a"]), ahead("b-first", ["b", "a"])],
        ..AnswerCheck::default()
    };
    let mut stage = Stage::new(&asks(answer));
    let wrong = |id: &str| Verdict::Wrong(Some(id.to_owned()));
    assert_eq!(stage.progress.answer("lease", "c b a", &stage.view), wrong("c-first"));
    assert_eq!(stage.progress.answer("lease", "b a c", &stage.view), wrong("b-first"));
    assert_eq!(stage.progress.answer("lease", "a c b", &stage.view), Verdict::Wrong(None));
    assert_eq!(stage.progress.answer("lease", " a  b c", &stage.view), Verdict::Right);
}

/// A table of one column: a MAC of the lab's, and a field of a frame that has to be seen first.
fn table() -> AnswerCheck {
    let cell = |row: &str, kind, expect| Cell {
        row: row.into(),
        column: "x".into(),
        kind,
        expect,
        also: Vec::new(),
        wrongs: vec![WrongAnswer { id: "host".into(), expect: Expect::Mac("host:eth0".parse().unwrap()) }],
    };
    let frame = FrameCheck {
        at: "vm1".parse().unwrap(),
        direction: Direction::Out,
        fields: [].into(),
        filter: "icmp.type == 8".into(),
        count: 1,
    };
    let field = Expect::Field(FieldExpect { name: "ip.dst".into(), frame });
    AnswerCheck {
        kind: AnswerKind::Table,
        columns: vec!["x".into()],
        rows: vec!["mac".into(), "dst".into()],
        cells: vec![
            cell("mac", AnswerKind::Mac, Expect::Mac("vm1:enp0s3".parse().unwrap())),
            cell("dst", AnswerKind::Address, field),
        ],
        ..AnswerCheck::default()
    }
}

#[test]
fn a_table_is_judged_cell_by_cell_and_not_before_its_frame_was_seen() {
    let mut stage = Stage::new(&asks(table()));
    let said = |mac: &str, dst: &str| format!("mac.x = {mac}\ndst.x={dst}\nstray\n");
    let right = said("08-00-27-A1-B2-C3", "8.8.8.8/32");
    assert_eq!(stage.progress.answer("lease", &right, &stage.view), Verdict::NotYet);
    stage.frame(VM, HOST, &echo(8, VM_IP, FAR_IP));
    let Verdict::Cells(cells) = stage.progress.answer("lease", &said("02:00:00:00:00:02", ""), &stage.view) else {
        panic!("not judged by cells")
    };
    assert_eq!(cells["mac.x"], Verdict::Wrong(Some("host".into())));
    assert_eq!(cells["dst.x"], Verdict::Wrong(None));
    assert_eq!(stage.missing("lease"), "goal-answer-cells");
    assert_eq!(stage.progress.answer("lease", &right, &stage.view), Verdict::Right);
    assert_eq!(cells_text(&cells_of(&right)), "dst.x = 8.8.8.8/32\nmac.x = 08-00-27-A1-B2-C3\n");
}

#[test]
fn a_question_that_lacks_something_and_a_goal_that_is_not_there_are_named() {
    let mut no_cell = table();
    no_cell.cells.clear();
    let mut stray = table();
    stray.rows.pop();
    let choice =
        AnswerCheck { kind: AnswerKind::Choice, expect: Some(Expect::Value("a".into())), ..Default::default() };
    for answer in [no_cell, stray, choice, AnswerCheck::default()] {
        let mut exercise = asks(answer);
        exercise.solution.answers = [("lease".to_owned(), "a".to_owned())].into();
        assert_eq!(exercise.validate().unwrap_err().code, "exercise-question");
    }
    let mut exercise = with(address(), false);
    exercise.solution.answers.clear();
    assert_eq!(exercise.validate(), Ok(()));
    let frame = FrameCheck {
        at: "vm1".parse().unwrap(),
        direction: Direction::Any,
        fields: [].into(),
        filter: "ip.src =".into(),
        count: 1,
    };
    exercise.covers = vec![Cover { frame, until: "nowhere".into() }];
    assert_eq!(exercise.validate().unwrap_err().code, "exercise-goal-unknown");
    exercise.covers[0].until = "lease".into();
    assert_eq!(exercise.validate().unwrap_err().code, "exercise-filter");
}

fn socket(id: u64, state: SocketState) -> Row {
    let end = |addr: [u8; 4], port| SocketEnd::new(IpAddr::V4(addr.into()), port);
    Row::Socket(SocketRow {
        node: Some(VM),
        id,
        kind: SocketKind::Tcp,
        v6: false,
        v6_only: false,
        state,
        local: end(VM_IP, 40_000 + id as u16),
        peer: end(FAR_IP, 80),
        owner: SocketOwner::Nobody,
        uid: 0,
        queues: None,
    })
}

#[test]
fn states_count_only_when_one_connection_went_through_them_all_and_is_gone() {
    let check = WentCheck {
        machine: "vm1".into(),
        through: vec![SocketState::Established, SocketState::TimeWait],
        gone: true,
        local_port: None,
        peer_port: Some(80),
    };
    let mut stage = Stage::new(&with(Check::Went(check), false));
    stage.put(socket(1, SocketState::Established));
    stage.put(socket(2, SocketState::TimeWait));
    stage.event(Fact::Del { key: socket(2, SocketState::TimeWait).key() });
    assert!(stage.done().is_empty(), "two connections, one state each");
    assert_eq!(stage.missing("lease"), "goal-went-next");
    stage.put(socket(1, SocketState::FinWait1));
    stage.put(socket(1, SocketState::TimeWait));
    assert!(stage.done().is_empty());
    assert_eq!(stage.missing("lease"), "goal-went-gone");
    stage.event(Fact::Del { key: socket(1, SocketState::TimeWait).key() });
    assert_eq!(stage.done(), ["lease"]);
}

#[test]
fn two_reach_each_other_only_when_an_answer_comes_back() {
    let check = ReachedCheck { from: "vm1".into(), to: "dns-google".into() };
    let mut stage = Stage::new(&with(Check::Reached(check), false));
    stage.put(Row::Addr(addr_row(true, VM_IP)));
    stage.put(Row::Addr(AddrRow { node: FAR, ..addr_row(false, FAR_IP) }));
    stage.frame(HOST, VM, &echo(0, FAR_IP, VM_IP));
    assert!(stage.done().is_empty(), "an answer to nothing");
    stage.frame(HOST, FAR, &echo(8, HOST_IP, FAR_IP));
    assert_eq!(stage.missing("lease"), "goal-reached-missing");
    stage.frame(HOST, FAR, &echo(8, VM_IP, FAR_IP));
    assert_eq!(stage.missing("lease"), "goal-reached-no-answer");
    stage.frame(HOST, VM, &echo(0, FAR_IP, VM_IP));
    assert_eq!(stage.done(), ["lease"]);
}

#[test]
fn a_line_speaks_of_an_address_as_a_whole_and_may_have_to_fail() {
    let check = RanCheck {
        machine: "vm1".into(),
        command: "ping".into(),
        fails: true,
        mentions: Some(Expect::Value("10.0.2.1".into())),
        ..RanCheck::default()
    };
    let mut stage = Stage::new(&with(Check::Ran(check), false));
    for (job, line, status) in [(1, "ping 10.0.2.15", 1), (2, "ping 110.0.2.1", 1), (3, "ping -c 1 10.0.2.1", 0)] {
        stage.event(Fact::JobStarted { node: VM, job: JobId(job), line: line.to_owned() });
        stage.event(Fact::JobEnded { node: VM, job: JobId(job), status });
        assert!(stage.done().is_empty(), "{line}");
    }
    assert_eq!(stage.missing("lease"), "goal-ran-well");
    stage.event(Fact::JobStarted { node: VM, job: JobId(4), line: "ping 10.0.2.1".to_owned() });
    stage.event(Fact::JobEnded { node: VM, job: JobId(4), status: 1 });
    assert_eq!(stage.done(), ["lease"]);
}
