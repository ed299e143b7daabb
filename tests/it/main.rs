//! End-to-end tests: the real binary as a child process, on both engines, through whatever may go wrong.
//!
//! `WENSHENG_BIN` names the binary to test (else it is built), `WENSHENG_E2E_FULL=1` takes all rows and the long tests,
//! `WENSHENG_KAFKA` and `WENSHENG_POSTGRES` name engines, `WENSHENG_SHARED` the directory with the training files, and
//! `WENSHENG_SEED` repeats a run of random moments.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails loudly, its helpers too"
)]

mod alert_path;
mod binary;
mod channels;
mod console;
mod demo;
mod docs;
mod engines;
mod erase;
mod errors;
mod exactly_once;
mod faults;
mod input;
mod ledger;
mod main_job;
mod personal_data;
mod process;
mod readiness;
mod receiver;
mod revisions;
mod signature;
mod silence;
mod site;
mod upgrade;
mod webhook;
mod wire;
mod words;
