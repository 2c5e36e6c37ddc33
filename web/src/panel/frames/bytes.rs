//! A frame's bytes in hexadecimal and as characters, sixteen a line.

use core::ops::Range;
use std::rc::Rc;

use web_sys::Element;
use yew::prelude::*;

use crate::app::use_texts;
use crate::format;
use crate::store::FrameEntry;

/// Bytes of a line.
const LINE: usize = 16;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct BytesProps {
    pub(super) entry: Rc<FrameEntry>,
    pub(super) lit: Option<Range<usize>>,
    pub(super) on_byte: Callback<Option<usize>>,
    pub(super) on_pin_byte: Callback<usize>,
}

#[component]
pub(super) fn Bytes(props: &BytesProps) -> Html {
    let onmouseover = {
        let on_byte = props.on_byte.clone();
        Callback::from(move |event: MouseEvent| on_byte.emit(byte_of(&event)))
    };
    let onmouseleave = props.on_byte.reform(|_: MouseEvent| None);
    let onclick = {
        let on_pin = props.on_pin_byte.clone();
        Callback::from(move |event: MouseEvent| {
            if let Some(at) = byte_of(&event) {
                on_pin.emit(at);
            }
        })
    };
    // By keyboard: the arrows move a cursor from byte to byte.
    let at = use_state(|| 0_usize);
    let onkeydown = {
        let (at, on_byte, on_pin, len) =
            (at.clone(), props.on_byte.clone(), props.on_pin_byte.clone(), props.entry.bytes().len());
        Callback::from(move |event: KeyboardEvent| {
            let last = len.saturating_sub(1);
            let to = match event.key().as_str() {
                "ArrowRight" => (*at + 1).min(last),
                "ArrowLeft" => at.saturating_sub(1),
                "ArrowDown" => (*at + LINE).min(last),
                "ArrowUp" => at.saturating_sub(LINE),
                "Home" => 0,
                "End" => last,
                "Enter" => {
                    on_pin.emit(*at);
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            at.set(to);
            on_byte.emit(Some(to));
        })
    };
    let onblur = props.on_byte.reform(|_: FocusEvent| None);
    let lines = props.entry.bytes().chunks(LINE).enumerate().map(|(line, bytes)| {
        let start = line * LINE;
        let lit = |at: usize| props.lit.as_ref().is_some_and(|range| range.contains(&at)).then_some("lit");
        let cells = bytes.iter().enumerate().map(|(i, byte)| {
            html! { <span class={classes!(lit(start + i))} data-at={(start + i).to_string()}>{ format::hex(*byte) }</span> }
        });
        let chars = bytes.iter().enumerate().map(|(i, byte)| {
            html! { <span class={classes!(lit(start + i))} data-at={(start + i).to_string()}>{ format::ascii(*byte) }</span> }
        });
        html! {
            <div class="dump-line" key={line}>
                <span class="offset">{ format!("{start:04x}") }</span>
                <span class="hex">{ for cells }</span><span class="ascii">{ for chars }</span>
            </div>
        }
    });
    let label = use_texts().ui("bytes-title");
    html! {
        <div class="dump" role="region" tabindex="0" aria-label={label} {onmouseover} {onmouseleave} {onclick} {onkeydown} {onblur}>{ for lines }</div>
    }
}

fn byte_of(event: &MouseEvent) -> Option<usize> {
    event.target_dyn_into::<Element>()?.get_attribute("data-at")?.parse().ok()
}
