//! Sockets as `ss` names them: of a simulated machine, or of the real computer that the agent runs on.

use core::net::IpAddr;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, SocketEnd, SocketOwner, SocketRow};
use yew::prelude::*;

use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom::Interval;
use crate::store::state::{Host, SourceInfo, machines};
use crate::store::{Action, Select, Shared};

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
}

/// The sockets.
#[component]
pub fn Sockets(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let can = props.source.as_ref().is_some_and(|source| source.capabilities.host_sockets);
    let real = use_state(|| can);
    let watching = *real && can;
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
        props.view.sockets.values().filter(|row| row.node == props.node).collect()
    };
    html! {
        <div class="sockets">
            <div class="chooser" role="group" aria-label={texts.ui("whose")}>
                { real_button(can, watching, &real, &texts) }
                { machine_buttons(props, watching, &real, &texts, &dispatch.callback(|id| Action::Select(Select::Node(id)))) }
            </div>
            if watching {
                <p class="note">
                    { texts.ui("sockets-sampled") }
                    if props.host.not_permitted > 0 {
                        { " " }{ texts.ui_count("not-permitted", u64::from(props.host.not_permitted)) }
                    }
                </p>
            }
            <SocketTable rows={rows.into_iter().cloned().collect::<Vec<_>>()} filter={props.filter.clone()} />
        </div>
    }
}

/// Asks for samples (queues) while simulated sockets are looked at.
#[hook]
fn use_samples(wanted: bool) {
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
    watching: bool,
    real: &UseStateHandle<bool>,
    texts: &TextsHandle,
    choose: &Callback<NodeId>,
) -> Html {
    let buttons = machines(&props.view).into_iter().map(|node| {
        let id = node.id;
        let onclick = {
            let (choose, real) = (choose.clone(), real.setter());
            Callback::from(move |_: MouseEvent| {
                real.set(false);
                choose.emit(id);
            })
        };
        let pressed = (!watching && props.node == Some(id)).to_string();
        let title = if node.real { texts.ui("terminal-real") } else { "".into() };
        html! { <button key={id.0} type="button" class="choice" aria-pressed={pressed} {title} {onclick}>{ &node.name }</button> }
    });
    html! { <>{ for buttons }</> }
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
    filter: AttrValue,
}

#[component]
fn SocketTable(props: &TableProps) -> Html {
    let texts = use_texts();
    let order = use_state(|| (Column::Netid, false));
    let mut rows: Vec<_> = props.rows.iter().map(|row| (row, cells(row, &texts))).collect();
    let words: Vec<String> = props.filter.split_whitespace().map(str::to_lowercase).collect();
    rows.retain(|(_, cells)| {
        let line = cells.join(" ").to_lowercase();
        words.iter().all(|word| line.contains(word.as_str()))
    });
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
        let class = classes!("mono", (row.owner == SocketOwner::NotPermitted).then_some("dim"));
        html! { <tr key={row.id.to_string()} {class}>{ for cells.iter().map(|cell| html! { <td>{ cell }</td> }) }</tr> }
    });
    if rows.is_empty() {
        return html! { <p class="empty">{ texts.ui("sockets-none") }</p> };
    }
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={texts.ui("tab-sockets")}>
            <table class="grid"><thead><tr>{ for heads }</tr></thead><tbody>{ for body }</tbody></table>
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
