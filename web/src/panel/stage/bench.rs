//! A benchmark of the canvas: `?bench-marks=500` keeps so many marks on the way and measures the frames.
//!
//! Every [`FRAMES`] frames the results are written to the attribute `data-bench` of the canvas `.stage-marks`, as JSON:
//! marks, frames, frames a second, milliseconds between frames and of our own painting (median, 95th percentile, worst).

use web_sys::HtmlCanvasElement;

use super::player::Player;
use crate::dom;
use crate::layout::Scene;

/// Frames of one measurement.
const FRAMES: usize = 240;
/// Frames before the first measurement: the page is still being built.
const WARM_UP: usize = 60;
/// Marks at most.
const MARKS_MAX: usize = 20_000;
const PROTOS: [&str; 7] = ["ARP", "DHCP", "ICMP", "UDP", "TCP", "DNS", "HTTP"];

/// The benchmark, while it runs.
#[derive(Default)]
pub(super) struct Bench {
    marks: usize,
    pushed: u64,
    frames: usize,
    begun: f64,
    last: f64,
    between: Vec<f64>,
    painting: Vec<f64>,
}

impl Bench {
    /// The benchmark, where the page's address asks for one.
    pub(super) fn asked() -> Option<Self> {
        let query = dom::window()?.location().search().ok()?;
        let value = query.trim_start_matches('?').split('&').find_map(|part| part.strip_prefix("bench-marks="))?;
        let marks = value.parse::<usize>().ok()?.min(MARKS_MAX);
        Some(Self { marks, ..Self::default() })
    }

    /// A frame begins: as many marks as there are to be.
    pub(super) fn begin(&mut self, player: &mut Player, scene: &Scene, now: f64) {
        self.begun = dom::precise_ms();
        let paths: Vec<_> = scene.paths.iter().filter_map(|path| path.link.map(|link| (link, path.from))).collect();
        while player.len() < self.marks && !paths.is_empty() {
            // Neighbouring numbers must not travel together: a few strides that have nothing in common.
            let number = self.pushed;
            let (link, from) = paths[(number * 7 % paths.len() as u64) as usize];
            let proto = PROTOS[(number * 5 % PROTOS.len() as u64) as usize];
            let lasts = 600.0 + (number * 131 % 1_700) as f64;
            player.push(link, from, proto, now - (number * 37 % 500) as f64, lasts);
            self.pushed += 1;
        }
    }

    /// A frame is painted.
    pub(super) fn end(&mut self, canvas: &HtmlCanvasElement, marks: usize) {
        let now = dom::precise_ms();
        self.frames += 1;
        if self.frames > WARM_UP {
            self.between.push(self.begun - self.last);
            self.painting.push(now - self.begun);
        }
        self.last = self.begun;
        if self.between.len() >= FRAMES {
            let sum: f64 = self.between.iter().sum();
            let [frame, paint] = [&mut self.between, &mut self.painting].map(|times| told(times));
            let json = format!(
                "{{\"marks\":{marks},\"frames\":{FRAMES},\"fps\":{:.2},\"frame_ms\":{frame},\"paint_ms\":{paint}}}",
                FRAMES as f64 * 1_000.0 / sum.max(1.0),
            );
            let _ = canvas.set_attribute("data-bench", &json);
            self.between.clear();
            self.painting.clear();
        }
    }
}

/// Median, 95th percentile and worst, as JSON.
fn told(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default();
    format!("{{\"median\":{:.2},\"p95\":{:.2},\"worst\":{:.2}}}", at(0.5), at(0.95), at(1.0))
}
