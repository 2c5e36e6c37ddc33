//! The canvas over the picture: marks of frames on their cables, and drops where they happen.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::time::SimTime;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::bench::Bench;
use super::player::{DROP_MS, Place, Player, leap};
use super::sprites::{Look, Sprites, context_of};
use super::view::View;
use crate::app::{TextsHandle, use_texts};
use crate::dom::{self, NextFrame};
use crate::layout::{Camera, CardKind, Point, Rect, Scene, place_note};
use crate::shared::Shared;
use crate::store::{AppState, Theme, What};

/// How long the ring of a drop opens, in milliseconds.
const RING_MS: f64 = 600.0;
/// The corner that the buttons of the camera take, in pixels.
const TOOLS: (f64, f64) = (140.0, 56.0);
/// At an earlier instant, how long ago in lab time a drop may be to be seen.
const DROP_SEEN: Duration = Duration::from_millis(20);

/// What the marks are drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Everything the page knows.
    pub(super) state: Shared<AppState>,
    /// Where the cables run.
    pub(super) scene: Rc<Scene>,
    /// The camera.
    pub(super) view: Shared<View>,
    /// Where the marks are, for whoever is clicked.
    pub(super) hits: Shared<Hits>,
}

/// Where marks were drawn last: the centre in pixels, half the width, the number of the event.
pub(super) type Hits = RefCell<Vec<(Point, f64, u64)>>;

/// The mark at a place, the topmost first.
pub(super) fn mark_at(hits: &Hits, at: Point) -> Option<u64> {
    let hits = hits.borrow();
    let near =
        |(center, half, _): &&(Point, f64, u64)| (center.x - at.x).abs() <= *half && (center.y - at.y).abs() <= 14.0;
    hits.iter().rev().find(near).map(|(_, _, seq)| *seq)
}

/// What the drawing loop holds between two repaints.
#[derive(Default)]
struct Stage {
    player: Player,
    sprites: Sprites,
    state: Option<Shared<AppState>>,
    scene: Rc<Scene>,
    view: Shared<View>,
    seed: Option<u64>,
    drops_seen: u64,
    /// The earlier instant that is shown.
    past: Option<(u64, SimTime)>,
    hits: Shared<Hits>,
    words: TextsHandle,
    theme: Option<(Theme, bool)>,
    still: bool,
    bench: Option<Bench>,
    next: Option<NextFrame>,
}

/// The canvas.
#[component]
pub(super) fn Marks(props: &Props) -> Html {
    let canvas = use_node_ref();
    let stage = use_mut_ref(|| Stage { bench: Bench::asked(), ..Stage::default() });
    let texts = use_texts();
    {
        let mut stage = stage.borrow_mut();
        let seed = props.state.lab.as_ref().map(|lab| lab.seed);
        if stage.seed != seed || props.state.frames.is_empty() {
            stage.player.clear();
            stage.seed = seed;
            stage.drops_seen = props.state.outcomes.dropped;
        }
        let theme = Some((props.state.theme, dom::prefers_dark()));
        if stage.theme != theme {
            stage.theme = theme;
            stage.sprites.forget();
        }
        stage.still = dom::less_motion();
        stage.words = texts;
        stage.hits = props.hits.clone();
        stage.scene = props.scene.clone();
        stage.view = props.view.clone();
        let now = dom::now_ms();
        move_on(&mut stage, &props.state, now);
        stage.state = Some(props.state.clone());
    }
    {
        let (canvas, stage) = (canvas.clone(), stage.clone());
        let view = props.view.clone();
        use_effect_with((), move |()| {
            let paint = Callback::from(move |()| run(&canvas, &stage));
            *view.paint.borrow_mut() = Some(paint);
            move || *view.paint.borrow_mut() = None
        });
    }
    {
        let (canvas, stage) = (canvas.clone(), stage.clone());
        use_effect(move || run(&canvas, &stage));
    }
    html! { <canvas ref={canvas} class="stage-marks" aria-hidden="true"></canvas> }
}

