//! How the page is divided: widths and heights of its panes, which one fills it, which one a phone shows. Plain numbers;
//! how they become a picture is the styles' business.

use super::Effect;

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The exercise.
    Exercise,
    /// The picture.
    Stage,
    /// The terminals.
    #[default]
    Terminal,
    /// Frames, tables, sockets.
    Look,
}

impl Pane {
    /// All, in the page's order.
    pub const ALL: [Self; 4] = [Self::Exercise, Self::Stage, Self::Terminal, Self::Look];

    /// Its name in attributes and in what is remembered.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exercise => "exercise",
            Self::Stage => "stage",
            Self::Terminal => "terminal",
            Self::Look => "look",
        }
    }

    /// From [`Pane::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pane| pane.name() == name)
    }
}

/// A bar between two panes that can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The exercise's width, in pixels.
    Exercise,
    /// The lower half's height, in percent of the page's.
    Lower,
    /// The terminals' width, in percent of the page's.
    Terminal,
}

impl Split {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exercise, Self::Lower, Self::Terminal];

    /// Its name in attributes and in what is remembered.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exercise => "exercise",
            Self::Lower => "lower",
            Self::Terminal => "terminal",
        }
    }

    /// The least and the greatest value at which both neighbours can be used.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::Exercise => (220.0, 560.0),
            Self::Lower => (18.0, 75.0),
            Self::Terminal => (20.0, 80.0),
        }
    }

    /// Where it stands until it is moved.
    pub const fn first(self) -> f64 {
        match self {
            Self::Exercise => 300.0,
            Self::Lower => 36.0,
            Self::Terminal => 42.0,
        }
    }

    /// How far an arrow key moves it.
    pub const fn step(self) -> f64 {
        match self {
            Self::Exercise => 16.0,
            Self::Lower | Self::Terminal => 2.0,
        }
    }
}

/// How the page is divided.
#[derive(Clone, Debug, PartialEq)]
pub struct Panes {
    exercise: f64,
    lower: f64,
    terminal: f64,
    /// The exercise is folded away.
    pub folded: bool,
    /// The pane that fills the page, if one does.
    pub whole: Option<Pane>,
    /// Which pane a phone shows below the picture.
    pub shown: Pane,
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            exercise: Split::Exercise.first(),
            lower: Split::Lower.first(),
            terminal: Split::Terminal.first(),
            folded: false,
            whole: None,
            shown: Pane::default(),
        }
    }
}

/// What can be done to the panes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PanesAction {
    /// A bar is dragged or stepped to a value.
    Move(Split, f64),
    /// Dragging ended: what was chosen is remembered.
    Settle,
    /// A bar back to where it stands at first.
    Reset(Split),
    /// A pane is to fill the page, or not any more.
    Whole(Pane),
    /// The exercise is folded or unfolded.
    Fold,
    /// A phone is to show this pane.
    Show(Pane),
}

impl Panes {
    /// Where a bar stands.
    pub const fn at(&self, split: Split) -> f64 {
        match split {
            Split::Exercise => self.exercise,
            Split::Lower => self.lower,
            Split::Terminal => self.terminal,
        }
    }

    fn put(&mut self, split: Split, value: f64) {
        let (least, greatest) = split.range();
        if !value.is_finite() {
            return;
        }
        // To a tenth: what is remembered stays short.
        let value = (value.clamp(least, greatest) * 10.0).round() / 10.0;
        match split {
            Split::Exercise => self.exercise = value,
            Split::Lower => self.lower = value,
            Split::Terminal => self.terminal = value,
        }
    }

    /// As it is remembered: `exercise=300 lower=36 terminal=42 folded`.
    pub fn to_text(&self) -> String {
        let mut text: Vec<String> = Split::ALL.iter().map(|s| format!("{}={}", s.name(), self.at(*s))).collect();
        if self.folded {
            text.push("folded".to_owned());
        }
        text.join(" ")
    }

    /// From [`Panes::to_text`]; what cannot be read is as at first.
    pub fn from_text(text: &str) -> Self {
        let mut panes = Self::default();
        for part in text.split_whitespace() {
            if part == "folded" {
                panes.folded = true;
            }
            let Some((name, value)) = part.split_once('=') else { continue };
            if let (Some(split), Ok(value)) = (Split::ALL.into_iter().find(|s| s.name() == name), value.parse()) {
                panes.put(split, value);
            }
        }
        panes
    }

    /// Carries `action` out.
    pub fn act(&mut self, action: PanesAction) -> Vec<Effect> {
        match action {
            PanesAction::Move(split, value) => {
                self.put(split, value);
                return Vec::new();
            }
            PanesAction::Settle => {}
            PanesAction::Reset(split) => self.put(split, split.first()),
            PanesAction::Whole(pane) => {
                self.whole = (self.whole != Some(pane)).then_some(pane);
                self.shown = pane;
                return Vec::new();
            }
            PanesAction::Fold => self.folded = !self.folded,
            PanesAction::Show(pane) => {
                self.shown = pane;
                self.whole = self.whole.map(|_| pane);
                if pane == Pane::Exercise {
                    self.folded = false;
                }
                return Vec::new();
            }
        }
        vec![Effect::Keep { key: "panes".to_owned(), value: self.to_text() }]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pane_never_becomes_too_small_to_use() {
        let mut panes = Panes::default();
        for split in Split::ALL {
            let (least, greatest) = split.range();
            panes.act(PanesAction::Move(split, -10.0));
            assert_eq!(panes.at(split), least);
            panes.act(PanesAction::Move(split, 1e9));
            assert_eq!(panes.at(split), greatest);
            panes.act(PanesAction::Move(split, f64::NAN));
            assert_eq!(panes.at(split), greatest);
            panes.act(PanesAction::Reset(split));
            assert_eq!(panes.at(split), split.first());
        }
    }

    #[test]
    fn what_is_chosen_is_remembered_when_dragging_ends() {
        let mut panes = Panes::default();
        assert_eq!(panes.act(PanesAction::Move(Split::Lower, 50.04)), []);
        panes.act(PanesAction::Fold);
        let [Effect::Keep { key, value }] = &panes.act(PanesAction::Settle)[..] else { panic!("nothing kept") };
        assert_eq!(key, "panes");
        assert_eq!(Panes::from_text(value), panes);
    }

    #[test]
    fn a_pane_that_fills_the_page_is_restored_by_the_same_deed() {
        let mut panes = Panes::default();
        panes.act(PanesAction::Whole(Pane::Stage));
        assert_eq!(panes.whole, Some(Pane::Stage));
        panes.act(PanesAction::Show(Pane::Look));
        assert_eq!(panes.whole, Some(Pane::Look));
        panes.act(PanesAction::Whole(Pane::Look));
        assert_eq!(panes, Panes { shown: Pane::Look, ..Panes::default() });
    }

    proptest! {
        #[test]
        fn whatever_was_remembered_gives_usable_panes(text in "[a-z]{0,8}=?[-0-9.einfNa]{0,9}( exercise=[-0-9.e]{0,9}| folded| lower=[0-9]{1,12}){0,3}") {
            let panes = Panes::from_text(&text);
            for split in Split::ALL {
                let (least, greatest) = split.range();
                prop_assert!((least..=greatest).contains(&panes.at(split)));
            }
            prop_assert_eq!(Panes::from_text(&panes.to_text()), panes);
        }
    }
}
