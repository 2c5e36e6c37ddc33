//! Points, rectangles, curves.

/// A place on the stage, in its own units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl Point {
    /// At these coordinates.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// How far it is to another point.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    fn towards(self, other: Self, t: f64) -> Self {
        Self::new(self.x + (other.x - self.x) * t, self.y + (other.y - self.y) * t)
    }
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// At these edges with this size.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x, y, w, h }
    }

    /// Its middle.
    pub const fn center(self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Whether two have a place in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }

    /// Where a straight cable to `to` leaves it.
    pub fn edge_towards(self, to: Point) -> Point {
        let from = self.center();
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let fit = |half: f64, d: f64| if d.abs() < 1e-9 { f64::INFINITY } else { half / d.abs() };
        let t = fit(self.w / 2.0, dx).min(fit(self.h / 2.0, dy)).min(1.0);
        Point::new(from.x + dx * t, from.y + dy * t)
    }
}

/// A cubic Bézier curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub [Point; 4]);

impl Curve {
    /// A straight line.
    pub fn line(a: Point, b: Point) -> Self {
        Self([a, a.towards(b, 1.0 / 3.0), a.towards(b, 2.0 / 3.0), b])
    }

    /// From `a` to `b`, leaving and arriving level.
    pub fn level(a: Point, b: Point) -> Self {
        let middle = (a.x + b.x) / 2.0;
        Self([a, Point::new(middle, a.y), Point::new(middle, b.y), b])
    }

    /// The point at `t` from 0 to 1.
    pub fn at(self, t: f64) -> Point {
        let [a, b, c, d] = self.0;
        let (ab, bc, cd) = (a.towards(b, t), b.towards(c, t), c.towards(d, t));
        ab.towards(bc, t).towards(bc.towards(cd, t), t)
    }

    /// About how long it is.
    pub fn length(self) -> f64 {
        (0..8).map(|i| self.at(f64::from(i) / 8.0).distance(self.at(f64::from(i + 1) / 8.0))).sum()
    }

    /// For an SVG path's `d`.
    pub fn svg(self) -> String {
        let [a, b, c, d] = self.0;
        format!("M{:.1} {:.1} C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y)
    }
}
