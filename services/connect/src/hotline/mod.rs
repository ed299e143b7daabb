//! What sources tell of a call, in any order and any number of times, comes to one event: the same parts make the same
//! call, a part that comes again changes nothing, and one that adds something makes a higher revision.
//!
//! What is known of a call so far is a cursor, committed with the event it led to, so that a restart forgets nothing.
//! Only the customer's turns are the event's text, which is what is judged.

mod calls;
mod closed;
mod measure;
pub(crate) mod read;
mod roles;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use wensheng_schemas::Call;

use crate::draft::Draft;

pub(crate) use calls::{Calls, Side, caller};
pub use roles::RoleChoice;
pub(crate) use roles::Roles;

/// What a source tells of a call at once.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The call's id, author, scores and attributes; its text stays empty.
    pub(crate) draft: Draft<'static>,
    /// Facts and turns; what is not told here is left as it was.
    pub(crate) call: Call,
    /// When the call began, where that is told.
    pub(crate) started_at: Option<Timestamp>,
    /// The instant that the turns' times are counted from, where that may not be the beginning of the call.
    pub(crate) zero: Option<Timestamp>,
    /// Whether the turns are all there are, so that they replace earlier ones; else they are added to them.
    pub(crate) whole: bool,
}
