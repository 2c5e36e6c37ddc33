//! The top bar: which lab, the lecture's contents, where the lab runs, language, theme, help. On a phone what does not fit
//! folds into one menu.

mod contents;
mod help;
mod labs;
pub mod words;

use netmodes_core::error::UserError;
use netmodes_core::protocol::Capabilities;
use yew::prelude::*;

use self::contents::Contents;
use self::help::Help;
use self::labs::{LabMenu, Profile};
use super::modal::Drop;
use super::parts::Icon;
use super::share::ShareButton;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom;
use crate::format;
use crate::store::guide::GuideAction;
use crate::store::share::Share;
use crate::store::state::SourceInfo;
use crate::store::{Action, Connection, EditAction, EditTarget, Lab, Lang, Shared, Theme};

/// What the bar shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the source said about itself.
    pub source: Option<Shared<SourceInfo>>,
    /// The lab.
    pub lab: Option<Shared<Lab>>,
    /// The language.
    pub lang: Lang,
    /// The theme.
    pub theme: Theme,
    /// Links and files.
    pub share: Shared<Share>,
    /// The connection.
    pub connection: Connection,
    /// Refusals that were read, newest last.
    pub read: Shared<Vec<UserError>>,
    /// The line that says what to try was closed.
    pub guide_off: bool,
}

/// A dialog that the bar opens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Help,
    Contents,
}

/// The top bar.
#[component]
pub fn Top(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let open = use_state(|| None::<Open>);
    let opener = |which: Open| {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(Some(which)))
    };
    let on_close = {
        let open = open.setter();
        Callback::from(move |()| open.set(None))
    };
    let theme = {
        let next = next_theme(props.theme);
        dispatch.callback(move |_: MouseEvent| Action::Theme(next))
    };
    let can_load = props.source.as_ref().is_some_and(|source| source.capabilities.load);
    let program = props.source.as_ref().map(|source| source.program.clone()).unwrap_or_default();
    html! {
        <header class="top">
            <h1 class="logo">{ logo() }<span>{ "Netmodes" }</span></h1>
            <LabMenu source={props.source.clone()} lab={props.lab.clone()} lang={props.lang} />
            <Profile source={props.source.clone()} lab={props.lab.clone()} lang={props.lang} />
            <button type="button" id="contents-button" class="pill wide" onclick={opener(Open::Contents)}>{ texts.ui("contents") }</button>
            { restart(can_load, &texts, dispatch.callback(|_: MouseEvent| Action::Restart)) }
            { edit_lab(&texts, dispatch.callback(|_: MouseEvent| Action::Edit(EditAction::Open(EditTarget::Lab)))) }
            <span class="spring"></span>
            <Read errors={props.read.clone()} />
            { pill(props, &texts) }
            <span class="wide">{ languages(props.lang, &texts, &dispatch.callback(Action::Lang)) }</span>
            <button type="button" class="icon wide" title={theme_title(&texts, props.theme)}
                aria-label={theme_title(&texts, props.theme)} onclick={theme.clone()}><Icon name="theme" /></button>
            <ShareButton share={props.share.clone()} {can_load} />
            <button type="button" id="help-button" class="icon wide" title={texts.ui("help")} aria-label={texts.ui("help")}
                aria-haspopup="dialog" onclick={opener(Open::Help)}><Icon name="help" /></button>
            <Drop id="top-more" class="icon narrow" title={AttrValue::from(texts.ui("menu"))} button={html! { <Icon name="menu" /> }}>
                <button type="button" data-closes="" class="drop-item" onclick={opener(Open::Contents)}><Icon name="contents" />{ texts.ui("contents") }</button>
                <div class="drop-row">{ languages(props.lang, &texts, &dispatch.callback(Action::Lang)) }</div>
                <button type="button" class="drop-item" onclick={theme}><Icon name="theme" />{ theme_title(&texts, props.theme) }</button>
                if props.guide_off {
                    <button type="button" data-closes="" class="drop-item" onclick={dispatch.callback(|_: MouseEvent| Action::Guide(GuideAction::Show))}>
                        <Icon name="help" />{ texts.ui("first-show") }</button>
                }
                <button type="button" data-closes="" class="drop-item" onclick={opener(Open::Help)}><Icon name="help" />{ texts.ui("help") }</button>
            </Drop>
            if *open == Some(Open::Help) { <Help program={AttrValue::from(program)} guide_off={props.guide_off} on_close={on_close.clone()} /> }
            if *open == Some(Open::Contents) { <Contents lang={props.lang} {can_load} {on_close} /> }
        </header>
    }
}

