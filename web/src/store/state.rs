//! What the page knows.

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::protocol::Capabilities;
use netmodes_core::view::{LabView, LeaseRow, LeaseState, NodeKind, NodeRow, SocketRow};

use super::exchange::Timeline;
use super::share::Share;
use super::{
    Clock, Course, EditState, ExerciseState, FrameLog, Happened, Inside, Outcomes, PastState, Reach, Terminal,
};
use crate::shared::Shared;

/// Everything the page knows. Cloning costs a few pointers.
#[derive(Clone, Debug, Default)]
pub struct AppState {
    /// The connection to whatever runs the lab.
    pub connection: Connection,
    /// What the source said about itself; none before its first message.
    pub source: Option<Shared<SourceInfo>>,
    /// The lab that runs; none before its first snapshot.
    pub lab: Option<Shared<Lab>>,
    /// Tables: the fold of the facts.
    pub view: Shared<LabView>,
    /// Lab time.
    pub clock: Clock,
    /// Frames on cables.
    pub frames: Shared<FrameLog>,
    /// What became of them.
    pub outcomes: Shared<Outcomes>,
    /// Runs of frames that belong together.
    pub timeline: Shared<Timeline>,
    /// The earlier instant that is looked at, the inputs, what can be undone.
    pub past: Shared<PastState>,
    /// One for each machine that has a terminal.
    pub terminals: Shared<BTreeMap<NodeId, Shared<Terminal>>>,
    /// The machine whose terminal is in front.
    pub front: Option<NodeId>,
    /// What is chosen in the picture and the lists.
    pub selection: Selection,
    /// How the page is divided.
    pub panes: Shared<super::panes::Panes>,
    /// Which terminals are in sight.
    pub tiles: Shared<super::tiles::Tiles>,
    /// The line that says what to try now.
    pub guide: Shared<super::guide::Guide>,
    /// What is pointed at, with the mouse or the keyboard, anywhere on the page.
    pub highlight: Option<super::Highlight>,
    /// Sockets of the real host (agent only).
    pub host: Shared<Host>,
    /// Somebody looks at them; a connection that comes back is told so.
    pub host_watched: bool,
    /// The exercise that is open, and how far it has come.
    pub exercise: Option<Shared<ExerciseState>>,
    /// The exercises that there are, and which are solved.
    pub course: Shared<Course>,
    /// What the student is changing.
    pub edit: Shared<EditState>,
    /// What is asked of the lower right.
    pub inside: Shared<Inside>,
    /// What explains failures.
    pub happened: Shared<Happened>,
    /// Who reaches whom.
    pub reach: Shared<Reach>,
    /// Links and files.
    pub share: Shared<Share>,
    /// The language of texts.
    pub lang: Lang,
    /// Light, dark, or as the system says.
    pub theme: Theme,
    /// Refusals to be shown, newest last.
    pub errors: Shared<Vec<UserError>>,
    /// Refusals that were closed, to be read again, newest last.
    pub errors_read: Shared<Vec<UserError>>,
    /// Columns of a terminal, as wide as it is drawn.
    pub columns: u16,
}

/// What the source said about itself.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// The program's version.
    pub program: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Names of the labs it has.
    pub labs: Vec<String>,
}

/// The lab that runs.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Its name.
    pub name: String,
    /// Its title by language.
    pub title: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
}

/// The connection to the source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Connection {
    /// Being made for the first time.
    #[default]
    Connecting,
    /// Messages come.
    Up,
    /// Lost: the last picture stays.
    Lost {
        /// When, in wall-clock milliseconds since 1970.
        since_ms: f64,
    },
    /// Given up: the source cannot be used, and trying again does not help.
    Failed,
}

/// Sockets of the real host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// By id.
    pub sockets: BTreeMap<u64, SocketRow>,
    /// Owners that could not be read for lack of rights.
    pub not_permitted: u32,
    /// Something has come at all.
    pub known: bool,
}

