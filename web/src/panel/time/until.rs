//! “Run until…”: until it is quiet, until a lease's T1, T2 or end, until a time that is typed.

use netmodes_core::protocol::StepTo;
use netmodes_core::time::SimTime;
use netmodes_core::view::LabView;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::title;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom::{self, Listener};
use crate::format;
use crate::panel::parts::Icon;
use crate::store::travel::parse_until;
use crate::store::{Action, Clock, PastState, Shared, Travel};

/// What the menu needs.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Tables, for the leases.
    pub view: Shared<LabView>,
    /// Lab time.
    pub clock: Clock,
    /// Where in time the page is.
    pub past: Shared<PastState>,
    /// Lab time can be let run, or why not.
    pub can: Result<(), &'static str>,
}

/// An instant of a lease that is ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ahead {
    /// The key of its words.
    key: &'static str,
    /// Whose lease: `vm1 enp0s3`.
    whose: String,
    at: SimTime,
}

/// Instants of leases after `now`, soonest first.
fn leases(view: &LabView, now: SimTime) -> Vec<Ahead> {
    let mut all = Vec::new();
    for client in view.dhcp_clients.values() {
        let node = view.nodes.get(&client.node).map_or("", |node| &node.name);
        let iface = view.ifaces.get(&(client.node, client.iface)).map_or("", |iface| &iface.name);
        let whose = format!("{node} {iface}");
        for (key, at) in [("until-t1", client.renew_at), ("until-t2", client.rebind_at), ("until-end", client.expires)]
        {
            if let Some(at) = at.filter(|at| *at > now) {
                all.push(Ahead { key, whose: whose.clone(), at });
            }
        }
    }
    all.sort_by_key(|ahead| ahead.at);
    all
}

/// The button and its menu.
#[component]
pub(super) fn Until(props: &Props) -> Html {
    let texts = use_texts();
    let open = use_state(|| false);
    let root = use_node_ref();
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let close = {
        let open = open.setter();
        Callback::from(move |()| open.set(false))
    };
    use_dismiss(&root, *open, &close);
    let words = title(&texts, props.can, "until-title");
    html! {
        <span class="until" ref={root}>
            <button type="button" id="until" class="btn small" disabled={props.can.is_err()} title={words}
                aria-haspopup="dialog" aria-expanded={open.to_string()} onclick={toggle}>
                <Icon name="quiet" /><span>{ texts.ui("until") }</span>
            </button>
            if *open && props.can.is_ok() {
                <Menu view={props.view.clone()} now={props.clock.at(dom::now_ms())} {close} />
            }
        </span>
    }
}

/// Closes on Escape and on a press elsewhere.
#[hook]
pub(super) fn use_dismiss(root: &NodeRef, open: bool, close: &Callback<()>) {
    let (root, close) = (root.clone(), close.clone());
    use_effect_with(open, move |open| {
        let mut listeners = Vec::new();
        if let (true, Some(document)) = (*open, dom::document()) {
            let outside = close.clone();
            let inside = root.clone();
            listeners.push(Listener::new(&document, "pointerdown", move |event| {
                let target =
                    event.target().and_then(|target| wasm_bindgen::JsCast::dyn_into::<web_sys::Node>(target).ok());
                let within = inside.cast::<web_sys::Node>().is_some_and(|root| root.contains(target.as_ref()));
                if !within {
                    outside.emit(());
                }
            }));
            listeners.push(Listener::new(&document, "keydown", move |event| {
                let key =
                    wasm_bindgen::JsCast::dyn_ref::<web_sys::KeyboardEvent>(&event).map(web_sys::KeyboardEvent::key);
                if key.as_deref() == Some("Escape") {
                    close.emit(());
                    if let Some(button) =
                        root.cast::<web_sys::Element>().and_then(|root| root.query_selector("button").ok()?)
                    {
                        let _ = wasm_bindgen::JsCast::dyn_ref::<HtmlElement>(&button).map(HtmlElement::focus);
                    }
                }
            }));
        }
        move || drop(listeners)
    });
}

#[derive(Clone, PartialEq, Properties)]
struct MenuProps {
    view: Shared<LabView>,
    now: SimTime,
    close: Callback<()>,
}

#[component]
fn Menu(props: &MenuProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let wrong = use_state(|| false);
    let first = use_node_ref();
    let input = use_node_ref();
    {
        let first = first.clone();
        use_effect_with((), move |()| {
            let _ = first.cast::<HtmlElement>().map(|first| first.focus());
        });
    }
    let step = {
        let close = props.close.clone();
        Callback::from(move |to: StepTo| {
            dispatch.act(Action::Travel(Travel::Step(to)));
            close.emit(());
        })
    };
    let to = |to: StepTo| {
        let step = step.clone();
        Callback::from(move |_: MouseEvent| step.emit(to))
    };
    let items = leases(&props.view, props.now).into_iter().map(|ahead| {
        let words = texts.ui_with(ahead.key, &[("whose", ahead.whose.clone())]);
        let left = texts.ui_with("until-in", &[("time", left(&texts, ahead.at, props.now))]);
        html! {
            <button type="button" class="item" key={format!("{}{}", ahead.key, ahead.whose)} data-until={ahead.key} onclick={to(StepTo::Time { at: ahead.at })}>
                <span>{ words }</span><span class="dim">{ left }</span>
            </button>
        }
    });
    let items: Vec<Html> = items.collect();
    let none = items.is_empty();
    let onsubmit = {
        let (input, wrong, now, step) = (input.clone(), wrong.clone(), props.now, step.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = input.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            match parse_until(&text, now) {
                Ok(at) if at > now => step.emit(StepTo::Time { at }),
                _ => wrong.set(true),
            }
        })
    };
    html! {
        <div class="menu" role="dialog" aria-label={texts.ui("until-title")}>
            <button type="button" class="item" ref={first} data-until="quiet" onclick={to(StepTo::Quiet)}>
                <span>{ texts.ui("until-quiet") }</span><span class="dim">{ texts.ui("until-quiet-note") }</span>
            </button>
            { for items }
            if none { <p class="note">{ texts.ui("until-no-lease") }</p> }
            <form class="item" {onsubmit}>
                <label for="until-time">{ texts.ui("until-time") }</label>
                <input id="until-time" ref={input} type="text" placeholder="+10m" autocomplete="off" spellcheck="false"
                    aria-describedby="until-help" aria-invalid={wrong.to_string()} />
                <button type="submit" class="btn p">{ texts.ui("until-go") }</button>
            </form>
            <p id="until-help" class={classes!("note", wrong.then_some("bad"))} role={wrong.then_some("alert")}>
                { texts.ui(if *wrong { "until-wrong" } else { "until-help" }) }
            </p>
        </div>
    }
}

/// How long it is until then, in two units.
fn left(texts: &TextsHandle, at: SimTime, now: SimTime) -> String {
    let units = ["unit-d", "unit-h", "unit-min", "unit-s"].map(|key| texts.ui(key));
    format::left(at, now, &[&units[0], &units[1], &units[2], &units[3]])
}
