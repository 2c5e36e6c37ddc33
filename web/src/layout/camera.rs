//! Which part of the picture is seen, and how large: one camera for the SVG and for the canvas of marks.

use super::{Point, Rect};

/// A size in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Size {
    /// Something can be seen in it: what is hidden has no width or no height.
    pub fn is_some(self) -> bool {
        self.w >= 1.0 && self.h >= 1.0
    }
}

/// The least and the greatest scale a reader can choose.
const SCALES: (f64, f64) = (0.2, 4.0);
/// Largest scale that is chosen by itself: small labs do not become huge.
const FIT_MAX: f64 = 1.25;
/// Least scale that is chosen by itself: words stay readable, and the rest is reached by a swipe.
const FIT_MIN: f64 = 0.7;
/// Below the picture: room for the buttons that zoom.
const FOOT: f64 = 38.0;
/// Narrower views than this begin at the host.
const NARROW: f64 = 700.0;
/// How much of the picture stays in sight, in pixels, wherever one pans.
const KEEP: f64 = 80.0;

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The place of the scene in the view's upper left corner.
    pub origin: Point,
    /// Pixels a unit.
    pub scale: f64,
    /// It follows the scene and the view: the reader has not panned or zoomed.
    pub fitted: bool,
}

impl Default for Camera {
    fn default() -> Self {
        Self { origin: Point::default(), scale: 1.0, fitted: true }
    }
}

impl Camera {
    /// All of the scene in the view; in a narrow view at a readable scale, from `first` (the host) on.
    pub fn fit(scene: Size, first: Option<Rect>, view: Size) -> Self {
        let (w, h) = (scene.w.max(1.0), scene.h.max(1.0));
        let view = Size { w: view.w, h: (view.h - FOOT).max(1.0) };
        let whole = (view.w / w).min(view.h / h);
        if view.w >= NARROW || whole >= FIT_MIN {
            let scale = whole.clamp(SCALES.0, FIT_MAX);
            let origin = Point::new((w - view.w / scale) / 2.0, (h - view.h / scale) / 2.0);
            return Self { origin, scale, fitted: true };
        }
        let scale = (view.h / h).clamp(FIT_MIN, 0.9);
        let first = first.unwrap_or(Rect::new(0.0, 0.0, w, h));
        let x = if first.w * scale <= view.w { first.center().x - view.w / scale / 2.0 } else { first.x - 6.0 / scale };
        let y = if h * scale <= view.h { (h - view.h / scale) / 2.0 } else { first.y - 6.0 / scale };
        Self { origin: Point::new(x, y), scale, fitted: true }
    }

    /// Where a place of the scene is in the view, in pixels.
    pub fn place(&self, at: Point) -> Point {
        Point::new((at.x - self.origin.x) * self.scale, (at.y - self.origin.y) * self.scale)
    }

    /// Which place of the scene is at a place of the view.
    pub fn scene(&self, at: Point) -> Point {
        Point::new(at.x / self.scale + self.origin.x, at.y / self.scale + self.origin.y)
    }

    /// SVG's `viewBox` for a view of this size.
    pub fn view_box(&self, view: Size) -> String {
        let (w, h) = (view.w / self.scale, view.h / self.scale);
        format!("{:.2} {:.2} {:.2} {:.2}", self.origin.x, self.origin.y, w, h)
    }

    /// Larger by `factor`, around a place of the view that stays where it is.
    pub fn zoomed(self, factor: f64, at: Point) -> Self {
        let fixed = self.scene(at);
        let scale = (self.scale * factor).clamp(SCALES.0, SCALES.1);
        let origin = Point::new(fixed.x - at.x / scale, fixed.y - at.y / scale);
        Self { origin, scale, fitted: false }
    }

    /// Moved by so many pixels: what was at the pointer goes with it.
    pub fn panned(self, dx: f64, dy: f64) -> Self {
        let origin = Point::new(self.origin.x - dx / self.scale, self.origin.y - dy / self.scale);
        Self { origin, fitted: false, ..self }
    }

    /// The view has another size: what was in its middle still is.
    pub fn resized(self, from: Size, to: Size) -> Self {
        let fitted = self.fitted;
        Self { fitted, ..self.panned((to.w - from.w) / 2.0, (to.h - from.h) / 2.0) }
    }

    /// Whether a view of the first size became another kind of view, phone or desk: what a reader saw there says nothing
    /// of what is to be seen here.
    pub fn is_other_view(from: Size, to: Size) -> bool {
        (from.w >= NARROW) != (to.w >= NARROW)
    }

    /// Some of the picture stays in sight.
    pub fn kept(self, scene: Size, view: Size) -> Self {
        let keep = KEEP / self.scale;
        let clamp = |at: f64, whole: f64, seen: f64| {
            let (low, high) = (keep - seen, whole - keep);
            if low <= high { at.clamp(low, high) } else { f64::midpoint(low, high) }
        };
        let x = clamp(self.origin.x, scene.w, view.w / self.scale);
        let y = clamp(self.origin.y, scene.h, view.h / self.scale);
        Self { origin: Point::new(x, y), ..self }
    }

