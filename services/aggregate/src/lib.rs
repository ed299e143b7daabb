//! Folds enriched feedback into window deltas and detects negative share.
