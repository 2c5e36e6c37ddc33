//! Every sheet that can be reached in every lab, and what its form comes to, in real worlds.

use std::collections::{BTreeMap, BTreeSet};

use netmodes_core::id::NodeId;
use netmodes_core::lab::Lab;
use netmodes_core::runner::run_script;
use netmodes_core::script::Script;
use netmodes_core::view::{LabView, Mode};
use netmodes_core::world::{Command, Input, Output, World};

use super::sheet::{Press, Words};
use super::*;

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn lab(name: &str) -> Lab {
    let text = std::fs::read_to_string(root().join(format!("static/labs/{name}.toml"))).expect("a lab");
    toml::from_str(&text).expect("a lab's format")
}

fn view_of(world: &World) -> LabView {
    let mut view = LabView::default();
    world.rows(false).into_iter().for_each(|row| view.put(row));
    view
}

fn drain(world: &mut World) {
    while let Some(output) = world.poll_output() {
        let _: Output = output;
    }
}

fn world(lab: &Lab) -> World {
    let mut world = World::new(lab, 1).expect("a world");
    drain(&mut world);
    world
}

fn give(world: &mut World, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        world.handle(world.now(), Input::Command(&command)).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        drain(world);
    }
}

fn node(view: &LabView, name: &str) -> NodeId {
    view.nodes.values().find(|node| node.name == name).map(|node| node.id).expect("a node of this name")
}

