//! The tables of one machine: what its tools would print, live.

mod rows;

use netmodes_core::id::NodeId;
use netmodes_core::time::SimTime;
use netmodes_core::view::{LabView, NodeKind};
use yew::prelude::*;

use super::frames::node_name;
use crate::app::{TextsHandle, use_dispatch, use_lab_time, use_texts};
use crate::store::state::{across, nodes};
use crate::store::{Action, Clock, Select, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables.
    pub view: Shared<LabView>,
    /// Lab time, for what counts down.
    pub clock: Clock,
    /// Whose tables.
    pub node: Option<NodeId>,
    /// The filter's text.
    pub filter: AttrValue,
}

/// One table of one machine.
pub(crate) struct Table {
    /// Key of its caption.
    pub(crate) caption: &'static str,
    /// Keys of its headings.
    pub(crate) head: Vec<&'static str>,
    /// Its rows.
    pub(crate) rows: Vec<Vec<String>>,
}

/// What the rows are made from.
pub(crate) struct Context<'a> {
    pub(crate) view: &'a LabView,
    pub(crate) node: NodeId,
    pub(crate) now: SimTime,
    pub(crate) texts: &'a TextsHandle,
}

/// The tables of a machine.
#[component]
pub fn Tables(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let now = use_lab_time(props.clock, 500);
    let node = props.node.filter(|id| props.view.nodes.contains_key(id));
    let buttons = nodes(&props.view).into_iter().map(|row| {
        let id = row.id;
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Node(id)));
        let pressed = (node == Some(id)).to_string();
        html! { <button key={id.0} type="button" class="choice" aria-pressed={pressed} {onclick}>{ node_name(&props.view, id) }</button> }
    });
    let words: Vec<String> = props.filter.split_whitespace().map(str::to_lowercase).collect();
    let real = node.and_then(|id| props.view.nodes.get(&id)).is_some_and(|node| node.real && node.kind == NodeKind::Vm);
    // A real machine's inside is not visible: what the server at its cable knows of it stands for it.
    let whose = if real { node.and_then(|vm| across(&props.view, vm)) } else { node };
    let mut tables =
        whose.map(|node| rows::tables(&Context { view: &props.view, node, now, texts: &texts })).unwrap_or_default();
    tables.retain(|table| !real || matches!(table.caption, "t-leases" | "t-flows"));
    let shown =
        tables.into_iter().filter(|table| !table.rows.is_empty()).map(|table| table_view(table, &words, &texts));
    let shown: Vec<Html> = shown.collect();
    html! {
        <div class="tables">
            <div class="chooser" role="group" aria-label={texts.ui("whose")}>{ for buttons }</div>
            if real { <p class="note">{ texts.ui("inside-not-visible") }</p> }
            <div class="scroll" tabindex="0" role="region" aria-label={texts.ui("tab-tables")}>
                if shown.is_empty() { <p class="empty">{ texts.ui("tables-none") }</p> }
                <div class="table-list">{ for shown }</div>
            </div>
        </div>
    }
}

fn table_view(table: Table, words: &[String], texts: &TextsHandle) -> Html {
    let heads = table.head.iter().map(|key| html! { <th scope="col">{ texts.ui(key) }</th> });
    let passes = |row: &&Vec<String>| {
        let line = row.join(" ").to_lowercase();
        words.iter().all(|word| line.contains(word.as_str()))
    };
    let rows = table.rows.iter().filter(passes).map(|row| {
        html! { <tr class="mono">{ for row.iter().map(|cell| html! { <td>{ cell }</td> }) }</tr> }
    });
    html! {
        <table class="grid" key={table.caption}>
            <caption>{ texts.ui(table.caption) }</caption>
            <thead><tr>{ for heads }</tr></thead>
            <tbody>{ for rows }</tbody>
        </table>
    }
}
