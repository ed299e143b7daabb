//! A fuzz target is a function of bytes that reads or refuses whatever comes: it ends, keeps to its memory, and never breaks.

pub use libfuzzer_sys::fuzz_target;
pub use wensheng_connect::fuzzing::Source;

/// The target of a kind of source, as `wensheng_connect::fuzzing::SOURCES` names it.
#[macro_export]
macro_rules! source {
    ($name:literal) => {
        thread_local! {
            static SOURCE: $crate::Source = $crate::Source::named($name).unwrap();
        }

        $crate::fuzz_target!(|bytes: &[u8]| {
            SOURCE.with(|source| source.feed(bytes));
        });
    };
}
