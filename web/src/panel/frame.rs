//! The page's frame: bars between panes, buttons that let a pane fill the page, the strip of a folded exercise, the
//! phone's row of buttons. What stands in the panes is no business of this module.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::parts::Icon;
use crate::app::{use_dispatch, use_texts};
use crate::dom;
use crate::store::panes::{Pane, Panes, PanesAction, Split};
use crate::store::{Action, Shared};

/// Puts the panes' sizes where the styles find them.
#[hook]
pub fn use_panes(panes: &Shared<Panes>) {
    use_effect_with(panes.clone(), |panes| {
        let Some(app) = dom::document().and_then(|document| document.get_element_by_id("app")) else { return };
        dom::set_style(&app, "--ex-w", &format!("{}px", panes.at(Split::Exercise)));
        dom::set_style(&app, "--lower-h", &format!("{}%", panes.at(Split::Lower)));
        dom::set_style(&app, "--term-w", &format!("{}%", panes.at(Split::Terminal)));
        let _ = app.set_attribute("data-shown", panes.shown.name());
        let _ = app.toggle_attribute_with_force("data-folded", panes.folded);
        let _ = match panes.whole {
            Some(pane) => app.set_attribute("data-whole", pane.name()),
            None => app.remove_attribute("data-whole"),
        };
    });
}

/// Which bar.
#[derive(Clone, PartialEq, Properties)]
pub struct SplitterProps {
    /// The bar.
    pub split: Split,
    /// How the page is divided.
    pub panes: Shared<Panes>,
}

/// A bar between two panes: dragged by mouse or finger, moved by arrow keys, put back by a double click.
#[component]
pub fn Splitter(props: &SplitterProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let bar = use_node_ref();
    let split = props.split;
    let upright = split != Split::Lower;
    let act = move |action| Action::Panes(action);
    let down = {
        let bar = bar.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(bar) = bar.cast::<Element>().filter(|_| event.button() == 0) {
                let _ = bar.set_pointer_capture(event.pointer_id());
                let _ = bar.class_list().add_1("held");
                // The text under the pointer is not to be selected meanwhile.
                event.prevent_default();
            }
        })
    };
    let moved = {
        let (bar, dispatch) = (bar.clone(), dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let held = bar.cast::<Element>().is_some_and(|bar| bar.has_pointer_capture(event.pointer_id()));
            if let Some(value) = held.then(|| value_at(split, &event)).flatten() {
                dispatch.act(act(PanesAction::Move(split, value)));
            }
        })
    };
    let up = {
        let (bar, dispatch) = (bar.clone(), dispatch.clone());
        Callback::from(move |_: PointerEvent| {
            if let Some(bar) = bar.cast::<Element>() {
                let _ = bar.class_list().remove_1("held");
            }
            dispatch.act(act(PanesAction::Settle));
        })
    };
    let reset = dispatch.callback(move |_: MouseEvent| act(PanesAction::Reset(split)));
    let at = props.panes.at(split);
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let (least, greatest) = split.range();
        // A greater value of `Lower` is a bar further up.
        let to = match (event.key().as_str(), upright) {
            ("ArrowRight", true) | ("ArrowUp", false) => at + split.step(),
            ("ArrowLeft", true) | ("ArrowDown", false) => at - split.step(),
            ("Home", _) => least,
            ("End", _) => greatest,
            ("Enter", _) => split.first(),
            _ => return,
        };
        event.prevent_default();
        dispatch.act(act(PanesAction::Move(split, to)));
        dispatch.act(act(PanesAction::Settle));
    });
    let (least, greatest) = split.range();
    html! {
        <div ref={bar} class={classes!("splitter", format!("split-{}", split.name()))} role="separator" tabindex="0"
            aria-orientation={if upright { "vertical" } else { "horizontal" }} aria-valuenow={format!("{at:.0}")}
            aria-valuemin={format!("{least:.0}")} aria-valuemax={format!("{greatest:.0}")}
            aria-label={texts.ui(&format!("split-{}", split.name()))} title={texts.ui("split-title")}
            onpointerdown={down} onpointermove={moved} onpointerup={up.clone()} onpointercancel={up} ondblclick={reset}
            {onkeydown}></div>
    }
}

