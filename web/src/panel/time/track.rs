//! The track: exchanges as blocks, inputs and drops as marks, and the head that is dragged to any instant.

use core::time::Duration;
use std::rc::Rc;

use netmodes_core::protocol::{LookTo, LookUnit};
use netmodes_core::time::SimTime;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::scale::{Placed, Scale, label};
use super::words;
use crate::app::{Dispatch, TextsHandle, use_dispatch, use_lab_time, use_texts};
use crate::dom::{self, Listener};
use crate::format;
use crate::panel::parts::{Icon, proto_class};
use crate::store::exchange::Timeline;
use crate::store::{Action, Clock, PastState, Select, Shared, Travel};

/// Height of the drawing, in pixels.
const HEIGHT: f64 = 56.0;
/// Where the first lane begins.
const LANES_TOP: f64 = 12.0;
/// Height of a lane and of the space between two.
const LANE: (f64, f64) = (16.0, 2.0);
/// Lanes.
const LANES: usize = 2;
/// A press that moves less than this is a click.
const CLICK: f64 = 4.0;
/// Room before the first and after the last instant.
const MARGIN: f64 = 10.0;
/// Blocks closer than this are drawn as one when there are many.
const MERGE: f64 = 2.0;
/// Least and greatest zoom.
const ZOOM: (f64, f64) = (0.02, 32.0);

/// What the track shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Exchanges.
    pub timeline: Shared<Timeline>,
    /// Where in time the page is.
    pub past: Shared<PastState>,
    /// Lab time.
    pub clock: Clock,
    /// The chosen frame's event number.
    pub selected: Option<u64>,
    /// An earlier instant can be looked at, or why not.
    pub can: Result<(), &'static str>,
}

/// What is seen of the track.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sight {
    /// Pixels of the scale left of the window.
    scroll: f64,
    /// Magnification.
    zoom: f64,
    /// The window follows what is now.
    follows: bool,
}

/// What a press is doing.
#[derive(Clone, Copy, Debug, Default)]
struct Drag {
    begun: f64,
    moved: bool,
    active: bool,
}

/// The track with its head.
#[component]
pub(super) fn Track(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let node = use_node_ref();
    let width = use_width(&node);
    let sight = use_state(|| Sight { scroll: 0.0, zoom: 1.0, follows: true });
    let drag = use_mut_ref(Drag::default);
    let running = use_lab_time(props.clock, 250);
    let past = &props.past;
    let now = past.look.as_ref().map_or(running, |look| look.past.now);
    let first = past.look.as_ref().map_or(SimTime::ZERO, |look| look.past.first);
    let inputs = use_memo(past.inputs.clone(), |inputs| inputs.iter().map(|input| input.at).collect::<Vec<_>>());
    // While nothing but the clock moves the scale is made anew four times a second at most.
    let scale = use_memo(
        (props.timeline.clone(), inputs.clone(), first, now, zoom_bits(sight.zoom)),
        |(timeline, inputs, first, now, _)| Scale::new(timeline, inputs, *first, *now, sight.zoom),
    );
    let placed = use_memo((props.timeline.clone(), scale.clone()), |(timeline, scale)| scale.place(timeline, LANES));
    let shown = past.play.map(|play| play.at).or(past.look.as_ref().map(|look| look.at)).unwrap_or(now);
    let most = (scale.width() + 2.0 * MARGIN - width).max(0.0);
    let head = scale.x(shown) + MARGIN;
    let scroll = window(*sight, most, head, width, past.look.is_some() && !drag.borrow().active);
    let to_instant = {
        let (scale, node) = (scale.clone(), node.clone());
        move |client_x: f64| {
            let left = node.cast::<Element>().map_or(0.0, |element| element.get_bounding_client_rect().left());
            scale.time(client_x - left + scroll - MARGIN)
        }
    };
    let handlers = Handlers { dispatch: dispatch.clone(), drag, can: props.can.is_ok() };
    let picture = Picture { props, scale: &scale, placed: &placed, scroll, width, head, texts: &texts };
    let zoom_to = |zoom: f64| {
        let sight = sight.clone();
        Callback::from(move |_: MouseEvent| sight.set(Sight { zoom: zoom.clamp(ZOOM.0, ZOOM.1), ..*sight }))
    };
    let fit = sight.zoom * (width - 2.0 * MARGIN).max(60.0) / scale.width().max(1.0);
    use_look_events(&node, scale.clone(), &dispatch);
    html! {
        <div class="track-row">
            <div class="track" ref={node} onwheel={wheel(&sight, scroll, most)}
                onpointerdown={handlers.down(to_instant.clone())} onpointermove={handlers.moves(to_instant)}
                onpointerup={handlers.up()} onpointercancel={handlers.up()}>
                { picture.draw() }
                { slider(props, shown, now, first, &texts, &handlers) }
            </div>
            <span class="zoom" role="group" aria-label={texts.ui("zoom")}>
                <button type="button" class="icon" title={texts.ui("zoom-out")} aria-label={texts.ui("zoom-out")} onclick={zoom_to(sight.zoom / 2.0)}><Icon name="minus" /></button>
                <button type="button" class="icon" title={texts.ui("zoom-in")} aria-label={texts.ui("zoom-in")} onclick={zoom_to(sight.zoom * 2.0)}><Icon name="plus" /></button>
                <button type="button" class="icon" title={texts.ui("zoom-fit")} aria-label={texts.ui("zoom-fit")} onclick={zoom_to(fit)}><Icon name="fit" /></button>
                <super::list::AsList timeline={props.timeline.clone()} past={props.past.clone()} can={props.can} />
            </span>
        </div>
    }
}

