//! Exercises: unsolved at the start, solved by their solution, by nothing less and by nothing wrong.

use netmodes_core::exercise::{Progress, Verdict};
use netmodes_core::runner::run_script;
use netmodes_core::script::Script;
use netmodes_core::view::LabView;
use netmodes_core::world::World;
use netmodes_tests::content::{ExerciseFolder, exercise, exercise_names, lab};

/// Runs a script as a student with these answers would, and tells the goals that are not reached.
fn open_goals(folder: &ExerciseFolder, script: &Script, answers: bool, seed: u64) -> Vec<String> {
    let world = World::new(&lab(&folder.exercise.lab), seed).expect("a sound lab");
    let report = run_script(world, script, true);
    assert_eq!(report.failure, None);
    let (mut view, mut progress) = (LabView::default(), Progress::new(&folder.exercise));
    for event in &report.events {
        view.apply(event);
        progress.apply(event, &view);
    }
    if answers {
        for (goal, answer) in &folder.exercise.solution.answers {
            let _: Verdict = progress.answer(goal, answer, &view);
        }
    }
    let open: Vec<_> = progress.state(&view).into_iter().filter(|goal| !goal.done).map(|goal| goal.id).collect();
    assert_eq!(open.is_empty(), progress.is_solved());
    open
}

#[test]
fn the_solution_of_every_exercise_solves_it_with_any_seed() {
    for id in exercise_names() {
        let folder = exercise(&id);
        for seed in 0..5 {
            assert_eq!(open_goals(&folder, &folder.solution, true, seed), Vec::<String>::new(), "{id}, seed {seed}");
        }
    }
}

#[test]
fn an_exercise_is_unsolved_at_the_start_and_by_guessing_alone() {
    for id in exercise_names() {
        let folder = exercise(&id);
        let all: Vec<_> = folder.exercise.goals.iter().map(|goal| goal.id.clone()).collect();
        assert_eq!(open_goals(&folder, &Script::default(), false, 1), all, "{id}");
        assert!(!open_goals(&folder, &Script::default(), true, 1).is_empty(), "{id}: answers alone solve it");
    }
}

#[test]
fn the_solution_without_its_answers_solves_nothing_that_asks_for_one() {
    for id in exercise_names() {
        let folder = exercise(&id);
        let open = open_goals(&folder, &folder.solution, false, 1);
        let asked: Vec<_> = folder.exercise.solution.answers.keys().cloned().collect();
        assert!(asked.iter().all(|goal| open.contains(goal)), "{id}: open {open:?}, asked {asked:?}");
        assert_eq!(open.len(), asked.len(), "{id}: {open:?}");
    }
}

#[test]
fn no_wrong_way_solves_an_exercise() {
    for id in exercise_names() {
        let folder = exercise(&id);
        assert!(!folder.wrong.is_empty(), "{id} has no wrong way");
        for (name, script) in &folder.wrong {
            assert!(!open_goals(&folder, script, true, 1).is_empty(), "{id}: {name} solves it");
        }
    }
}

#[test]
fn what_the_first_exercise_asks_to_be_done_cannot_be_left_out() {
    let folder = exercise("who-does-8888-see");
    let without = |needle: &str| {
        let mut script = folder.solution.clone();
        let before = script.lines.len();
        script.lines.retain(|line| !line.action.to_string().contains(needle));
        assert_eq!(script.lines.len() + 1, before, "{needle}");
        open_goals(&folder, &script, true, 1)
    };
    // Looking is not doing: only the lease and the ping change what can be known.
    assert_eq!(without("dhclient"), ["lease", "gateway", "ping", "office", "far"]);
    assert_eq!(without("ping"), ["ping", "office", "far"]);
    assert_eq!(without("ip addr"), Vec::<String>::new());
    assert_eq!(without("ip route"), Vec::<String>::new());
}

#[test]
fn a_known_mistake_is_recognised_and_does_not_count() {
    let folder = exercise("who-does-8888-see");
    let world = World::new(&lab("nat"), 1).unwrap();
    let report = run_script(world, &folder.solution, true);
    let (mut view, mut progress) = (LabView::default(), Progress::new(&folder.exercise));
    for event in &report.events {
        view.apply(event);
        progress.apply(event, &view);
    }
    let wrong = |name: &str| Verdict::Wrong(Some(name.to_owned()));
    assert_eq!(progress.answer("far", "10.0.2.15", &view), wrong("vm"));
    assert_eq!(progress.answer("far", "192.168.0.111", &view), wrong("host"));
    assert_eq!(progress.answer("office", "203.0.113.10", &view), wrong("router"));
    assert_eq!(progress.answer("far", "1.2.3.4", &view), Verdict::Wrong(None));
    assert!(!progress.is_solved());
    assert_eq!(progress.answer("far", " 203.0.113.10 ", &view), Verdict::Right);
}
