//! One pair: its sign in the matrix, and its proof.

use netmodes_core::error::fill;
use netmodes_core::id::NodeId;
use netmodes_core::reach::{Cause, Reason, Try};
use netmodes_core::view::LabView;
use yew::prelude::*;

use super::super::{frames::node_name, proof};
use crate::app::TextsHandle;
use crate::store::Reach;

/// How a pair is shown.
pub(super) struct Mark {
    pub(super) class: Classes,
    pub(super) sign: Html,
    pub(super) words: String,
}

const fn sign(ok: bool) -> &'static str {
    if ok { "✓" } else { "✕" }
}

/// The sign of a pair: what is believed, or what was found and whether the belief was right.
pub(super) fn mark(reach: &Reach, (from, to): (NodeId, NodeId), texts: &TextsHandle) -> Mark {
    let guess = reach.guesses.get(&(from, to)).copied();
    let cell = reach.found.as_ref().and_then(|(_, matrix)| matrix.cell(from, to));
    let Some(cell) = cell else {
        let (key, text) = match guess {
            None => ("reach-unsure", "?"),
            Some(true) => ("reach-yes", "✓"),
            Some(false) => ("reach-no", "✕"),
        };
        let class = classes!("cell", "guess", guess.map(|guess| if guess { "yes" } else { "no" }));
        return Mark { class, sign: html! { text }, words: texts.ui(key).to_string() };
    };
    let (icmp, tcp) = (cell.icmp.ok, cell.tcp.ok);
    let kind = match (icmp, tcp) {
        (true, true) => "yes",
        (false, false) => "no",
        _ => "part",
    };
    let right = guess.map(|guess| guess == icmp);
    let word = |ok: bool| texts.ui(if ok { "reach-yes" } else { "reach-no" }).to_string();
    let mut words = format!("ping: {}, TCP: {}", word(icmp), word(tcp));
    if let Some(right) = right {
        words = format!("{words}. {}", texts.ui(if right { "reach-right" } else { "reach-wrong" }));
    }
    let sign = html! {
        <>
            <span class="try">{ "ping " }{ sign(icmp) }</span><span class="try">{ "TCP " }{ sign(tcp) }</span>
            if let Some(right) = right { <span class="guessed" aria-hidden="true">{ if right { "=" } else { "≠" } }</span> }
        </>
    };
    Mark { class: classes!("cell", kind, right.map(|right| if right { "right" } else { "wrong" })), sign, words }
}

/// Why a pair is what it is.
pub(super) fn proof(view: &LabView, reach: &Reach, from: NodeId, to: NodeId, texts: &TextsHandle) -> Html {
    let Some(cell) = reach.found.as_ref().and_then(|(_, matrix)| matrix.cell(from, to)) else { return html! {} };
    let seen = texts.ui(if cell.sniffable { "reach-sniffable" } else { "reach-not-sniffable" });
    html! {
        <section class="reach-proof" aria-live="polite">
            <h3>{ format!("{} → {}", node_name(view, from), node_name(view, to)) }</h3>
            <p class="dim">{ seen }</p>
            { tried(view, "ping", &cell.icmp, texts) }
            { tried(view, "TCP", &cell.tcp, texts) }
        </section>
    }
}

fn tried(view: &LabView, how: &str, tried: &Try, texts: &TextsHandle) -> Html {
    let target = match tried.addr {
        Some((addr, 0)) => addr.to_string(),
        Some((addr, port)) => format!("{addr}:{port}"),
        None => String::new(),
    };
    let why = tried.reason.as_ref().map(|reason| reason_words(view, reason, &target, texts));
    html! {
        <>
            <h4><span class={if tried.ok { "good" } else { "bad" }}>{ sign(tried.ok) }</span>{ format!(" {how} ") }<span class="mono">{ target }</span></h4>
            if let Some(why) = why { <p class="bad">{ why }</p> }
            if !tried.trace.is_empty() { { proof::steps(view, &tried.trace, texts) } }
        </>
    }
}

fn reason_words(view: &LabView, reason: &Reason, target: &str, texts: &TextsHandle) -> String {
    let why = match reason.cause {
        Cause::Dropped(drop) => texts.get(&format!("drops.{}.title", drop.code())).to_string(),
        _ => String::new(),
    };
    let address = target.split(':').next().unwrap_or_default().to_owned();
    let args = [("node", node_name(view, reason.node).to_owned()), ("why", why), ("address", address)];
    let mut words = fill(&texts.get(&format!("reach.{}", reason.cause.code())), &args);
    if let Cause::Dropped(drop) = reason.cause
        && let Some(text) = texts.find(&format!("drops.{}.text", drop.code()))
    {
        words = format!("{words}. {text}");
    }
    words
}