fn zoom_bits(zoom: f64) -> u64 {
    zoom.to_bits()
}

/// The left edge of the window: what is now at its right, or the head somewhere in it.
fn window(sight: Sight, most: f64, head: f64, width: f64, keep_head: bool) -> f64 {
    let scroll = if sight.follows && !keep_head { most } else { sight.scroll.min(most) };
    if keep_head {
        // The head stays in sight, with something around it.
        let edge = (width / 6.0).min(80.0);
        return scroll.clamp((head - width + edge).max(0.0), (head - edge).max(0.0)).min(most);
    }
    scroll.max(0.0)
}

/// The wheel scrolls; with Ctrl it magnifies.
fn wheel(sight: &UseStateHandle<Sight>, scroll: f64, most: f64) -> Callback<WheelEvent> {
    let sight = sight.clone();
    Callback::from(move |event: WheelEvent| {
        event.prevent_default();
        if event.ctrl_key() {
            let zoom = sight.zoom * (-event.delta_y() / 300.0).exp();
            sight.set(Sight { zoom: zoom.clamp(ZOOM.0, ZOOM.1), ..*sight });
            return;
        }
        let by = if event.delta_x().abs() > event.delta_y().abs() { event.delta_x() } else { event.delta_y() };
        let to = (scroll + by).clamp(0.0, most);
        sight.set(Sight { scroll: to, follows: to >= most - 1.0, ..*sight });
    })
}

/// What presses and keys do.
struct Handlers {
    dispatch: Dispatch,
    drag: Rc<std::cell::RefCell<Drag>>,
    can: bool,
}

