//! Which terminals are in sight: one, two or four, and which machine stands in which tile. Machines are remembered by
//! name, so that another lab with the same names looks the same.

use netmodes_core::id::NodeId;
use netmodes_core::view::NodeRow;

use super::state::near_and_far;
use super::{AppState, Effect, Shared};

/// How the tiles lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiling {
    /// One terminal.
    #[default]
    One,
    /// Two, side by side.
    Beside,
    /// Two, one above the other.
    Above,
    /// Four.
    Four,
}

impl Tiling {
    /// All, in the order of the button.
    pub const ALL: [Self; 4] = [Self::One, Self::Beside, Self::Above, Self::Four];

    /// Its name in attributes, texts and in what is remembered.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Beside => "beside",
            Self::Above => "above",
            Self::Four => "four",
        }
    }

    /// How many tiles it has.
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Beside | Self::Above => 2,
            Self::Four => 4,
        }
    }
}

/// The tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiles {
    /// How they lie.
    pub tiling: Tiling,
    /// Names of the machines in them; a tile without a name takes the next machine.
    names: [Option<String>; 4],
}

/// What can be done to the tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TilesAction {
    /// Another number of tiles.
    Tiling(Tiling),
    /// A machine into a tile. If it stood in another one, the two change places.
    Put(usize, NodeId),
}

impl Tiles {
    /// The machines in sight, tile by tile. `machines` are those with a terminal, nearest first; `front` is always
    /// among them.
    pub fn shown(&self, machines: &[&NodeRow], front: Option<NodeId>) -> Vec<NodeId> {
        let count = self.tiling.count();
        let known = |name: &str| machines.iter().find(|node| node.name == name).map(|node| node.id);
        if count == 1 {
            return front.or_else(|| machines.first().map(|node| node.id)).into_iter().collect();
        }
        let mut tiles: Vec<Option<NodeId>> = Vec::new();
        for name in self.names.iter().take(count) {
            let node = name.as_deref().and_then(known).filter(|node| !tiles.contains(&Some(*node)));
            tiles.push(node);
        }
        if let Some(front) = front.filter(|front| !tiles.contains(&Some(*front))) {
            let at = tiles.iter().position(Option::is_none).unwrap_or(0);
            tiles[at] = Some(front);
        }
        let mut rest = machines
            .iter()
            .map(|node| node.id)
            .filter(|node| !tiles.contains(&Some(*node)))
            .collect::<Vec<_>>()
            .into_iter();
        tiles.into_iter().filter_map(|tile| tile.or_else(|| rest.next())).collect()
    }

    /// A machine comes to the front: where it is not in sight, it takes the tile of the one that was in front.
    pub fn bring(&mut self, node: NodeId, was: Option<NodeId>, machines: &[&NodeRow]) {
        let shown = self.shown(machines, was);
        if self.tiling == Tiling::One {
            return;
        }
        // What is in sight stays where it is: from now on every tile has its machine.
        let place = |wanted: Option<NodeId>| shown.iter().position(|id| Some(*id) == wanted);
        self.put(place(Some(node)).or(place(was)).unwrap_or(0), node, machines, was);
    }

    fn put(&mut self, at: usize, node: NodeId, machines: &[&NodeRow], front: Option<NodeId>) {
        let mut shown = self.shown(machines, front);
        let Some(old) = shown.get(at).copied() else { return };
        if let Some(other) = shown.iter().position(|id| *id == node) {
            shown[other] = old;
        }
        shown[at] = node;
        let name = |id: &NodeId| machines.iter().find(|node| node.id == *id).map(|node| node.name.clone());
        for (slot, id) in self.names.iter_mut().zip(&shown) {
            *slot = name(id);
        }
    }

    /// Carries `action` out.
    pub fn act(&mut self, action: TilesAction, machines: &[&NodeRow], front: Option<NodeId>) -> Vec<Effect> {
        match action {
            TilesAction::Tiling(tiling) => self.tiling = tiling,
            TilesAction::Put(at, node) => self.put(at, node, machines, front),
        }
        vec![Effect::Keep { key: "tiles".to_owned(), value: self.to_text() }]
    }

    /// As it is remembered: `beside vm1 vm2`. Names of machines have no spaces.
    pub fn to_text(&self) -> String {
        let names = self.names.iter().map(|name| name.as_deref().filter(|name| !name.contains(' ')).unwrap_or("-"));
        [self.tiling.name()].into_iter().chain(names).collect::<Vec<_>>().join(" ")
    }

