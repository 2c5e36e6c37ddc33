//! What the tests need from the system, and getting it.

use std::path::Path;
use std::process::Command;

use crate::fault::Fault;
use crate::process::{find_program, must, works};

/// A program the tests call, and Debian's package with it.
const PROGRAMS: [(&str, &str); 12] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("ip", "iproute2"),
    ("ss", "iproute2"),
    ("dhclient", "isc-dhcp-client"),
    ("ping", "iputils-ping"),
    ("tshark", "tshark"),
    ("tcpdump", "tcpdump"),
    ("curl", "curl"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("python3", "python3"),
];

/// Sees to it that the tests find what they need.
///
/// # Errors
/// What is missing and how to get it.
pub fn ensure() -> Result<(), Fault> {
    let missing = missing();
    if !missing.is_empty() {
        install(&missing)?;
    }
    rights()
}

/// Sees to it that there is a browser to drive.
///
/// # Errors
/// What is missing and how to get it.
pub fn ensure_browser() -> Result<(), Fault> {
    let missing: Missing = missing().into_iter().filter(|(program, _)| program.starts_with("chrom")).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

type Missing = Vec<(&'static str, &'static str)>;

fn missing() -> Missing {
    PROGRAMS.into_iter().filter(|(program, _)| find_program(program).is_none()).collect()
}

/// Package names, each once.
fn packages(missing: &Missing) -> Vec<&'static str> {
    let names: std::collections::BTreeSet<_> = missing.iter().map(|(_, package)| *package).collect();
    names.into_iter().collect()
}

/// What is missing, in words.
fn sentence(missing: &Missing) -> String {
    let names: Vec<_> =
        missing.iter().map(|(program, package)| format!("{program} (Debian package {package})")).collect();
    format!("missing for the tests: {}", names.join(", "))
}

fn advice(missing: &Missing) -> String {
    format!(
        "{}.\nOn Debian or Ubuntu: sudo apt-get install --no-install-recommends {}\n\
         What needs nothing from the system runs with `cargo xtask test --fast`.",
        sentence(missing),
        packages(missing).join(" ")
    )
}

fn install(missing: &Missing) -> Result<(), Fault> {
    let sudo = if is_root() {
        None
    } else if works(Command::new("sudo").args(["-n", "true"])) {
        Some("sudo")
    } else {
        return Err(Fault::new(advice(missing)));
    };
    if find_program("apt-get").is_none() {
        return Err(Fault::new(advice(missing)));
    }
    eprintln!("      {}", sentence(missing));
    let apt = |args: &[&str]| {
        let mut command = Command::new(sudo.unwrap_or("env"));
        // Through `env`, since sudo passes no variables on; tshark's package would ask a question otherwise.
        if sudo.is_some() {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]).args(args);
        must(&mut command).map_err(|fault| Fault::new(format!("{}\n{}", fault.text, advice(missing))))
    };
    apt(&["update"])?;
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    let packages = packages(missing);
    args.extend(&packages);
    apt(&args)?;
    let still = self::missing();
    if still.is_empty() { Ok(()) } else { Err(Fault::new(advice(&still))) }
}

/// The user's number as the kernel tells it (proc(5), `/proc/self/status`, line Uid: real, effective …).
fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| effective_uid(&status) == Some(0))
}

fn effective_uid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Tests of TAP devices make network namespaces and devices.
fn rights() -> Result<(), Fault> {
    let hint = "What needs no rights runs with `cargo xtask test --fast`.";
    if !is_root() {
        let why = "the tests of real TAP devices need root: they make network namespaces and devices";
        return Err(Fault::new(format!("{why}. Run `cargo xtask test` as root.\n{hint}")));
    }
    if !Path::new("/dev/net/tun").exists() {
        let why = "there is no /dev/net/tun, which the tests of real TAP devices need";
        let how = "`modprobe tun`; in a container: `--device /dev/net/tun --cap-add NET_ADMIN --cap-add SYS_ADMIN`";
        return Err(Fault::new(format!("{why}. Get it with {how}.\n{hint}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package_and_the_command() {
        let text = advice(&vec![("ip", "iproute2"), ("ss", "iproute2"), ("chromedriver", "chromium-driver")]);
        assert!(text.contains("chromedriver (Debian package chromium-driver)"), "{text}");
        assert!(text.contains("apt-get install --no-install-recommends chromium-driver iproute2\n"), "{text}");
    }

    #[test]
    fn the_effective_user_counts() {
        assert_eq!(effective_uid("Name:\tx\nUid:\t1000\t0\t0\t0\n"), Some(0));
        assert_eq!(effective_uid(""), None);
    }
}
