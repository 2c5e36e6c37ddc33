//! Tests of the engine, and of the exercises in `static/exercises` as far as that goes without a world.

use core::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::addr::{Cidr, MacAddr};
use crate::event::{Event, Fact, FrameBytes, FrameSent, Output, Span, Stream};
use crate::id::{FrameId, JobId, LinkId, NodeId, Pid, Port};
use crate::lab::RouteTo;
use crate::script::Script;
use crate::time::SimTime;
use crate::view::{
    AddrRow, IfaceRow, LabView, LeaseRow, LeaseState, NodeKind, NodeRow, RouteProto, RouteRow, Row, Scope,
};

fn statics(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../static").join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn first_exercise() -> Exercise {
    toml::from_str(&read(&statics("exercises/who-does-8888-see/exercise.toml"))).unwrap()
}

#[test]
fn every_exercise_of_ours_is_sound_and_has_its_words_in_both_languages() {
    #[derive(serde::Deserialize)]
    struct Index {
        exercises: Vec<String>,
    }
    let index: Index = toml::from_str(&read(&statics("exercises/index.toml"))).unwrap();
    let folders = std::fs::read_dir(statics("exercises")).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), index.exercises.len(), "a folder that index.toml does not name");
    for id in index.exercises {
        let folder = statics("exercises").join(&id);
        let exercise: Exercise = toml::from_str(&read(&folder.join("exercise.toml"))).unwrap();
        assert_eq!(exercise.id, id);
        assert_eq!(exercise.validate(), Ok(()));
        assert_eq!(Exercise::from_json(&serde_json::to_string(&exercise).unwrap()), Ok(exercise.clone()));
        assert!(statics("labs").join(format!("{}.toml", exercise.lab)).exists(), "{}", exercise.lab);
        for lang in ["en", "ru"] {
            let text = ExerciseText::parse(&read(&folder.join(format!("text.{lang}.md")))).unwrap();
            assert_eq!(text.odd_sections(&exercise), Vec::<String>::new(), "{id} {lang}");
            for (name, section) in &text.sections {
                // What is chosen, and a table's rows and columns, are headings alone.
                let alone = ["choice.", "row.", "column."].iter().any(|kind| name.starts_with(kind));
                assert!(!section.heading.is_empty(), "{id} {lang} {name}");
                assert!(section.body.is_empty() == alone, "{id} {lang} {name}");
            }
        }
        Script::parse(&read(&folder.join("solution.nms"))).unwrap();
        if let Ok(wrong) = std::fs::read_dir(folder.join("wrong")) {
            wrong.for_each(|entry| drop(Script::parse(&read(&entry.unwrap().path())).unwrap()));
        }
    }
}

