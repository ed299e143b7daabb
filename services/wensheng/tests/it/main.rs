//! The verbs of the command line as a script meets them: what they print, and the code they end with.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod alert;
mod backtest;
mod connectors;
mod replay;
mod verbs;