/// The value of `split` that puts its bar under the pointer.
fn value_at(split: Split, event: &PointerEvent) -> Option<f64> {
    let app = dom::document()?.get_element_by_id("app")?.get_bounding_client_rect();
    let (x, y) = (f64::from(event.client_x()) - app.left(), f64::from(event.client_y()) - app.top());
    Some(match split {
        Split::Exercise => x,
        Split::Lower => (app.height() - y) / app.height().max(1.0) * 100.0,
        Split::Terminal => x / app.width().max(1.0) * 100.0,
    })
}

/// Which pane a button is for.
#[derive(Clone, PartialEq, Properties)]
pub struct WholeProps {
    /// The pane.
    pub pane: Pane,
    /// Whether it fills the page now.
    pub whole: bool,
}

/// Lets a pane fill the page, and puts it back.
#[component]
pub fn Whole(props: &WholeProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let pane = props.pane;
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Panes(PanesAction::Whole(pane)));
    let title = texts.ui(if props.whole { "pane-restore" } else { "pane-whole" });
    html! {
        <button type="button" class="icon whole" data-pane={pane.name()} title={title.clone()} aria-label={title}
            aria-pressed={props.whole.to_string()} {onclick}>
            <Icon name={if props.whole { "restore" } else { "whole" }} />
        </button>
    }
}

/// What the exercise's side shows.
#[derive(Clone, PartialEq, Properties)]
pub struct SideProps {
    /// It is folded away.
    pub folded: bool,
    /// The exercise.
    pub children: Html,
}

/// The exercise's side of the page, which folds to a strip.
#[component]
pub fn Side(props: &SideProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let onclick = dispatch.callback(|_: MouseEvent| Action::Panes(PanesAction::Fold));
    let title = texts.ui(if props.folded { "side-unfold" } else { "side-fold" });
    html! {
        <div class={classes!("side", props.folded.then_some("folded"))}>
            <button type="button" class="icon fold" title={title.clone()} aria-label={title}
                aria-expanded={(!props.folded).to_string()} onclick={onclick.clone()}>
                <Icon name={if props.folded { "unfold" } else { "fold" }} />
            </button>
            if props.folded {
                <button type="button" class="side-strip" tabindex="-1" aria-hidden="true" {onclick}>{ texts.ui("exercise") }</button>
            }
            <div class="side-body" hidden={props.folded}>{ props.children.clone() }</div>
        </div>
    }
}

/// What the phone's row of buttons shows.
#[derive(Clone, PartialEq, Properties)]
pub struct PhoneBarProps {
    /// The pane that is shown.
    pub shown: Pane,
}

/// The phone's row of buttons, under the thumb.
#[component]
pub fn PhoneBar(props: &PhoneBarProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let buttons = Pane::ALL.into_iter().map(|pane| {
        let onclick = {
            let dispatch = dispatch.clone();
            Callback::from(move |_: MouseEvent| {
                dispatch.act(Action::Panes(PanesAction::Show(pane)));
                // A list that was scrolled away begins where it is seen.
                if let Some(body) = dom::document().and_then(|document| document.scrolling_element()) {
                    body.set_scroll_top(0);
                }
            })
        };
        html! {
            <button type="button" data-pane={pane.name()} aria-pressed={(pane == props.shown).to_string()} {onclick}>
                <Icon name={format!("pane-{}", pane.name())} />
                <span>{ texts.ui(&format!("pane-{}", pane.name())) }</span>
            </button>
        }
    });
    html! { <nav class="phone-bar" aria-label={texts.ui("panes")}>{ for buttons }</nav> }
}

/// The pane that has the keyboard.
pub fn pane_in_focus() -> Option<Pane> {
    let active = dom::document()?.active_element()?.dyn_into::<HtmlElement>().ok()?;
    let of = |selector: &str| active.closest(selector).ok().flatten().is_some();
    [(".side", Pane::Exercise), (".stage, .time", Pane::Stage), (".term", Pane::Terminal), (".look", Pane::Look)]
        .into_iter()
        .find_map(|(selector, pane)| of(selector).then_some(pane))
}
