//! What changed is told once per flush: one record per alert, every line of its chain, every notification.

use std::collections::HashMap;

use jiff::Timestamp;
use wensheng_schemas::{
    Alert, AlertId, Escalation, Notification, NotificationKind, OnCall, TimelineEvent,
    TimelineRecord, derived_id,
};

use super::Desk;

/// What people are to be told, until the alert's record is written.
pub(super) struct Told {
    alert: AlertId,
    id: String,
    kind: NotificationKind,
    audience: Escalation,
    on_call: Vec<OnCall>,
    at: Timestamp,
}

/// What a flush gives: records of alerts that changed, the lines of their chains, and what people are told, each in the
/// order it happened.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Flushed {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) lines: Vec<TimelineRecord>,
    pub(crate) notifications: Vec<Notification>,
}

impl Desk {
    /// What changed since the last flush.
    pub(crate) fn flush(&mut self, now: Timestamp) -> Flushed {
        let mut flushed = Flushed::default();
        let mut records: HashMap<AlertId, Alert> = HashMap::new();
        for id in std::mem::take(&mut self.touched) {
            let Some(held) = self.held.get_mut(&id) else {
                continue;
            };
            held.touched = false;
            flushed.lines.extend(held.take_lines(now));
            held.alert.revision += 1;
            held.alert.times.updated_at = now;
            flushed.alerts.push(held.alert.clone());
        }
        for alert in &flushed.alerts {
            records.insert(alert.id.clone(), alert.clone());
        }
        for told in std::mem::take(&mut self.told) {
            let Some(alert) = records.get(&told.alert) else {
                continue;
            };
            flushed.notifications.push(Notification {
                id: told.id,
                kind: told.kind,
                audience: told.audience,
                on_call: told.on_call,
                alert: alert.clone(),
                decided_at: told.at,
            });
        }
        flushed
    }

    /// Notes what people are to be told. What has no clock is shown, and nobody is told. The id does not depend on how
    /// records were cut into batches: `detail` names the occasion.
    pub(super) fn tell(
        &mut self,
        id: &AlertId,
        kind: NotificationKind,
        detail: &str,
        at: Timestamp,
    ) {
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        let alert = &held.alert;
        let Some(policy) = self.config.policies.of(alert.severity) else {
            return;
        };
        let level = alert
            .clock
            .as_ref()
            .map_or(Escalation::FrontLine, |clock| clock.escalation);
        let audience = level.max(policy.tell);
        let told = Told {
            alert: id.clone(),
            id: derived_id(&["notification", id.as_str(), kind.name(), detail]),
            audience,
            on_call: self
                .config
                .rota
                .on_call(audience, at, &self.config.calendar),
            kind,
            at,
        };
        held.note_own(
            at,
            TimelineEvent::Told {
                notification: told.id.clone(),
                kind: told.kind.name().to_owned(),
                audience,
                on_call: told.on_call.clone(),
            },
        );
        self.told.push(told);
    }
}
