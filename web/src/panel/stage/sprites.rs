//! Pills of marks, drawn once for each protocol, theme and scale, and then only copied; and the sentences of drops.

use std::collections::BTreeMap;

use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::dom;
use crate::layout::{Point, Rect};

/// Pills kept; more kinds than this there are not.
const SPRITES_MAX: usize = 256;
/// Least and greatest scale of pills: they stay readable when the picture is small, and modest when it is large.
const SCALES: (f64, f64) = (0.62, 1.35);
/// Steps of the scale: pills are drawn anew only when it changes by one.
const STEPS: f64 = 12.0;

/// How a pill is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// As all are.
    Plain,
    /// With the ring of the chosen one.
    Chosen,
    /// Small and pale: what runs by itself in every network.
    Quiet,
}

/// A pill.
pub(super) struct Sprite {
    canvas: HtmlCanvasElement,
    /// Half of its width and height, in CSS pixels.
    half: Point,
}

/// All that is drawn once.
#[derive(Default)]
pub(super) struct Sprites {
    colors: BTreeMap<&'static str, String>,
    pills: BTreeMap<(u16, Look), Sprite>,
    widths: BTreeMap<String, f64>,
    family: Option<String>,
    scale: f64,
    ratio: f64,
}

impl Sprites {
    /// Forgets all: another theme.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is drawn from now on has this scale and so many device pixels for each of CSS.
    pub(super) fn prepare(&mut self, scale: f64, ratio: f64) {
        let scale = (scale.clamp(SCALES.0, SCALES.1) * STEPS).round() / STEPS;
        if scale != self.scale || ratio != self.ratio {
            self.pills.clear();
            self.scale = scale;
            self.ratio = ratio;
        }
    }

    /// A colour of the theme; asked for once.
    pub(super) fn color(&mut self, canvas: &HtmlCanvasElement, name: &'static str) -> String {
        let ask = || dom::property_of(canvas, name).unwrap_or_else(|| "#888".to_owned());
        self.colors.entry(name).or_insert_with(ask).clone()
    }

    /// The family of the page's words.
    fn family(&mut self, canvas: &HtmlCanvasElement) -> String {
        let ask = || dom::property_of(canvas, "--font").unwrap_or_else(|| "system-ui, sans-serif".to_owned());
        self.family.get_or_insert_with(ask).clone()
    }

    /// Draws a pill around a place; returns half of its width.
    pub(super) fn pill(
        &mut self,
        on: (&HtmlCanvasElement, &CanvasRenderingContext2d),
        at: Point,
        (number, name): (u16, &str),
        look: Look,
    ) -> f64 {
        if !self.pills.contains_key(&(number, look)) {
            if self.pills.len() >= SPRITES_MAX {
                self.pills.clear();
            }
            let Some(made) = self.draw(on.0, name, look) else { return 0.0 };
            self.pills.insert((number, look), made);
        }
        let Some(sprite) = self.pills.get(&(number, look)) else { return 0.0 };
        let (x, y) = (at.x - sprite.half.x, at.y - sprite.half.y);
        let (w, h) = (sprite.half.x * 2.0, sprite.half.y * 2.0);
        let _ = on.1.draw_image_with_html_canvas_element_and_dw_and_dh(&sprite.canvas, x, y, w, h);
        sprite.half.x
    }

    fn draw(&mut self, on: &HtmlCanvasElement, name: &str, look: Look) -> Option<Sprite> {
        let canvas: HtmlCanvasElement = dom::document()?.create_element("canvas").ok()?.dyn_into().ok()?;
        let context = context_of(&canvas)?;
        let size = self.scale * if look == Look::Quiet { 0.74 } else { 1.0 };
        let font = format!("700 {:.1}px {}", 11.0 * size, self.family(on));
        context.set_font(&font);
        let text = context.measure_text(name).map_or(28.0, |metrics| metrics.width());
        let (w, h) = (text + 14.0 * size, 19.0 * size);
        // Room around for the ring.
        let room = 6.0;
        let (all_w, all_h) = (w + 2.0 * room, h + 2.0 * room);
        canvas.set_width((all_w * self.ratio).ceil() as u32);
        canvas.set_height((all_h * self.ratio).ceil() as u32);
        let _ = context.scale(self.ratio, self.ratio);
        if look == Look::Chosen {
            rounded(&context, Rect::new(2.0, 2.0, w + 8.0, h + 8.0), h / 2.0 + 4.0);
            context.set_fill_style_str(&self.color(on, "--stage"));
            context.fill();
            context.set_line_width(2.5);
            context.set_stroke_style_str(&self.color(on, "--ink"));
            context.stroke();
        }
        if look == Look::Quiet {
            context.set_global_alpha(0.62);
        }
        rounded(&context, Rect::new(room, room, w, h), h / 2.0);
        context.set_fill_style_str(&self.color(on, variable(name)));
        context.fill();
        context.set_line_width(1.5);
        context.set_stroke_style_str(&self.color(on, "--stage"));
        context.stroke();
        // A canvas forgets its font when its size is set.
        context.set_font(&font);
        context.set_fill_style_str(&self.color(on, "--on-proto"));
        context.set_text_align("center");
        context.set_text_baseline("middle");
        let _ = context.fill_text(name, room + w / 2.0, room + h / 2.0 + 0.5);
        // The device's pixels are whole: what is drawn is exactly as large as the canvas.
        let half = Point::new(f64::from(canvas.width()), f64::from(canvas.height()));
        Some(Sprite { half: Point::new(half.x / self.ratio / 2.0, half.y / self.ratio / 2.0), canvas })
    }

