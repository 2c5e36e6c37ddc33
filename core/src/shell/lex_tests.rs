use proptest::prelude::*;

use super::*;

/// What bash 5.2.15 printed here for `bash -c LINE`.
#[test]
fn syntax_errors_are_worded_as_bash_words_them() {
    for (line, expected) in [
        (";;", "bash: -c: line 1: syntax error near unexpected token `;;'\nbash: -c: line 1: `;;'"),
        ("a;;b", "bash: -c: line 1: syntax error near unexpected token `;;'\nbash: -c: line 1: `a;;b'"),
        ("foo &&", "bash: -c: line 2: syntax error: unexpected end of file"),
        ("&& foo", "bash: -c: line 1: syntax error near unexpected token `&&'\nbash: -c: line 1: `&& foo'"),
        ("| foo", "bash: -c: line 1: syntax error near unexpected token `|'\nbash: -c: line 1: `| foo'"),
        ("foo || ;", "bash: -c: line 1: syntax error near unexpected token `;'\nbash: -c: line 1: `foo || ;'"),
        (")", "bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `)'"),
        ("echo (", "bash: -c: line 1: syntax error near unexpected token `newline'\nbash: -c: line 1: `echo ('"),
        ("echo a; ; b", "bash: -c: line 1: syntax error near unexpected token `;'\nbash: -c: line 1: `echo a; ; b'"),
        ("echo \"abc", "bash: -c: line 1: unexpected EOF while looking for matching `\"'"),
        ("echo 'abc", "bash: -c: line 1: unexpected EOF while looking for matching `''"),
        ("echo >", "bash: -c: line 1: syntax error near unexpected token `newline'\nbash: -c: line 1: `echo >'"),
        (
            "echo > ; true",
            "bash: -c: line 1: syntax error near unexpected token `;'\nbash: -c: line 1: `echo > ; true'",
        ),
        ("echo ${x", "bash: -c: line 1: unexpected EOF while looking for matching `}'"),
    ] {
        assert_eq!(parse(line).expect_err(line).render(false), expected, "{line}");
    }
    assert_eq!(parse(";;").unwrap_err().render(true), "bash: syntax error near unexpected token `;;'");
}

#[test]
fn what_the_lab_lacks_is_named() {
    for (line, expected) in [
        ("ip a | grep inet", "bash: pipes (\"|\") are not available in this lab"),
        ("cat << x", "bash: here documents (\"<<\") are not available in this lab"),
        ("cat 3<> x", "bash: redirections (\"<>\") are not available in this lab"),
        ("ping 1.1.1.1 &", "bash: background jobs (\"&\") are not available in this lab"),
        ("echo $(date)", "bash: command substitutions (\"$(\") are not available in this lab"),
        ("for i in 1 2", "bash: loops (\"for\") are not available in this lab"),
        ("echo {1..3}", "bash: brace expansions (\"{1..3}\") are not available in this lab"),
    ] {
        assert_eq!(parse(line).expect_err(line).render(false), expected, "{line}");
    }
}

#[test]
fn connectors_and_comments_separate_commands() {
    let commands = parse("a 1; b && c || d # ; e\nf").unwrap();
    let shape: Vec<_> = commands.iter().map(|c| (c.connector, bare(&c.words[0]).unwrap(), c.line)).collect();
    assert_eq!(
        shape,
        [
            (Connector::Always, "a", 1),
            (Connector::Always, "b", 1),
            (Connector::IfSucceeded, "c", 1),
            (Connector::IfFailed, "d", 1),
            (Connector::Always, "f", 2),
        ]
    );
}

#[test]
fn assignments_stand_only_before_the_first_word() {
    let commands = parse("x=1 y=\"a b\" echo z=2").unwrap();
    assert_eq!(commands[0].assignments.len(), 2);
    assert_eq!(commands[0].words.len(), 2);
    assert!(parse("1a=2").unwrap()[0].assignments.is_empty());
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    assert_eq!(parse(&"x".repeat(COMMAND_LINE_CHARS_MAX + 1)), Err(SyntaxError::TooLong));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(line in any::<String>()) {
        let _ = parse(&line).map_err(|error| (error.render(true), error.render(false)));
    }

    #[test]
    fn any_mix_of_shell_signs_is_parsed_or_refused(line in "[ a-c;&|<>()'\"\\\\$`{}~#?=!*\n.,é]{0,40}") {
        let _ = parse(&line).map_err(|error| (error.render(true), error.render(false)));
    }

    #[test]
    fn single_quotes_keep_everything(text in "[^']{0,40}") {
        let commands = parse(&format!("echo '{text}'")).unwrap();
        prop_assert_eq!(&commands[0].words[1], &vec![Piece::Literal { text, quoted: true }]);
    }
}
