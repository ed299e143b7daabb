//! A fuzz target is a function of bytes that reads or refuses whatever comes: it ends, keeps to its memory, and never breaks.

pub use libfuzzer_sys::fuzz_target;
pub use wensheng_connect::fuzzing::Source;

/// The target of a kind of source, as `wensheng_connect::fuzzing::SOURCES` names it. A source may remember what it read (parts of calls, pages): each
/// input meets a new one, so that what breaks it breaks it again.
#[macro_export]
macro_rules! source {
    ($name:literal) => {
        $crate::fuzz_target!(|bytes: &[u8]| {
            $crate::Source::named($name).unwrap().feed(bytes);
        });
    };
}
