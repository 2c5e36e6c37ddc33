use crate::shell::replay;

/// What nft 1.0.6 of Debian 12 printed in a network namespace, kernel 6.18.
const RECORDED: &str = include_str!("recorded.txt");

#[test]
fn output_errors_and_statuses_are_those_of_the_real_nft() {
    let (wrong, count) = replay::differences(RECORDED);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count}");
}
