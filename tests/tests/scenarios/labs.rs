//! Every lab that comes with the program.

use netmodes_core::event::Fact;
use netmodes_core::lab::Lab;
use netmodes_core::world::World;
use netmodes_tests::content::{lab, lab_names, read};
use netmodes_tests::paths::root;
use netmodes_tests::scripts::run;

#[test]
fn every_lab_is_built_and_sound_for_twenty_seeds() {
    let names = lab_names();
    assert!(names.iter().any(|name| name == "nat"), "{names:?}");
    for name in names {
        let lab = lab(&name);
        assert_eq!(lab.name, name);
        for seed in 0..20 {
            let world = World::new(&lab, seed).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(world.check(), Ok(()), "{name}, seed {seed}");
            run(&lab, seed, "@wait 10\n");
        }
    }
}

#[test]
fn the_form_that_the_page_reads_is_the_same_lab() {
    for name in lab_names() {
        let lab = lab(&name);
        assert_eq!(Lab::from_json(&lab.to_json()), Ok(lab));
    }
}

#[test]
fn the_office_and_the_internet_are_the_same_in_every_lab_that_has_them() {
    let shared = |name: &str, heading: &str| {
        let text = read(&root().join("static/labs").join(name).with_extension("toml"));
        let (_, rest) = text.split_once(&format!("# --- {heading} -"))?;
        Some(rest.split("\n# --- ").next().unwrap_or_default().trim().to_owned())
    };
    for heading in ["the office", "the Internet"] {
        let expected = shared("nat", heading).expect("the lab nat has it");
        let others = lab_names().into_iter().filter_map(|name| Some((shared(&name, heading)?, name)));
        let mut count = 0;
        for (found, name) in others {
            assert!(found == expected, "{heading} in {name} is not that of nat");
            count += 1;
        }
        assert!(count > 5, "{heading}: {count}");
    }
}

#[test]
fn nothing_moves_in_a_lab_before_somebody_does_something() {
    let report = run(&lab("nat"), 1, "@wait 3600\n");
    let frames = report.events.iter().filter(|event| matches!(event.fact, Fact::FrameSent(_))).count();
    assert_eq!(frames, 0);
}