impl Handlers {
    fn down(&self, to_instant: impl Fn(f64) -> SimTime + 'static) -> Callback<PointerEvent> {
        let (drag, can) = (self.drag.clone(), self.can);
        let dispatch = self.dispatch.clone();
        Callback::from(move |event: PointerEvent| {
            if !can || event.button() != 0 {
                return;
            }
            if let Some(track) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
                let _ = track.set_pointer_capture(event.pointer_id());
            }
            let x = f64::from(event.client_x());
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let on_block = target.is_some_and(|target| target.closest(".block").ok().flatten().is_some());
            *drag.borrow_mut() = Drag { begun: x, moved: !on_block, active: true };
            if !on_block {
                dispatch.act(Action::Travel(Travel::Look(LookTo::Time { at: to_instant(x) })));
            }
        })
    }

    fn moves(&self, to_instant: impl Fn(f64) -> SimTime + 'static) -> Callback<PointerEvent> {
        let (drag, dispatch) = (self.drag.clone(), self.dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let mut drag = drag.borrow_mut();
            let x = f64::from(event.client_x());
            if !drag.active || (!drag.moved && (x - drag.begun).abs() < CLICK) {
                return;
            }
            drag.moved = true;
            dispatch.act(Action::Travel(Travel::Look(LookTo::Time { at: to_instant(x) })));
        })
    }

    fn up(&self) -> Callback<PointerEvent> {
        let (drag, dispatch) = (self.drag.clone(), self.dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let was = std::mem::take(&mut *drag.borrow_mut());
            if !was.active || was.moved {
                return;
            }
            // A click on a block chooses its first frame.
            let under = dom::document()
                .and_then(|document| document.element_from_point(event.client_x() as f32, event.client_y() as f32));
            let block = under.and_then(|element| element.closest(".block").ok().flatten());
            if let Some(seq) =
                block.and_then(|block| block.get_attribute("data-first")).and_then(|seq| seq.parse().ok())
            {
                dispatch.act(Action::Select(Select::Frame(seq)));
            }
        })
    }

    fn keys(&self) -> Callback<KeyboardEvent> {
        let (dispatch, can) = (self.dispatch.clone(), self.can);
        Callback::from(move |event: KeyboardEvent| {
            if !can || event.ctrl_key() || event.alt_key() || event.meta_key() {
                return;
            }
            let back = |by| Travel::Look(LookTo::Back { by });
            let forth = |by| Travel::Look(LookTo::Forth { by });
            let travel = match (event.key().as_str(), event.shift_key()) {
                ("ArrowLeft" | "ArrowDown", false) => back(LookUnit::Frame),
                ("ArrowRight" | "ArrowUp", false) => forth(LookUnit::Frame),
                ("ArrowLeft" | "ArrowDown", true) => Travel::ExchangeBack,
                ("ArrowRight" | "ArrowUp", true) => Travel::ExchangeForth,
                ("PageUp", _) => back(LookUnit::Input),
                ("PageDown", _) => forth(LookUnit::Input),
                ("Home", _) => Travel::Look(LookTo::Start),
                ("End" | "Escape", _) => Travel::Now,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            dispatch.act(Action::Travel(travel));
        })
    }
}

/// The head as a slider for the keyboard and for assistive tools; what is seen of it is drawn in the picture.
fn slider(
    props: &Props,
    shown: SimTime,
    now: SimTime,
    first: SimTime,
    texts: &TextsHandle,
    handlers: &Handlers,
) -> Html {
    let look = props.past.look.as_ref();
    let exchange = look.and_then(|look| props.timeline.at(look.seq)).map(|exchange| exchange.title.to_string());
    let at = format::clock(shown);
    let words = match (look, exchange) {
        (None, _) => texts.ui_with("head-now", &[("time", at)]),
        (Some(_), Some(exchange)) => texts.ui_with("head-then-in", &[("time", at), ("exchange", exchange)]),
        (Some(_), None) => texts.ui_with("head-then", &[("time", at)]),
    };
    let millis = |time: SimTime| (time.as_micros() / 1_000).to_string();
    html! {
        <div id="head" class="head-grip" role="slider" tabindex="0" aria-label={texts.ui("head")} aria-valuemin={millis(first)}
            aria-valuemax={millis(now)} aria-valuenow={millis(shown)} aria-valuetext={words}
            aria-disabled={props.can.is_err().to_string()} onkeydown={handlers.keys()} title={super::title(texts, props.can, "head-title")}>
        </div>
    }
}

