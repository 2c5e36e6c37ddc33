//! What stands on a terminal: lines of pieces, each piece with a meaning that can be asked for.

use std::rc::Rc;

use yew::prelude::*;

use super::Word;
use crate::app::{TextsHandle, use_texts};
use crate::store::terminal::{Line, LineKind, Piece};
use crate::store::{Shared, Terminal};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct LinesProps {
    pub(super) machine: AttrValue,
    pub(super) terminal: Shared<Terminal>,
    pub(super) on_word: Callback<Word>,
}

/// All lines. New ones are announced politely.
#[component]
pub(super) fn Lines(props: &LinesProps) -> Html {
    let texts = use_texts();
    let lines = props.terminal.lines.iter().map(|line| {
        let on_word = props.on_word.clone();
        html! { <LineView key={line.number} line={line.clone()} machine={props.machine.clone()} {on_word} /> }
    });
    html! {
        <div class="lines" role="log" aria-live="polite" aria-label={texts.ui_with("output-of", &[("machine", props.machine.to_string())])}>
            if props.terminal.discarded {
                <p class="note">{ texts.ui("terminal-discarded") }</p>
            }
            { for lines }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LineProps {
    line: Rc<Line>,
    machine: AttrValue,
    on_word: Callback<Word>,
}

#[component]
fn LineView(props: &LineProps) -> Html {
    let texts = use_texts();
    let pieces = props.line.pieces.iter().map(|piece| piece_view(piece, &texts, &props.on_word));
    html! {
        // Inline, with the line's own end: what is selected and copied is exactly what was printed.
        <span class="line">
            if props.line.kind == LineKind::Command {
                <span class="prompt">{ super::prompt::prompt(&props.machine) }</span>
            }
            { for pieces }
            { "\n" }
        </span>
    }
}

fn piece_view(piece: &Piece, texts: &TextsHandle, on_word: &Callback<Word>) -> Html {
    let error = piece.error.then_some("err");
    let known = !piece.meaning.is_empty() && texts.find(&format!("words.{}.text", piece.meaning)).is_some();
    if !known {
        return html! { <span class={classes!(error)}>{ &piece.text }</span> };
    }
    let word: Word = (piece.text.clone().into(), piece.meaning.clone().into());
    let onclick = {
        let (word, on_word) = (word.clone(), on_word.clone());
        Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            on_word.emit(word.clone());
        })
    };
    let onkeydown = {
        let on_word = on_word.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" {
                on_word.emit(word.clone());
            }
        })
    };
    let title = texts.get(&format!("words.{}.title", piece.meaning));
    html! {
        <span class={classes!("word", error)} role="button" tabindex="-1" {title} {onclick} {onkeydown}>{ &piece.text }</span>
    }
}
