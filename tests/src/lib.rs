//! End-to-end tests: the real binary on both engines.
