//! What each role reads, for the lag that decides readiness and idleness.

use std::fmt;

use wensheng_schemas::Topic;

use crate::cli::Role;

impl Role {
    /// All roles, in flow order.
    pub(crate) const ALL: [Role; 7] = [
        Role::Connect,
        Role::Enrich,
        Role::Aggregate,
        Role::Respond,
        Role::Notify,
        Role::Publish,
        Role::Console,
    ];

    /// Its name on the command line, in metrics, and in its consumer group.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Role::Connect => "connect",
            Role::Enrich => "enrich",
            Role::Aggregate => "aggregate",
            Role::Respond => "respond",
            Role::Notify => "notify",
            Role::Publish => "publish",
            Role::Console => "console",
        }
    }

    /// The topics its stage consumes; none for the two ends.
    pub(crate) const fn inputs(self) -> &'static [Topic] {
        match self {
            Role::Connect | Role::Console => &[],
            Role::Enrich => &wensheng_enrich::INPUTS,
            Role::Aggregate => &wensheng_aggregate::INPUTS,
            Role::Respond => &wensheng_respond::INPUTS,
            Role::Notify => &wensheng_notify::INPUTS,
            Role::Publish => &wensheng_publish::INPUTS,
        }
    }

    /// Whether it needs the query store.
    pub(crate) const fn needs_store(self) -> bool {
        matches!(self, Role::Publish | Role::Console)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
