//! A table that can be sorted and filtered, whose countdowns count by themselves and whose changes are marked.

use std::cmp::Ordering;

use netmodes_core::time::SimTime;
use yew::prelude::*;

use crate::app::{TextsHandle, use_dispatch, use_lab_time, use_texts};
use crate::format;
use crate::store::{Action, Clock, Highlight};

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Text.
    Text(String),
    /// What is left until an instant.
    Left(Option<SimTime>),
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Names it among the rows of its table.
    pub(super) key: String,
    /// Its cells.
    pub(super) cells: Vec<Cell>,
    /// It is the one that is looked for.
    pub(super) lit: bool,
    /// What it speaks of: lit up in the picture while it is pointed at.
    pub(super) about: Option<Highlight>,
}

impl Line {
    /// A row that the first cells name.
    pub(super) fn new(key: impl ToString, cells: Vec<Cell>) -> Self {
        Self { key: key.to_string(), cells, lit: false, about: None }
    }

    /// It speaks of this.
    pub(super) fn about(mut self, about: Highlight) -> Self {
        self.about = Some(about);
        self
    }
}

/// One table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// Key of its caption.
    pub(super) caption: &'static str,
    /// Keys of its headings.
    pub(super) head: Vec<&'static str>,
    /// Its rows.
    pub(super) rows: Vec<Line>,
    /// Key of what to say while it has none; without one the table is not shown then.
    pub(super) empty: Option<&'static str>,
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct GridProps {
    pub(super) table: Table,
    pub(super) filter: AttrValue,
}

/// The rows in the order of one column: numbers by their size, addresses by their numbers, words by their letters.
pub(super) fn sorted(rows: &[Line], by: Option<(usize, bool)>) -> Vec<&Line> {
    let mut rows: Vec<&Line> = rows.iter().collect();
    if let Some((column, down)) = by {
        rows.sort_by(|a, b| {
            let order = compare(a.cells.get(column), b.cells.get(column));
            if down { order.reverse() } else { order }
        });
    }
    rows
}

fn compare(a: Option<&Cell>, b: Option<&Cell>) -> Ordering {
    match (a, b) {
        (Some(Cell::Text(a)), Some(Cell::Text(b))) => natural(a).cmp(&natural(b)),
        (Some(Cell::Left(a)), Some(Cell::Left(b))) => a.is_none().cmp(&b.is_none()).then(a.cmp(b)),
        _ => Ordering::Equal,
    }
}

/// A text as its numbers and what stands between them.
fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = vec![(0, String::new())];
    let mut digits = false;
    for letter in text.chars() {
        let digit = letter.to_digit(10);
        if let (Some(part), Some(digit)) = (parts.last_mut().filter(|_| digits), digit) {
            part.0 = part.0.saturating_mul(10).saturating_add(u64::from(digit));
        } else if let Some(digit) = digit {
            parts.push((u64::from(digit), String::new()));
        } else if let Some(part) = parts.last_mut() {
            part.1.push(letter);
        }
        digits = digit.is_some();
    }
    parts
}

/// Whether a row has every word of the filter.
pub(super) fn passes(line: &Line, filter: &str) -> bool {
    let text = |cell: &Cell| if let Cell::Text(text) = cell { text.to_lowercase() } else { String::new() };
    let line = line.cells.iter().map(text).collect::<Vec<_>>().join(" ");
    filter.split_whitespace().all(|word| line.contains(&word.to_lowercase()))
}