    /// How wide a drop's sentence is.
    pub(super) fn width_of(&mut self, on: (&HtmlCanvasElement, &CanvasRenderingContext2d), text: &str) -> f64 {
        if let Some(width) = self.widths.get(text) {
            return *width;
        }
        on.1.set_font(&format!("{NOTE_FONT} {}", self.family(on.0)));
        let width = on.1.measure_text(text).map_or(80.0, |metrics| metrics.width()) + 22.0;
        if self.widths.len() >= SPRITES_MAX {
            self.widths.clear();
        }
        self.widths.insert(text.to_owned(), width);
        width
    }

    /// Draws a drop's sentence; `fresh` is 1 when it is new and 0 when it goes.
    pub(super) fn note(
        &mut self,
        on: (&HtmlCanvasElement, &CanvasRenderingContext2d),
        rect: Rect,
        text: &str,
        fresh: f64,
    ) {
        let context = on.1;
        context.set_font(&format!("{NOTE_FONT} {}", self.family(on.0)));
        context.set_global_alpha((fresh * 4.0).clamp(0.0, 1.0));
        rounded(context, rect, rect.h / 2.0);
        context.set_fill_style_str(&self.color(on.0, "--bad-soft"));
        context.fill();
        context.set_line_width(1.0);
        context.set_stroke_style_str(&self.color(on.0, "--bad"));
        context.stroke();
        context.set_fill_style_str(&self.color(on.0, "--bad"));
        context.set_text_align("left");
        context.set_text_baseline("middle");
        let _ = context.fill_text(text, rect.x + 11.0, rect.y + rect.h / 2.0 + 0.5);
        context.set_global_alpha(1.0);
    }

    /// Says which box a drop's sentence is about: its outline, and a line to the sentence.
    pub(super) fn pointer(
        &mut self,
        on: (&HtmlCanvasElement, &CanvasRenderingContext2d),
        anchor: Rect,
        note: Rect,
        fresh: f64,
    ) {
        let context = on.1;
        context.set_global_alpha((fresh * 4.0).clamp(0.0, 1.0));
        context.set_stroke_style_str(&self.color(on.0, "--bad"));
        context.set_line_width(2.0);
        rounded(context, anchor, 8.0_f64.min(anchor.h / 2.0));
        context.stroke();
        let (from, to) = (anchor.nearest(note.center()), note.nearest(anchor.center()));
        context.set_line_width(1.5);
        context.begin_path();
        context.move_to(from.x, from.y);
        context.line_to(to.x, to.y);
        context.stroke();
        context.set_global_alpha(1.0);
    }

    /// A ring that opens where something has just ended.
    pub(super) fn ring(&mut self, on: (&HtmlCanvasElement, &CanvasRenderingContext2d), at: Point, age: f64) {
        let context = on.1;
        context.set_global_alpha((1.0 - age).clamp(0.0, 1.0));
        context.set_line_width(2.5);
        context.set_stroke_style_str(&self.color(on.0, "--bad"));
        context.begin_path();
        let _ = context.arc(at.x, at.y, 6.0 + 22.0 * age, 0.0, core::f64::consts::TAU);
        context.stroke();
        context.set_global_alpha(1.0);
    }
}

const NOTE_FONT: &str = "600 12.5px";

/// The token of a protocol's colour.
fn variable(proto: &str) -> &'static str {
    match proto {
        "ARP" => "--arp",
        "DHCP" => "--dhcp",
        "ICMP" => "--icmp",
        "UDP" => "--udp",
        "TCP" => "--tcp",
        "DNS" => "--dns",
        "HTTP" => "--http",
        _ => "--stp",
    }
}

/// The canvas's context.
pub(super) fn context_of(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

fn rounded(context: &CanvasRenderingContext2d, rect: Rect, r: f64) {
    let (x, y, w, h) = (rect.x, rect.y, rect.w, rect.h);
    context.begin_path();
    context.move_to(x + r, y);
    let _ = context.arc_to(x + w, y, x + w, y + h, r);
    let _ = context.arc_to(x + w, y + h, x, y + h, r);
    let _ = context.arc_to(x, y + h, x, y, r);
    let _ = context.arc_to(x, y, x + w, y, r);
    context.close_path();
}
