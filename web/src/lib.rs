//! The page of Netmodes. The binary `page` makes it one wasm module with the worker's side, which holds the world: page and
//! worker each have an instance of that module.
//!
//! The page knows a lab through one [`store`], filled by messages from one [`source`] (the worker or the agent); which of
//! the two it is, only `source` knows.
//!
//! Logic is plain Rust with native tests: [`store`], [`source`], [`layout`], [`format`] and [`i18n`] import no Yew.

pub mod app;
pub mod dom;
pub mod edit;
pub mod format;
pub mod i18n;
pub mod layout;
pub mod panel;
pub mod shared;
pub mod source;
pub mod store;
