//! Writes the store exactly once and emits window totals.