/// The drawing.
struct Picture<'a> {
    props: &'a Props,
    scale: &'a Scale,
    placed: &'a [Placed],
    scroll: f64,
    width: f64,
    head: f64,
    texts: &'a TextsHandle,
}

impl Picture<'_> {
    fn draw(&self) -> Html {
        let (from, to) = (self.scroll - MARGIN, self.scroll + self.width - MARGIN);
        let shift = format!("translate({:.1} 0)", MARGIN - self.scroll);
        html! {
            <svg width={f(self.width)} height={f(HEIGHT)} role="img" aria-label={self.texts.ui("timeline")}>
                <g transform={shift}>
                    { for self.gaps(from, to) }
                    { for self.blocks(from, to) }
                    { for self.inputs(from, to) }
                    { for self.drops(from, to) }
                </g>
                { self.ends() }
            </svg>
        }
    }

    fn gaps(&self, from: f64, to: f64) -> Vec<Html> {
        let one = |(x, length): (f64, Duration)| {
            html! {
                <g class="gap" key={format!("gap{x:.0}")}>
                    <path d={format!("M{:.1} {LANES_TOP}v{:.0}", x, HEIGHT - LANES_TOP - 4.0)} />
                    <text x={f(x)} y="9" text-anchor="middle">{ silence(self.texts, length) }</text>
                </g>
            }
        };
        self.scale.gaps(from, to).map(one).collect()
    }

    fn blocks(&self, from: f64, to: f64) -> Vec<Html> {
        let timeline = &self.props.timeline;
        let look = self.props.past.look.as_ref().map(|look| look.seq);
        let seen = self.placed.iter().filter(|block| block.x <= to && block.x + block.w >= from);
        let mut drawn = Vec::new();
        let mut ends = [f64::MIN; LANES];
        for block in seen {
            let Some(exchange) = timeline.exchanges.get(block.index) else { continue };
            let end = &mut ends[block.lane.min(LANES - 1)];
            // Many narrow blocks side by side: one stands for those that nobody could tell apart.
            if block.w < 8.0 && block.x - *end < MERGE && block.x + block.w - *end < MERGE {
                continue;
            }
            *end = block.x + block.w;
            let holds = |seq: u64| (exchange.first..=exchange.last).contains(&seq);
            let class = classes!(
                "block",
                proto_class(&exchange.proto),
                self.props.selected.is_some_and(holds).then_some("chosen"),
                exchange.failed.then_some("failed"),
                look.is_some_and(|seq| exchange.first > seq).then_some("later"),
            );
            let frames = self.texts.ui_count("frames", u64::from(exchange.frames));
            let span = format!("{} – {}", format::instant(exchange.start), format::instant(exchange.end));
            let name = label(exchange);
            let y = LANES_TOP + block.lane as f64 * (LANE.0 + LANE.1);
            drawn.push(html! {
                <g key={exchange.id} {class} data-first={exchange.first.to_string()}>
                    <title>{ format!("{name} · {frames} · {span}") }</title>
                    <rect x={f(block.x)} y={f(y)} width={f(block.w)} height={f(LANE.0)} rx="4" />
                    if block.w > 26.0 {
                        <text x={f(block.x.max(from) + 6.0)} y={f(y + 12.0)}>{ fitting(&name, block.x + block.w - block.x.max(from) - 10.0) }</text>
                    }
                </g>
            });
        }
        drawn
    }

    fn inputs(&self, from: f64, to: f64) -> Vec<Html> {
        let mut last = f64::MIN;
        let one = |(index, input): (usize, &netmodes_core::protocol::SessionInput)| {
            let x = self.scale.x(input.at);
            if x < from || x > to || x - last < 3.0 {
                return None;
            }
            last = x;
            let words = words::of(self.texts, &input.command);
            Some(html! {
                <g class="input-mark" key={format!("input{index}")}>
                    <title>{ format!("{words} · {}", format::instant(input.at)) }</title>
                    <path d={format!("M{:.1} 2h7v6h-3.5L{:.1} 11z", x, x)} />
                </g>
            })
        };
        self.props.past.inputs.iter().enumerate().filter_map(one).collect()
    }

    fn drops(&self, from: f64, to: f64) -> Vec<Html> {
        let mut last = f64::MIN;
        let one = |mark: &crate::store::exchange::DropMark| {
            let x = self.scale.x(mark.time);
            if x < from || x > to || x - last < 4.0 {
                return None;
            }
            last = x;
            let why = self.texts.get(&format!("drops.{}.title", mark.reason.code()));
            Some(html! {
                <g class="drop-mark" key={format!("drop{}", mark.seq)}>
                    <title>{ format!("✕ {why} · {}", format::instant(mark.time)) }</title>
                    <path d={format!("M{:.1} {LANES_TOP}V{:.0}", x, HEIGHT - 8.0)} />
                    <path class="cross" d={format!("M{:.1} {:.0}l5 5m0-5l-5 5", x - 2.5, HEIGHT - 7.0)} />
                </g>
            })
        };
        self.props.timeline.drops.iter().filter_map(one).collect()
    }

    /// What is now, and the head.
    fn ends(&self) -> Html {
        let now = self.props.past.look.as_ref().map(|look| self.scale.x(look.past.now) + MARGIN - self.scroll);
        let head = self.head - self.scroll;
        let class = if now.is_some() { "head then" } else { "head" };
        html! {
            <>
                if let Some(now) = now { <path class="now-line" d={format!("M{now:.1} 0V{HEIGHT}")} /> }
                <g {class}>
                    <rect x={f(head - 1.0)} y="0" width="2" height={f(HEIGHT)} />
                    <path d={format!("M{:.1} 0h12v5l-6 6-6-6z", head - 6.0)} />
                </g>
            </>
        }
    }
}

