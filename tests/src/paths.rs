//! Where the product under test is.

use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Cargo's target folder.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The program `netmodes`: `NETMODES_BIN`, else the debug build's. With [`site`] it is what `cargo xtask build` makes.
pub fn binary() -> PathBuf {
    existing("NETMODES_BIN", target().join("debug/netmodes"))
}

/// The built page: `NETMODES_SITE`, else `site` in cargo's target folder.
pub fn site() -> PathBuf {
    existing("NETMODES_SITE", target().join("site"))
}

/// The page with a release's names, not compressed and of development's code: `NETMODES_PUBLISHED`, else
/// `site-published` in cargo's target folder.
pub fn published() -> PathBuf {
    existing("NETMODES_PUBLISHED", target().join("site-published"))
}

/// A release's page, as `cargo xtask dist` leaves it: `NETMODES_DIST`, else `site-release` in cargo's target folder.
pub fn release() -> PathBuf {
    existing("NETMODES_DIST", target().join("site-release"))
}

/// axe-core's script: `NETMODES_AXE`, else where `cargo xtask test` puts it.
pub fn axe() -> PathBuf {
    existing("NETMODES_AXE", target().join("tools/axe.min.js"))
}

fn existing(variable: &str, otherwise: PathBuf) -> PathBuf {
    let path = std::env::var_os(variable).map_or(otherwise, PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask build` first, or set {variable}", path.display());
    path
}
