//! The canvas over the picture: marks of frames on their cables, and drops where they happen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::drop_reason::DropReason;
use netmodes_core::id::NodeId;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};
use yew::prelude::*;

use super::player::{Player, leap};
use crate::app::{TextsHandle, use_texts};
use crate::dom::{self, NextFrame};
use crate::layout::{Point, Scene};
use crate::shared::Shared;
use crate::store::{AppState, What};

/// What the marks are drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows.
    pub state: Shared<AppState>,
    /// Where the cables run.
    pub scene: Rc<Scene>,
    /// Where the marks are, for whoever is clicked.
    pub hits: Shared<Hits>,
}

/// Where marks were drawn last: the centre in pixels, half the width, the number of the event.
pub type Hits = RefCell<Vec<(Point, f64, u64)>>;

/// The mark at a place, the topmost first.
pub fn mark_at(hits: &Hits, at: Point) -> Option<u64> {
    let hits = hits.borrow();
    let near =
        |(center, half, _): &&(Point, f64, u64)| (center.x - at.x).abs() <= *half && (center.y - at.y).abs() <= 14.0;
    hits.iter().rev().find(near).map(|(_, _, seq)| *seq)
}

/// What the drawing loop holds between two repaints.
#[derive(Default)]
struct Stage {
    player: Player,
    state: Option<Shared<AppState>>,
    scene: Rc<Scene>,
    seed: Option<u64>,
    drops_seen: u64,
    hits: Shared<Hits>,
    words: TextsHandle,
    next: Option<NextFrame>,
}

/// The canvas.
#[component]
pub fn Marks(props: &Props) -> Html {
    let canvas = use_node_ref();
    let stage = use_mut_ref(Stage::default);
    let texts = use_texts();
    {
        let mut stage = stage.borrow_mut();
        let seed = props.state.lab.as_ref().map(|lab| lab.seed);
        if stage.seed != seed || props.state.frames.is_empty() {
            stage.player.clear();
            stage.seed = seed;
            stage.drops_seen = props.state.outcomes.dropped;
        }
        stage.words = texts;
        stage.hits = props.hits.clone();
        stage.scene = props.scene.clone();
        let now = dom::now_ms();
        stage.player.take(props.state.frames.iter().rev(), &props.state.clock, now);
        note_drops(&mut stage, &props.state, now);
        stage.state = Some(props.state.clone());
    }
    {
        let (canvas, stage) = (canvas.clone(), stage.clone());
        use_effect(move || run(&canvas, &stage));
    }
    html! { <canvas ref={canvas} class="stage-marks" aria-hidden="true"></canvas> }
}

fn note_drops(stage: &mut Stage, state: &AppState, now: f64) {
    for (frame, outcome) in state.outcomes.drops_after(stage.drops_seen) {
        if let What::Dropped(reason) = outcome.what {
            stage.player.dropped(*frame, outcome.node, reason, now);
        }
    }
    stage.drops_seen = state.outcomes.dropped;
}

/// Draws now, and again before the next repaint as long as something is on the way.
fn run(canvas: &NodeRef, stage: &Rc<RefCell<Stage>>) {
    if stage.borrow().next.is_some() {
        return;
    }
    paint(canvas, &mut stage.borrow_mut());
    if stage.borrow().player.is_idle() {
        return;
    }
    let (canvas, again) = (canvas.clone(), stage.clone());
    let next = NextFrame::new(move |_| {
        again.borrow_mut().next = None;
        run(&canvas, &again);
    });
    stage.borrow_mut().next = next;
}

/// From the scene's units to the canvas's pixels, as `preserveAspectRatio="xMidYMid meet"` does.
struct Fit {
    scale: f64,
    dx: f64,
    dy: f64,
}

impl Fit {
    fn new(scene: &Scene, width: f64, height: f64) -> Self {
        let scale = (width / scene.width.max(1.0)).min(height / scene.height.max(1.0));
        Self { scale, dx: (width - scene.width * scale) / 2.0, dy: (height - scene.height * scale) / 2.0 }
    }

    fn place(&self, point: Point) -> Point {
        Point::new(point.x * self.scale + self.dx, point.y * self.scale + self.dy)
    }
}

