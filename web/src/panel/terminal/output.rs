//! What stands on a terminal: lines of pieces, each piece with a meaning that can be asked for. Lines are drawn in
//! chunks, so that a new line costs one chunk and not the whole output.

use std::rc::Rc;

use netmodes_core::limits::TERMINAL_CHARS_MAX;
use netmodes_core::view::LabView;
use yew::prelude::*;

use crate::app::{TextsHandle, use_texts};
use crate::store::highlight::mentions;
use crate::store::terminal::{Line, LineKind, Piece};
use crate::store::{Shared, Terminal};

/// Lines that are drawn together.
pub(super) const CHUNK: u64 = 64;
/// New lines that are read out at once; what was before them can be read on the screen.
const SPOKEN: usize = 12;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct LinesProps {
    pub(super) machine: AttrValue,
    pub(super) terminal: Shared<Terminal>,
    /// The first chunk that is drawn.
    pub(super) drawn: u64,
    /// There are chunks before it.
    pub(super) earlier: bool,
}

/// The lines from a chunk on.
#[component]
pub(super) fn Lines(props: &LinesProps) -> Html {
    let texts = use_texts();
    let mut chunks: Vec<(u64, Vec<Rc<Line>>)> = Vec::new();
    let first = props.terminal.lines.partition_point(|line| line.number / CHUNK < props.drawn);
    for line in props.terminal.lines.range(first..) {
        let number = line.number / CHUNK;
        match chunks.last_mut() {
            Some((last, lines)) if *last == number => lines.push(line.clone()),
            _ => chunks.push((number, vec![line.clone()])),
        }
    }
    let chunks = chunks.into_iter().map(|(number, lines)| {
        html! { <Chunk key={number} lines={Pieces(lines)} machine={props.machine.clone()} /> }
    });
    html! {
        <div class="lines" role="log" aria-live="off" aria-label={texts.ui_with("output-of", &[("machine", props.machine.to_string())])}>
            if props.terminal.discarded && !props.earlier {
                <p class="note">{ texts.ui_with("terminal-discarded", &[("n", (TERMINAL_CHARS_MAX / 1000).to_string())]) }</p>
            }
            { for chunks }
        </div>
    }
}

/// Lines whose equality is identity.
#[derive(Clone)]
struct Pieces(Vec<Rc<Line>>);

impl PartialEq for Pieces {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| Rc::ptr_eq(a, b))
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ChunkProps {
    lines: Pieces,
    machine: AttrValue,
}

#[component]
fn Chunk(props: &ChunkProps) -> Html {
    let lines = props.lines.0.iter().map(|line| {
        html! { <LineView key={line.number} line={LineRef(line.clone())} machine={props.machine.clone()} /> }
    });
    html! { <>{ for lines }</> }
}

/// A line whose equality is identity.
#[derive(Clone)]
struct LineRef(Rc<Line>);

impl PartialEq for LineRef {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LineProps {
    line: LineRef,
    machine: AttrValue,
}

#[component]
fn LineView(props: &LineProps) -> Html {
    let texts = use_texts();
    let line = &props.line.0;
    let nobody = LabView::default();
    let pieces = line.pieces.iter().map(|piece| piece_view(piece, line, &texts, &nobody));
    html! {
        // Inline, with the line's own end: what is selected and copied is exactly what was printed.
        <span class="line">
            if line.kind == LineKind::Command {
                <span class="prompt">{ super::prompt::prompt(&props.machine) }</span>
            }
            { for pieces }
            { "\n" }
        </span>
    }
}

/// Meanings whose whole piece is a name that the picture shows.
fn is_name(meaning: &str) -> bool {
    matches!(meaning, "iface-name" | "route-dev" | "hostname")
}

/// The colour that `ip -c` gives: iproute2's `lib/color.c`.
fn colour(piece: &Piece) -> Option<&'static str> {
    Some(match piece.meaning.as_str() {
        "iface-name" | "route-dev" => "c-iface",
        "mac-address" | "mac-broadcast" => "c-mac",
        "ip-address" | "broadcast" | "route-via" | "route-dst" | "route-src" => {
            if piece.text.matches(':').count() > 1 {
                "c-inet6"
            } else {
                "c-inet"
            }
        }
        "iface-state" => {
            if piece.text.contains("DOWN") {
                "c-down"
            } else {
                "c-up"
            }
        }
        _ => return None,
    })
}

