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

    /// Its right edge.
    pub const fn right(self) -> f64 {
        self.x + self.w
    }

    /// Its lower edge.
    pub const fn bottom(self) -> f64 {
        self.y + self.h
    }

    /// The place in it that is nearest to another.
    pub fn nearest(self, at: Point) -> Point {
        Point::new(at.x.max(self.x).min(self.right()), at.y.max(self.y).min(self.bottom()))
    }

    /// Whether a place is in it.
    pub fn contains(self, at: Point) -> bool {
        at.x >= self.x && at.x <= self.right() && at.y >= self.y && at.y <= self.bottom()
    }

    /// As much larger on every side.
    pub const fn grown(self, by: f64) -> Self {
        Self::new(self.x - by, self.y - by, self.w + 2.0 * by, self.h + 2.0 * by)
    }

    /// Whether two have a place in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
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

    /// For an SVG path's `d`; one that goes on begins where the last one ended.
    pub fn svg(self, goes_on: bool) -> String {
        let [a, b, c, d] = self.0;
        let begin = if goes_on { String::new() } else { format!("M{:.1} {:.1} ", a.x, a.y) };
        format!("{begin}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1} ", b.x, b.y, c.x, c.y, d.x, d.y)
    }
}
