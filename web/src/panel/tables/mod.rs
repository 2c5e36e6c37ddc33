//! The tables of one machine: what its tools would print, live, with what counts down counting by itself.

mod grid;
mod lease;
mod route;
mod rows;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NodeKind};
use yew::prelude::*;

use self::grid::{Grid, Table};
use self::lease::Leases;
use self::route::Routes;
use self::rows::Context;
use super::frames::node_name;
use super::sockets::use_samples;
use crate::app::{use_dispatch, use_texts};
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

/// The tables of a machine. Lab time goes by context, so that only what counts down is drawn again with it.
#[component]
pub fn Tables(props: &Props) -> Html {
    html! {
        <ContextProvider<Clock> context={props.clock}>
            <Machine view={props.view.clone()} node={props.node} filter={props.filter.clone()} />
        </ContextProvider<Clock>>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct MachineProps {
    view: Shared<LabView>,
    node: Option<NodeId>,
    filter: AttrValue,
}

#[component]
fn Machine(props: &MachineProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let node = props.node.filter(|id| props.view.nodes.contains_key(id));
    let buttons = nodes(&props.view).into_iter().map(|row| {
        let id = row.id;
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Node(id)));
        let pressed = (node == Some(id)).to_string();
        html! { <button key={id.0} type="button" class="choice" aria-pressed={pressed} {onclick}>{ node_name(&props.view, id) }</button> }
    });
    let row = node.and_then(|id| props.view.nodes.get(&id));
    let real = row.is_some_and(|node| node.real && node.kind == NodeKind::Vm);
    // A real machine's inside is not visible: what the server at its cable knows of it stands for it.
    let whose = if real { node.and_then(|vm| across(&props.view, vm)) } else { node };
    let made = |node| rows::tables(&Context { view: &props.view, node, texts: &texts });
    let mut tables = whose.map(made).unwrap_or_default();
    tables.retain(|table| !real || matches!(table.caption, "t-leases" | "t-flows"));
    tables.retain(|table| !table.rows.is_empty() || table.empty.is_some());
    // Ages and what is left of flows are samples.
    use_samples(tables.iter().any(|table| matches!(table.caption, "t-fdb" | "t-flows") && !table.rows.is_empty()));
    let machine = row.filter(|row| {
        !real && matches!(row.kind, NodeKind::Vm | NodeKind::Host | NodeKind::Computer | NodeKind::Router)
    });
    let client = machine.filter(|row| row.kind == NodeKind::Vm).map(|row| row.id);
    let has_client = client.is_some_and(|id| props.view.dhcp_clients.values().any(|row| row.node == id));
    let grid = |table: Table| {
        let key = table.caption;
        html! { <Grid {key} {table} filter={props.filter.clone()} /> }
    };
    let first = tables.first().filter(|table| table.caption == "t-addresses").cloned();
    let rest: Vec<Html> = tables.into_iter().skip(usize::from(first.is_some())).map(grid).collect();
    let nothing = first.is_none() && machine.is_none() && rest.is_empty();
    html! {
        <div class="tables">
            <div class="chooser" role="group" aria-label={texts.ui("whose")}>{ for buttons }</div>
            if real { <p class="note">{ texts.ui("inside-not-visible") }</p> }
            <div class="scroll" tabindex="0" role="region" aria-label={texts.ui("tab-tables")}>
                if nothing { <p class="empty">{ texts.ui("tables-none") }</p> }
                <div class="table-list" key={node.map_or(0, |node| node.0)}>
                    { for first.map(grid) }
                    if let Some(machine) = machine { <Routes view={props.view.clone()} node={machine.id} filter={props.filter.clone()} /> }
                    if let Some(node) = client.filter(|_| has_client) {
                        <Leases view={props.view.clone()} {node} />
                    } else if let Some(node) = client {
                        <p class="empty-row">{ texts.ui_with("e-client", &[("node", node_name(&props.view, node).to_owned())]) }</p>
                    }
                    { for rest }
                </div>
            </div>
        </div>
    }
}