fn draft(values: &[(&'static str, &str)]) -> Draft {
    values.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

fn change_in(world: &World, target: &EditTarget, values: &[(&'static str, &str)]) -> Change {
    let (view, draft) = (view_of(world), draft(values));
    change(target, Look { view: &view, draft: &draft })
}

/// All targets that can be come to from the nodes and cables of a lab.
fn reachable(view: &LabView) -> Vec<EditTarget> {
    let nodes = view.nodes.keys().filter_map(|node| EditTarget::of_node(view, *node));
    let mut todo: Vec<_> = nodes.chain([EditTarget::Lab]).collect();
    let mut found: Vec<EditTarget> = Vec::new();
    let draft = Draft::new();
    while let Some(target) = todo.pop() {
        if found.contains(&target) {
            continue;
        }
        let sheet = sheet(&target, Look { view, draft: &draft });
        let sheet = sheet.unwrap_or_else(|| panic!("{target:?} has no sheet"));
        let buttons = sheet.lists.iter().filter_map(|list| list.add.as_ref()).filter(|button| button.locked.is_none());
        let opened = buttons.filter_map(|button| match &button.press {
            Press::Open(target) => Some(target.clone()),
            Press::Apply(_) => None,
        });
        todo.extend(opened);
        todo.extend(sheet.lists.iter().flat_map(|list| &list.items).filter_map(|item| item.open.clone()));
        found.push(target);
    }
    found
}

fn is_new(target: &EditTarget, view: &LabView) -> bool {
    use EditTarget as T;
    match target {
        T::NewVm(_) | T::NewNic(_) | T::NewForward(..) | T::NewNatNetwork(_) | T::NewNetworkForward(..) => true,
        T::Scope(node, name, at) => {
            view.services.get(&(*node, name.clone())).is_some_and(|row| row.scopes.len() == *at as usize)
        }
        T::NetworkDhcp(host, mode, name) => {
            view.host_networks.get(&(*host, *mode, name.clone())).is_none_or(|row| row.server.is_none())
        }
        _ => false,
    }
}

fn all_labs() -> Vec<String> {
    let files = std::fs::read_dir(root().join("static/labs")).expect("labs");
    let labs =
        files.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let names = labs.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A world in which there is something of everything.
fn rich() -> World {
    let mut world = world(&lab("modes"));
    let attach = |vm: &str, mode: Mode, network: &str| Command::Attach {
        vm: vm.into(),
        adapter: 1,
        mode,
        network: network.into(),
    };
    give(&mut world, [attach("vm1", Mode::HostOnly, ""), attach("vm2", Mode::NatNetwork, "")]);
    let view = view_of(&world);
    for (target, values) in [
        (EditTarget::NewVm(node(&view, "host")), &[("name", "vm9"), ("mode", "nat")][..]),
        (EditTarget::NewNetworkForward(node(&view, "host"), "NatNetwork".into()), &[]),
        (EditTarget::NetworkDhcp(node(&view, "host"), Mode::Internal, "blue".into()), &[]),
    ] {
        let plan = change_in(&world, &target, values).plan;
        give(&mut world, plan.commands);
    }
    let vm9 = node(&view_of(&world), "vm9");
    let plan = change_in(&world, &EditTarget::NewForward(vm9, 1), &[]).plan;
    give(&mut world, plan.commands);
    world
}

#[test]
fn every_sheet_says_what_is_in_force_and_an_untouched_one_changes_nothing() {
    let worlds = all_labs().into_iter().map(|name| world(&lab(&name))).chain([rich()]);
    let mut seen = 0;
    for world in worlds {
        let view = view_of(&world);
        for target in reachable(&view) {
            let change = change_in(&world, &target, &[]);
            assert_eq!(change.wrong, [], "{target:?}");
            assert_eq!(change.ready(), is_new(&target, &view), "{target:?}: {change:?}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn what_is_proposed_for_something_new_is_accepted_as_it_stands() {
    let before = rich();
    let view = view_of(&before);
    for target in reachable(&view).into_iter().filter(|target| is_new(target, &view)) {
        let mut world = before.fork();
        let plan = change_in(&world, &target, &[]).plan;
        give(&mut world, plan.commands.into_iter().chain(plan.finally));
    }
}

/// What is typed, and the sheet it is typed in.
fn cases(view: &LabView) -> Vec<(EditTarget, Vec<(&'static str, &'static str)>)> {
    let (host, vm1, vm2, vm9) = (node(view, "host"), node(view, "vm1"), node(view, "vm2"), node(view, "vm9"));
    let office = view.links.values().find(|link| link.a.node == node(view, "pc") || link.b.node == node(view, "pc"));
    let office = office.map(|link| link.id).expect("pc's cable");
    let network = |mode, name: &str| EditTarget::Network(host, mode, name.to_owned());
    let switch = view.bridges.keys().find(|id| view.nodes[*id].host.is_none()).copied().expect("a switch");
    vec![
        (EditTarget::NewVm(host), vec![("name", "box"), ("mode", "internal"), ("network", "my net")]),
        (EditTarget::NewVm(host), vec![("mode", "bridged"), ("start", "")]),
        (EditTarget::NewNic(vm1), vec![("mode", "natnetwork")]),
        (EditTarget::Nic(vm1, 1), vec![("mode", "internal"), ("network", "blue"), ("cable", "")]),
        (EditTarget::Nic(vm2, 1), vec![("promisc", "allow-all"), ("mode", "bridged")]),
        (EditTarget::Nic(vm9, 1), vec![("mac", "08:00:27:00:00:09"), ("natnet", "10.9.0.0/24")]),
        (
            EditTarget::NewForward(vm9, 1),
            vec![("proto", "udp"), ("host-port", "5353"), ("host-address", "192.168.0.111")],
        ),
        (EditTarget::Forward(vm9, 1, "web".into()), vec![("guest-port", "8000")]),
        (EditTarget::NetworkForward(host, "NatNetwork".into(), "web".into()), vec![("host-port", "9000")]),
        (EditTarget::NewNatNetwork(host), vec![("name", "lab"), ("network", "10.7.0.0/24"), ("dhcp", "")]),
        (network(Mode::NatNetwork, "NatNetwork"), vec![("dhcp", "")]),
        (network(Mode::HostOnly, "vboxnet0"), vec![("address", "192.168.57.1/24")]),
        (
            EditTarget::NetworkDhcp(host, Mode::HostOnly, "vboxnet0".into()),
            vec![
                ("first", "192.168.56.120"),
                ("router", "192.168.56.1"),
                ("fixed", "08:00:27:a1:b2:c3 192.168.56.200"),
            ],
        ),
        (EditTarget::NetworkDhcp(host, Mode::Internal, "blue".into()), vec![("lease", "1200"), ("enabled", "")]),
        (EditTarget::NetworkDhcp(host, Mode::Internal, "red".into()), vec![]),
        (EditTarget::Link(office), vec![("loss", "20"), ("delay", "2,5"), ("rate", "10"), ("state", "mute")]),
        (EditTarget::Switch(switch), vec![("stp", "on"), ("ageing", "30"), ("priority", "4096")]),
    ]
}

#[test]
fn the_lines_that_are_shown_do_the_same_as_the_button() {
    let before = rich();
    let view = view_of(&before);
    for (target, values) in cases(&view) {
        let change = change_in(&before, &target, &values);
        assert!(change.ready(), "{target:?}: {change:?}");
        let mut by_button = before.fork();
        give(&mut by_button, change.plan.commands.iter().chain(&change.plan.finally).cloned());
        let lines = lines(&view, &change.plan);
        assert!(!lines.is_empty(), "{target:?}");
        let text: Vec<_> = lines
            .iter()
            .map(|line| match &line.place {
                Place::Machine(machine) => format!("{machine}: {}", line.text),
                Place::Script => line.text.clone(),
            })
            .collect();
        let script = Script::parse(&text.join("\n")).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
        let report = run_script(before.fork(), &script, false);
        assert_eq!(report.failure, None, "{text:?}");
        for result in &report.results {
            assert_eq!(result.exit, 0, "{text:?}: {} {}", result.stdout, result.stderr);
        }
        let (button, typed) = (view_of(&by_button), view_of(&report.world));
        assert_eq!(button.nics, typed.nics, "{text:?}");
        assert_eq!(button.host_networks, typed.host_networks, "{text:?}");
        assert_eq!(button.links, typed.links, "{text:?}");
        let power = |view: &LabView| view.nodes.values().map(|n| (n.name.clone(), n.off)).collect::<BTreeMap<_, _>>();
        assert_eq!(power(&button), power(&typed), "{text:?}");
        assert_ne!(
            (view.nics.clone(), view.host_networks.clone(), view.links.clone(), power(&view), view.bridges.clone()),
            (button.nics.clone(), button.host_networks.clone(), button.links.clone(), power(&button), button.bridges),
            "{target:?} changes nothing"
        );
    }
}

#[test]
fn what_is_wrong_is_said_beside_its_field_and_nothing_is_sent() {
    let world = rich();
    let view = view_of(&world);
    let (host, vm9) = (node(&view, "host"), node(&view, "vm9"));
    let dhcp = node(&view, "dhcp-server");
    let link = view.links.keys().next().copied().expect("a cable");
    let scope = || EditTarget::Scope(dhcp, "dhcpd".into(), 0);
    let cases: Vec<(EditTarget, &'static str, &str)> = vec![
        (EditTarget::NewVm(host), "name", "vm 1"),
        (EditTarget::NewVm(host), "name", "pc"),
        (EditTarget::Nic(vm9, 1), "mac", "08:00:27"),
        (EditTarget::Nic(vm9, 1), "mac", "01:00:5e:00:00:01"),
        (EditTarget::Nic(vm9, 1), "natnet", "10.0.2.1/24"),
        (EditTarget::NewForward(vm9, 1), "host-port", "80"),
        (EditTarget::NewForward(vm9, 1), "guest-port", "70000"),
        (EditTarget::NewForward(vm9, 1), "guest-address", "10.0.2"),
        (EditTarget::NewNetworkForward(host, "NatNetwork".into()), "guest-address", ""),
        (EditTarget::NewNatNetwork(host), "network", "10.7.0.1/24"),
        (EditTarget::Link(link), "loss", "101"),
        (EditTarget::Link(link), "delay", "fast"),
        (EditTarget::Link(link), "rate", "0.0001"),
        (scope(), "first", "10.0.0.5"),
        (scope(), "last", "192.168.0.1"),
        (scope(), "lease", "0"),
        (scope(), "dns", "8.8.8.8, eight"),
        (scope(), "reservations", "08:00:27:a1:b2:c3"),
        (scope(), "exclusions", "192.168.0.1 to 192.168.0.9"),
    ];
    for (target, field, text) in cases {
        let change = change_in(&world, &target, &[(field, text)]);
        assert_eq!(change.wrong.first().map(|(key, _)| *key), Some(field), "{target:?} {text}: {change:?}");
        assert!(!change.ready());
    }
}

#[test]
fn a_change_that_needs_the_vm_off_switches_it_off_and_on_again() {
    let world = rich();
    let vm1 = node(&view_of(&world), "vm1");
    let change = change_in(&world, &EditTarget::Nic(vm1, 1), &[("mac", "08:00:27:00:00:77")]);
    assert!(change.restarts);
    let mut after = world.fork();
    give(&mut after, change.plan.commands.into_iter().chain(change.plan.finally));
    let view = view_of(&after);
    assert!(!view.nodes[&vm1].off);
    assert_eq!(view.nics[&(vm1, 1)].mac.to_string(), "08:00:27:00:00:77");
}

#[test]
fn a_changed_scope_is_what_was_typed_and_the_rest_of_it_stays() {
    let mut world = world(&lab("modes"));
    let dhcp = node(&view_of(&world), "dhcp-server");
    let target = EditTarget::Scope(dhcp, "dhcpd".into(), 0);
    let typed = [("first", "192.168.0.60"), ("last", "192.168.0.69"), ("exclusions", "192.168.0.60 – 192.168.0.64")];
    let plan = change_in(&world, &target, &typed).plan;
    let before = view_of(&world).services[&(dhcp, "dhcpd".to_owned())].scopes[0].clone();
    give(&mut world, plan.commands);
    let after = view_of(&world).services[&(dhcp, "dhcpd".to_owned())].scopes[0].clone();
    assert_eq!((after.first.to_string(), after.last.to_string()), ("192.168.0.60".into(), "192.168.0.69".into()));
    assert_eq!(after.exclusions.len(), 1);
    assert_eq!((after.router, after.dns, after.domain), (before.router, before.dns, before.domain));
}

fn words_of(words: &Words, keys: &mut BTreeSet<String>) {
    match words {
        Words::Key(key, _) => drop(keys.insert((*key).to_owned())),
        Words::Count(key, _) => drop(keys.insert(format!("{key}.other"))),
        Words::Plain(_) => {}
        Words::Joined(parts, _) => parts.iter().for_each(|part| words_of(part, keys)),
    }
}

fn keys_of(sheet: &Sheet, keys: &mut BTreeSet<String>) {
    let mut one = |words: &Words| words_of(words, keys);
    [&sheet.title, &sheet.what].into_iter().chain(&sheet.notes).for_each(&mut one);
    let listed = sheet.lists.iter().flat_map(|list| list.add.iter().chain(list.items.iter().flat_map(|i| &i.buttons)));
    for button in sheet.buttons.iter().chain(&sheet.remove).chain(listed) {
        one(&button.label);
        button.locked.iter().for_each(&mut one);
    }
    sheet.lists.iter().flat_map(|list| &list.items).for_each(|item| {
        one(&item.name);
        one(&item.detail);
    });
    let fields = sheet.form.iter().flat_map(|form| &form.fields);
    for field in fields.clone() {
        field.hint.iter().chain(&field.locked).for_each(&mut one);
        if let Kind::Choice(choices) = &field.kind {
            choices.iter().for_each(|choice| one(&choice.label));
        }
    }
    keys.extend(fields.flat_map(|field| core::iter::once(field.label).chain(field.unit)).map(str::to_owned));
    keys.extend(sheet.lists.iter().flat_map(|list| [list.title, list.empty]).map(str::to_owned));
    keys.extend(sheet.form.iter().map(|form| form.apply.to_owned()));
}

#[test]
fn every_word_of_every_sheet_is_in_both_languages() {
    let mut keys = BTreeSet::new();
    for world in all_labs().into_iter().map(|name| world(&lab(&name))).chain([rich()]) {
        let view = view_of(&world);
        for target in reachable(&view) {
            for mode in Mode::ALL {
                let draft = draft(&[("mode", mode.name()), ("stp", "on"), ("security", "on")]);
                let look = Look { view: &view, draft: &draft };
                sheet(&target, look).iter().for_each(|sheet| keys_of(sheet, &mut keys));
            }
        }
    }
    for lang in ["en", "ru"] {
        let mut known = BTreeSet::new();
        for file in std::fs::read_dir(root().join("static/locales").join(lang)).expect("locales") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
            let table: toml::Table = text.parse().expect("a table");
            for (key, value) in table.get("ui").and_then(toml::Value::as_table).into_iter().flatten() {
                known.insert(key.clone());
                known.extend(value.as_table().into_iter().flatten().map(|(form, _)| format!("{key}.{form}")));
                // Russian has no `other` for whole numbers in use here; `many` stands for it.
                known.insert(format!("{key}.other"));
            }
        }
        let missing: Vec<_> = keys.iter().filter(|key| !known.contains(*key)).collect();
        assert!(missing.is_empty(), "{lang}: {missing:#?}");
    }
}
