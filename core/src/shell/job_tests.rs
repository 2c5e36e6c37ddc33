use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::programs::Stdio;
use crate::shell::fake::Fake;

/// Runs a line that does not wait.
fn run(fake: &mut Fake, line: &str) -> (i32, String, String) {
    match ShellJob::new(line).poll(fake) {
        Step::Exited(status) => (status, core::mem::take(&mut fake.out), core::mem::take(&mut fake.err)),
        Step::Running => panic!("{line} waits"),
    }
}

#[test]
fn the_list_runs_in_order_and_keeps_the_status() {
    let fake = &mut Fake::debian();
    for (line, status, out) in [
        ("echo a; false && echo b || echo c", 0, "a\nc\n"),
        ("false; echo $?; true; echo $?", 0, "1\n0\n"),
        ("true || echo x; false", 1, ""),
        ("x=1 y=2; echo $x$y \"${x}\"", 0, "12 1\n"),
        ("echo -n a; echo -e 'b\\tc\\x41\\0101\\c d'", 0, "ab\tcAA"),
        ("echo -nx -n", 0, "-nx -n\n"),
        ("exit 300; echo no", 44, ""),
        ("false; exit", 1, ""),
        ("# nothing", 0, ""),
        ("", 0, ""),
        ("hostname; id -u; cd /etc && pwd", 0, "vm1\n0\n/etc\n"),
    ] {
        assert_eq!(run(fake, line), (status, out.to_owned(), String::new()), "{line}");
    }
}

/// What bash 5.2.15 and coreutils 9.1 printed here.
#[test]
fn errors_are_bashs() {
    let fake = &mut Fake::debian();
    for (line, status, err) in [
        ("foo", 127, "bash: line 1: foo: command not found\n"),
        ("\"\"", 127, "bash: line 1: : command not found\n"),
        ("./foo", 127, "bash: line 1: ./foo: No such file or directory\n"),
        ("/bin/nope", 127, "bash: line 1: /bin/nope: No such file or directory\n"),
        ("cd /nonexist", 1, "bash: line 1: cd: /nonexist: No such file or directory\n"),
        ("cd a b", 1, "bash: line 1: cd: too many arguments\n"),
        ("exit abc", 2, "bash: line 1: exit: abc: numeric argument required\n"),
        ("exit 1 2", 1, "bash: line 1: exit: too many arguments\n"),
        ("sleep", 1, "sleep: missing operand\nTry 'sleep --help' for more information.\n"),
        ("sleep x", 1, "sleep: invalid time interval ‘x’\nTry 'sleep --help' for more information.\n"),
        ("cat /nope", 1, "cat: /nope: No such file or directory\n"),
        ("cat -z", 1, "cat: invalid option -- 'z'\nTry 'cat --help' for more information.\n"),
        ("uname x", 1, "uname: extra operand ‘x’\nTry 'uname --help' for more information.\n"),
        ("id nope", 1, "id: ‘nope’: no such user\n"),
        (
            "help nope",
            1,
            "bash: line 1: help: no help topics match `nope'.  Try `help help' or `man -k nope' or `info nope'.\n",
        ),
    ] {
        assert_eq!(run(fake, line), (status, String::new(), err.to_owned()), "{line}");
    }
    fake.columns = Some(80);
    assert_eq!(run(fake, "foo").2, "bash: foo: command not found\n");
}

#[test]
fn a_child_is_waited_for_and_ctrl_c_ends_the_list_when_it_died_of_it() {
    let mut fake = Fake::debian();
    let mut job = ShellJob::new("/usr/bin/ping 10.0.2.1; echo done");
    assert_eq!(job.poll(&mut fake), Step::Running);
    assert_eq!(fake.started, [["ping", "10.0.2.1"]]);
    fake.signals.push_back(Signal::Int);
    assert_eq!(job.poll(&mut fake), Step::Running);
    fake.ended.insert(101, 130);
    assert_eq!(job.clone().poll(&mut fake), Step::Exited(130));
    assert_eq!(fake.out, "");
    fake.ended.insert(101, 0);
    assert_eq!(job.poll(&mut fake), Step::Exited(0), "ping caught the signal and ended in its own way");
    assert_eq!(fake.out, "done\n");
    assert_eq!(job.poll(&mut fake), Step::Exited(0));
}

#[test]
fn sleep_waits_for_lab_time_and_can_be_stopped() {
    let mut fake = Fake::debian();
    let mut job = ShellJob::new("sleep 1.5 0.5s; echo up");
    assert_eq!(job.poll(&mut fake), Step::Running);
    assert_eq!(fake.wake, Some(SimTime::from_secs(2)));
    let mut stopped = job.clone();
    fake.now += Duration::from_secs(2);
    assert_eq!(job.poll(&mut fake), Step::Exited(0));
    assert_eq!(fake.out, "up\n");
    fake.now = SimTime::ZERO;
    fake.signals.push_back(Signal::Int);
    assert_eq!(stopped.poll(&mut fake), Step::Exited(130));
}

