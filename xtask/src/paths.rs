//! Where things are: the workspace, cargo's target folder, and what xtask makes in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::{At as _, Fault};
use crate::process::cargo_program;

/// The folders of this checkout.
pub struct Paths {
    /// The workspace's root.
    pub root: PathBuf,
    /// Cargo's target folder, absolute (CARGO_TARGET_DIR and cargo's configuration included).
    pub target: PathBuf,
}

impl Paths {
    /// Asks cargo.
    ///
    /// # Errors
    /// When cargo cannot read the workspace.
    pub fn find() -> Result<Self, Fault> {
        let mut ask = Command::new(cargo_program());
        ask.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).args(["--manifest-path", MANIFEST]);
        let answer = ask.output().at("cargo metadata")?;
        if !answer.status.success() {
            return Err(Fault::new(format!("cargo metadata: {}", String::from_utf8_lossy(&answer.stderr).trim())));
        }
        let value: serde_json::Value = serde_json::from_slice(&answer.stdout).at("cargo metadata")?;
        let path = |key: &str| {
            let text = value.get(key).and_then(serde_json::Value::as_str);
            text.map(PathBuf::from).ok_or_else(|| Fault::new(format!("cargo metadata names no {key}")))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// The page as it is served and put into the program. A release's stands apart: its files have other names.
    pub fn site(&self, release: bool) -> PathBuf {
        self.target.join(if release { "site-release" } else { "site" })
    }

    /// What xtask keeps between two builds.
    pub fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The program.
    pub fn binary(&self, release: bool) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" }).join("netmodes")
    }

    /// `path` as seen from the workspace's root, for messages.
    pub fn short<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
