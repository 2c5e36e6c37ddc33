//! Sockets as `ss` names them: of a simulated machine, or of the real computer that the agent runs on.

mod diagram;

use core::net::IpAddr;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, SocketEnd, SocketOwner, SocketRow};
use yew::prelude::*;

use self::diagram::Diagram;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom::Interval;
use crate::store::inside::Since;
use crate::store::state::{Host, SourceInfo, machines};
use crate::store::tuple::filter_of;
use crate::store::{Action, Clock, Select, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables.
    pub view: Shared<LabView>,
    /// Sockets of the real host.
    pub host: Shared<Host>,
    /// What the source can do.
    pub source: Option<Shared<SourceInfo>>,
    /// The machine whose sockets are shown.
    pub node: Option<NodeId>,
    /// The filter's text.
    pub filter: AttrValue,
    /// Since when sockets have their states.
    pub since: Shared<Since>,
    /// Lab time.
    pub clock: Clock,
}

/// The sockets.
#[component]
pub fn Sockets(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let can = props.source.as_ref().is_some_and(|source| source.capabilities.host_sockets);
    let real = use_state(|| can);
    let watching = *real && can;
    let all = use_state(|| false);
    let picture = use_state(|| false);
    let chosen = use_state(|| None::<Choice>);
    {
        let dispatch = dispatch.clone();
        use_effect_with(watching, move |watching| {
            let watching = *watching;
            if watching {
                dispatch.act(Action::WatchHost(true));
            }
            move || {
                if watching {
                    dispatch.act(Action::WatchHost(false));
                }
            }
        });
    }
    use_samples(!watching);
    let rows: Vec<&SocketRow> = if watching {
        props.host.sockets.values().collect()
    } else {
        props.view.sockets.values().filter(|row| *all || row.node == props.node).collect()
    };
    let rows: Vec<SocketRow> = rows.into_iter().filter(|row| passes(row, &props.filter, &texts)).cloned().collect();
    let on_choose = {
        let chosen = chosen.setter();
        Callback::from(move |choice: Choice| chosen.set(Some(choice)))
    };
    let name = |row: &SocketRow| {
        row.node.and_then(|id| props.view.nodes.get(&id)).map_or_else(String::new, |node| node.name.clone())
    };
    let socket = match *chosen {
        Some(Choice::Socket(key)) => rows.iter().find(|row| row.key() == key),
        _ => None,
    };
    html! {
        <div class="sockets">
            <div class="chooser" role="group" aria-label={texts.ui("whose")}>
                { real_button(can, watching, &real, &texts) }
                { machine_buttons(props, (watching, &real), &all, &texts, &dispatch.callback(|id| Action::Select(Select::Node(id)))) }
                <span class="spring"></span>
                { toggle(&picture, &texts) }
            </div>
            if watching {
                <p class="note">
                    <b class="real-mark">{ texts.ui("real") }</b>{ " " }
                    { texts.ui("sockets-sampled") }
                    if props.host.not_permitted > 0 {
                        { " " }{ texts.ui_count("not-permitted", u64::from(props.host.not_permitted)) }
                    }
                </p>
            }
            if let Some(choice) = *chosen { { told(choice, socket, (&props.since, props.clock), &name, &texts) } }
            if *picture {
                <Diagram rows={rows.clone()} chosen={*chosen} on_choose={on_choose.clone()} real={watching} />
            } else {
                <SocketTable {rows} chosen={*chosen} {on_choose} machines={all.then(|| props.view.clone()).filter(|_| !watching)} />
            }
        </div>
    }
}

/// What is chosen here.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Choice {
    /// A socket, by its key.
    Socket((Option<NodeId>, u64)),
    /// A state of the diagram.
    State(crate::layout::states::Place),
}

fn passes(row: &SocketRow, filter: &str, texts: &TextsHandle) -> bool {
    let line = cells(row, texts).join(" ").to_lowercase();
    filter.split_whitespace().all(|word| line.contains(&word.to_lowercase()))
}

fn toggle(picture: &UseStateHandle<bool>, texts: &TextsHandle) -> Html {
    let button = |on: bool, key: &str| {
        let setter = picture.setter();
        let onclick = Callback::from(move |_: MouseEvent| setter.set(on));
        html! { <button type="button" id={key.to_owned()} aria-pressed={(**picture == on).to_string()} {onclick}>{ texts.ui(key) }</button> }
    };
    html! { <span class="seg" role="group" aria-label={texts.ui("sockets-as")}>{ button(false, "sockets-table") }{ button(true, "sockets-diagram") }</span> }
}