fn piece_view(piece: &Piece, line: &Line, texts: &TextsHandle, nobody: &LabView) -> Html {
    let class = classes!(piece.error.then_some("err"), line.colour.then(|| colour(piece)).flatten());
    let meaning = (!piece.meaning.is_empty()).then_some(piece.meaning.as_str());
    let known = meaning.filter(|meaning| texts.find(&format!("words.{meaning}.text")).is_some());
    let title = known.map(|meaning| texts.get(&format!("words.{meaning}.title")));
    if meaning.is_some_and(is_name) {
        let name = piece.text.trim().trim_end_matches(':').to_owned();
        return html! {
            <span class={classes!("word", class)} role="button" tabindex="-1" data-m={piece.meaning.clone()} data-at={name} {title}>{ &piece.text }</span>
        };
    }
    let found = if line.kind == LineKind::Command { Vec::new() } else { mentions(nobody, &piece.text, None, false) };
    let plain = |text: &str| match known {
        Some(meaning) => html! {
            <span class={classes!("word", class.clone())} role="button" tabindex="-1" data-m={meaning.to_owned()} title={title.clone()}>{ text.to_owned() }</span>
        },
        None => html! { <span class={class.clone()}>{ text.to_owned() }</span> },
    };
    if found.is_empty() {
        return plain(&piece.text);
    }
    // A piece with a meaning is one word, whatever it names; of a piece without one only what is named.
    if let Some(meaning) = known {
        let at = piece.text[found[0].0.clone()].to_owned();
        return html! {
            <span class={classes!("word", class)} role="button" tabindex="-1" data-m={meaning.to_owned()} data-at={at} {title}>{ &piece.text }</span>
        };
    }
    let mut parts = Vec::new();
    let mut end = 0;
    for (range, _) in found {
        parts.push(plain(&piece.text[end..range.start]));
        let text = piece.text[range.clone()].to_owned();
        parts.push(html! {
            <span class={classes!("at", class.clone())} role="button" tabindex="-1" data-at={text.clone()}>{ text }</span>
        });
        end = range.end;
    }
    parts.push(plain(&piece.text[end..]));
    html! { <>{ for parts }</> }
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct SpokenProps {
    pub(super) machine: AttrValue,
    pub(super) terminal: Shared<Terminal>,
}

/// The newest lines for a screen reader: politely, and never the whole output again.
#[component]
pub(super) fn Spoken(props: &SpokenProps) -> Html {
    let texts = use_texts();
    // What was there at first is not news.
    let seen = use_mut_ref(|| props.terminal.lines.back().map(|line| line.number));
    let said = use_state(String::new);
    {
        let said = said.setter();
        use_effect_with(props.terminal.clone(), move |terminal| {
            let mut seen = seen.borrow_mut();
            let new = |line: &&Rc<Line>| seen.is_none_or(|seen| line.number > seen) && line.kind == LineKind::Output;
            let lines: Vec<String> =
                terminal.lines.iter().rev().take(SPOKEN).filter(new).map(|line| line.text()).collect();
            if !lines.is_empty() {
                said.set(lines.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            // The newest line may still grow.
            *seen = terminal.lines.back().map(|line| line.number);
        });
    }
    html! {
        <div class="sr" aria-live="polite" role="status" aria-label={texts.ui_with("output-of", &[("machine", props.machine.to_string())])}>{ (*said).clone() }</div>
    }
}
