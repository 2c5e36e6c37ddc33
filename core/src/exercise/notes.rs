//! What a goal says of itself: what was seen, and what is missing, as codes with arguments.

use super::answers::AnswerKind;
use super::check::Node;
use super::checks::*;
use super::facts::{addresses, fits, gateways, iface, lease, machine, nic, value};
use super::progress::Note;
use crate::addr::Cidr;
use crate::view::{DhcpClientState, LabView};

/// An address found: the address, its interface's name, whether DHCP set it.
type Found = (Cidr, String, bool);

impl Node {
    /// What was seen that made it hold.
    pub(super) fn seen(&self, view: &LabView) -> Option<Note> {
        self.since?;
        Some(match &self.check {
            Check::Address(check) => {
                let found = addresses(check, view).find(|found| fits(check, *found))?;
                Note::new("goal-address-seen").with("machine", &check.machine).with("address", found.0)
            }
            Check::Route(check) => {
                let via = gateways(check, view).flatten().next();
                let via = via.map_or_else(|| "–".to_owned(), |via| via.to_string());
                Note::new("goal-route-seen").with("machine", &check.machine).with("to", check.to).with("via", via)
            }
            Check::Lease(check) => {
                Note::new("goal-lease-seen").with("machine", &check.machine).with("address", lease(check, view)?)
            }
            Check::Link(_) | Check::Mode(_) | Check::Neighbour(_) | Check::Fdb(_) | Check::Flow(_) => return None,
            Check::Socket(check) => {
                Note::new("goal-socket-seen").with("machine", &check.machine).with("state", check.state.name())
            }
            Check::Went(check) => {
                let states: Vec<_> = check.through.iter().map(|state| state.name()).collect();
                Note::new("goal-went-seen").with("machine", &check.machine).with("states", states.join(" → "))
            }
            Check::Reached(check) => Note::new("goal-reached-seen").with("from", &check.from).with("to", &check.to),
            Check::Dropped(check) => Note::new("goal-dropped-seen").with("at", &check.at),
            Check::Frame(check) => Note::new("goal-frame-seen").with("at", &check.at).with("count", self.memory.count),
            Check::Ran(check) => {
                Note::new("goal-ran-seen").with("machine", &check.machine).with("command", &check.command)
            }
            Check::Output(check) => Note::new("goal-output-seen").with("machine", &check.machine),
            // The page shows the answer itself, in the student's words.
            Check::Answer(_) => return None,
            Check::All(_) | Check::Any(_) | Check::Once(_) | Check::Before(_) => {
                return self.children.iter().rev().find_map(|child| child.seen(view));
            }
            Check::Not(_) => return None,
        })
    }

    /// Why it does not hold.
    pub(super) fn missing(&self, view: &LabView) -> Option<Note> {
        if self.since.is_some() {
            return None;
        }
        Some(match &self.check {
            Check::Address(check) => address_missing(check, view),
            Check::Route(check) => match (gateways(check, view).flatten().next(), check.via) {
                (Some(found), Some(via)) => Note::new("goal-route-other")
                    .with("machine", &check.machine)
                    .with("to", check.to)
                    .with("found", found)
                    .with("via", via),
                _ => Note::new("goal-route-missing").with("machine", &check.machine).with("to", check.to),
            },
            Check::Lease(check) => lease_missing(check, view),
            Check::Link(check) => link_missing(check, view),
            Check::Mode(check) => mode_missing(check, view),
            Check::Neighbour(check) => {
                let address = value(&check.address, view).unwrap_or_else(|| "–".to_owned());
                let code = if check.known { "goal-neighbour-missing" } else { "goal-neighbour-not-asked" };
                Note::new(code).with("machine", &check.machine).with("address", address)
            }
            Check::Fdb(check) => {
                Note::new("goal-fdb-missing").with("switch", &check.switch).with("machine", &check.machine)
            }
            Check::Flow(check) => Note::new("goal-flow-missing").with("at", &check.at),
            Check::Socket(check) => {
                Note::new("goal-socket-missing").with("machine", &check.machine).with("state", check.state.name())
            }
            Check::Went(check) => self.went_missing(check),
            Check::Reached(check) => {
                let note = match self.memory.count {
                    0 => Note::new("goal-reached-missing"),
                    _ => Note::new("goal-reached-no-answer"),
                };
                note.with("from", &check.from).with("to", &check.to)
            }
            Check::Dropped(check) => Note::new("goal-dropped-missing").with("at", &check.at),
            Check::Frame(check) if self.memory.count > 0 => Note::new("goal-frame-more")
                .with("at", &check.at)
                .with("seen", self.memory.count)
                .with("count", check.count),
            Check::Frame(check) => {
                let fields = check.fields.iter().map(|(name, value)| format!("{name} == {value}"));
                let fields: Vec<_> = fields.chain(Some(check.filter.clone()).filter(|text| !text.is_empty())).collect();
                Note::new("goal-frame-missing").with("at", &check.at).with("fields", fields.join(" && "))
            }
            Check::Ran(check) => {
                let mentions = check.mentions.as_ref().and_then(|said| value(said, view));
                let note = self.ran_missing(check.fails, mentions);
                note.with("machine", &check.machine).with("command", &check.command)
            }
            Check::Output(check) => {
                Note::new("goal-output-missing").with("machine", &check.machine).with("text", &check.contains)
            }
            Check::Answer(check) => match &self.memory.given {
                Some(given) if check.kind != AnswerKind::Table => Note::new("goal-answer-wrong").with("given", given),
                Some(_) => Note::new("goal-answer-cells"),
                None => Note::new("goal-answer-missing"),
            },
            Check::All(_) | Check::Any(_) | Check::Once(_) => {
                return self.children.iter().find_map(|child| child.missing(view));
            }
            Check::Not(_) => Note::new("goal-not"),
            Check::Before(_) => {
                let missing = self.children.iter().find_map(|child| child.missing(view));
                return Some(missing.unwrap_or_else(|| Note::new("goal-order")));
            }
        })
    }