/// What is chosen, in words, and the way to its frames.
fn told(
    choice: Choice,
    socket: Option<&SocketRow>,
    (since, clock): (&Shared<Since>, Clock),
    name: &impl Fn(&SocketRow) -> String,
    texts: &TextsHandle,
) -> Html {
    let state = match (choice, socket) {
        (Choice::State(place), _) => place,
        (Choice::Socket(_), Some(row)) => crate::layout::states::place(row),
        (Choice::Socket(_), None) => return html! { <p class="told" role="status">{ texts.ui("socket-gone") }</p> },
    };
    let word = crate::layout::states::name(state);
    html! {
        <div class="told" role="status">
            if let Some(row) = socket {
                <p><b class="mono">{ format!("{} {} → {}", name(row), end(&row.local, row), end(&row.peer, row)) }</b>
                    { " " }<ShowFrames filter={filter_of(row).map(AttrValue::from)} simulated={row.node.is_some()} />
                    if row.state == netmodes_core::view::SocketState::TimeWait && row.node.is_some() {
                        <Remaining since={since.get(&row.key()).map(|(_, time)| *time)} {clock} />
                    }
                </p>
            }
            <p><b class="mono">{ word }</b>{ ": " }{ texts.ui(&format!("state-{}", word.to_ascii_lowercase())) }</p>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RemainingProps {
    since: Option<netmodes_core::time::SimTime>,
    clock: Clock,
}

/// Seconds until a socket leaves TIME-WAIT.
#[component]
fn Remaining(props: &RemainingProps) -> Html {
    let texts = use_texts();
    let now = crate::app::use_lab_time(props.clock, 500);
    let Some(since) = props.since else { return html! {} };
    let left = (since + netmodes_core::machine::TIME_WAIT).since(now).as_secs();
    html! { <span class="left">{ texts.ui_with("time-wait-left", &[("n", left.to_string())]) }</span> }
}

#[derive(Clone, PartialEq, Properties)]
struct ShowFramesProps {
    filter: Option<AttrValue>,
    simulated: bool,
}

/// The way to a socket's frames.
#[component]
fn ShowFrames(props: &ShowFramesProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let Some(filter) = props.filter.clone().filter(|_| props.simulated) else { return html! {} };
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Filter(filter.to_string()));
    html! { <button type="button" class="choice show-frames" {onclick}>{ texts.ui("socket-frames") }</button> }
}

/// Asks for samples (queues, ages) while what shows them is looked at.
#[hook]
pub(crate) fn use_samples(wanted: bool) {
    let dispatch = use_dispatch();
    use_effect_with(wanted, move |wanted| {
        let interval = wanted.then(|| {
            dispatch.sample();
            Interval::new(1_000, move || dispatch.sample())
        });
        move || drop(interval)
    });
}

fn machine_buttons(
    props: &Props,
    (watching, real): (bool, &UseStateHandle<bool>),
    all: &UseStateHandle<bool>,
    texts: &TextsHandle,
    choose: &Callback<NodeId>,
) -> Html {
    let buttons = machines(&props.view).into_iter().map(|node| {
        let id = node.id;
        let onclick = {
            let (choose, real, all) = (choose.clone(), real.setter(), all.setter());
            Callback::from(move |_: MouseEvent| {
                real.set(false);
                all.set(false);
                choose.emit(id);
            })
        };
        let pressed = (!watching && !**all && props.node == Some(id)).to_string();
        let title = if node.real { texts.ui("terminal-real") } else { "".into() };
        html! { <button key={id.0} type="button" class="choice" aria-pressed={pressed} {title} {onclick}>{ &node.name }</button> }
    });
    let everybody = {
        let (real, all) = (real.setter(), all.setter());
        Callback::from(move |_: MouseEvent| {
            real.set(false);
            all.set(true);
        })
    };
    html! {
        <>
            { for buttons }
            <button type="button" class="choice" aria-pressed={(!watching && **all).to_string()} onclick={everybody}>{ texts.ui("all-machines") }</button>
        </>
    }
}

fn real_button(can: bool, watching: bool, real: &UseStateHandle<bool>, texts: &TextsHandle) -> Html {
    let setter = real.setter();
    let onclick = Callback::from(move |_: MouseEvent| setter.set(true));
    let title = if can { texts.ui("this-computer-title") } else { texts.ui("cannot-host-sockets") };
    html! {
        <button type="button" id="this-computer" class="choice real" aria-pressed={watching.to_string()} disabled={!can} {title} {onclick}>
            { texts.ui("this-computer") }
        </button>
    }
}

/// The column that rows are sorted by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Netid,
    State,
    Recv,
    Send,
    Local,
    Peer,
    Process,
}

impl Column {
    const ALL: [Self; 7] = [Self::Netid, Self::State, Self::Recv, Self::Send, Self::Local, Self::Peer, Self::Process];

