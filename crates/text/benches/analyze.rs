//! Analysis of one post beside raw jieba-rs on the same text.
fn main() {}
