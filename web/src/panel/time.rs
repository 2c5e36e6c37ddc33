//! The time strip: how lab time runs, and what has happened in it.

use netmodes_core::protocol::{Pace, StepTo};
use web_sys::{Element, HtmlSelectElement};
use yew::prelude::*;

use super::parts::{Icon, proto_class};
use crate::app::{Dispatch, TextsHandle, use_dispatch, use_lab_time, use_texts};
use crate::dom::{self, Listener};
use crate::format;
use crate::store::exchange::Timeline;
use crate::store::state::SourceInfo;
use crate::store::{Action, Clock, Select, Shared};

/// Speeds of the menu, in millionths of real time.
const SPEEDS: [u64; 9] =
    [1_000, 2_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 100_000_000_000];
/// Height of the track's drawing.
const TRACK: f64 = 34.0;

/// What the strip shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Lab time.
    pub clock: Clock,
    /// Runs of frames.
    pub timeline: Shared<Timeline>,
    /// What the source can do.
    pub source: Option<Shared<SourceInfo>>,
    /// The chosen frame's event number and protocol.
    pub selected: Option<(u64, AttrValue)>,
}

/// The time strip.
#[component]
pub fn TimeStrip(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let can = props.source.as_ref().is_some_and(|source| source.capabilities.pace);
    html! {
        <section class="time" aria-label={texts.ui("time")}>
            { buttons(props.clock.pace, can, &texts, &dispatch) }
            <Track timeline={props.timeline.clone()} selected={props.selected.clone()} />
            <LabClock clock={props.clock} />
            { speeds(props.clock.pace, can, &texts, &dispatch) }
        </section>
    }
}

fn buttons(pace: Pace, can: bool, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let title = |key: &str| -> AttrValue { texts.ui(if can { key } else { "cannot-pace" }).into() };
    let play = {
        let pace = Pace { running: !pace.running, ..pace };
        dispatch.callback(move |_: MouseEvent| Action::Pace(pace))
    };
    let step = |to: StepTo| dispatch.callback(move |_: MouseEvent| Action::Step(to));
    let (icon, key) = if pace.running { ("pause", "pause") } else { ("play", "play") };
    html! {
        <>
            <button type="button" id="play" class="icon main" disabled={!can} title={title(key)} aria-label={title(key)} onclick={play}>
                <Icon name={icon} />
            </button>
            <span class="seg steps" role="group" aria-label={texts.ui("step")}>
                <button type="button" disabled={!can} title={title("step-event-title")} onclick={step(StepTo::Event)}>
                    <Icon name="step" /><span>{ texts.ui("step-event") }</span></button>
                <button type="button" disabled={!can} title={title("step-frame-title")} onclick={step(StepTo::Frame)}>
                    <Icon name="step" /><span>{ texts.ui("step-frame") }</span></button>
                <button type="button" disabled={!can} title={title("step-quiet-title")} onclick={step(StepTo::Quiet)}>
                    <Icon name="quiet" /><span>{ texts.ui("step-quiet") }</span></button>
            </span>
        </>
    }
}

fn speeds(pace: Pace, can: bool, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let onchange = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: Event| {
            let chosen = event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
            if let Some(speed_ppm) = chosen {
                dispatch.act(Action::Pace(Pace { speed_ppm, ..pace }));
            }
        })
    };
    let mut all = SPEEDS.to_vec();
    if let Err(at) = all.binary_search(&pace.speed_ppm) {
        all.insert(at, pace.speed_ppm);
    }
    let options = all.into_iter().map(|ppm| {
        html! { <option value={ppm.to_string()} selected={ppm == pace.speed_ppm}>{ format::speed(ppm) }</option> }
    });
    let title = texts.ui(if can { "speed" } else { "cannot-pace" });
    html! {
        <select class="pill speed" id="speed" disabled={!can} title={title.clone()} aria-label={title} {onchange}>{ for options }</select>
    }
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

#[derive(Clone, PartialEq, Properties)]
struct TrackProps {
    timeline: Shared<Timeline>,
    selected: Option<(u64, AttrValue)>,
}

/// Runs of frames as blocks. A block chooses its first frame.
#[component]
fn Track(props: &TrackProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let node = use_node_ref();
    let width = use_width(&node);
    let blocks = props.timeline.place((width - 8.0).max(60.0), 46.0);
    let end = blocks.last().map_or(4.0, |(left, own, _)| left + own + 5.0);
    let blocks = blocks.into_iter().map(|(left, own, block)| {
        let first = block.first;
        let mine = |(seq, proto): &(u64, AttrValue)| *proto == *block.proto && (block.first..=block.last).contains(seq);
        let chosen = props.selected.as_ref().is_some_and(mine);
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Frame(first)));
        let frames = texts.ui_count("frames", u64::from(block.frames));
        let title = format!("{} · {frames} · {} – {}", block.proto, format::instant(block.start), format::instant(block.end));
        html! {
            <g key={block.first} class={classes!("block", proto_class(&block.proto), chosen.then_some("chosen"))} {onclick}>
                <title>{ title }</title>
                <rect x={(left + 4.0).to_string()} y="6" width={own.to_string()} height="22" rx="5" />
                <text x={(left + 4.0 + own / 2.0).to_string()} y="21" text-anchor="middle">{ block.proto.to_string() }</text>
            </g>
        }
    });
    html! {
        <div class="track" ref={node}>
            <svg width={width.to_string()} height={TRACK.to_string()} role="img" aria-label={texts.ui("timeline")}>
                { for blocks }
                <g class="head"><rect x={end.to_string()} y="0" width="2" height={TRACK.to_string()} /></g>
            </svg>
        </div>
    }
}

/// The width of an element, in pixels, kept in step with the window.
#[hook]
fn use_width(node: &NodeRef) -> f64 {
    let width = use_state(|| 300.0);
    {
        let (node, setter) = (node.clone(), width.setter());
        use_effect_with((), move |()| {
            let measure = move || {
                if let Some(element) = node.cast::<Element>() {
                    setter.set(f64::from(element.client_width()));
                }
            };
            measure();
            let listener = dom::window().map(|window| Listener::new(&window, "resize", move |_| measure()));
            move || drop(listener)
        });
    }
    *width
}
