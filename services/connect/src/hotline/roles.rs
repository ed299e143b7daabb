//! Who speaks is known by the source's names for the parties; tracks have no standard, and are unknown until configured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_schemas::Role;

/// Who a party of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleChoice {
    /// The customer.
    Customer,
    /// The agent, or a machine.
    Agent,
}

/// The names that vendors give the customer.
const CUSTOMERS: [&str; 7] = [
    "customer", "client", "user", "caller", "客户", "用户", "顾客",
];

/// The names that vendors give whoever answers.
const AGENTS: [&str; 9] = [
    "agent",
    "server",
    "seat",
    "robot",
    "system",
    "客服",
    "坐席",
    "座席",
    "机器人",
];

/// What the parties of a source's calls are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    configured: BTreeMap<String, RoleChoice>,
}

impl Roles {
    pub(crate) fn new(configured: &BTreeMap<String, RoleChoice>) -> Self {
        Self {
            configured: configured.clone(),
        }
    }

    /// The role of the party that the source calls so.
    pub(crate) fn of(&self, party: &str) -> Role {
        if let Some(choice) = self.configured.get(party) {
            return match choice {
                RoleChoice::Customer => Role::Customer,
                RoleChoice::Agent => Role::Agent,
            };
        }
        let party = party.to_lowercase();
        if CUSTOMERS.contains(&party.as_str()) {
            Role::Customer
        } else if AGENTS.contains(&party.as_str()) {
            Role::Agent
        } else {
            Role::Unknown
        }
    }
}
