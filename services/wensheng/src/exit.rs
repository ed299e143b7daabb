//! Stable exit codes: 0 done, 1 failed, 2 wrong usage (clap's), 65 bad lines in the input or a timeline that was tampered with, 78 wrong configuration.

use std::fmt;
use std::process::ExitCode;

use wensheng_runtime::ConfigError;

/// Some lines of the input could not be used (`EX_DATAERR` of sysexits.h).
pub(crate) const BAD_DATA: u8 = 65;
/// The configuration is wrong (`EX_CONFIG`).
pub(crate) const BAD_CONFIG: u8 = 78;

/// Some lines of the input could not be used.
#[derive(Debug)]
pub(crate) struct BadLines(pub(crate) u64);

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} line(s) could not be analysed; each stands in the output with its error",
            self.0
        )
    }
}

impl std::error::Error for BadLines {}

/// Some timelines are not as they were written.
#[derive(Debug)]
pub(crate) struct Unproved(pub(crate) u64);

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} timeline(s) are not as they were written", self.0)
    }
}

impl std::error::Error for Unproved {}

/// The code that says what kind of failure this is.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<ConfigError>().is_some() {
        ExitCode::from(BAD_CONFIG)
    } else if error.downcast_ref::<BadLines>().is_some()
        || error.downcast_ref::<Unproved>().is_some()
    {
        ExitCode::from(BAD_DATA)
    } else {
        ExitCode::FAILURE
    }
}