/// The table.
#[component]
pub(super) fn Grid(props: &GridProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let order = use_state(|| None::<(usize, bool)>);
    let table = &props.table;
    let heads = table.head.iter().enumerate().map(|(column, key)| {
        let sort = match *order {
            Some((by, down)) if by == column => {
                if down {
                    "descending"
                } else {
                    "ascending"
                }
            }
            _ => "none",
        };
        let onclick = {
            let order = order.clone();
            Callback::from(move |_: MouseEvent| {
                order.set(match *order {
                    Some((by, false)) if by == column => Some((column, true)),
                    Some((by, true)) if by == column => None,
                    _ => Some((column, false)),
                });
            })
        };
        html! { <th scope="col" aria-sort={sort}><button type="button" {onclick}>{ texts.ui(key) }</button></th> }
    });
    let rows = sorted(&table.rows, *order).into_iter().filter(|line| passes(line, &props.filter)).map(|line| {
        let cells = line.cells.iter().enumerate().map(|(at, cell)| html! { <CellView key={at} cell={cell.clone()} /> });
        let class = classes!("mono", line.lit.then_some("sel"));
        let about = line.about;
        let point = about.map(|about| dispatch.callback(move |_: MouseEvent| Action::Highlight(Some(about))));
        let leave = about.map(|_| dispatch.callback(|_: MouseEvent| Action::Highlight(None)));
        html! { <tr key={line.key.clone()} {class} onmouseenter={point} onmouseleave={leave}>{ for cells }</tr> }
    });
    let rows: Vec<Html> = rows.collect();
    let empty = if table.rows.is_empty() { table.empty } else { Some("rows-none-pass") };
    html! {
        <table class="grid" data-table={table.caption}>
            <caption>{ texts.ui(table.caption) }</caption>
            if rows.is_empty() {
                if let Some(empty) = empty { <tbody><tr><td class="empty-row">{ texts.ui(empty) }</td></tr></tbody> }
            } else {
                <thead><tr>{ for heads }</tr></thead>
                <tbody>{ for rows }</tbody>
            }
        </table>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct CellProps {
    cell: Cell,
}

#[component]
fn CellView(props: &CellProps) -> Html {
    match &props.cell {
        Cell::Text(text) => html! { <TextCell text={text.clone()} /> },
        Cell::Left(until) => html! { <td><Left until={*until} /></td> },
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TextProps {
    text: AttrValue,
}

/// Text that is marked for a moment when it has changed.
#[component]
fn TextCell(props: &TextProps) -> Html {
    let before = use_mut_ref(|| (props.text.clone(), 0_u32));
    let mut before = before.borrow_mut();
    if before.0 != props.text {
        *before = (props.text.clone(), before.1 + 1);
    }
    // Two names of one animation: the other one begins anew.
    let class = match before.1 {
        0 => "",
        n if n % 2 == 1 => "flash-a",
        _ => "flash-b",
    };
    html! { <td {class}>{ &props.text }</td> }
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct LeftProps {
    pub(super) until: Option<SimTime>,
}

/// What is left until an instant, counting.
#[component]
pub(super) fn Left(props: &LeftProps) -> Html {
    let texts = use_texts();
    let clock = use_context::<Clock>().unwrap_or_default();
    let now = use_lab_time(clock, 500);
    let text = props.until.map_or_else(|| "—".to_owned(), |until| left(until, now, &texts));
    html! { <>{ text }</> }
}

/// What is left, in the page's language.
pub(super) fn left(until: SimTime, now: SimTime, texts: &TextsHandle) -> String {
    let units = ["unit-d", "unit-h", "unit-min", "unit-s"].map(|key| texts.ui(key));
    let [d, h, m, s] = &units;
    format::left(until, now, &[d, h, m, s])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::new(text, vec![text.into()])
    }

    #[test]
    fn addresses_are_sorted_by_their_numbers() {
        let rows = [line("10.0.2.15"), line("10.0.2.3"), line("9.9.9.9")];
        let keys = |by| sorted(&rows, by).into_iter().map(|line| line.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(Some((0, false))), ["9.9.9.9", "10.0.2.3", "10.0.2.15"]);
        assert_eq!(keys(Some((0, true))), ["10.0.2.15", "10.0.2.3", "9.9.9.9"]);
        assert_eq!(keys(None), ["10.0.2.15", "10.0.2.3", "9.9.9.9"]);
    }

    #[test]
    fn every_word_of_the_filter_must_be_found() {
        let line = Line::new(1, vec!["10.0.2.15".into(), Cell::Left(None), "REACHABLE".into()]);
        assert!(passes(&line, "reach 10.0"));
        assert!(!passes(&line, "10.0 stale"));
    }
}
