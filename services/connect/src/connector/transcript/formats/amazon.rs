//! Amazon: analysis files of Connect Contact Lens, and of Transcribe Call Analytics.

use serde_json::Value;
use wensheng_schemas::Call;

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::{field, list, number, text, turn};

pub(super) fn part(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let status = text(item, "JobStatus");
    if let Some(status) = status.filter(|status| status != "COMPLETED") {
        return Err(format!("the analysis is not complete: {status}"));
    }
    let participants = list(item, "Participants");
    let role_of = |id: &str| {
        let own = participants
            .iter()
            .find(|one| text(one, "ParticipantId").as_deref() == Some(id));
        own.and_then(|one| text(one, "ParticipantRole"))
            .unwrap_or_else(|| id.to_owned())
    };
    let turns = list(item, "Transcript").iter().filter_map(|sentence| {
        let span = (
            number(sentence, "BeginOffsetMillis")?,
            number(sentence, "EndOffsetMillis")?,
        );
        let party = text(sentence, "ParticipantRole")
            .or_else(|| text(sentence, "ParticipantId").map(|id| role_of(&id)));
        Some(turn(context.roles, party, span, text(sentence, "Content")?))
    });
    let characteristics = field(item, "ConversationCharacteristics").unwrap_or(&Value::Null);
    let mut part = Part {
        call: Call {
            duration_ms: number(characteristics, "TotalConversationDurationMillis"),
            turns: turns.collect(),
            ..Call::default()
        },
        started_at: context.started_at,
        whole: true,
        ..Part::default()
    };
    let metadata = field(item, "CustomerMetadata");
    let own = metadata
        .and_then(|metadata| text(metadata, "ContactId"))
        .or_else(|| text(item, "JobName"));
    part.draft.set(Field::Id, context.id("connect", own)?);
    Ok(part)
}
