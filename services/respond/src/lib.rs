//! Folds signals into alerts and keeps their response clock.