    /// The heading, as `ss` has it: these words are the tool's, in every language.
    const fn heading(self) -> &'static str {
        match self {
            Self::Netid => "Netid",
            Self::State => "State",
            Self::Recv => "Recv-Q",
            Self::Send => "Send-Q",
            Self::Local => "Local Address:Port",
            Self::Peer => "Peer Address:Port",
            Self::Process => "Process",
        }
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TableProps {
    rows: Vec<SocketRow>,
    chosen: Option<Choice>,
    on_choose: Callback<Choice>,
    /// Names of machines, where several are shown.
    machines: Option<Shared<LabView>>,
}

#[component]
fn SocketTable(props: &TableProps) -> Html {
    let texts = use_texts();
    let order = use_state(|| (Column::Netid, false));
    let mut rows: Vec<_> = props.rows.iter().map(|row| (row, cells(row, &texts))).collect();
    let (column, down) = *order;
    rows.sort_by(|a, b| {
        let ordered = compare(column, a, b).then_with(|| a.0.key().cmp(&b.0.key()));
        if down { ordered.reverse() } else { ordered }
    });
    let heads = Column::ALL.into_iter().map(|of| {
        let setter = order.setter();
        let onclick = Callback::from(move |_: MouseEvent| setter.set((of, of == column && !down)));
        let sort = if of != column {
            "none"
        } else if down {
            "descending"
        } else {
            "ascending"
        };
        html! { <th scope="col" aria-sort={sort}><button type="button" {onclick}>{ of.heading() }</button></th> }
    });
    let body = rows.iter().map(|(row, cells)| {
        let choice = Choice::Socket(row.key());
        let picked = props.chosen == Some(choice);
        let class = classes!("mono", "pick", (row.owner == SocketOwner::NotPermitted).then_some("dim"), picked.then_some("sel"));
        let on_choose = props.on_choose.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_choose.emit(choice));
        let machine = props.machines.as_ref().map(|view| row.node.and_then(|id| view.nodes.get(&id)).map_or_else(String::new, |node| node.name.clone()));
        let cell = |(at, cell): (usize, &String)| {
            // The state is the button: a row cannot have the focus.
            if at == 1 { html! { <td><button type="button" class="cell-button" aria-pressed={picked.to_string()}>{ cell }</button></td> } } else { html! { <td>{ cell }</td> } }
        };
        let key = row.node.map_or_else(|| row.id.to_string(), |node| format!("{node}.{}", row.id));
        html! { <tr {key} {class} {onclick}>if let Some(machine) = machine { <td>{ machine }</td> }{ for cells.iter().enumerate().map(cell) }</tr> }
    });
    if rows.is_empty() {
        return html! { <p class="empty">{ texts.ui("sockets-none") }</p> };
    }
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={texts.ui("tab-sockets")}>
            <table class="grid"><thead><tr>if props.machines.is_some() { <th scope="col">{ texts.ui("c-machine") }</th> }{ for heads }</tr></thead><tbody>{ for body }</tbody></table>
        </div>
    }
}

type Cells = [String; 7];

fn compare(column: Column, a: &(&SocketRow, Cells), b: &(&SocketRow, Cells)) -> core::cmp::Ordering {
    let queue =
        |row: &SocketRow, send: bool| row.queues.map_or(0, |queues| if send { queues.send } else { queues.recv });
    match column {
        Column::Netid => (a.0.kind, a.0.state, a.0.local.port).cmp(&(b.0.kind, b.0.state, b.0.local.port)),
        Column::State => (a.0.state, a.0.local.port).cmp(&(b.0.state, b.0.local.port)),
        Column::Recv => queue(a.0, false).cmp(&queue(b.0, false)),
        Column::Send => queue(a.0, true).cmp(&queue(b.0, true)),
        Column::Local => (a.0.local.addr, a.0.local.port).cmp(&(b.0.local.addr, b.0.local.port)),
        Column::Peer => (a.0.peer.addr, a.0.peer.port).cmp(&(b.0.peer.addr, b.0.peer.port)),
        Column::Process => a.1[6].cmp(&b.1[6]),
    }
}

fn cells(row: &SocketRow, texts: &TextsHandle) -> Cells {
    let queue = |pick: fn(netmodes_core::view::SocketQueues) -> u32| {
        row.queues.map_or_else(|| "·".to_owned(), |q| pick(q).to_string())
    };
    let owner = match &row.owner {
        SocketOwner::Nobody => String::new(),
        SocketOwner::NotPermitted => texts.ui("owner-not-permitted").to_string(),
        SocketOwner::Processes(list) => {
            list.iter().map(|p| format!("{} ({})", p.name, p.pid)).collect::<Vec<_>>().join(", ")
        }
    };
    [
        row.kind.netid().to_owned(),
        row.state.name().to_owned(),
        queue(|q| q.recv),
        queue(|q| q.send),
        end(&row.local, row),
        end(&row.peer, row),
        owner,
    ]
}

/// An end as `ss -n` writes it.
fn end(end: &SocketEnd, row: &SocketRow) -> String {
    let addr = match end.addr {
        IpAddr::V6(addr) if addr.is_unspecified() && !row.v6_only => "*".to_owned(),
        IpAddr::V6(addr) => format!("[{addr}]"),
        IpAddr::V4(addr) => addr.to_string(),
    };
    let iface = end.iface.as_ref().map(|iface| format!("%{iface}")).unwrap_or_default();
    let port = if end.port == 0 { "*".to_owned() } else { end.port.to_string() };
    format!("{addr}{iface}:{port}")
}
