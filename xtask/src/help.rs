//! The texts of `--help`.

/// All commands.
pub const ALL: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  run [-- ARGS]               build, then start `netmodes serve ARGS` and print its URL
  build [--release]           build the page and the program: target/debug|release/netmodes
  test [--fast] [-- FILTER]   check, build, then every test
  check [--bless]             formatting, clippy and the tidy rules
  dist                        release build, copied into dist/
  bench [page]                how many frames per second the core moves; how large and quick the page is
  shots                       pictures of the main views, for the README
  help [COMMAND]              this text, or a command's own
";

const RUN: &str = "\
Usage: cargo xtask run [--release] [-- ARGS]

Builds the page and the program, then starts `netmodes serve ARGS` in the foreground. Its URL is printed, and opened in
the browser where there is a desktop (DISPLAY or WAYLAND_DISPLAY is set). Ctrl-C ends it.
";

const BUILD: &str = "\
Usage: cargo xtask build [--release] [--page]

Builds the page (WebAssembly), converts labs, texts and exercises for it, and builds the program with the page inside:
target/debug/netmodes, or target/release/netmodes with --release. CARGO_TARGET_DIR is respected. The wasm32 target is
added with rustup when it is missing. --page stops before the program: the page's files are in target/site then.
";

const TEST: &str = "\
Usage: cargo xtask test [--fast] [-- FILTER]

Runs `check`, `build` and every test: units, scenarios, a real browser, real TAP devices. That needs root, /dev/net/tun
and some Debian packages; missing packages are installed with apt-get where that is allowed, else they are named.

  --fast   only what needs nothing from the system
  FILTER   passed on to the test runner
";

const CHECK: &str = "\
Usage: cargo xtask check [--bless]

cargo fmt --check, clippy with warnings as errors (native and wasm32), and the tidy rules of xtask/src/tidy.

  --bless  accept the protocol's types as they are now: rewrites core/src/protocol/schema.lock
";

const DIST: &str = "\
Usage: cargo xtask dist

Release build; leaves dist/netmodes (the program with the page inside) and dist/site: static files for any web server, in
any folder. Their names carry a hash of their content (all but index.html, sw.js and site.webmanifest, which a server
should not let browsers keep); beside what is worth it lie .br and .gz files. On a static host the page works without a
network after the first visit.
";

const BENCH: &str = "\
Usage: cargo xtask bench [page]

Runs the core's benchmark (tests/src/bin/bench_core), optimised. docs/BENCHMARKS.md says what its figures mean.

  page   builds a release of the page and measures it in Chromium (tests/src/bin/bench_page): bytes of the first view,
         time to the first prompt, frame times with 50, 500 and 2,000 marks and with 40 machines, looking back, memory
";

const SHOTS: &str = "\
Usage: cargo xtask shots

Builds the page and takes pictures of its main views with Chromium into docs/shots (light and dark, English and Russian,
desktop and phone). The README shows them.
";

/// The text of one command; none when there is no such command.
pub fn of(command: &str) -> Option<&'static str> {
    Some(match command {
        "run" => RUN,
        "build" => BUILD,
        "test" => TEST,
        "check" => CHECK,
        "dist" => DIST,
        "bench" => BENCH,
        "shots" => SHOTS,
        _ => return None,
    })
}

/// Whether help is asked for among a command's own options (what follows `--` belongs to somebody else).
pub fn is_asked(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--help" || arg == "-h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_command_has_a_text_of_its_own() {
        for line in ALL.lines().filter(|line| line.starts_with("  ") && !line.trim_start().starts_with("help")) {
            let name = line.split_whitespace().next().unwrap();
            assert!(of(name).is_some_and(|text| text.contains(&format!("cargo xtask {name}"))), "{name}");
        }
    }

    #[test]
    fn help_after_the_double_dash_is_for_the_program_behind_it() {
        assert!(is_asked(&["--help".into()]));
        assert!(!is_asked(&["--".into(), "--help".into()]));
    }
}
