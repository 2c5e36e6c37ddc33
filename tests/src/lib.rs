//! Help for the tests.
