//! Help for the tests: labs and exercises from `static/`, scripts run to their end, a server of the built page, a
//! browser. What a test shows stands in the test.

pub mod agent;
pub mod axe;
pub mod browser;
pub mod content;
pub mod paths;
pub mod png;
pub mod scripts;
pub mod site;