fn paint(canvas: &NodeRef, stage: &mut Stage) {
    let Some(canvas) = canvas.cast::<HtmlCanvasElement>() else { return };
    let Some(context) = context_of(&canvas) else { return };
    let ratio = dom::window().map_or(1.0, |window| window.device_pixel_ratio()).max(1.0);
    let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
    let (pixels_w, pixels_h) = ((width * ratio) as u32, (height * ratio) as u32);
    if canvas.width() != pixels_w || canvas.height() != pixels_h {
        canvas.set_width(pixels_w);
        canvas.set_height(pixels_h);
    }
    let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    context.clear_rect(0.0, 0.0, width, height);
    let Some(state) = stage.state.clone() else { return };
    let now = dom::now_ms();
    let fit = Fit::new(&stage.scene, width, height);
    let colors = Colors { canvas: &canvas, known: RefCell::default() };
    let still = dom::less_motion();
    let mut hits = Vec::new();
    for mark in stage.player.draw(&state.clock, now) {
        let Some(path) = stage.scene.paths.iter().find(|path| path.link == Some(mark.link)) else { continue };
        let progress = if still { leap(mark.progress) } else { mark.progress };
        let forward = path.from == mark.from;
        let at = fit.place(path.at(if forward { progress } else { 1.0 - progress }));
        let summary = mark.entry.summary();
        let chosen = state.selection.frame == Some(mark.entry.seq);
        let half = pill(&context, &colors, at, &summary.proto, chosen);
        hits.push((at, half, mark.entry.seq));
    }
    *stage.hits.borrow_mut() = hits;
    let mut at_node: BTreeMap<NodeId, f64> = BTreeMap::new();
    for (burst, fresh) in stage.player.bursts(now) {
        if let Some(place) = stage.scene.place_of(burst.node) {
            // Below the box, one below the other, never out of sight.
            let above = at_node.entry(burst.node).or_default();
            let below = fit.place(Point::new(place.center().x, place.y + place.h));
            let y = (below.y + 16.0 + *above).min(height - 16.0 - *above);
            *above += 28.0;
            note(&context, &colors, Point::new(below.x, y), &words_of(&stage.words, burst.reason), fresh, width);
        }
    }
}

/// The title of a drop reason's explanation.
fn words_of(texts: &TextsHandle, reason: DropReason) -> String {
    texts.get(&format!("drops.{}.title", reason.code())).to_string()
}

fn context_of(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// The theme's colours as they are at this repaint; each is asked for once.
struct Colors<'a> {
    canvas: &'a HtmlCanvasElement,
    known: RefCell<BTreeMap<String, String>>,
}

impl Colors<'_> {
    fn of(&self, name: &str) -> String {
        let ask = || dom::property_of(self.canvas, name).unwrap_or_else(|| "#888".to_owned());
        self.known.borrow_mut().entry(name.to_owned()).or_insert_with(ask).clone()
    }
}

fn rounded(context: &CanvasRenderingContext2d, x: f64, y: f64, w: f64, h: f64, r: f64) {
    context.begin_path();
    context.move_to(x + r, y);
    let _ = context.arc_to(x + w, y, x + w, y + h, r);
    let _ = context.arc_to(x + w, y + h, x, y + h, r);
    let _ = context.arc_to(x, y + h, x, y, r);
    let _ = context.arc_to(x, y, x + w, y, r);
    context.close_path();
}

/// A pill with the protocol's name; returns half its width. The chosen one has a ring.
fn pill(context: &CanvasRenderingContext2d, colors: &Colors<'_>, at: Point, proto: &str, chosen: bool) -> f64 {
    context.set_font("700 11px system-ui, sans-serif");
    let text = context.measure_text(proto).map_or(28.0, |metrics| metrics.width());
    let (w, h) = (text + 16.0, 20.0);
    let name = match proto {
        "ARP" | "DHCP" | "ICMP" | "UDP" | "TCP" | "DNS" | "HTTP" | "STP" => format!("--{}", proto.to_lowercase()),
        _ => "--stp".to_owned(),
    };
    if chosen {
        rounded(context, at.x - w / 2.0 - 4.0, at.y - h / 2.0 - 4.0, w + 8.0, h + 8.0, h / 2.0 + 4.0);
        context.set_fill_style_str(&colors.of("--stage"));
        context.fill();
        context.set_line_width(2.5);
        context.set_stroke_style_str(&colors.of("--ink"));
        context.stroke();
    }
    rounded(context, at.x - w / 2.0, at.y - h / 2.0, w, h, h / 2.0);
    context.set_fill_style_str(&colors.of(&name));
    context.fill();
    context.set_line_width(1.5);
    context.set_stroke_style_str(&colors.of("--stage"));
    context.stroke();
    context.set_fill_style_str(&colors.of("--on-proto"));
    context.set_text_align("center");
    context.set_text_baseline("middle");
    let _ = context.fill_text(proto, at.x, at.y + 0.5);
    w / 2.0 + 4.0
}

/// A sentence at the place where something ended.
fn note(context: &CanvasRenderingContext2d, colors: &Colors<'_>, at: Point, words: &str, fresh: f64, width: f64) {
    context.set_font("600 12.5px system-ui, sans-serif");
    let text = format!("✕ {words}");
    let w = context.measure_text(&text).map_or(80.0, |metrics| metrics.width()) + 20.0;
    let x = (at.x - w / 2.0).clamp(4.0, (width - w - 4.0).max(4.0));
    context.set_global_alpha((fresh * 3.0).clamp(0.0, 1.0));
    rounded(context, x, at.y - 12.0, w, 24.0, 12.0);
    context.set_fill_style_str(&colors.of("--bad-soft"));
    context.fill();
    context.set_line_width(1.0);
    context.set_stroke_style_str(&colors.of("--bad"));
    context.stroke();
    context.set_fill_style_str(&colors.of("--bad"));
    context.set_text_align("left");
    context.set_text_baseline("middle");
    let _ = context.fill_text(&text, x + 10.0, at.y + 0.5);
    context.set_global_alpha(1.0);
}
