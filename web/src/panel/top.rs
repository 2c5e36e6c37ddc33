//! The top bar: which lab, where it runs, language, theme, help.

use netmodes_core::protocol::Capabilities;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::parts::Icon;
use super::share::ShareButton;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom;
use crate::format;
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
}

/// The top bar.
#[component]
pub fn Top(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let can_load = props.source.as_ref().is_some_and(|source| source.capabilities.load);
    let help = use_state(|| false);
    let toggle_help = {
        let help = help.clone();
        Callback::from(move |_: MouseEvent| help.set(!*help))
    };
    let theme = {
        let next = next_theme(props.theme);
        dispatch.callback(move |_: MouseEvent| Action::Theme(next))
    };
    html! {
        <header class="top">
            <h1 class="logo">{ logo() }<span>{ "Netmodes" }</span></h1>
            <LabChooser source={props.source.clone()} lab={props.lab.clone()} lang={props.lang} />
            { restart(props, &texts, dispatch.callback(|_: MouseEvent| Action::Restart)) }
            <button type="button" class="icon" id="edit-lab" title={texts.ui("edit-open")} aria-label={texts.ui("edit-open")}
                onclick={dispatch.callback(|_: MouseEvent| Action::Edit(EditAction::Open(EditTarget::Lab)))}><Icon name="edit" /></button>
            <span class="spring"></span>
            { pill(props, &texts) }
            { languages(props.lang, &texts, &dispatch.callback(Action::Lang)) }
            <button type="button" class="icon" title={theme_title(&texts, props.theme)}
                aria-label={theme_title(&texts, props.theme)} onclick={theme}><Icon name="theme" /></button>
            <ShareButton share={props.share.clone()} can_load={can_load} />
            <button type="button" id="help-button" class="icon" title={texts.ui("help")} aria-label={texts.ui("help")}
                aria-expanded={help.to_string()} onclick={toggle_help.clone()}><Icon name="help" /></button>
            if *help { { help_box(&texts, props, toggle_help) } }
        </header>
    }
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

fn restart(props: &Props, texts: &TextsHandle, onclick: Callback<MouseEvent>) -> Html {
    let can = props.source.as_ref().is_some_and(|source| source.capabilities.load);
    let title = texts.ui(if can { "restart" } else { "cannot-load" });
    html! {
        <button type="button" class="icon" disabled={!can} title={title.clone()} aria-label={title} {onclick}>
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
    html! { <span class={classes!("pill", class)} role="status"><span class="dot" aria-hidden="true"></span><span>{ text }</span></span> }
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

fn help_box(texts: &TextsHandle, props: &Props, close: Callback<MouseEvent>) -> Html {
    let keys = ["tab", "arrows", "ctrl-c", "ctrl-l", "space", "list"];
    let rows = keys.iter().map(|key| {
        html! { <><dt><kbd>{ texts.ui(&format!("key-{key}")) }</kbd></dt><dd>{ texts.ui(&format!("key-{key}-does")) }</dd></> }
    });
    let program = props.source.as_ref().map(|source| source.program.clone()).unwrap_or_default();
    html! {
        <div class="help" role="dialog" aria-label={texts.ui("help")}>
            <div class="help-head">
                <h2>{ texts.ui("help") }</h2>
                <button type="button" class="icon" aria-label={texts.ui("close")} onclick={close}><Icon name="close" /></button>
            </div>
            <p>{ texts.ui("help-first") }</p>
            <dl class="keys">{ for rows }</dl>
            <p>{ texts.ui("help-agent") }</p>
            <p class="dim">{ format!("Netmodes {program}") }</p>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LabChooserProps {
    source: Option<Shared<SourceInfo>>,
    lab: Option<Shared<Lab>>,
    lang: Lang,
}

/// The lab's title; a menu where there are several.
#[component]
fn LabChooser(props: &LabChooserProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let Some(lab) = &props.lab else { return html! {} };
    let title = lab.title.get(props.lang.code()).or_else(|| lab.title.get("en")).unwrap_or(&lab.name).clone();
    let labs = props.source.as_ref().filter(|s| s.capabilities.load && s.labs.len() > 1).map(|s| s.labs.clone());
    let Some(labs) = labs else {
        return html! { <span class="pill lab" title={title.clone()}>{ title }</span> };
    };
    let onchange = Callback::from(move |event: Event| {
        if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
            dispatch.act(Action::Load(select.value()));
        }
    });
    let options = labs.iter().map(|name| {
        let chosen = *name == lab.name;
        html! { <option value={name.clone()} selected={chosen}>{ if chosen { title.clone() } else { name.clone() } }</option> }
    });
    html! { <select class="pill lab" aria-label={texts.ui("lab")} {onchange}>{ for options }</select> }
}
