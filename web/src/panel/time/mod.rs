//! The time strip: how lab time runs, what has happened in it, and the way back into it.

mod band;
mod controls;
mod list;
pub mod scale;
mod speed;
mod track;
mod until;
mod words;

use netmodes_core::protocol::Rewind;
use netmodes_core::view::LabView;
use yew::prelude::*;

use crate::app::{TextsHandle, use_dispatch, use_lab_time, use_texts};
use crate::dom::{self, Interval, Timeout};
use crate::format;
use crate::store::exchange::Timeline;
use crate::store::state::SourceInfo;
use crate::store::{Action, Clock, Connection, PastState, Shared, Travel};

/// Between two moments of playing back, in milliseconds.
const PLAY_MS: i32 = 60;
/// The head rests when it has not moved for so long, in milliseconds.
const REST_MS: i32 = 160;

/// What the strip shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables, for leases and names.
    pub view: Shared<LabView>,
    /// Lab time.
    pub clock: Clock,
    /// Exchanges.
    pub timeline: Shared<Timeline>,
    /// What the source can do.
    pub source: Option<Shared<SourceInfo>>,
    /// The connection to it.
    pub connection: Connection,
    /// The earlier instant that is looked at, inputs, what can be undone.
    pub past: Shared<PastState>,
    /// The chosen frame's event number.
    pub selected: Option<u64>,
}

/// What can be done now, and the reason when not: the key of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Can {
    /// Pausing, stepping, speed.
    pub pace: Result<(), &'static str>,
    /// Looking back.
    pub look: Result<(), &'static str>,
    /// Branching, undo, redo.
    pub change: Result<(), &'static str>,
}

impl Can {
    fn of(source: Option<&SourceInfo>, connection: Connection) -> Self {
        let Some(source) = source.filter(|_| connection == Connection::Up) else {
            let no = Err("cannot-offline");
            return Self { pace: no, look: no, change: no };
        };
        let need = |can: bool, reason: &'static str| if can { Ok(()) } else { Err(reason) };
        let capabilities = &source.capabilities;
        Self {
            pace: need(capabilities.pace, "cannot-pace"),
            look: need(capabilities.rewind != Rewind::None, "cannot-look"),
            change: need(capabilities.rewind == Rewind::World, "cannot-change"),
        }
    }
}

/// The words of a control: what it does, or why it cannot.
pub(super) fn title(texts: &TextsHandle, can: Result<(), &'static str>, key: &str) -> AttrValue {
    texts.ui(can.err().unwrap_or(key)).into()
}

/// The time strip.
#[component]
pub fn TimeStrip(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let can = Can::of(props.source.as_deref(), props.connection);
    use_travel(&props.past);
    let looks = measure::use_looks(&props.past);
    let class = classes!("time", props.past.look.is_some().then_some("past"));
    html! {
        <section {class} aria-label={texts.ui("time")} tabindex="-1" data-looks={props.past.looks.to_string()} data-look-ms={looks}>
            <band::Band past={props.past.clone()} clock={props.clock} can={can.change.is_ok()} />
            <div class="time-row">
                { controls::undo(&props.past, can, &texts, &dispatch) }
                { controls::transport(&props.past, props.clock, can, &texts, &dispatch) }
                { controls::steps(can, props.past.look.is_some(), &texts, &dispatch) }
                <until::Until view={props.view.clone()} clock={props.clock} past={props.past.clone()} can={can.pace} />
                <span class="spring"></span>
                <LabClock clock={props.clock} />
                { speed::speeds(&props.past, props.clock, can, &texts, &dispatch) }
            </div>
            <track::Track
                timeline={props.timeline.clone()} past={props.past.clone()} clock={props.clock}
                selected={props.selected} can={can.look}
            />
        </section>
    }
}

/// Asks for what was left out when the head rests, and plays back.
#[hook]
fn use_travel(past: &PastState) {
    let dispatch = use_dispatch();
    let rests = past.look.as_ref().filter(|look| !look.whole && past.play.is_none()).map(|_| past.looks);
    {
        let dispatch = dispatch.clone();
        use_effect_with(rests, move |rests| {
            let timeout =
                rests.and_then(|_| Timeout::new(REST_MS, move || dispatch.act(Action::Travel(Travel::Settle))));
            move || drop(timeout)
        });
    }
    use_effect_with(past.play.is_some(), move |plays| {
        let tick = move || dispatch.act(Action::Travel(Travel::Tick { wall_ms: dom::now_ms() }));
        let interval = plays.then(|| Interval::new(PLAY_MS, tick)).flatten();
        move || drop(interval)
    });
    // The whole page shows that it is not now.
    use_effect_with(past.look.is_some(), |looks| {
        if let Some(root) = dom::document().and_then(|document| document.document_element()) {
            let _ = if *looks { root.set_attribute("data-past", "") } else { root.remove_attribute("data-past") };
        }
    });
}

#[derive(Clone, PartialEq, Properties)]
struct LabClockProps {
    clock: Clock,
}

/// The lab's clock; alone in its component, because it moves all the time.
#[component]
fn LabClock(props: &LabClockProps) -> Html {
    let texts = use_texts();
    let now = use_lab_time(props.clock, 90);
    html! { <span class="clock" role="timer" aria-label={texts.ui("lab-time")}>{ format::clock(now) }</span> }
}

/// How long a look takes until it is on the page: read by `data-look-ms` of the strip, for whoever measures it.
mod measure {
    use super::*;

    /// Milliseconds from asking for the look that is shown to the first repaint with it.
    #[hook]
    pub(super) fn use_looks(past: &PastState) -> Option<AttrValue> {
        let shown = use_state(|| None::<AttrValue>);
        let asked = use_mut_ref(|| None::<f64>);
        {
            let asked = asked.clone();
            use_effect_with((past.asked, past.looks), move |(ask, _)| {
                if ask.is_some() {
                    asked.borrow_mut().get_or_insert_with(dom::precise_ms);
                }
            });
        }
        let setter = shown.setter();
        use_effect_with(past.looks, move |looks| {
            let begun = asked.borrow_mut().take();
            if let (Some(begun), true) = (begun, *looks > 0) {
                setter.set(Some(format!("{:.1}", dom::precise_ms() - begun).into()));
            }
        });
        (*shown).clone()
    }
}
