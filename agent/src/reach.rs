//! `netmodes sim --reach`: who reaches whom once the script is over, as a table and the first reason of each failure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use netmodes_core::error::fill;
use netmodes_core::id::NodeId;
use netmodes_core::reach::{Cause, Matrix, Reason, Try};

use crate::texts::Texts;

/// Both, only echo requests, only TCP, neither; the machine itself.
const MARKS: [&str; 5] = ["+", "i", "t", "-", "."];

/// The table of a matrix, rows to columns, then a line for each pair that fails.
pub(crate) fn table(matrix: &Matrix, names: &BTreeMap<NodeId, String>, texts: Texts) -> String {
    let name = |id: &NodeId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
    let width = matrix.nodes.iter().map(|id| name(id).chars().count()).max().unwrap_or(0);
    let mut text = format!("{:width$}", "");
    for to in &matrix.nodes {
        let _ = write!(text, "  {}", name(to));
    }
    text.push('\n');
    let mut failures = String::new();
    for from in &matrix.nodes {
        let _ = write!(text, "{:width$}", name(from));
        for to in &matrix.nodes {
            let mark = match matrix.cell(*from, *to).map(|cell| (cell.icmp.ok, cell.tcp.ok)) {
                Some((true, true)) => MARKS[0],
                Some((true, false)) => MARKS[1],
                Some((false, true)) => MARKS[2],
                Some((false, false)) => MARKS[3],
                None => MARKS[4],
            };
            let _ = write!(text, "  {mark:^0$}", name(to).chars().count());
        }
        text.push('\n');
    }
    for cell in &matrix.cells {
        let tried = [&cell.icmp, &cell.tcp].into_iter().find_map(|tried| Some((tried, tried.reason.as_ref()?)));
        if let Some((tried, reason)) = tried {
            let why = why(tried, reason, &name, texts);
            let _ = writeln!(failures, "{} → {}: {why}", name(&cell.from), name(&cell.to));
        }
    }
    let legend = texts.say("reach-legend", &[]);
    format!("{text}{legend}\n{failures}")
}

fn why(tried: &Try, reason: &Reason, name: &impl Fn(&NodeId) -> String, texts: Texts) -> String {
    let dropped = match reason.cause {
        Cause::Dropped(reason) => texts.drop(reason.code()),
        _ => String::new(),
    };
    let address = tried.addr.map(|(addr, _)| addr.to_string()).unwrap_or_default();
    let args = [("node", name(&reason.node)), ("address", address), ("why", dropped)];
    fill(&texts.reach(reason.cause.code()), &args)
}

#[cfg(test)]
mod tests {
    use netmodes_core::reach::Survey;
    use netmodes_core::world::World;

    use super::*;
    use crate::labs;

    #[test]
    fn the_table_has_a_mark_for_each_pair_and_a_reason_for_each_failure() {
        let lab = labs::find("hostonly", Texts::of_language("en")).unwrap();
        let mut world = World::new(&lab, 1).unwrap();
        while world.poll_output().is_some() {}
        let matrix = Survey::new(&world, &["host".to_owned(), "pc".to_owned(), "vm1".to_owned()]).finish();
        let named = |name: &str| Some((world.node_named(name)?, name.to_owned()));
        let names = ["host", "pc", "vm1"].into_iter().filter_map(named).collect();
        let english = table(&matrix, &names, Texts::of_language("en"));
        assert!(english.starts_with("      host  pc  vm1\nhost   .    +    - \n"), "{english}");
        assert!(english.contains("host → vm1: vm1 has no IPv4 address"), "{english}");
        let russian = table(&matrix, &names, Texts::of_language("ru"));
        assert!(russian.contains("У vm1 нет адреса IPv4"), "{russian}");
    }
}
