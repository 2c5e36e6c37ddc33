//! The help dialog: what the page is, first steps, the agent, and all shortcuts.

use yew::prelude::*;

use super::words::marked;
use crate::app::shortcuts::SHORTCUTS;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::panel::modal::Modal;
use crate::store::Action;
use crate::store::guide::GuideAction;

/// What the help shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The program's version.
    pub program: AttrValue,
    /// The line that says what to try was closed.
    pub guide_off: bool,
    /// It is to be closed.
    pub on_close: Callback<()>,
}

/// The help dialog.
#[component]
pub fn Help(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let steps = (1..=5).map(|at| html! { <li>{ marked(&texts.ui(&format!("help-step-{at}"))) }</li> });
    let show = dispatch.callback(|_: MouseEvent| Action::Guide(GuideAction::Show));
    html! {
        <Modal id="help" title={AttrValue::from(texts.ui("help"))} on_close={props.on_close.clone()}>
            <div class="help-columns">
                <section>
                    <h3>{ texts.ui("help-what") }</h3>
                    <p>{ marked(&texts.ui("help-what-text")) }</p>
                    <h3>{ texts.ui("help-steps") }</h3>
                    <ol>{ for steps }</ol>
                    if props.guide_off { <p><button type="button" class="choice" onclick={show}>{ texts.ui("first-show") }</button></p> }
                    <h3>{ texts.ui("help-real") }</h3>
                    <p>{ marked(&texts.ui("help-real-text")) }</p>
                    <h3>{ texts.ui("help-agent-title") }</h3>
                    <p>{ marked(&texts.ui("help-agent-text")) }</p>
                    <p><code>{ "netmodes serve" }</code></p>
                    <p>{ marked(&texts.ui("help-agent-others")) }</p>
                    <p class="dim">{ format!("Netmodes {}", props.program) }</p>
                </section>
                <section>
                    <h3>{ texts.ui("help-keys") }</h3>
                    { for groups().into_iter().map(|group| keys(&texts, group)) }
                </section>
            </div>
        </Modal>
    }
}

/// Groups of shortcuts, in the table's order.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = Vec::new();
    for shortcut in SHORTCUTS {
        if !groups.contains(&shortcut.group) {
            groups.push(shortcut.group);
        }
    }
    groups
}

fn keys(texts: &TextsHandle, group: &'static str) -> Html {
    let rows = SHORTCUTS.iter().filter(|shortcut| shortcut.group == group).map(|shortcut| {
        html! { <><dt><kbd>{ texts.find(&format!("ui.{}", shortcut.keys)).map_or_else(|| shortcut.keys.to_owned(), |text| text.to_string()) }</kbd></dt><dd>{ texts.ui(shortcut.text) }</dd></> }
    });
    html! { <><h4>{ texts.ui(&format!("keys-{group}")) }</h4><dl class="keys">{ for rows }</dl></> }
}