    fn ran_missing(&self, fails: bool, mentions: Option<String>) -> Note {
        match (self.memory.status, mentions) {
            (Some(0), _) if fails => Note::new("goal-ran-well"),
            (Some(status), _) => Note::new("goal-ran-status").with("status", status),
            (None, Some(word)) => Note::new("goal-ran-missing-with").with("word", word),
            (None, None) => Note::new("goal-ran-missing"),
        }
    }

    fn went_missing(&self, check: &WentCheck) -> Note {
        let far = self.memory.ways.values().copied().max().unwrap_or(0) as usize;
        let note = match check.through.get(far) {
            Some(state) => Note::new("goal-went-next").with("state", state.name()),
            None => Note::new("goal-went-gone"),
        };
        note.with("machine", &check.machine)
    }
}

fn link_missing(check: &LinkCheck, view: &LabView) -> Note {
    let row = iface(&check.machine, Some(&check.iface), view);
    let note = match (check.up, check.carrier) {
        (Some(true), _) if row.is_none_or(|row| !row.up) => Note::new("goal-link-down"),
        (Some(false), _) if row.is_some_and(|row| row.up) => Note::new("goal-link-up"),
        (_, Some(false)) => Note::new("goal-carrier-on"),
        _ => Note::new("goal-carrier-off"),
    };
    note.with("machine", &check.machine).with("iface", &check.iface)
}

fn mode_missing(check: &ModeCheck, view: &LabView) -> Note {
    let found = nic(check, view).map_or("none", |row| row.mode.name());
    Note::new("goal-mode").with("machine", &check.machine).with("found", found).with("mode", check.mode.name())
}

fn address_missing(check: &AddressCheck, view: &LabView) -> Note {
    let found: Option<Found> =
        addresses(check, view).next().map(|(cidr, name, dynamic)| (cidr, name.to_owned(), dynamic));
    let note = match found {
        None => Note::new("goal-address-missing"),
        Some((cidr, iface, dynamic)) => {
            let by_hand = check.dynamic == Some(true) && !dynamic;
            let code = if by_hand { "goal-address-by-hand" } else { "goal-address-other" };
            Note::new(code).with("found", cidr).with("iface", iface)
        }
    };
    let note = note.with("machine", &check.machine);
    check.within.map_or(note.clone(), |net| note.with("within", net))
}

fn lease_missing(check: &LeaseCheck, view: &LabView) -> Note {
    let node = machine(view, &check.machine);
    let client = view.dhcp_clients.values().find(|row| Some(row.node) == node);
    let code = match client.map(|row| row.state) {
        Some(DhcpClientState::Init | DhcpClientState::Selecting) => "goal-lease-asking",
        Some(DhcpClientState::Requesting | DhcpClientState::InitReboot) => "goal-lease-requested",
        _ => "goal-lease-missing",
    };
    Note::new(code).with("machine", &check.machine)
}
