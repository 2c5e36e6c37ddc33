//! Things put in order: by dragging, by buttons, by keys.

use yew::prelude::*;

use super::load::ExerciseTexts;
use crate::app::use_texts;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct OrderProps {
    pub(super) words: ExerciseTexts,
    pub(super) goal: AttrValue,
    pub(super) choices: Vec<String>,
    pub(super) remembered: Option<AttrValue>,
    pub(super) button: AttrValue,
    pub(super) give: Callback<String>,
}

#[component]
pub(super) fn Order(props: &OrderProps) -> Html {
    let texts = use_texts();
    let items = use_state(|| first(props.remembered.as_deref(), &props.choices));
    let dragged = use_state(|| None::<usize>);
    let told = use_state(AttrValue::default);
    let name = |id: &str| props.words.heading(&format!("choice.{}.{id}", props.goal));
    let shift = {
        let (items, told, words, goal) = (items.clone(), told.clone(), props.words.clone(), props.goal.clone());
        let texts = texts.clone();
        Callback::from(move |(from, to): (usize, usize)| {
            if let Some(new) = moved(&items, from, to) {
                let item = words.heading(&format!("choice.{goal}.{}", new[to]));
                let args = [("item", item), ("place", (to + 1).to_string())];
                told.set(AttrValue::from(texts.ui_with("order-told", &args)));
                items.set(new);
            }
        })
    };
    let rows = items.iter().enumerate().map(|(at, id)| {
        let to = |to: Option<usize>| {
            let shift = shift.clone();
            Callback::from(move |_: MouseEvent| to.into_iter().for_each(|to| shift.emit((at, to))))
        };
        let item = [("item", name(id))];
        let last = at + 1 == items.len();
        let ondragstart = {
            let dragged = dragged.clone();
            Callback::from(move |_: DragEvent| dragged.set(Some(at)))
        };
        let ondragover = Callback::from(|event: DragEvent| event.prevent_default());
        let ondragend = {
            let dragged = dragged.clone();
            Callback::from(move |_: DragEvent| dragged.set(None))
        };
        let ondrop = {
            let (dragged, shift) = (dragged.clone(), shift.clone());
            Callback::from(move |event: DragEvent| {
                event.prevent_default();
                if let Some(from) = *dragged {
                    shift.emit((from, at));
                }
                dragged.set(None);
            })
        };
        html! {
            <li key={id.clone()} class={classes!((*dragged == Some(at)).then_some("drag"))} draggable="true" data-item={id.clone()}
                {ondragstart} {ondragover} {ondragend} {ondrop}>
                <span class="n" aria-hidden="true">{ at + 1 }</span>
                <span class="t">{ name(id) }</span>
                <button type="button" class="icon up" disabled={at == 0} aria-label={texts.ui_with("order-up", &item)}
                    title={texts.ui_with("order-up", &item)} onclick={to(at.checked_sub(1))}>{ "↑" }</button>
                <button type="button" class="icon down" disabled={last} aria-label={texts.ui_with("order-down", &item)}
                    title={texts.ui_with("order-down", &item)} onclick={to((!last).then_some(at + 1))}>{ "↓" }</button>
            </li>
        }
    });
    let onsubmit = submit(items.to_vec(), props.give.clone());
    html! {
        <form class="ex-form" {onsubmit}>
            <ol class="ex-order" aria-label={props.words.heading(&format!("goal.{}", props.goal))}>{ for rows }</ol>
            <span class="sr" role="status">{ &*told }</span>
            <button type="submit" class="btn p">{ &props.button }</button>
        </form>
    }
}

fn submit(items: Vec<String>, give: Callback<String>) -> Callback<SubmitEvent> {
    Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        give.emit(items.join(" "));
    })
}

/// The order to begin with: the remembered one while it has the same items, else the one of the exercise.
fn first(remembered: Option<&str>, choices: &[String]) -> Vec<String> {
    let old: Vec<String> = remembered.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let sorted = |items: &[String]| {
        let mut items = items.to_vec();
        items.sort();
        items
    };
    if sorted(&old) == sorted(choices) { old } else { choices.to_vec() }
}

/// The items with one moved to another place; none where that changes nothing.
fn moved(items: &[String], from: usize, to: usize) -> Option<Vec<String>> {
    if from == to || from >= items.len() || to >= items.len() {
        return None;
    }
    let mut items = items.to_vec();
    let item = items.remove(from);
    items.insert(to, item);
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn an_item_moves_to_a_place_and_the_others_close_up() {
        assert_eq!(moved(&list("a b c d"), 0, 2), Some(list("b c a d")));
        assert_eq!(moved(&list("a b c d"), 3, 0), Some(list("d a b c")));
        assert_eq!(moved(&list("a b"), 1, 1), None);
        assert_eq!(moved(&list("a b"), 0, 2), None);
    }

    #[test]
    fn a_remembered_order_is_taken_up_only_while_its_items_are_the_same() {
        assert_eq!(first(Some("b a"), &list("a b")), list("b a"));
        assert_eq!(first(Some("b x"), &list("a b")), list("a b"));
        assert_eq!(first(None, &list("a b")), list("a b"));
    }
}