    /// From [`Tiles::to_text`]; what cannot be read is as at first.
    pub fn from_text(text: &str) -> Self {
        let mut words = text.split(' ');
        let tiling = Tiling::ALL.into_iter().find(|tiling| words.clone().next() == Some(tiling.name()));
        let Some(tiling) = tiling else { return Self::default() };
        words.next();
        let mut tiles = Self { tiling, ..Self::default() };
        for (slot, name) in tiles.names.iter_mut().zip(words) {
            *slot = Some(name.to_owned()).filter(|name| name != "-" && !name.is_empty() && name.len() <= 64);
        }
        tiles
    }
}

/// A machine's terminal to the front; where it is not in sight, in place of the one that was.
pub(super) fn front(state: &mut AppState, node: NodeId) {
    let (near, far) = near_and_far(&state.view);
    let machines: Vec<_> = near.into_iter().chain(far).collect();
    let mut tiles = (*state.tiles).clone();
    tiles.bring(node, state.front, &machines);
    if tiles != *state.tiles {
        state.tiles = Shared::new(tiles);
    }
    state.front = Some(node);
}

/// Carries `action` out on the page's tiles.
pub(super) fn act(state: &mut AppState, action: TilesAction) -> Vec<Effect> {
    let (near, far) = near_and_far(&state.view);
    let machines: Vec<_> = near.into_iter().chain(far).collect();
    state.tiles.edit().act(action, &machines, state.front)
}

#[cfg(test)]
mod tests {
    use netmodes_core::view::NodeKind;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tile_that_comes_to_the_front_stays_where_it_is() {
        let rows = machines();
        let machines: Vec<_> = rows.iter().collect();
        let mut tiles = Tiles { tiling: Tiling::Beside, ..Tiles::default() };
        let was = machines.first().map(|node| node.id);
        let before = tiles.shown(&machines, was);
        tiles.bring(before[1], was, &machines);
        assert_eq!(tiles.shown(&machines, Some(before[1])), before);
    }

    fn machines() -> Vec<NodeRow> {
        let node = |id: u32, name: &str| NodeRow {
            id: NodeId(id),
            name: name.into(),
            kind: NodeKind::Vm,
            host: None,
            site: String::new(),
            real: false,
            off: false,
        };
        vec![node(1, "vm1"), node(2, "vm2"), node(3, "host"), node(4, "pc"), node(5, "web")]
    }

    fn ids(of: &[u32]) -> Vec<NodeId> {
        of.iter().map(|id| NodeId(*id)).collect()
    }

    #[test]
    fn the_machine_in_front_is_always_in_sight() {
        let rows = machines();
        let machines: Vec<_> = rows.iter().collect();
        let mut tiles = Tiles::default();
        assert_eq!(tiles.shown(&machines, Some(NodeId(4))), ids(&[4]));
        tiles.act(TilesAction::Tiling(Tiling::Beside), &machines, Some(NodeId(4)));
        assert_eq!(tiles.shown(&machines, Some(NodeId(4))), ids(&[4, 1]));
        tiles.act(TilesAction::Put(1, NodeId(3)), &machines, Some(NodeId(4)));
        assert_eq!(tiles.shown(&machines, Some(NodeId(4))), ids(&[4, 3]));
        tiles.bring(NodeId(2), Some(NodeId(3)), &machines);
        assert_eq!(tiles.shown(&machines, Some(NodeId(2))), ids(&[4, 2]));
        tiles.act(TilesAction::Put(0, NodeId(2)), &machines, Some(NodeId(2)));
        assert_eq!(tiles.shown(&machines, Some(NodeId(2))), ids(&[2, 4]), "two tiles change places");
        assert_eq!(tiles.shown(&machines[..1], Some(NodeId(1))), ids(&[1]), "a lab with one machine");
    }

    #[test]
    fn tiles_are_remembered_by_the_machines_names() {
        let rows = machines();
        let machines: Vec<_> = rows.iter().collect();
        let mut tiles = Tiles::default();
        tiles.act(TilesAction::Tiling(Tiling::Four), &machines, Some(NodeId(1)));
        tiles.act(TilesAction::Put(2, NodeId(5)), &machines, Some(NodeId(1)));
        assert_eq!(Tiles::from_text(&tiles.to_text()), tiles);
        assert_eq!(tiles.to_text(), "four vm1 vm2 web pc");
    }

    proptest! {
        #[test]
        fn whatever_was_remembered_shows_each_machine_once(text in "(one|beside|above|four|x)( (vm1|vm2|web|nobody|-)){0,6}", front in 1_u32..6) {
            let rows = machines();
            let machines: Vec<_> = rows.iter().collect();
            let tiles = Tiles::from_text(&text);
            let shown = tiles.shown(&machines, Some(NodeId(front)));
            prop_assert_eq!(shown.len(), tiles.tiling.count());
            prop_assert!(shown.contains(&NodeId(front)));
            for (at, id) in shown.iter().enumerate() {
                prop_assert!(!shown[..at].contains(id));
            }
        }
    }
}
