//! The picture by keyboard: what can have the focus, and what is next in a direction.

use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::view::Mode;

use super::{CardKind, Point, Rect, Scene};

/// Something in the picture that can have the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A box: whose, and for a card of the host its interface.
    Card(NodeId, Option<u32>),
    /// A VM's card, by its adapter.
    Plug(NodeId, u8),
    /// A socket of a host's patch panel.
    Socket(NodeId, Mode),
    /// A cable.
    Link(LinkId),
}

impl Item {
    /// Its name in the document.
    pub fn id(self) -> String {
        match self {
            Self::Card(node, None) => format!("card-{node}"),
            Self::Card(node, Some(index)) => format!("card-{node}-{index}"),
            Self::Plug(vm, adapter) => format!("plug-{vm}-{adapter}"),
            Self::Socket(host, mode) => format!("socket-{host}-{}", mode.name()),
            Self::Link(link) => format!("link-{link}"),
        }
    }

    /// From its name in the document.
    pub fn from_id(id: &str) -> Option<Self> {
        let (kind, rest) = id.split_once('-')?;
        let mut parts = rest.splitn(2, '-');
        let first: u32 = parts.next()?.parse().ok()?;
        let second = parts.next();
        match (kind, second) {
            ("card", None) => Some(Self::Card(NodeId(first), None)),
            ("card", Some(index)) => Some(Self::Card(NodeId(first), Some(index.parse().ok()?))),
            ("plug", Some(adapter)) => Some(Self::Plug(NodeId(first), adapter.parse().ok()?)),
            ("socket", Some(mode)) => Some(Self::Socket(NodeId(first), Mode::from_name(mode)?)),
            ("link", None) => Some(Self::Link(LinkId(first))),
            _ => None,
        }
    }
}

/// A direction of the arrow keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// Everything that can have the focus, with the room it takes, in reading order of the picture.
pub fn items(scene: &Scene) -> Vec<(Item, Rect)> {
    let mut items = Vec::new();
    for card in &scene.cards {
        let iface = if let CardKind::HostNic(index) = card.kind { Some(index) } else { None };
        items.push((Item::Card(card.node, iface), card.rect));
        for plug in &card.plugs {
            items.push((Item::Plug(card.node, plug.adapter), around(plug.at, 11.0)));
        }
    }
    for socket in &scene.sockets {
        items.push((Item::Socket(socket.host, socket.mode), around(socket.at, 12.0)));
    }
    for path in &scene.paths {
        if let Some(link) = path.link {
            items.push((Item::Link(link), around(path.track.at(0.5), 6.0)));
        }
    }
    items
}

fn around(at: Point, by: f64) -> Rect {
    Rect::new(at.x, at.y, 0.0, 0.0).grown(by)
}

/// What is next from `from` in a direction: near, and not far aside. Without a place to go on from, the first.
pub fn next(items: &[(Item, Rect)], from: Option<Item>, way: Way) -> Option<Item> {
    let Some((_, here)) = from.and_then(|from| items.iter().find(|(item, _)| *item == from)) else {
        return items.first().map(|(item, _)| *item);
    };
    let a = here.center();
    let cost = |rect: &Rect| {
        let b = rect.center();
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let (ahead, aside) = match way {
            Way::Left => (-dx, dy.abs()),
            Way::Right => (dx, dy.abs()),
            Way::Up => (-dy, dx.abs()),
            Way::Down => (dy, dx.abs()),
        };
        (ahead > 1.0).then_some(ahead + aside * 2.2)
    };
    let others = items.iter().filter(|(item, _)| Some(*item) != from);
    let reached = others.filter_map(|(item, rect)| cost(rect).map(|cost| (item, cost)));
    reached.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(item, _)| *item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_document_lead_back() {
        let all = [
            Item::Card(NodeId(3), None),
            Item::Card(NodeId(0), Some(2)),
            Item::Plug(NodeId(11), 8),
            Item::Socket(NodeId(0), Mode::HostOnly),
            Item::Link(LinkId(7)),
        ];
        for item in all {
            assert_eq!(Item::from_id(&item.id()), Some(item));
        }
        assert_eq!(Item::from_id("plug-x-1"), None);
    }

    #[test]
    fn arrows_go_to_what_is_near_in_their_direction() {
        let card = |id, x, y| (Item::Card(NodeId(id), None), Rect::new(x, y, 10.0, 10.0));
        let items = [card(0, 0.0, 0.0), card(1, 100.0, 0.0), card(2, 0.0, 100.0), card(3, 60.0, 80.0)];
        let go = |from: u32, way| next(&items, Some(Item::Card(NodeId(from), None)), way);
        assert_eq!(go(0, Way::Right), Some(Item::Card(NodeId(1), None)));
        assert_eq!(go(0, Way::Down), Some(Item::Card(NodeId(2), None)));
        assert_eq!(go(1, Way::Left), Some(Item::Card(NodeId(0), None)));
        assert_eq!(go(0, Way::Up), None);
        assert_eq!(next(&items, None, Way::Up), Some(Item::Card(NodeId(0), None)));
    }
}
