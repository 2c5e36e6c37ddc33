//! A server of the built page.
