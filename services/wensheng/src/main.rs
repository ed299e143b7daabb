//! The Wensheng binary.
fn main() {}
