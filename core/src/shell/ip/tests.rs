//! Tests of `ip` follow.
