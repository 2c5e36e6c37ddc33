//! The terminals: a tab for each machine.

mod output;
mod prompt;

use std::collections::BTreeMap;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NodeRow};
use web_sys::Element;
use yew::prelude::*;

use self::output::Lines;
use self::prompt::Prompt;
use super::parts::{Icon, Tab, Tabs};
use crate::app::{use_dispatch, use_texts};
use crate::dom;
use crate::store::state::near_and_far;
use crate::store::{Action, Shared, Terminal};

/// What the terminals show.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables, for the machines' names.
    pub view: Shared<LabView>,
    /// The terminals.
    pub terminals: Shared<BTreeMap<NodeId, Shared<Terminal>>>,
    /// Which one is in front.
    pub front: Option<NodeId>,
}

/// The terminals.
#[component]
pub fn Terminals(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (mut near, mut far) = near_and_far(&props.view);
    // A far machine whose terminal is open or busy has a tab as well: what was begun stays in sight.
    let busy = |id: NodeId| props.terminals.get(&id).is_some_and(|terminal| !terminal.running.is_empty());
    let (open, rest): (Vec<_>, Vec<_>) =
        far.into_iter().partition(|node| props.front == Some(node.id) || busy(node.id));
    near.extend(open);
    far = rest;
    let tabs =
        near.into_iter().map(|node| Tab { key: id_key(node.id), label: node.name.clone().into(), busy: busy(node.id) });
    let far: Vec<_> = far.into_iter().map(|node| (id_key(node.id), AttrValue::from(node.name.clone()))).collect();
    let on_choose = Callback::from(move |key: AttrValue| {
        if let Ok(id) = key.parse() {
            dispatch.act(Action::Front(NodeId(id)));
        }
    });
    let front = props.front.and_then(|id| Some((props.view.nodes.get(&id)?, props.terminals.get(&id)?)));
    html! {
        <section class="term" aria-label={texts.ui("terminals")}>
            <div class="term-top">
                <Tabs label={texts.ui("terminals")} id="term" tabs={tabs.collect::<Vec<_>>()}
                    chosen={props.front.map(id_key).unwrap_or_default()} on_choose={on_choose.clone()} />
                <More {far} {on_choose} />
            </div>
            if let Some((node, terminal)) = front {
                <Screen key={node.id.0} node={node.id} machine={node.name.clone()} real={node.real} first={first_command(&props.view, node)} terminal={terminal.clone()} />
            }
        </section>
    }
}

fn id_key(id: NodeId) -> AttrValue {
    id.to_string().into()
}

#[derive(Clone, PartialEq, Properties)]
struct MoreProps {
    far: Vec<(AttrValue, AttrValue)>,
    on_choose: Callback<AttrValue>,
}

/// A menu of the machines that have no tab.
#[component]
fn More(props: &MoreProps) -> Html {
    let texts = use_texts();
    if props.far.is_empty() {
        return html! {};
    }
    let onchange = {
        let on_choose = props.on_choose.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() {
                let key = select.value();
                select.set_selected_index(0);
                on_choose.emit(key.into());
            }
        })
    };
    html! {
        <select class="more" id="term-more" aria-label={texts.ui("more-machines")} {onchange}>
            <option value="" selected=true>{ texts.ui("more") }</option>
            { for props.far.iter().map(|(key, name)| html! { <option key={key.to_string()} value={key.clone()}>{ name }</option> }) }
        </select>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ScreenProps {
    node: NodeId,
    machine: AttrValue,
    real: bool,
    first: AttrValue,
    terminal: Shared<Terminal>,
}

/// What to try first at a machine: a VM has to ask for an address, all others have one.
fn first_command(view: &LabView, node: &NodeRow) -> AttrValue {
    let nic = view.nics.values().find(|nic| nic.vm == node.id);
    match nic.and_then(|nic| view.ifaces.get(&(node.id, nic.iface))) {
        Some(iface) => format!("dhclient -v {}", iface.name).into(),
        None => "ip addr".into(),
    }
}

/// A word of the output that was chosen, and the key of its explanation.
type Word = (AttrValue, AttrValue);

#[component]
fn Screen(props: &ScreenProps) -> Html {
    let texts = use_texts();
    let (screen, input) = (use_node_ref(), use_node_ref());
    let word = use_state(|| None::<Word>);
    use_follow_end(&screen, &props.terminal);
    use_columns(&screen);
    let on_word = {
        let word = word.setter();
        Callback::from(move |chosen: Word| word.set(Some(chosen)))
    };
    let close = {
        let word = word.setter();
        Callback::from(move |_: MouseEvent| word.set(None))
    };
    let onclick = {
        let input = input.clone();
        // A click gives the keyboard to the prompt, unless it ended a selection of text.
        Callback::from(move |_: MouseEvent| {
            let selecting =
                dom::window().and_then(|w| w.get_selection().ok().flatten()).is_some_and(|s| !s.is_collapsed());
            if let Some(input) = input.cast::<web_sys::HtmlElement>().filter(|_| !selecting) {
                let _ = input.focus();
            }
        })
    };
    html! {
        <div class="screen-box" role="tabpanel" id="term-panel" aria-labelledby={format!("term-tab-{}", props.node)}>
            <div class="screen" ref={screen} {onclick}>
                if props.terminal.lines.is_empty() && !props.real {
                    <p class="note">{ texts.ui("terminal-hint") }{ " " }{ texts.ui_with("terminal-try", &[("command", props.first.to_string())]) }</p>
                }
                <Lines machine={props.machine.clone()} terminal={props.terminal.clone()} {on_word} />
                if props.real {
                    <p class="note">{ texts.ui("terminal-real") }</p>
                } else {
                    <Prompt node={props.node} machine={props.machine.clone()} terminal={props.terminal.clone()} {input} />
                }
            </div>
            if let Some((said, meaning)) = &*word {
                <div class="word-box" role="status">
                    <p>
                        <b>{ said.trim() }</b>{ " — " }{ texts.get(&format!("words.{meaning}.title")) }{ ". " }
                        { texts.get(&format!("words.{meaning}.text")) }
                    </p>
                    <button type="button" class="icon" aria-label={texts.ui("close")} onclick={close}><Icon name="close" /></button>
                </div>
            }
        </div>
    }
}

/// Keeps the newest line in sight when something is printed.
#[hook]
fn use_follow_end(screen: &NodeRef, terminal: &Shared<Terminal>) {
    let screen = screen.clone();
    use_effect_with(terminal.clone(), move |_| {
        if let Some(element) = screen.cast::<Element>() {
            element.set_scroll_top(element.scroll_height());
        }
    });
}

/// Tells how many columns the screen has: what programs on a terminal are told as its width.
#[hook]
fn use_columns(screen: &NodeRef) {
    let (screen, dispatch) = (screen.clone(), use_dispatch());
    use_effect_with((), move |()| {
        let measure = move || {
            let Some(element) = screen.cast::<Element>() else { return };
            // The screen's padding is 14 px on both sides; a character of the mono face at 12.5 px is about 7.5 px wide.
            let columns = (f64::from(element.client_width()) - 28.0) / 7.6;
            dispatch.act(Action::Columns(columns.clamp(40.0, 400.0) as u16));
        };
        measure();
        let listener = dom::window().map(|window| dom::Listener::new(&window, "resize", move |_| measure()));
        move || drop(listener)
    });
}
