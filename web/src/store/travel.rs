//! Moving in time: looking back, branching, undo and redo, playing back. One look is under way at a time; of those asked
//! for meanwhile only the newest matters.

use core::time::Duration;

use netmodes_core::error::UserError;
use netmodes_core::protocol::{ClientMessage, LookTo, LookUnit, Pace, Rewind, ServerMessage, StepTo};
use netmodes_core::time::SimTime;
use std::rc::Rc;

use super::past::{Ask, Long, Playback};
use super::{AppState, Effect, Shared};

/// Frame facts that come along while the head is dragged: what is in sight.
const FRAMES_QUICK: u32 = 240;
/// Outputs of each machine that come along while the head is dragged.
const WORDS_QUICK: u32 = 60;
/// Frame facts that come along when the head rests.
const FRAMES_WHOLE: u32 = 4_000;

/// What a student does with time.
#[derive(Clone, Debug, PartialEq)]
pub enum Travel {
    /// To an earlier instant, or one nearer to now.
    Look(LookTo),
    /// Just before the exchange that is shown, or the one before it.
    ExchangeBack,
    /// To the next exchange.
    ExchangeForth,
    /// The head rests: what was left out for speed is asked for.
    Settle,
    /// Back to now.
    Now,
    /// What is looked at becomes the present.
    Branch,
    /// Takes the last input back.
    Undo,
    /// Does it again.
    Redo,
    /// Ends what takes long.
    Stop,
    /// Lets time run or stand; while looking back, plays the record back or stops that.
    Play {
        /// The wall's clock, in milliseconds.
        wall_ms: f64,
    },
    /// A moment of playing back has passed.
    Tick {
        /// The wall's clock, in milliseconds.
        wall_ms: f64,
    },
    /// How quickly lab time runs, in millionths of real time.
    Speed(u64),
    /// One step on, from what is shown.
    Step(StepTo),
    /// The session that was left comes back.
    BringBack,
}

/// Carries `travel` out.
pub(super) fn travel(state: &mut AppState, travel: Travel) -> Vec<Effect> {
    match travel {
        Travel::Look(to) => return look(state, Ask { to, whole: false }),
        Travel::ExchangeBack | Travel::ExchangeForth => return exchange(state, travel == Travel::ExchangeForth),
        Travel::Settle => return settle(state),
        Travel::Now => return now(state),
        Travel::Branch => return branch(state),
        Travel::Undo => return send(ClientMessage::Undo),
        Travel::Redo => return send(ClientMessage::Redo),
        Travel::Stop => return send(ClientMessage::Stop),
        Travel::Play { wall_ms } => return play(state, wall_ms),
        Travel::Tick { wall_ms } => return tick(state, wall_ms),
        Travel::Speed(speed_ppm) => {
            if looking(state) {
                let past = state.past.edit();
                past.play_speed = Some(speed_ppm);
                if let Some(play) = &mut past.play {
                    play.speed_ppm = speed_ppm;
                }
            } else {
                state.clock.pace.speed_ppm = speed_ppm;
                return send(ClientMessage::Pace { pace: state.clock.pace });
            }
        }
        Travel::Step(to) => return step(state, to),
        Travel::BringBack => {
            if let Some(left) = state.past.left.clone() {
                let inputs = left.inputs.to_vec();
                let lab = netmodes_core::protocol::LabChoice::Named(left.lab);
                return send(ClientMessage::Load { lab, seed: left.seed, inputs });
            }
        }
    }
    Vec::new()
}

fn send(message: ClientMessage) -> Vec<Effect> {
    vec![Effect::Send(message)]
}

fn looking(state: &AppState) -> bool {
    state.past.look.is_some()
}

fn can(state: &AppState) -> bool {
    state.capabilities().is_some_and(|capabilities| capabilities.rewind != Rewind::None)
}

/// Asks for a look, or remembers that it is wanted.
fn look(state: &mut AppState, ask: Ask) -> Vec<Effect> {
    if !can(state) || state.lab.is_none() {
        return Vec::new();
    }
    if state.past.leaving {
        return Vec::new();
    }
    let past = state.past.edit();
    if past.asked.is_some() {
        past.waiting = Some(ask);
        return Vec::new();
    }
    past.asked = Some(ask);
    vec![ask_for(ask)]
}

fn ask_for(ask: Ask) -> Effect {
    let (frames, words) = if ask.whole { (FRAMES_WHOLE, None) } else { (FRAMES_QUICK, Some(WORDS_QUICK)) };
    Effect::Send(ClientMessage::LookBack { to: ask.to, frames, words })
}

/// How many frame facts a look brings.
pub(super) fn frames_of(ask: Ask) -> usize {
    (if ask.whole { FRAMES_WHOLE } else { FRAMES_QUICK }) as usize
}

/// A look was answered: the next one, if one is wanted.
pub(super) fn answered(state: &mut AppState) -> Vec<Effect> {
    let past = state.past.edit();
    past.looks += 1;
    past.asked = past.waiting.take();
    past.asked.map(ask_for).into_iter().collect()
}

