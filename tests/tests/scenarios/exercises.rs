//! Exercises: unsolved at the start, solved by their solution, by nothing less and by nothing wrong.

use std::collections::BTreeSet;
use std::path::Path;

use netmodes_core::event::Fact;
use netmodes_core::exercise::{Progress, Verdict};
use netmodes_core::runner::run_script;
use netmodes_core::script::Script;
use netmodes_core::view::LabView;
use netmodes_core::world::World;
use netmodes_tests::content::{ExerciseFolder, exercise, exercise_names, lab};

/// Runs a script as a student would, from the exercise's beginning.
fn played(folder: &ExerciseFolder, script: &Script, seed: u64) -> (LabView, Progress) {
    let world = World::new(&lab(&folder.exercise.lab), seed).expect("a sound lab");
    let report = run_script(world, script, true);
    assert_eq!(report.failure, None, "{}", folder.exercise.id);
    let (mut view, mut progress) = (LabView::default(), Progress::new(&folder.exercise));
    for event in &report.events {
        view.apply(event);
        progress.apply(event, &view);
    }
    (view, progress)
}

/// Runs a script as a student with the solution's answers would, and tells the goals that are not reached.
fn open_goals(folder: &ExerciseFolder, script: &Script, answers: bool, seed: u64) -> Vec<String> {
    let (view, mut progress) = played(folder, script, seed);
    if answers {
        answer_all(folder, &mut progress, &view);
    }
    let open: Vec<_> = progress.state(&view).into_iter().filter(|goal| !goal.done).map(|goal| goal.id).collect();
    assert_eq!(open.is_empty(), progress.is_solved());
    open
}

/// Gives the solution's answers.
fn answer_all(folder: &ExerciseFolder, progress: &mut Progress, view: &LabView) {
    for (goal, answer) in &folder.exercise.solution.answers {
        let lab_s = if answer == "*" { progress.expected(goal, view) } else { None };
        progress.answer(goal, lab_s.as_deref().unwrap_or(answer), view);
    }
}

/// A script without the lines that have `part` in them.
fn without(folder: &ExerciseFolder, part: &str) -> Script {
    let mut script = folder.solution.clone();
    let before = script.lines.len();
    script.lines.retain(|line| !line.action.to_string().contains(part));
    assert!(script.lines.len() < before, "{}: no line of the solution has {part:?}", folder.exercise.id);
    script
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
fn no_wrong_way_solves_an_exercise_and_one_with_a_mistake_s_name_shows_that_mistake() {
    for id in exercise_names() {
        let folder = exercise(&id);
        assert!(!folder.wrong.is_empty(), "{id} has no wrong way");
        let mut shown = BTreeSet::new();
        for (name, script) in &folder.wrong {
            assert!(!open_goals(&folder, script, true, 1).is_empty(), "{id}: {name} solves it");
            let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let Some((goal, mistake)) = stem.split_once('.') else { continue };
            for seed in 0..5 {
                let (view, progress) = played(&folder, script, seed);
                let state = progress.state(&view).into_iter().find(|state| state.id == goal);
                let found = state.and_then(|state| state.mistake);
                assert_eq!(found.as_deref(), Some(mistake), "{id}: {name}, seed {seed}");
            }
            shown.insert(stem);
        }
        let goals = folder.exercise.goals.iter();
        let known = goals.flat_map(|goal| goal.mistakes.iter().map(|mistake| format!("{}.{}", goal.id, mistake.id)));
        for mistake in known {
            assert!(shown.contains(&mistake), "{id}: wrong/{mistake}.nms is missing, which makes this mistake");
        }
    }
}

#[test]
fn no_step_that_is_needed_can_be_left_out() {
    for id in exercise_names() {
        let folder = exercise(&id);
        assert!(!folder.exercise.solution.needed.is_empty(), "{id} says of no step that it is needed");
        for part in &folder.exercise.solution.needed {
            let open = open_goals(&folder, &without(&folder, part), true, 1);
            assert!(!open.is_empty(), "{id} is solved without {part:?}");
        }
    }
}

#[test]
fn the_solution_makes_no_mistake_that_is_spoken_of_at_its_end() {
    for id in exercise_names() {
        let folder = exercise(&id);
        let (view, progress) = played(&folder, &folder.solution, 1);
        let left = progress.state(&view).into_iter().filter_map(|state| Some((state.id, state.mistake?)));
        assert_eq!(left.collect::<Vec<_>>(), [], "{id}");
    }
}

#[test]
fn a_guess_is_kept_as_it_was_given_first_and_told_when_it_shows() {
    for id in exercise_names() {
        let folder = exercise(&id);
        for goal in &folder.exercise.goals {
            let Some(answer) = goal.check.answer().filter(|answer| answer.guess.is_some()) else { continue };
            let (view, mut progress) = played(&folder, &folder.solution, 1);
            let right = &folder.exercise.solution.answers[&goal.id];
            let guess = answer.choices.iter().find(|choice| *choice != right).unwrap_or(right);
            assert_eq!(progress.answer(&goal.id, guess, &view), Verdict::Guessed, "{id}: {}", goal.id);
            answer_all(&folder, &mut progress, &view);
            assert!(progress.is_solved(), "{id}: a wrong guess is no reason to fail");
            let told =
                progress.state(&view).into_iter().find(|state| state.id == goal.id).and_then(|state| state.guess);
            let (given, verdict) = told.expect("the guess is told");
            assert_eq!(&given, guess, "{id}");
            assert!(matches!(verdict, Verdict::Wrong(_)), "{id}: {}: {verdict:?}", goal.id);
        }
    }
}

#[test]
fn covered_frames_open_with_their_goal_and_not_before() {
    let mut covered = 0;
    for id in exercise_names() {
        let folder = exercise(&id);
        let world = World::new(&lab(&folder.exercise.lab), 1).expect("a sound lab");
        let report = run_script(world, &folder.solution, true);
        let (mut view, mut progress) = (LabView::default(), Progress::new(&folder.exercise));
        let mut shut = Vec::new();
        for event in &report.events {
            view.apply(event);
            progress.apply(event, &view);
            if let Fact::FrameSent(sent) = &event.fact
                && progress.covered(sent, &view).is_some()
            {
                shut.push(sent.clone());
            }
        }
        assert!(folder.exercise.covers.is_empty() || !shut.is_empty(), "{id} covers nothing");
        answer_all(&folder, &mut progress, &view);
        assert!(shut.iter().all(|sent| progress.covered(sent, &view).is_none()), "{id} stays covered");
        covered += shut.len();
    }
    assert!(covered > 0);
}

#[test]
fn a_known_mistake_is_recognised_and_does_not_count() {
    let folder = exercise("who-does-8888-see");
    let (view, mut progress) = played(&folder, &folder.solution, 1);
    let wrong = |name: &str| Verdict::Wrong(Some(name.to_owned()));
    assert_eq!(progress.answer("far", "10.0.2.15", &view), wrong("vm"));
    assert_eq!(progress.answer("far", "192.168.0.111", &view), wrong("host"));
    assert_eq!(progress.answer("office", "203.0.113.10", &view), wrong("router"));
    assert_eq!(progress.answer("far", "1.2.3.4", &view), Verdict::Wrong(None));
    assert!(!progress.is_solved());
    assert_eq!(progress.answer("far", " 203.0.113.10 ", &view), Verdict::Right);
}