/// A length of silence in one unit.
fn silence(texts: &TextsHandle, length: Duration) -> String {
    let secs = length.as_secs();
    let (value, unit) = match secs {
        86_400.. => (secs / 86_400, "unit-d"),
        3_600.. => (secs / 3_600, "unit-h"),
        _ => (secs / 60, "unit-min"),
    };
    format!("{value} {}", texts.ui(unit))
}

/// As much of a name as fits.
fn fitting(name: &str, room: f64) -> String {
    let most = (room / 6.9).max(0.0) as usize;
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let kept: String = name.chars().take(most.saturating_sub(1)).collect();
    if kept.is_empty() { String::new() } else { kept + "…" }
}

fn f(value: f64) -> String {
    format!("{value:.1}")
}

/// Looks asked for by a script that measures: an event `netmodes:look` at the track whose `detail` is a place from 0 to 1.
#[hook]
fn use_look_events(node: &NodeRef, scale: Rc<Scale>, dispatch: &Dispatch) {
    let latest = use_mut_ref(Scale::default);
    *latest.borrow_mut() = (*scale).clone();
    let (node, dispatch) = (node.clone(), dispatch.clone());
    use_effect_with((), move |()| {
        let listener = node.cast::<HtmlElement>().map(|element| {
            Listener::new(&element, "netmodes:look", move |event| {
                let detail = js_sys::Reflect::get(&event, &"detail".into()).ok().and_then(|detail| detail.as_f64());
                if let Some(part) = detail {
                    let at = latest.borrow().time(part * latest.borrow().width());
                    dispatch.act(Action::Travel(Travel::Look(LookTo::Time { at })));
                }
            })
        });
        move || drop(listener)
    });
}

/// The width of an element, in pixels, kept in step with the page.
#[hook]
fn use_width(node: &NodeRef) -> f64 {
    let width = use_state(|| 300.0);
    {
        let (node, setter) = (node.clone(), width.setter());
        use_effect_with((), move |()| {
            let observer = node.cast::<Element>().and_then(|element| {
                let measured = element.clone();
                dom::Resizes::new(&element, move || setter.set(f64::from(measured.client_width())))
            });
            move || drop(observer)
        });
    }
    *width
}