/// Asks for the same place again, with everything.
fn settle(state: &mut AppState) -> Vec<Effect> {
    let Some(shown) = state.past.look.as_ref().filter(|look| !look.whole) else { return Vec::new() };
    if state.past.asked.is_some() || state.past.play.is_some() {
        return Vec::new();
    }
    let to = if shown.by_time { LookTo::Time { at: shown.at } } else { LookTo::Event { seq: shown.seq } };
    look(state, Ask { to, whole: true })
}

fn exchange(state: &mut AppState, forth: bool) -> Vec<Effect> {
    let seq = state.past.look.as_ref().map_or(state.view.seq, |look| look.seq);
    let found = if forth { state.timeline.after(seq) } else { state.timeline.before(seq) };
    let seq = found.map(|exchange| exchange.first);
    match (seq, forth) {
        (Some(seq), _) => look(state, Ask { to: LookTo::Event { seq }, whole: false }),
        (None, true) if looking(state) => now(state),
        (None, true) => Vec::new(),
        (None, false) => look(state, Ask { to: LookTo::Start, whole: false }),
    }
}

fn now(state: &mut AppState) -> Vec<Effect> {
    if !looking(state) && state.past.asked.is_none() {
        return Vec::new();
    }
    let past = state.past.edit();
    (past.waiting, past.play, past.leaving) = (None, None, true);
    send(ClientMessage::Now)
}

fn branch(state: &mut AppState) -> Vec<Effect> {
    if !looking(state) {
        return Vec::new();
    }
    let past = state.past.edit();
    (past.waiting, past.play, past.leaving) = (None, None, true);
    send(ClientMessage::Branch)
}

fn play(state: &mut AppState, wall_ms: f64) -> Vec<Effect> {
    let Some(shown) = state.past.look.clone() else {
        let pace = Pace { running: !state.clock.pace.running, ..state.clock.pace };
        state.clock.pace = pace;
        return send(ClientMessage::Pace { pace });
    };
    let pace_ppm = state.past.kept.as_ref().map_or(state.clock.pace.speed_ppm, |kept| kept.clock.pace.speed_ppm);
    let past = state.past.edit();
    past.play = match past.play {
        Some(_) => None,
        None => {
            let speed_ppm = past.play_speed.unwrap_or(pace_ppm);
            Some(Playback { speed_ppm, at: shown.at, wall_ms })
        }
    };
    Vec::new()
}

fn tick(state: &mut AppState, wall_ms: f64) -> Vec<Effect> {
    let Some(play) = state.past.play else { return Vec::new() };
    let Some(end) = state.past.look.as_ref().map(|look| look.past.now) else { return Vec::new() };
    let passed = (wall_ms - play.wall_ms).clamp(0.0, 1_000.0);
    // Milliseconds of wall time times millionths are nanoseconds of lab time.
    let at = play.at + Duration::from_nanos((passed * play.speed_ppm as f64) as u64);
    if at >= end {
        return now(state);
    }
    state.past.edit().play = Some(Playback { at, wall_ms, ..play });
    look(state, Ask { to: LookTo::Time { at }, whole: false })
}

/// A step on: of the record while looking back, of the lab otherwise.
fn step(state: &mut AppState, to: StepTo) -> Vec<Effect> {
    if looking(state) {
        return match to {
            StepTo::Event => look(state, forth(LookUnit::Event)),
            StepTo::Frame => look(state, forth(LookUnit::Frame)),
            StepTo::Exchange => exchange(state, true),
            StepTo::Time { at } if state.past.look.as_ref().is_some_and(|look| at <= look.past.now) => {
                look(state, Ask { to: LookTo::Time { at }, whole: false })
            }
            StepTo::Quiet | StepTo::Time { .. } => send(ClientMessage::Step { to }),
        };
    }
    state.clock.pace.running = false;
    send(ClientMessage::Step { to })
}

fn forth(by: LookUnit) -> Ask {
    Ask { to: LookTo::Forth { by }, whole: false }
}

/// Takes in what a source says about time.
pub(super) fn hear(state: &mut AppState, message: ServerMessage) {
    match message {
        ServerMessage::Progress { doing, from, now, to, steps, of, over } => {
            let long = (!over).then_some(Long { doing, from, now, to, steps, of });
            if state.past.long != long {
                state.past.edit().long = long;
            }
        }
        ServerMessage::Undoable { undo, redo, from, inputs, next } => {
            let past = state.past.edit();
            (past.undo, past.redo, past.next) = (undo, redo, next.map(|next| Rc::new(*next)));
            let known = Rc::make_mut(&mut past.inputs);
            known.truncate(from as usize);
            known.extend(inputs);
        }
        _ => {}
    }
}

