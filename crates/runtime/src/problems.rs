//! All that is wrong is told at once, each with its path.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, as a dotted path: `connect.sources[0].path`. Empty for the whole document.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// A collector of problems that knows where it stands.
#[derive(Debug, Default)]
pub struct Problems {
    path: String,
    found: Vec<Problem>,
}

impl Problems {
    /// Adds a problem at `field` below where this stands; an empty field is the place itself.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.found.push(Problem {
            path: join(&self.path, field),
            message: message.into(),
        });
    }

    /// Looks into `field`: what `check` finds is told with that path in front.
    pub fn within(&mut self, field: &str, check: impl FnOnce(&mut Problems)) {
        let inner = join(&self.path, field);
        let outer = std::mem::replace(&mut self.path, inner);
        check(self);
        self.path = outer;
    }

    /// Looks into element `index` of the list `field`.
    pub fn within_item(&mut self, field: &str, index: usize, check: impl FnOnce(&mut Problems)) {
        self.within(&format!("{field}[{index}]"), check);
    }

    /// What was found, in order.
    pub fn into_found(self) -> Vec<Problem> {
        self.found
    }
}

fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}.{field}"),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// Checks that go beyond the shape: ranges, fields that depend on each other, files that must exist.
pub trait Check {
    /// Adds every problem found.
    fn check(&self, problems: &mut Problems);
}
