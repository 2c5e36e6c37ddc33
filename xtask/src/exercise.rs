//! The core's reader of exercise texts, compiled into xtask by itself, so that a text has one meaning.
//!
//! A dependency on the whole core would build it twice (xtask and the agent ask for different features of shared
//! crates), again at every change of the core, and would leave no `cargo xtask` while the core does not compile.

/// What the reader names of the rest of the core; never used here.
pub mod format {
    /// Stands for the core's exercise.
    pub struct Exercise;

    impl Exercise {
        /// Sections that the exercise asks for.
        pub fn sections(&self) -> std::collections::BTreeSet<String> {
            std::collections::BTreeSet::new()
        }
    }
}

#[allow(dead_code, reason = "xtask uses a part of it")]
#[path = "../../core/src/exercise/text.rs"]
pub mod text;