/// Something was refused, or the connection is gone: nothing that was asked for comes any more.
pub(super) fn give_up(past: &mut Shared<super::past::PastState>) {
    if past.asked.is_some()
        || past.waiting.is_some()
        || past.long.is_some()
        || past.fresh
        || past.play.is_some()
        || past.leaving
    {
        let past = past.edit();
        (past.asked, past.waiting, past.long, past.play) = (None, None, None, None);
        (past.fresh, past.leaving) = (false, false);
    }
}

/// What goes to the source, looked at once more: a session that is left is remembered; an input given while a record is
/// looked at that cannot become the present happens now; without a connection nothing goes.
pub(super) fn outgoing(state: &mut AppState, effects: Vec<Effect>) -> Vec<Effect> {
    let view_only = state.capabilities().is_some_and(|capabilities| capabilities.rewind == Rewind::View);
    let lost = matches!(state.connection, super::Connection::Lost { .. } | super::Connection::Failed);
    let mut out = Vec::with_capacity(effects.len());
    for effect in effects {
        match &effect {
            // What would be lost on the way is refused with words.
            Effect::Send(message) if lost && !matches!(message, ClientMessage::Hello { .. }) => {
                if begins_anew(message) || message.changes() {
                    super::reduce::refuse(state, UserError::new("page-offline"));
                }
                continue;
            }
            Effect::Send(message) if begins_anew(message) => leave(state),
            Effect::Send(ClientMessage::Do { .. }) if view_only && looking(state) => {
                out.push(Effect::Send(ClientMessage::Now));
            }
            _ => {}
        }
        out.push(effect);
    }
    out
}

/// Whether the next picture is of another session.
fn begins_anew(message: &ClientMessage) -> bool {
    matches!(
        message,
        ClientMessage::Load { .. }
            | ClientMessage::Open { .. }
            | ClientMessage::OpenSession { .. }
            | ClientMessage::Restart
    )
}

fn leave(state: &mut AppState) {
    let lab = state.lab.clone();
    let known = |name: &str| state.source.as_ref().is_some_and(|source| source.labs.iter().any(|lab| lab == name));
    let inputs = state.past.inputs.clone();
    let left = lab.filter(|lab| !inputs.is_empty() && known(&lab.name));
    let past = state.past.edit();
    past.fresh = true;
    if let Some(lab) = left {
        past.left = Some(super::past::Left { lab: lab.name.clone(), seed: lab.seed, inputs });
    }
}

/// The instant of lab time that a text means: `+10m` and `2 d` from `now` on, `00:05:00` of the lab's clock.
///
/// # Errors
/// What could not be read.
pub fn parse_until(text: &str, now: SimTime) -> Result<SimTime, String> {
    let text = text.trim();
    let bad = || text.to_owned();
    if text.contains(':') {
        let mut secs = 0_u64;
        let mut nanos = 0_u64;
        let parts: Vec<_> = text.split(':').collect();
        if parts.len() > 4 {
            return Err(bad());
        }
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let (whole, rest) = part.split_once('.').filter(|_| last).unwrap_or((part, ""));
            let value: u64 = whole.trim().parse().map_err(|_| bad())?;
            // Of days, hours, minutes and seconds the last are given.
            let unit = [1, 60, 3_600, 86_400][parts.len() - 1 - index];
            secs = value.checked_mul(unit).and_then(|own| secs.checked_add(own)).ok_or_else(bad)?;
            if last && !rest.is_empty() {
                nanos = fraction(rest).ok_or_else(bad)?;
            }
        }
        return Ok(SimTime::from_secs(secs) + Duration::from_nanos(nanos));
    }
    let mut rest = text.trim_start_matches('+').trim_start();
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit: u128 = match unit.trim_end_matches('.') {
            "us" | "µs" | "мкс" => 1_000,
            "ms" | "мс" => 1_000_000,
            "" | "s" | "sec" | "с" | "сек" => 1_000_000_000,
            "m" | "min" | "м" | "мин" => 60_000_000_000,
            "h" | "ч" | "час" => 3_600_000_000_000,
            "d" | "д" | "дн" => 86_400_000_000_000,
            "w" | "нед" => 604_800_000_000_000,
            _ => return Err(bad()),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let whole: u128 = whole.parse().map_err(|_| bad())?;
        let part = if part.is_empty() { 0 } else { u128::from(fraction(part).ok_or_else(bad)?) };
        total = whole
            .checked_mul(unit)
            .and_then(|own| own.checked_add(part * unit / 1_000_000_000))
            .and_then(|own| total.checked_add(own))
            .ok_or_else(bad)?;
        rest = after.trim_start();
    }
    let nanos = u64::try_from(total).map_err(|_| bad())?;
    Ok(now + Duration::from_nanos(nanos))
}

/// Billionths, from the digits after a point.
fn fraction(digits: &str) -> Option<u64> {
    if digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(value * 10_u64.pow(9 - digits.len() as u32))
}

#[cfg(test)]
#[path = "travel_tests.rs"]
mod tests;