/// What bash 5.2.15 did here.
#[test]
fn redirections_are_opened_from_left_to_right() {
    let fake = &mut Fake { writable: true, ..Fake::debian() };
    for (line, status, out, err) in [
        ("echo a > f; cat f", 0, "a\n", ""),
        ("echo >> f b; cat f", 0, "a\nb\n", ""),
        ("> f; cat f; echo c >| f; cat < f", 0, "c\n", ""),
        ("cat /nope 2> e; cat e", 0, "cat: /nope: No such file or directory\n", ""),
        ("cat /nope > o 2>&1; cat o", 0, "cat: /nope: No such file or directory\n", ""),
        ("cat /nope 2>&1 > o; echo $?", 0, "cat: /nope: No such file or directory\n1\n", ""),
        (
            "cat /nope &> o; cat /nope &>> o; cat -n o",
            0,
            "     1\tcat: /nope: No such file or directory\n     2\tcat: /nope: No such file or directory\n",
            "",
        ),
        ("echo a >&2", 0, "", "a\n"),
        ("echo a1> f; echo a 1> e; cat f e", 0, "a1\na\n", ""),
        ("echo hi > f > e; cat f e", 0, "hi\n", ""),
        ("cd /etc; echo x > y; cat /etc/y", 0, "x\n", ""),
        ("nope 2>/dev/null; echo $?", 0, "127\n", ""),
        ("echo x > /dev/null 3> f; echo y", 0, "y\n", ""),
        ("exit 3 > f; echo no", 3, "", ""),
    ] {
        assert_eq!(run(fake, line), (status, out.to_owned(), err.to_owned()), "{line}");
        assert_eq!(fake.stdio, Stdio::default(), "{line}");
    }
    for (line, err) in [
        ("echo hi > /nodir/x", "/nodir/x: No such file or directory"),
        ("cat < /nofile", "/nofile: No such file or directory"),
        ("echo x > /etc", "/etc: Is a directory"),
        ("echo x > /proc/sys/net/ipv4/nope", "/proc/sys/net/ipv4/nope: No such file or directory"),
        ("echo x > $UNSET", "$UNSET: ambiguous redirect"),
        ("x=\"b d\"; echo a > $x", "$x: ambiguous redirect"),
        ("echo x > \"\"", ": No such file or directory"),
        ("echo hi >&5", "5: Bad file descriptor"),
        ("echo hi > /dev/full", "echo: write error: No space left on device"),
        ("nope > /nodir/x", "/nodir/x: No such file or directory"),
        ("> /nodir/y && echo b", "/nodir/y: No such file or directory"),
    ] {
        assert_eq!(run(fake, line), (1, String::new(), format!("bash: line 1: {err}\n")), "{line}");
    }
}

#[test]
fn help_lists_every_command_that_the_machine_has() {
    let help = run(&mut Fake::debian(), "help").1;
    for tool in crate::shell::tools() {
        // No hypervisor is installed here.
        assert_eq!(help.contains(tool.summary), tool.name != "VBoxManage", "{}", tool.name);
    }
}

#[test]
fn hostname_and_uname_answer_as_debian() {
    let fake = &mut Fake::debian();
    fake.files.insert("/etc/hosts".to_owned(), "127.0.0.1 localhost\n127.0.1.1 vm1.lab vm1\n".to_owned());
    assert_eq!(
        run(fake, "hostname -I; hostname -f; hostname -d; hostname -i").1,
        "10.0.2.15 \nvm1.lab\nlab\n127.0.1.1\n"
    );
    assert_eq!(run(fake, "uname; uname -sn").1, "Linux\nLinux vm1\n");
    assert_eq!(run(fake, "cd /etc; cat -n hosts").1, "     1\t127.0.0.1 localhost\n     2\t127.0.1.1 vm1.lab vm1\n");
}

proptest! {
    #[test]
    fn any_line_runs_without_a_panic(line in any::<String>()) {
        let _ = ShellJob::new(&line).poll(&mut Fake::debian());
    }

    #[test]
    fn any_words_run_without_a_panic(
        words in proptest::collection::vec("(ip|ss|a|addr|l|r|n|add|del|show|set|dev|via|lo|enp0s3|default|1.2.3.4/[0-9]{1,2}|up|-[a-z]|state|cat|echo|-e|[a-z]{1,4}|[;&|<>]{1,2}|[12]>|/dev/null|[0-9x.:]{1,5})", 0..9)
    ) {
        let _ = ShellJob::new(&words.join(" ")).poll(&mut Fake::debian());
    }
}