#[test]
fn the_lectures_table_points_at_what_exists_and_back() {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Text {
        en: String,
        ru: String,
    }
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RowOf {
        id: String,
        section: Option<Text>,
        en: String,
        ru: String,
        lab: Option<String>,
        exercise: Option<String>,
        test: Option<String>,
        #[serde(default)]
        r#try: Vec<String>,
        differs: Option<Text>,
        #[serde(default)]
        planned: bool,
    }
    #[derive(serde::Deserialize)]
    struct Lecture {
        row: Vec<RowOf>,
    }
    let lecture: Lecture = toml::from_str(&read(&statics("lecture.toml"))).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for row in &lecture.row {
        assert!(ids.insert(row.id.as_str()), "{} twice", row.id);
        let texts = row.section.iter().chain(&row.differs).flat_map(|text| [&text.en, &text.ru]);
        assert!(texts.chain([&row.en, &row.ru]).all(|text| !text.trim().is_empty()), "{}", row.id);
        assert!(row.planned != row.exercise.is_some(), "{}: either planned or shown by an exercise", row.id);
        for exercise in row.exercise.iter().chain(&row.test) {
            assert!(statics("exercises").join(exercise).join("solution.nms").exists(), "{}: {exercise}", row.id);
        }
        if let Some(lab) = &row.lab {
            assert!(statics("labs").join(format!("{lab}.toml")).exists(), "{}: {lab}", row.id);
        }
        Script::parse(&row.r#try.join("\n")).unwrap_or_else(|error| panic!("{}: {error}", row.id));
        assert!(row.r#try.is_empty() || row.lab.is_some(), "{}: try it where?", row.id);
    }
    for id in &first_exercise().teaches {
        assert!(ids.contains(id.as_str()), "the exercise teaches {id}, which the lecture does not say");
    }
}

/// A view with vm1 (enp0s3), host (eth0) and dns-google (eth0), and the events that go on from there.
pub(super) struct Stage {
    pub(super) view: LabView,
    pub(super) progress: Progress,
    seq: u64,
}

pub(super) const VM: NodeId = NodeId(1);
pub(super) const HOST: NodeId = NodeId(2);
pub(super) const FAR: NodeId = NodeId(3);
const MAC: MacAddr = MacAddr([8, 0, 0x27, 0xa1, 0xb2, 0xc3]);

impl Stage {
    pub(super) fn new(exercise: &Exercise) -> Self {
        let mut stage = Self { view: LabView::default(), progress: Progress::new(exercise), seq: 0 };
        for (id, name, iface) in [(VM, "vm1", "enp0s3"), (HOST, "host", "eth0"), (FAR, "dns-google", "eth0")] {
            let (name, site, kind) = (name.to_owned(), String::new(), NodeKind::Computer);
            stage.put(Row::Node(NodeRow { id, name, kind, host: None, site, real: false, off: false }));
            stage.put(Row::Iface(IfaceRow {
                node: id,
                index: 2,
                name: iface.to_owned(),
                mac: if id == VM { MAC } else { MacAddr([2, 0, 0, 0, 0, id.0 as u8]) },
                mtu: 1500,
                up: true,
                carrier: true,
                loopback: false,
                promisc: false,
            }));
        }
        stage
    }

    pub(super) fn event(&mut self, fact: Fact) {
        self.seq += 1;
        let event = Event { seq: self.seq, time: SimTime::from_millis(self.seq), fact };
        self.view.apply(&event);
        self.progress.apply(&event, &self.view);
    }

    pub(super) fn put(&mut self, row: Row) {
        self.event(Fact::Put { row });
    }

    fn default_route(&mut self, node: NodeId, via: [u8; 4]) {
        self.put(Row::Route(RouteRow {
            node,
            dst: Cidr::DEFAULT,
            via: Some(via.into()),
            iface: 2,
            src: None,
            metric: 0,
            proto: RouteProto::Boot,
            scope: Scope::Global,
            linkdown: false,
        }));
    }

    fn lease(&mut self, state: LeaseState) {
        let (addr, expires) = (Ipv4Addr::new(10, 0, 2, 15), SimTime::MAX);
        self.put(Row::Lease(LeaseRow {
            server: HOST,
            addr,
            mac: MAC,
            client_id: None,
            hostname: String::new(),
            state,
            since: None,
            expires,
        }));
    }

    pub(super) fn frame(&mut self, from: NodeId, to: NodeId, bytes: &[u8]) {
        self.event(Fact::FrameSent(FrameSent {
            link: LinkId(1),
            from: Port::new(from, 2),
            to: Port::new(to, 2),
            frame: FrameId(self.seq),
            parent: None,
            arrives: None,
            bytes: FrameBytes(bytes.into()),
        }));
    }

    pub(super) fn done(&self) -> Vec<String> {
        self.progress.state(&self.view).into_iter().filter(|goal| goal.done).map(|goal| goal.id).collect()
    }

    pub(super) fn missing(&self, goal: &str) -> String {
        let state = self.progress.state(&self.view).into_iter().find(|state| state.id == goal).unwrap();
        state.missing.map(|note| note.code).unwrap_or_default()
    }
}

/// An ICMP echo frame.
pub(super) fn echo(kind: u8, src: [u8; 4], dst: [u8; 4]) -> Vec<u8> {
    let mut bytes = vec![0xff; 12];
    bytes.extend([8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0]);
    bytes.extend(src);
    bytes.extend(dst);
    bytes.extend([kind, 0, 0, 0, 0, 7, 0, 1]);
    bytes
}

pub(super) const VM_IP: [u8; 4] = [10, 0, 2, 15];
pub(super) const HOST_IP: [u8; 4] = [192, 168, 0, 111];
const WAN_IP: [u8; 4] = [203, 0, 113, 10];
pub(super) const FAR_IP: [u8; 4] = [8, 8, 8, 8];

#[test]
fn the_first_exercise_is_unsolved_at_first_and_solved_by_what_it_asks_for() {
    let exercise = first_exercise();
    let mut stage = Stage::new(&exercise);
    assert_eq!(stage.done(), Vec::<String>::new());
    assert_eq!(stage.missing("lease"), "goal-lease-missing");
    assert_eq!(stage.progress.answer("gateway", "10.0.2.1", &stage.view), Verdict::NotYet);

    stage.lease(LeaseState::Offered);
    assert_eq!(stage.done(), Vec::<String>::new());
    stage.lease(LeaseState::Bound);
    assert_eq!(stage.done(), ["lease"]);
    stage.default_route(VM, [10, 0, 2, 1]);
    stage.default_route(HOST, [192, 168, 0, 1]);
    assert_eq!(stage.progress.answer("gateway", "192.168.0.1", &stage.view), Verdict::Wrong(Some("office".into())));
    assert_eq!(stage.missing("gateway"), "goal-answer-wrong");
    assert_eq!(stage.progress.answer("gateway", " 10.0.2.1 ", &stage.view), Verdict::Right);

    stage.frame(VM, HOST, &echo(8, VM_IP, FAR_IP));
    assert_eq!(stage.progress.answer("far", "203.0.113.10", &stage.view), Verdict::NotYet);
    stage.frame(HOST, FAR, &echo(8, HOST_IP, FAR_IP));
    stage.frame(NodeId(9), FAR, &echo(8, WAN_IP, FAR_IP));
    assert_eq!(stage.done(), ["lease", "gateway"]);
    stage.frame(HOST, VM, &echo(0, FAR_IP, VM_IP));
    assert_eq!(stage.done(), ["lease", "gateway", "ping"]);

    assert_eq!(stage.progress.answer("office", "10.0.2.15", &stage.view), Verdict::Wrong(Some("vm".into())));
    assert_eq!(stage.progress.answer("office", "1.2.3.4", &stage.view), Verdict::Wrong(None));
    assert_eq!(stage.progress.answer("office", "192.168.0.111/24", &stage.view), Verdict::Right);
    assert_eq!(stage.progress.answer("far", "192.168.0.111", &stage.view), Verdict::Wrong(Some("host".into())));
    assert!(!stage.progress.is_solved());
    assert_eq!(stage.progress.answer("far", "203.0.113.10", &stage.view), Verdict::Right);
    assert!(stage.progress.is_solved());
    assert_eq!(stage.progress.answer("nothing", "x", &stage.view), Verdict::NoQuestion);
}

#[test]
fn hints_that_are_of_no_use_any_more_are_left_out() {
    let mut stage = Stage::new(&first_exercise());
    assert_eq!(stage.progress.hints("lease"), ["look", "who", "type"]);
    stage.event(Fact::JobStarted { node: VM, job: JobId(1), line: "ip -br addr".to_owned() });
    assert_eq!(stage.progress.hints("lease"), ["who", "type"]);
    assert_eq!(stage.progress.hints("gateway"), ["lease-first", "where", "via"]);
    stage.lease(LeaseState::Bound);
    assert_eq!(stage.progress.hints("gateway"), ["where", "via"]);
}

/// An exercise with one goal.
pub(super) fn with(check: Check, standing: bool) -> Exercise {
    let mut exercise = first_exercise();
    exercise.goals.truncate(1);
    exercise.goals[0].check = check;
    exercise.goals[0].standing = standing;
    exercise
}

pub(super) fn address() -> Check {
    Check::Address(AddressCheck {
        machine: "vm1".to_owned(),
        within: Some("10.0.2.0/24".parse().unwrap()),
        dynamic: Some(true),
        ..AddressCheck::default()
    })
}

pub(super) fn addr_row(dynamic: bool, addr: [u8; 4]) -> AddrRow {
    AddrRow {
        node: VM,
        iface: 2,
        addr: IpAddr::V4(addr.into()),
        prefix: 24,
        broadcast: None,
        scope: Scope::Global,
        secondary: false,
        dynamic,
        tentative: false,
        dad_failed: false,
        valid_until: None,
        label: None,
    }
}

#[test]
fn a_table_goal_says_what_it_found_instead() {
    let mut stage = Stage::new(&with(address(), true));
    assert_eq!(stage.missing("lease"), "goal-address-missing");
    stage.put(Row::Addr(addr_row(false, [10, 0, 2, 15])));
    assert_eq!(stage.missing("lease"), "goal-address-by-hand");
    stage.put(Row::Addr(addr_row(true, [10, 0, 2, 15])));
    assert_eq!(stage.done(), ["lease"]);
}

#[test]
fn a_standing_goal_is_lost_with_its_reason_and_another_is_kept() {
    for standing in [true, false] {
        let mut stage = Stage::new(&with(address(), standing));
        let row = Row::Addr(addr_row(true, [10, 0, 2, 15]));
        stage.put(row.clone());
        stage.event(Fact::Del { key: row.key() });
        assert_eq!(stage.done().is_empty(), standing);
    }
}

#[test]
fn commands_count_by_their_words_and_their_status() {
    let ran = |status| {
        Check::Ran(RanCheck { machine: "vm1".into(), command: "ip route".into(), status, ..RanCheck::default() })
    };
    let mut stage = Stage::new(&with(ran(Some(0)), false));
    for (job, line, status) in [(1, "ip routes", 0), (2, "echo ip route", 0), (3, "ip route foo", 255)] {
        stage.event(Fact::JobStarted { node: VM, job: JobId(job), line: line.to_owned() });
        stage.event(Fact::JobEnded { node: VM, job: JobId(job), status });
        assert!(stage.done().is_empty(), "{line}");
    }
    assert_eq!(stage.missing("lease"), "goal-ran-status");
    stage.event(Fact::JobStarted { node: HOST, job: JobId(4), line: "ip route".to_owned() });
    stage.event(Fact::JobEnded { node: HOST, job: JobId(4), status: 0 });
    assert!(stage.done().is_empty(), "another machine's command");
    stage.event(Fact::JobStarted { node: VM, job: JobId(4), line: "ip addr; ip route show | cat".to_owned() });
    stage.event(Fact::JobEnded { node: VM, job: JobId(4), status: 0 });
    assert_eq!(stage.done(), ["lease"]);
}

#[test]
fn output_is_found_across_pieces() {
    let check = Check::Output(OutputCheck { machine: "vm1".into(), contains: "0% packet loss".into() });
    let mut stage = Stage::new(&with(check, false));
    for text in ["3 received, 0", "% packet", " loss\n"] {
        assert!(stage.done().is_empty());
        let (spans, stream) = (vec![Span::plain(text)], Stream::Stdout);
        stage.event(Fact::Output(Output { node: VM, job: JobId(1), pid: Pid(2), stream, spans }));
    }
    assert_eq!(stage.done(), ["lease"]);
}

#[test]
fn all_any_not_and_before_combine() {
    let route = || Check::Route(RouteCheck { machine: "vm1".into(), to: RouteTo(Cidr::DEFAULT), via: None });
    let row = Row::Addr(addr_row(true, [10, 0, 2, 15]));
    let mut all = Stage::new(&with(Check::All(vec![address(), route()]), false));
    let mut any = Stage::new(&with(Check::Any(vec![route(), address()]), false));
    let mut not = Stage::new(&with(Check::All(vec![address(), Check::Not(Box::new(route()))]), false));
    let mut before = Stage::new(&with(Check::Before(Box::new([route(), address()])), false));
    for stage in [&mut all, &mut any, &mut not, &mut before] {
        stage.put(row.clone());
    }
    assert!(all.done().is_empty());
    assert_eq!(all.missing("lease"), "goal-route-missing");
    assert_eq!(any.done(), ["lease"]);
    assert_eq!(not.done(), ["lease"]);
    all.default_route(VM, [10, 0, 2, 1]);
    before.default_route(VM, [10, 0, 2, 1]);
    assert_eq!(all.done(), ["lease"]);
    assert!(before.done().is_empty());
    assert_eq!(before.missing("lease"), "goal-order");
}

#[test]
fn a_snapshot_counts_as_what_it_shows() {
    let mut view = Stage::new(&first_exercise());
    view.put(Row::Addr(addr_row(true, [10, 0, 2, 15])));
    let mut progress = Progress::new(&with(address(), false));
    progress.look(&view.view);
    assert!(progress.is_solved());
}

#[test]
fn markdown_becomes_html_and_cannot_smuggle_any() {
    let text = "# T\n\n## A <b>heading {a}\n\nOne `a<b` **two**\nthree * 4.\n\n- x\n  y\n- [z](https://e.org/?a&b)\n\n\
        ```\n# <code>\n```\n\n| p | q |\n|---|---|\n| `1` | 2 |\n\n[no](javascript:x) <script>\n";
    let text = ExerciseText::parse(text).unwrap();
    assert_eq!(text.sections["a"].heading, "A <b>heading");
    assert_eq!(
        text.html("a"),
        "<p>One <code>a&lt;b</code> <strong>two</strong> three * 4.</p>\n<ul><li>x y</li>\
         <li><a rel=\"noreferrer\" href=\"https://e.org/?a&amp;b\">z</a></li></ul>\n<pre><code># &lt;code&gt;\n</code></pre>\n\
         <table><tr><th>p</th><th>q</th></tr><tr><td><code>1</code></td><td>2</td></tr></table>\n\
         <p>[no](javascript:x) &lt;script&gt;</p>\n"
    );
    for bad in ["", "text", "# a\n# b", "# a\n## no name", "# a\n## x {n}\n## y {n}", "# a\nstray\n"] {
        assert_eq!(ExerciseText::parse(bad).unwrap_err().code, "exercise-text", "{bad:?}");
    }
}

proptest! {
    #[test]
    fn any_frame_has_fields_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = frame_fields(&bytes);
    }

    #[test]
    fn a_damaged_frame_is_read_as_far_as_it_goes(cut in 0..42_usize, at in 0..42_usize, with in any::<u8>()) {
        let mut bytes = echo(8, VM_IP, FAR_IP);
        bytes[at] = with;
        bytes.truncate(cut);
        let _ = frame_fields(&bytes);
    }

    #[test]
    fn any_text_is_rendered_without_markup_of_its_own(body in "[`*<>&\\[\\]()|a-z \n-]{0,80}") {
        let html = Section { heading: String::new(), body }.html();
        let tags = ["p", "ul", "li", "pre", "code", "table", "tr", "th", "td", "strong", "em"];
        for part in html.split('<').skip(1) {
            let name = part.split('>').next().unwrap().trim_start_matches('/');
            prop_assert!(tags.contains(&name), "{}", html);
        }
    }
}
