//! The application's root: makes the state, opens the source, loads the texts, and lays the panels out.

use wasm_bindgen::JsCast;
use web_sys::Worker;
use yew::prelude::*;

use super::hub::Dispatch;
use super::texts::use_loaded_texts;
use super::{TextsHandle, panic, shortcuts};
use crate::dom;
use crate::panel::edit::Edit;
use crate::panel::errors::Errors;
use crate::panel::exercise::Exercise;
use crate::panel::exercise::cover::Covers;
use crate::panel::first::First;
use crate::panel::frame::{PhoneBar, Side, Splitter, Whole, use_panes};
use crate::panel::look::Look;
use crate::panel::stage::Stage;
use crate::panel::terminal::Terminals;
use crate::panel::time::TimeStrip;
use crate::panel::top::Top;
use crate::store::guide::Guide;
use crate::store::panes::{Pane, Panes, Split};
use crate::store::share::{Asked, Share};
use crate::store::tiles::Tiles;
use crate::store::{Action, AppState, EditAction, Lang, Shared, Theme};

/// Mounts the application into the element `app`; `worker` holds the world, unless an agent does.
pub fn mount(worker: Option<Worker>) {
    panic::install();
    let Some(element) = dom::document().and_then(|document| document.get_element_by_id("app")) else { return };
    yew::Renderer::<App>::with_root_and_props(element, AppProps { worker }).render();
}

/// The state at the beginning: language and theme as they were chosen last, else as the browser has them.
fn first_state() -> AppState {
    let chosen = dom::recall("lang").and_then(|code| Lang::from_code(&code));
    let browser = || dom::window().and_then(|w| w.navigator().language()).and_then(|l| Lang::from_code(&l));
    AppState {
        lang: chosen.or_else(browser).unwrap_or_default(),
        share: Shared::new(Share::asking(asked_by_address())),
        theme: dom::recall("theme").map_or(Theme::System, |code| Theme::from_code(&code)),
        panes: Shared::new(dom::recall("panes").map(|text| Panes::from_text(&text)).unwrap_or_default()),
        tiles: Shared::new(dom::recall("tiles").map(|text| Tiles::from_text(&text)).unwrap_or_default()),
        guide: Shared::new(Guide { dismissed: dom::recall("guide").as_deref() == Some("off"), ..Guide::default() }),
        ..AppState::default()
    }
}

/// What the page's address asks to be opened. An exercise is opened by its own panel.
fn asked_by_address() -> Option<String> {
    let fragment = dom::fragment();
    matches!(Asked::read(&fragment)?, Asked::Session(_) | Asked::Lab(_)).then_some(fragment)
}

#[derive(Clone, PartialEq, Properties)]
struct AppProps {
    worker: Option<Worker>,
}

#[component]
fn App(props: &AppProps) -> Html {
    let state = use_state(|| Shared::new(first_state()));
    let dispatch = use_memo((), |()| {
        let setter = state.setter();
        Dispatch::new((**state).clone(), Callback::from(move |new| setter.set(new)))
    });
    {
        let (dispatch, worker) = (dispatch.clone(), props.worker.clone());
        use_effect_with((), move |()| dispatch.open(worker));
    }
    use_shortcuts(&dispatch);
    let texts = use_loaded_texts(state.lang);
    use_document(&state, &texts);
    html! {
        <ContextProvider<Dispatch> context={(*dispatch).clone()}>
            <ContextProvider<TextsHandle> context={texts}>
                <Panels state={(*state).clone()} />
            </ContextProvider<TextsHandle>>
        </ContextProvider<Dispatch>>
    }
}

/// Keeps the document's language, theme and title, and what a crash would say, in step with the state.
#[hook]
fn use_document(state: &AppState, texts: &TextsHandle) {
    use_effect_with((state.lang, state.theme, texts.clone()), |(lang, theme, texts)| {
        let Some(document) = dom::document() else { return };
        document.set_title(&texts.find("ui.title").unwrap_or_else(|| "Netmodes".into()));
        let Some(root) = document.document_element() else { return };
        let _ = root.set_attribute("lang", lang.code());
        let _ = match theme.code() {
            Some(code) => root.set_attribute("data-theme", code),
            None => root.remove_attribute("data-theme"),
        };
    });
    use_effect_with(state.lab.clone(), |lab| {
        if let Some(lab) = lab {
            panic::note(&lab.name, lab.seed);
            if let Some(app) = dom::document().and_then(|document| document.get_element_by_id("app")) {
                let _ = app.set_attribute("data-lab", &lab.name);
            }
        }
    });
}

/// Listens for the page's shortcuts.
#[hook]
fn use_shortcuts(dispatch: &Dispatch) {
    let dispatch = dispatch.clone();
    use_effect_with((), move |()| {
        let listener = dom::window().map(|window| {
            dom::Listener::new(&window, "keydown", move |event| {
                if let Some(event) = event.dyn_ref() {
                    shortcuts::handle(event, &dispatch);
                }
            })
        });
        move || drop(listener)
    });
}

#[derive(Clone, PartialEq, Properties)]
struct PanelsProps {
    state: Shared<AppState>,
}

#[component]
fn Panels(props: &PanelsProps) -> Html {
    let dispatch = super::use_dispatch();
    let texts = super::use_texts();
    let state = &props.state;
    use_panes(&state.panes);
    let skip = Callback::from(|event: MouseEvent| {
        event.prevent_default();
        shortcuts::focus(shortcuts::PARTS[3]);
    });
    html! {
        <ContextProvider<Covers> context={Covers::of(state.exercise.as_ref())}>
            <a class="skip" href="#terminal-prompt" onclick={skip}>{ texts.ui("skip-to-terminal") }</a>
            <Top
                source={state.source.clone()} lab={state.lab.clone()} lang={state.lang} theme={state.theme}
                connection={state.connection} read={state.errors_read.clone()} guide_off={state.guide.dismissed} share={state.share.clone()}
            />
            <Side folded={state.panes.folded}><Exercise state={state.clone()} /></Side>
            if !state.panes.folded { <Splitter split={Split::Exercise} panes={state.panes.clone()} /> }
            <main class="stage" aria-label={texts.ui("stage")}>
                <First state={state.clone()} />
                <div class="stage-in">
                    <Stage
                        state={state.clone()} on_select={dispatch.callback(Action::Select)}
                        on_command={dispatch.callback(Action::Do)}
                        on_edit={dispatch.callback(|target| Action::Edit(EditAction::Open(target)))}
                    />
                    <Whole pane={Pane::Stage} whole={state.panes.whole == Some(Pane::Stage)} />
                    <Errors errors={state.errors.clone()} />
                </div>
            </main>
            <TimeStrip
                view={state.view.clone()} clock={state.clock} timeline={state.timeline.clone()}
                source={state.source.clone()} connection={state.connection} past={state.past.clone()}
                selected={state.selection.frame}
            />
            <Splitter split={Split::Lower} panes={state.panes.clone()} />
            <div class="lower">
                <Terminals
                    view={state.view.clone()} terminals={state.terminals.clone()} front={state.front}
                    tiles={state.tiles.clone()} highlight={state.highlight} chosen={state.selection.node}
                    whole={state.panes.whole == Some(Pane::Terminal)}
                />
                <Splitter split={Split::Terminal} panes={state.panes.clone()} />
                <Look state={state.clone()} />
            </div>
            <PhoneBar shown={state.panes.shown} />
            <Edit edit={state.edit.clone()} view={state.view.clone()} selection={state.selection} />
        </ContextProvider<Covers>>
    }
}
