//! What a picture of a lab is made of: boxes, sockets, cables, each with its place. Plain data, no Yew.

use netmodes_core::id::{LinkId, NodeId, Port};
use netmodes_core::view::{LabView, Mode};

use super::{Curve, Point, Rect, Track};

/// What a card shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CardKind {
    /// A virtual machine.
    Vm,
    /// Something the hypervisor built, behind its socket.
    Built,
    /// Something smaller that belongs to it: a DHCP server, a NAT network's engine.
    Part,
    /// A card of the host: the number is the interface's index.
    HostNic(u32),
    /// A machine or switch outside.
    Outside,
    /// A machine of the Internet.
    Far,
}

/// How much a card says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// All there is room for.
    #[default]
    Full,
    /// One line a card of the machine.
    Compact,
    /// The name alone.
    Mini,
}

/// A VM's network card, on the VM's right edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plug {
    /// Adapter number, 1 to 8.
    pub adapter: u8,
    /// The guest's interface.
    pub iface: u32,
    /// Its mode.
    pub mode: Mode,
    /// Its row of the VM's card.
    pub row: Rect,
    /// Where its cable begins.
    pub at: Point,
}

impl Plug {
    /// Half of its width and height.
    pub fn half(&self) -> f64 {
        (self.row.h / 2.0 - 1.0).clamp(6.0, 10.0)
    }
}

/// A box with words.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Whose it is.
    pub node: NodeId,
    /// What it shows.
    pub kind: CardKind,
    /// How much.
    pub detail: Detail,
    /// Where it is.
    pub rect: Rect,
    /// A VM's cards.
    pub plugs: Vec<Plug>,
}

/// One socket of a patch panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Socket {
    /// The host whose panel it is in.
    pub host: NodeId,
    /// The mode it stands for.
    pub mode: Mode,
    /// Where cables are plugged in.
    pub at: Point,
    /// Where they go on, on the panel's other side.
    pub out: Point,
}

/// A host: its frame and its patch panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostBox {
    /// Whose it is.
    pub node: NodeId,
    /// Its frame.
    pub rect: Rect,
    /// Its patch panel.
    pub panel: Rect,
    /// Where VMs stand, for a button that adds one.
    pub vms: Rect,
}

/// How a cable runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The cable; none for a way inside the host and for a cable that leads nowhere.
    pub link: Option<LinkId>,
    /// The end that the path begins at.
    pub from: Port,
    /// The node at the other end; none where the cable leads nowhere.
    pub to: Option<NodeId>,
    /// Its pieces, one after the other.
    pub curves: Vec<Curve>,
    /// The piece that is behind the patch panel's words.
    pub hidden: Option<usize>,
    /// Plugged in.
    pub up: bool,
    /// The same, for marks: places at even distances.
    pub track: Track,
}

impl Path {
    /// A path of these pieces.
    pub fn new(
        link: Option<LinkId>,
        from: Port,
        to: Option<NodeId>,
        curves: Vec<Curve>,
        hidden: Option<usize>,
    ) -> Self {
        let track = Track::new(&curves, hidden);
        Self { link, from, to, curves, hidden, up: true, track }
    }

    /// For SVG: the pieces that are seen, one `d` for each run.
    pub fn svg(&self) -> String {
        let mut d = String::new();
        let mut end = None;
        for (at, curve) in self.curves.iter().enumerate() {
            if self.hidden == Some(at) {
                end = None;
                continue;
            }
            d.push_str(&curve.svg(end == Some(curve.0[0])));
            end = Some(curve.0[3]);
        }
        d
    }
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// Hosts with their patch panels.
    pub hosts: Vec<HostBox>,
    /// All sockets.
    pub sockets: Vec<Socket>,
    /// The Internet's frame.
    pub internet: Option<Rect>,
    /// Boxes.
    pub cards: Vec<Card>,
    /// Cables.
    pub paths: Vec<Path>,
}

impl Scene {
    /// Where what stands for a node is drawn: its card, else its frame.
    pub fn place_of(&self, node: NodeId) -> Option<Rect> {
        let own = |card: &&Card| card.node == node && !matches!(card.kind, CardKind::HostNic(_));
        let card = self.cards.iter().find(own).map(|card| card.rect);
        card.or_else(|| self.hosts.iter().find(|host| host.node == node).map(|host| host.rect))
    }

    /// The box at which a cable into `port` ends.
    pub fn card_at(&self, port: Port) -> Option<&Card> {
        self.cards.iter().find(|card| {
            card.node == port.node && !matches!(card.kind, CardKind::HostNic(index) if index != port.index)
        })
    }

    /// A VM's plug.
    pub fn plug(&self, vm: NodeId, adapter: u8) -> Option<&Plug> {
        let card = self.cards.iter().find(|card| card.node == vm && card.kind == CardKind::Vm)?;
        card.plugs.iter().find(|plug| plug.adapter == adapter)
    }

    /// How the cable `link` runs.
    pub fn path(&self, link: LinkId) -> Option<&Path> {
        self.paths.iter().find(|path| path.link == Some(link))
    }

    /// The way inside the host between a NAT engine and the host's own stack.
    pub fn inner(&self, engine: NodeId) -> Option<&Path> {
        self.paths.iter().find(|path| path.link.is_none() && path.from.node == engine && path.to.is_some())
    }

    /// The socket nearest to a place, of this host, no further than `reach`.
    pub fn socket_near(&self, host: NodeId, at: Point, reach: f64) -> Option<&Socket> {
        let own = self.sockets.iter().filter(|socket| socket.host == host);
        let far = |socket: &Socket| {
            // The whole row of the panel is the socket, its words too.
            let x = at.x.clamp(socket.at.x, socket.out.x);
            Point::new(x, socket.at.y).distance(at)
        };
        own.min_by(|a, b| far(a).total_cmp(&far(b))).filter(|socket| far(socket) <= reach)
    }
}

/// Draws up the picture of a lab.
pub fn compose(view: &LabView) -> Scene {
    let mut scene = Scene::default();
    let middle = super::host::place(view, &mut scene);
    super::outside::place(view, &mut scene, middle);
    super::place::settle(&mut scene);
    super::route::connect(view, &mut scene);
    super::place::measure(&mut scene);
    scene
}