/// What set out since the last look at the log; at an earlier instant, what was on its way then.
fn move_on(stage: &mut Stage, state: &AppState, now: f64) {
    if let Some(look) = &state.past.look {
        let place = Some((look.seq, look.at));
        if stage.past != place {
            stage.past = place;
            let flying = look.past.in_flight.iter().filter_map(|seq| state.frames.get(*seq));
            stage.player.stand(flying, look.at, now);
            // Drops of just then burst again.
            let just = |time: SimTime| look.at.since(time) <= DROP_SEEN;
            for (frame, outcome) in state.outcomes.drops_after(0).filter(|(_, outcome)| just(outcome.time)) {
                if let What::Dropped(reason) = outcome.what {
                    stage.player.dropped(*frame, outcome.node, reason, false, now);
                }
            }
        }
        return;
    }
    let newest = state.frames.last().map_or(0, |entry| entry.seq);
    // Back from an earlier instant, or an input was taken back: what is known already does not set out again.
    if stage.past.take().is_some() || newest < stage.player.seen() {
        stage.player.skip_to(newest);
        stage.drops_seen = state.outcomes.dropped;
    }
    stage.player.take(state.frames.iter().rev(), &state.clock, now);
    note_drops(stage, state, now);
}

fn note_drops(stage: &mut Stage, state: &AppState, now: f64) {
    let chosen = state.selection.frame.and_then(|seq| state.frames.get(seq)).map(|entry| entry.sent.frame);
    for (frame, outcome) in state.outcomes.drops_after(stage.drops_seen) {
        if let What::Dropped(reason) = outcome.what {
            let is_chosen = frame.is_some() && *frame == chosen;
            stage.player.dropped(*frame, outcome.node, reason, is_chosen, now);
        }
    }
    stage.drops_seen = state.outcomes.dropped;
}

/// Draws now, and again before the next repaint as long as something moves.
fn run(canvas: &NodeRef, stage: &Rc<RefCell<Stage>>) {
    if stage.borrow().next.is_some() {
        return;
    }
    if !paint(canvas, &mut stage.borrow_mut()) {
        return;
    }
    let (canvas, again) = (canvas.clone(), stage.clone());
    let next = NextFrame::new(move |_| {
        let done = again.borrow_mut().next.take();
        run(&canvas, &again);
        // This closure runs inside what is dropped: not before it is through.
        wasm_bindgen_futures::spawn_local(async move { drop(done) });
    });
    stage.borrow_mut().next = next;
}

/// Paints all; whether the next repaint will show something else.
fn paint(canvas: &NodeRef, stage: &mut Stage) -> bool {
    let Some(canvas) = canvas.cast::<HtmlCanvasElement>() else { return false };
    let Some(context) = context_of(&canvas) else { return false };
    let Some(state) = stage.state.clone() else { return false };
    let now = dom::now_ms();
    if let Some(bench) = &mut stage.bench {
        bench.begin(&mut stage.player, &stage.scene, now);
    }
    let ratio = dom::window().map_or(1.0, |window| window.device_pixel_ratio()).max(1.0);
    let size = stage.view.size();
    let (pixels_w, pixels_h) = ((size.w * ratio) as u32, (size.h * ratio) as u32);
    if canvas.width() != pixels_w || canvas.height() != pixels_h {
        canvas.set_width(pixels_w);
        canvas.set_height(pixels_h);
    }
    let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    context.clear_rect(0.0, 0.0, size.w, size.h);
    let camera = stage.view.camera();
    stage.sprites.prepare(camera.scale, ratio);
    let on = (&canvas, &context);
    let (scene, sprites, still) = (&stage.scene, &mut stage.sprites, stage.still);
    let chosen = state.selection.frame;
    let mut hits = stage.hits.borrow_mut();
    hits.clear();
    let names = core::mem::take(&mut stage.player.protos);
    stage.player.draw(&state.clock, now, |mark, place| {
        let (path, progress) = match place {
            Place::Cable(progress) => (scene.path(mark.link), progress),
            Place::Inner(a, b, progress) => (scene.inner(a).or_else(|| scene.inner(b)), progress),
        };
        let Some(path) = path else { return };
        let progress = if still { leap(progress) } else { progress };
        let forward = match place {
            Place::Cable(_) => path.from == mark.from,
            Place::Inner(a, ..) => path.from.node == a,
        };
        let along = if forward { progress } else { 1.0 - progress };
        let seen = path.track.seen(along);
        if seen <= 0.0 {
            return;
        }
        let at = camera.place(path.track.at(along));
        let look = if chosen == Some(mark.seq) {
            Look::Chosen
        } else if mark.quiet {
            Look::Quiet
        } else {
            Look::Plain
        };
        context.set_global_alpha(seen);
        let name = names.get(usize::from(mark.proto)).map_or("", String::as_str);
        let half = sprites.pill(on, at, (mark.proto, name), look);
        hits.push((at, half, mark.seq));
    });
    context.set_global_alpha(1.0);
    stage.player.protos = names;
    drop(hits);
    drops(stage, on, camera, now);
    if let Some(bench) = &mut stage.bench {
        bench.end(&canvas, stage.player.len());
        return true;
    }
    !stage.player.is_still(&state.clock, now)
}