fn edit_lab(texts: &TextsHandle, onclick: Callback<MouseEvent>) -> Html {
    let title = texts.ui("edit-open");
    html! { <button type="button" class="icon" id="edit-lab" title={title.clone()} aria-label={title} {onclick}><Icon name="edit" /></button> }
}

fn logo() -> Html {
    html! {
        <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true" class="logo-mark">
            <rect class="logo-box" x="2" y="5" width="9" height="14" rx="2.5" />
            <circle cx="19" cy="6" r="2.4" /><circle class="logo-on" cx="19" cy="12" r="2.4" />
            <circle cx="19" cy="18" r="2.4" /><path class="logo-wire" d="M11 12h5.5" />
        </svg>
    }
}

/// System → the other of what is seen → back; three states, one button.
fn next_theme(theme: Theme) -> Theme {
    match theme {
        Theme::System => Theme::Dark,
        Theme::Dark => Theme::Light,
        Theme::Light => Theme::System,
    }
}

fn theme_title(texts: &TextsHandle, theme: Theme) -> AttrValue {
    let name = texts.ui(match theme {
        Theme::System => "theme-system",
        Theme::Light => "theme-light",
        Theme::Dark => "theme-dark",
    });
    AttrValue::from(format!("{}: {name}", texts.ui("theme")))
}

fn restart(can: bool, texts: &TextsHandle, onclick: Callback<MouseEvent>) -> Html {
    let title = texts.ui(if can { "restart" } else { "cannot-load" });
    html! {
        <button type="button" id="restart" class="icon" disabled={!can} title={title.clone()} aria-label={title} {onclick}>
            <Icon name="restart" />
        </button>
    }
}

fn place(texts: &TextsHandle, capabilities: &Capabilities) -> AttrValue {
    AttrValue::from(texts.ui(if capabilities.place == "agent" { "place-agent" } else { "place-browser" }))
}

fn pill(props: &Props, texts: &TextsHandle) -> Html {
    let (class, text) = match (props.connection, &props.source) {
        (Connection::Up, Some(source)) => ("on", place(texts, &source.capabilities)),
        (Connection::Lost { since_ms }, Some(_)) => {
            let (h, m, s) = dom::time_of_day(since_ms);
            let since = [("time", format::time_of_day(h, m, s))];
            ("off", AttrValue::from(texts.ui_with("connection-lost", &since)))
        }
        (Connection::Lost { .. }, None) => ("off", texts.ui("connection-none").into()),
        (Connection::Failed, _) => ("off", texts.ui("connection-failed").into()),
        (Connection::Connecting | Connection::Up, _) => ("", texts.ui("connecting").into()),
    };
    html! { <span class={classes!("pill", "place", class)} role="status" title={text.clone()}><span class="dot" aria-hidden="true"></span><span>{ text }</span></span> }
}

fn languages(lang: Lang, texts: &TextsHandle, choose: &Callback<Lang>) -> Html {
    let button = |of: Lang, label: &'static str, name: &'static str| {
        let choose = choose.clone();
        let onclick = Callback::from(move |_: MouseEvent| choose.emit(of));
        html! {
            <button type="button" lang={of.code()} title={name} aria-pressed={(lang == of).to_string()} {onclick}>{ label }</button>
        }
    };
    html! {
        <span class="seg" role="group" aria-label={texts.ui("language")}>
            { button(Lang::En, "EN", "English") }{ button(Lang::Ru, "RU", "Русский") }
        </span>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ReadProps {
    errors: Shared<Vec<UserError>>,
}

/// Messages that were closed, to be read again.
#[component]
fn Read(props: &ReadProps) -> Html {
    let texts = use_texts();
    if props.errors.is_empty() {
        return html! {};
    }
    let items = props.errors.iter().rev().map(|error| html! { <li>{ texts.error(error) }</li> });
    html! {
        <Drop id="messages" class="icon" title={AttrValue::from(texts.ui("messages"))} button={html! { <Icon name="messages" /> }}>
            <h3>{ texts.ui("messages") }</h3>
            <ul class="messages" tabindex="0">{ for items }</ul>
        </Drop>
    }
}
