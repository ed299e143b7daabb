//! Where cards lead: the alert's page in the console, and the one-tap actions that its state allows.

use jiff::SignedDuration;
use wensheng_runtime::TicketKey;
use wensheng_schemas::{AlertState, LinkAction, LinkClaim, Notification};

use crate::{Config, Language, phrases};

/// The console's address, and the key that lets cards act.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    base: String,
    key: Option<TicketKey>,
    valid: SignedDuration,
}

impl Links {
    pub(crate) fn new(config: &Config) -> Self {
        let secret = config.links.secret.expose();
        Self {
            base: config.console_url.trim_end_matches('/').to_owned(),
            key: (!secret.is_empty()).then(|| TicketKey::new(secret.as_bytes())),
            valid: SignedDuration::from_mins(i64::from(config.links.valid_minutes)),
        }
    }

    /// The page of all alerts.
    pub(crate) fn alerts(&self) -> Option<String> {
        (!self.base.is_empty()).then(|| format!("{}/#/alerts", self.base))
    }

    /// The alert's page.
    pub(crate) fn alert(&self, notification: &Notification) -> Option<String> {
        let alerts = self.alerts()?;
        Some(format!("{alerts}/{}", notification.alert.id))
    }

    /// What a card offers to do: the words, and where they lead. A function of its arguments, so that a push that is sent
    /// again says the same.
    pub(crate) fn actions(
        &self,
        notification: &Notification,
        push: &str,
        receiver: &str,
        language: Language,
    ) -> Vec<(&'static str, String)> {
        let Some(key) = self.key.as_ref().filter(|_| !self.base.is_empty()) else {
            return Vec::new();
        };
        let alert = &notification.alert;
        let expires_at = notification
            .decided_at
            .checked_add(self.valid)
            .unwrap_or(jiff::Timestamp::MAX);
        let offered: &[LinkAction] = match &alert.state {
            AlertState::Raised => &[
                LinkAction::Acknowledge,
                LinkAction::Escalate,
                LinkAction::Dismiss,
            ],
            state if state.is_open() => &[LinkAction::Escalate],
            _ => &[],
        };
        offered
            .iter()
            .map(|action| {
                let claim = LinkClaim {
                    alert: alert.id.clone(),
                    action: *action,
                    push: push.to_owned(),
                    receiver: receiver.to_owned(),
                };
                let ticket = key.issue(&claim, expires_at);
                (
                    phrases::action(language, *action),
                    format!("{}/act/{ticket}", self.base),
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use wensheng_runtime::Secret;
    use wensheng_schemas::Actor;

    use super::*;
    use crate::testing::{notification, now};

    fn links() -> Links {
        let mut config = Config {
            console_url: "https://voc.example.com/".to_owned(),
            ..Config::default()
        };
        config.links.secret = Secret::new("a secret of both roles");
        Links::new(&config)
    }

    #[test]
    fn a_card_offers_what_the_state_allows_by_links_that_claim_it() {
        let mut told = notification("n1");
        let offered = links().actions(&told, "p1", "值班群", Language::Zh);
        let words: Vec<&str> = offered.iter().map(|(words, _)| *words).collect();
        assert_eq!(words, ["认领", "升级", "误报"]);
        let ticket = offered[0]
            .1
            .strip_prefix("https://voc.example.com/act/")
            .unwrap();
        let key = TicketKey::new(b"a secret of both roles");
        let claim: LinkClaim = key.open(ticket, now()).unwrap();
        assert_eq!(
            (claim.alert.as_str(), claim.action, claim.receiver.as_str()),
            ("a1", LinkAction::Acknowledge, "值班群")
        );
        let later = told.decided_at + SignedDuration::from_hours(25);
        assert!(key.open::<LinkClaim>(ticket, later).is_err());

        told.alert.state = AlertState::Acknowledged {
            by: Actor("小李".to_owned()),
            at: now(),
        };
        let offered = links().actions(&told, "p1", "值班群", Language::En);
        assert_eq!(offered.len(), 1);
        told.alert.state = AlertState::Resolved {
            by: Actor("小李".to_owned()),
            at: now(),
        };
        assert!(links().actions(&told, "p1", "r", Language::En).is_empty());
    }

    #[test]
    fn without_a_secret_a_card_offers_its_page_alone() {
        let links = crate::testing::links();
        let told = notification("n1");
        assert!(links.actions(&told, "p1", "r", Language::Zh).is_empty());
        assert_eq!(
            links.alert(&told).unwrap(),
            "https://voc.example.com/#/alerts/a1"
        );
    }
}