    /// Moved just so far that a place with some room around it is seen.
    pub fn showing(self, rect: Rect, view: Size) -> Self {
        let (a, b) = (self.place(Point::new(rect.x, rect.y)), self.place(Point::new(rect.right(), rect.bottom())));
        let shift = |low: f64, high: f64, room: f64| {
            if low < 8.0 {
                8.0 - low
            } else if high > room - 8.0 {
                (room - 8.0 - high).max(8.0 - low)
            } else {
                0.0
            }
        };
        let (dx, dy) = (shift(a.x, b.x, view.w), shift(a.y, b.y, view.h));
        if dx == 0.0 && dy == 0.0 { self } else { self.panned(dx, dy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: Size = Size { w: 1_200.0, h: 400.0 };

    #[test]
    fn all_of_the_scene_is_in_a_wide_view_and_in_its_middle() {
        let view = Size { w: 1_140.0, h: 460.0 };
        let camera = Camera::fit(SCENE, None, view);
        let (a, b) = (camera.place(Point::default()), camera.place(Point::new(SCENE.w, SCENE.h)));
        assert!(a.x >= -0.01 && a.y >= -0.01 && b.x <= view.w + 0.01 && b.y <= view.h + 0.01, "{a:?} {b:?}");
        assert!(view.h - b.y >= FOOT - 0.01, "the buttons cover nothing");
    }

    #[test]
    fn a_phone_begins_at_the_host_at_a_readable_scale() {
        let host = Rect::new(14.0, 14.0, 700.0, 380.0);
        let camera = Camera::fit(SCENE, Some(host), Size { w: 390.0, h: 430.0 });
        assert!(camera.scale >= FIT_MIN);
        assert!((0.0..20.0).contains(&camera.place(Point::new(host.x, host.y)).x));
    }

    #[test]
    fn zooming_leaves_the_place_under_the_pointer_where_it_is_and_has_bounds() {
        let at = Point::new(300.0, 120.0);
        let camera = Camera::default();
        let before = camera.scene(at);
        for factor in [1.3, 0.5, 100.0, 0.000_1] {
            let zoomed = camera.zoomed(factor, at);
            assert!(zoomed.scene(at).distance(before) < 1e-6);
            assert!((SCALES.0..=SCALES.1).contains(&zoomed.scale));
        }
    }

    #[test]
    fn places_and_pixels_are_one_another_s_inverse_and_the_view_box_agrees() {
        let camera = Camera { origin: Point::new(10.0, -5.0), scale: 0.8, fitted: false };
        let at = Point::new(123.0, 45.0);
        assert!(camera.scene(camera.place(at)).distance(at) < 1e-9);
        assert_eq!(camera.view_box(Size { w: 800.0, h: 400.0 }), "10.00 -5.00 1000.00 500.00");
    }

    #[test]
    fn the_picture_cannot_be_lost() {
        let view = Size { w: 800.0, h: 400.0 };
        let far = Camera::default().panned(1e6, -1e6).kept(SCENE, view);
        let corner = far.place(Point::new(0.0, SCENE.h));
        assert!(corner.x <= view.w - KEEP + 0.01 && corner.y >= KEEP - 0.01, "{corner:?}");
    }

    #[test]
    fn a_view_without_a_size_shows_nothing_and_one_of_another_size_the_same_middle() {
        assert!(
            !Size::default().is_some() && !Size { w: 0.0, h: 300.0 }.is_some() && Size { w: 390.0, h: 200.0 }.is_some()
        );
        let (from, to) = (Size { w: 800.0, h: 400.0 }, Size { w: 1_000.0, h: 300.0 });
        let camera = Camera { origin: Point::new(40.0, 20.0), scale: 2.0, fitted: false };
        let after = camera.resized(from, to);
        let middle = |camera: Camera, view: Size| camera.scene(Point::new(view.w / 2.0, view.h / 2.0));
        assert!(middle(camera, from).distance(middle(after, to)) < 1e-9);
        assert!(!Camera::is_other_view(from, to) && Camera::is_other_view(from, Size { w: 390.0, h: 300.0 }));
    }

    #[test]
    fn what_has_the_focus_is_brought_into_sight() {
        let view = Size { w: 400.0, h: 300.0 };
        let rect = Rect::new(900.0, 350.0, 100.0, 40.0);
        let camera = Camera::default().showing(rect, view);
        let at = camera.place(Point::new(rect.right(), rect.bottom()));
        assert!(at.x <= view.w && at.y <= view.h);
        assert_eq!(camera.showing(rect, view), camera);
    }
}
