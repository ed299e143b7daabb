//! Who speaks is known by the numbers in the record of the call: an agent who serves on a telephone has one as the customer has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use wensheng_schemas::Role;

use crate::hotline::Roles;
use crate::hotline::read::{field, list, number, text};

/// The numbers of so many calls are remembered, in memory alone; most words come within minutes of the record of their call.
const MAX_CALLS: usize = 20_000;

/// Whose numbers are whose in a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Parties {
    customer: Option<String>,
    agents: BTreeSet<String>,
}

impl Parties {
    /// Those of the record of a call.
    fn of(cdr: &Value) -> Self {
        let customer = match number(cdr, "Direction") {
            Some(1) => text(cdr, "Callee"),
            _ => text(cdr, "Caller"),
        };
        let seat = field(cdr, "SeatUser").into_iter();
        let agents = seat.chain(list(cdr, "ServeParticipants"));
        Self {
            customer: customer.as_deref().map(plain),
            agents: agents
                .filter_map(|agent| text(agent, "Phone"))
                .map(|phone| plain(&phone))
                .collect(),
        }
    }

    /// The roles of the users of recognised words, by the users as they are written. What is configured comes first; a mail
    /// address is an agent's; a number that the record does not know is the customer's where it is the only one and nothing
    /// speaks against it.
    pub(super) fn speakers(&self, users: &[String], roles: &Roles) -> BTreeMap<String, Role> {
        let has_mail = users.iter().any(|user| user.contains('@'));
        let numbers = users.iter().filter(|user| !user.contains('@'));
        let numbers: BTreeSet<String> = numbers.map(|user| plain(user)).collect();
        let is_only_one = numbers.len() == 1 && (has_mail || self.customer.is_none());
        let role = |user: &String| {
            let configured = roles.of(user);
            let number = plain(user);
            if configured != Role::Unknown {
                configured
            } else if user.contains('@') {
                Role::Agent
            } else if self.customer.as_ref() == Some(&number) {
                Role::Customer
            } else if self.agents.contains(&number) {
                Role::Agent
            } else if is_only_one {
                Role::Customer
            } else {
                Role::Unknown
            }
        };
        users
            .iter()
            .map(|user| (user.clone(), role(user)))
            .collect()
    }
}

/// A number by its digits alone, without China's code: `008613800138000` and `+86 138 0013 8000` are the same.
fn plain(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return number.to_lowercase();
    }
    let digits = digits.trim_start_matches('0');
    match digits.strip_prefix("86") {
        Some(rest) if rest.len() >= 9 => rest.trim_start_matches('0').to_owned(),
        _ => digits.to_owned(),
    }
}

/// The parties of the calls whose record came.
#[derive(Debug, Default)]
pub(super) struct KnownParties(Mutex<BTreeMap<String, Parties>>);

impl KnownParties {
    /// Remembers those of the record of a call.
    pub(super) fn note(&self, session: &str, cdr: &Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_CALLS {
            known.clear();
        }
        known.insert(session.to_owned(), Parties::of(cdr));
    }

    /// Those of a call; nobody where its record did not come.
    pub(super) fn of(&self, session: &str) -> Parties {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(session).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hotline::RoleChoice;

    #[test]
    fn who_speaks_is_told_by_the_numbers_of_the_call() {
        let cdr = json!({"Direction": 0, "Caller": "008613800138000", "Callee": "4008001234",
            "SeatUser": {"Phone": "008613911112222"}, "ServeParticipants": [{"Phone": "+86 755 8600 1234"}]});
        let outbound = json!({"Direction": 1, "Caller": "4008001234", "Callee": "13800138000", "SeatUser": {"Phone": ""}});
        let (customer, agent) = (Role::Customer, Role::Agent);
        let none = json!({});
        for (cdr, users) in [
            (
                &cdr,
                &[("+8613800138000", customer), ("13911112222", agent)][..],
            ),
            (&cdr, &[("13800138000", customer), ("075586001234", agent)]),
            (
                &cdr,
                &[("13800138000", customer), ("13700000000", Role::Unknown)],
            ),
            (
                &outbound,
                &[("+8613800138000", customer), ("13911112222", Role::Unknown)],
            ),
            // The number is hidden behind another.
            (&cdr, &[("17000000001", customer), ("a@example.com", agent)]),
            (&cdr, &[("17000000001", Role::Unknown)]),
            // Without the record.
            (
                &none,
                &[("13800138000", customer), ("a@example.com", agent)],
            ),
            (
                &none,
                &[
                    ("13800138000", Role::Unknown),
                    ("13911112222", Role::Unknown),
                ],
            ),
            (&none, &[("13800138000", Role::Unknown), ("95017", agent)]),
        ] {
            let written: Vec<String> = users.iter().map(|(user, _)| (*user).to_owned()).collect();
            let roles = Roles::new(&[("95017".to_owned(), RoleChoice::Agent)].into());
            let told = Parties::of(cdr).speakers(&written, &roles);
            for (user, role) in users {
                assert_eq!(told[*user], *role, "{user} of {users:?}");
            }
        }
    }
}
