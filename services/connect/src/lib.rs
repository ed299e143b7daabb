//! Takes feedback in from the outside world: one connector per source.
