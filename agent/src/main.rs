//! netmodes

fn main() {}