/// What is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// A node.
    pub node: Option<NodeId>,
    /// A frame on a cable: the number of its event ([`super::FrameEntry::seq`]).
    pub frame: Option<u64>,
    /// A cable.
    pub link: Option<LinkId>,
}

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Lang {
    /// The code in file names and `lang` attributes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
        }
    }

    /// From a code or a browser's locale (`ru-RU`).
    pub fn from_code(code: &str) -> Option<Self> {
        match code.get(..2)? {
            "en" => Some(Self::En),
            "ru" => Some(Self::Ru),
            _ => None,
        }
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The word that is stored and that `data-theme` takes; none for the system's choice.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    /// From [`Theme::code`].
    pub fn from_code(code: &str) -> Self {
        match code {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

impl AppState {
    /// What the source can do.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.source.as_ref().map(|source| &source.capabilities)
    }

    /// The lab's title in the page's language, else in English, else its name.
    pub fn lab_title(&self) -> &str {
        let Some(lab) = &self.lab else { return "" };
        lab.title.get(self.lang.code()).or_else(|| lab.title.get("en")).unwrap_or(&lab.name)
    }

    /// The name of a node; empty for one that is gone.
    pub fn node_name(&self, id: NodeId) -> &str {
        self.view.nodes.get(&id).map_or("", |node| &node.name)
    }

    /// Machines that have a terminal, VMs first, then the host, then the others.
    pub fn machines(&self) -> Vec<&NodeRow> {
        machines(&self.view)
    }
}

/// Machines of `view` that have a terminal, VMs first, then the host, then the others.
pub fn machines(view: &LabView) -> Vec<&NodeRow> {
    let mut machines = nodes(view);
    machines.retain(|node| !matches!(node.kind, NodeKind::Switch | NodeKind::NatEngine | NodeKind::DhcpServer));
    machines
}

/// The same machines parted for a row of tabs: those a student types at (the VMs, the host, computers beside it; who
/// serves DHCP comes last), and all others.
pub fn near_and_far(view: &LabView) -> (Vec<&NodeRow>, Vec<&NodeRow>) {
    let is_near = |node: &&NodeRow| match node.kind {
        NodeKind::Vm | NodeKind::Host => true,
        NodeKind::Computer => node.site != "internet" && !view.dhcp_servers.values().any(|row| row.node == node.id),
        _ => false,
    };
    machines(view).into_iter().partition(is_near)
}

/// The node at the other end of a VM's plugged cable.
pub fn across(view: &LabView, vm: NodeId) -> Option<NodeId> {
    let other = |a: NodeId, b: NodeId| if a == vm { Some(b) } else { (b == vm).then_some(a) };
    view.links.values().filter(|link| link.up).find_map(|link| other(link.a.node, link.b.node))
}

/// What is known of a real machine's address: the lease that the server at its cable gave it.
pub fn lease_seen(view: &LabView, vm: NodeId) -> Option<&LeaseRow> {
    let server = across(view, vm)?;
    view.leases.values().find(|lease| lease.server == server && lease.state == LeaseState::Bound)
}

/// All nodes of `view`, VMs first, then what the hypervisor built for them, the host, and the others.
pub fn nodes(view: &LabView) -> Vec<&NodeRow> {
    let rank = |node: &NodeRow| match node.kind {
        NodeKind::Vm => 0,
        NodeKind::NatEngine | NodeKind::DhcpServer => 1,
        NodeKind::Host => 2,
        NodeKind::Computer => 3,
        NodeKind::Switch => 4,
        NodeKind::Router => 5,
    };
    let mut nodes: Vec<_> = view.nodes.values().collect();
    nodes.sort_by_key(|node| (rank(node), node.id));
    nodes
}

#[cfg(test)]
mod tests {
    use netmodes_core::view::Row;

    use super::*;

    fn node(id: u32, name: &str, kind: NodeKind, site: &str) -> Row {
        Row::Node(NodeRow {
            id: NodeId(id),
            name: name.into(),
            kind,
            host: None,
            site: site.into(),
            real: false,
            off: false,
        })
    }

    #[test]
    fn near_machines_are_those_beside_the_host() {
        let mut view = LabView::default();
        view.put(node(1, "web", NodeKind::Computer, "internet"));
        view.put(node(2, "pc", NodeKind::Computer, "office"));
        view.put(node(3, "host", NodeKind::Host, "office"));
        view.put(node(4, "router", NodeKind::Router, "office"));
        view.put(node(5, "vm1", NodeKind::Vm, ""));
        let names = |nodes: Vec<&NodeRow>| nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        let (near, far) = near_and_far(&view);
        assert_eq!(names(near), ["vm1", "host", "pc"]);
        assert_eq!(names(far), ["web", "router"]);
    }
}