/// Rings and sentences of drops.
fn drops(stage: &mut Stage, on: (&HtmlCanvasElement, &web_sys::CanvasRenderingContext2d), camera: Camera, now: f64) {
    let mut bursts = stage.player.bursts(now).peekable();
    if bursts.peek().is_none() {
        return;
    }
    let view = stage.view.size();
    let on_view = |rect: Rect| {
        let at = camera.place(Point::new(rect.x, rect.y));
        Rect::new(at.x, at.y, rect.w * camera.scale, rect.h * camera.scale)
    };
    let mut taken: Vec<Rect> = stage.scene.cards.iter().map(|card| on_view(card.rect)).collect();
    taken.extend(stage.scene.hosts.iter().map(|host| on_view(host.panel)));
    taken.push(Rect::new(view.w - TOOLS.0, view.h - TOOLS.1, TOOLS.0, TOOLS.1));
    let mut told = Vec::new();
    for burst in bursts {
        let Some(anchor) = anchor(&stage.scene, burst.node) else { continue };
        let anchor = on_view(anchor);
        let mut text = format!("✕ {}", stage.words.get(&format!("drops.{}.title", burst.reason.code())));
        if burst.times > 1 {
            text.push_str(&format!(" ×{}", burst.times));
        }
        let width = stage.sprites.width_of(on, &text);
        let rect = place_note(anchor, width, &taken, view);
        taken.push(rect);
        let age = (now - burst.last) / RING_MS;
        if (0.0..1.0).contains(&age) && !stage.still {
            stage.sprites.ring(on, anchor.center(), age);
        }
        let fresh = 1.0 - (now - burst.last) / DROP_MS;
        stage.sprites.pointer(on, anchor, rect, fresh);
        // The outline passes behind plugs: their numbers are to be read.
        for plug in stage.scene.cards.iter().filter(|card| card.node == burst.node).flat_map(|card| &card.plugs) {
            let half = plug.half();
            let on_plug = on_view(Rect::new(plug.at.x - half, plug.at.y - half, 2.0 * half, 2.0 * half));
            on.1.clear_rect(on_plug.x, on_plug.y, on_plug.w, on_plug.h);
        }
        told.push((rect, text, fresh));
    }
    for (rect, text, fresh) in told {
        stage.sprites.note(on, rect, &text, fresh);
    }
}

/// The box that stands for a node: for a host its card on the edge, not its whole frame.
fn anchor(scene: &Scene, node: NodeId) -> Option<Rect> {
    let nic = scene.cards.iter().rfind(|card| card.node == node && matches!(card.kind, CardKind::HostNic(_)));
    nic.map(|card| card.rect).or_else(|| scene.place_of(node))
}
