//! The application: its parts on the page, and the one place where the state is kept and changed.

mod context;
mod hub;
mod panic;
mod root;
pub mod shortcuts;
mod texts;

pub use context::{TextsHandle, use_dispatch, use_lab_time, use_texts};
pub use hub::Dispatch;
pub use root::mount;
