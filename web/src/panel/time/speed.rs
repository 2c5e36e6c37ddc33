//! How quickly lab time runs: from a microsecond to a week in a second, in words.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{Can, title};
use crate::app::{Dispatch, TextsHandle};
use crate::format;
use crate::store::{Action, Clock, PastState, Travel};

/// Speeds of the menu, in millionths of real time, with the key of their words: lab time in one second of real time.
pub(super) const SPEEDS: [(u64, &str); 19] = [
    (1, "speed-1us"),
    (10, "speed-10us"),
    (100, "speed-100us"),
    (1_000, "speed-1ms"),
    (5_000, "speed-5ms"),
    (10_000, "speed-10ms"),
    (50_000, "speed-50ms"),
    (100_000, "speed-100ms"),
    (500_000, "speed-500ms"),
    (1_000_000, "speed-real"),
    (2_000_000, "speed-2s"),
    (10_000_000, "speed-10s"),
    (60_000_000, "speed-1min"),
    (600_000_000, "speed-10min"),
    (3_600_000_000, "speed-1h"),
    (21_600_000_000, "speed-6h"),
    (86_400_000_000, "speed-1d"),
    (259_200_000_000, "speed-3d"),
    (604_800_000_000, "speed-1w"),
];

/// The menu. While looking back it is the speed of playing back.
pub(super) fn speeds(past: &PastState, clock: Clock, can: Can, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let looks = past.look.is_some();
    let may = if looks { can.look } else { can.pace };
    let live = past.kept.as_ref().map_or(clock.pace.speed_ppm, |kept| kept.clock.pace.speed_ppm);
    let chosen = past.play_speed.filter(|_| looks).unwrap_or(live);
    let onchange = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: Event| {
            let value = event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
            if let Some(speed_ppm) = value {
                dispatch.act(Action::Travel(Travel::Speed(speed_ppm)));
            }
        })
    };
    let word = |ppm: u64| SPEEDS.iter().find(|(known, _)| *known == ppm).map(|(_, key)| texts.ui(key));
    let mut all: Vec<u64> = SPEEDS.iter().map(|(ppm, _)| *ppm).collect();
    if let Err(at) = all.binary_search(&chosen) {
        all.insert(at, chosen);
    }
    let options = all.into_iter().map(|ppm| {
        let times = format::speed(ppm);
        let label = word(ppm).map_or_else(|| times.clone(), |words| format!("{times} · {words}"));
        html! { <option value={ppm.to_string()} selected={ppm == chosen}>{ label }</option> }
    });
    let words = title(texts, may, "speed");
    html! {
        <select class="pill speed" id="speed" disabled={may.is_err()} title={words.clone()} aria-label={words} {onchange}>{ for options }</select>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_grow_from_a_microsecond_to_a_week_in_a_second() {
        assert!(SPEEDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!((SPEEDS[0].0, SPEEDS[SPEEDS.len() - 1].0), (1, 7 * 86_400 * 1_000_000));
    }
}
