//! An alert grows with every signal of its matter, but its record does not: samples, causes and authors are bounded.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use wensheng_schemas::{
    ALL_SOURCES, Alert, AlertId, AlertState, AlertTimes, ChainHead, Handling, Sample, Severity,
    Signal, SignalKind, Spread, TOPIC_ALL,
};

/// Samples shown with an alert.
const SAMPLES: usize = 10;
/// Causes told by name; all further ones are counted together.
const CAUSES: usize = 32;
/// Where causes beyond that are counted.
const OTHER_CAUSES: &str = "其他";
/// Terms shown in a title.
const TITLE_TERMS: usize = 3;

/// The alert that a signal raises. It has no clock yet, no line and no revision.
pub(crate) fn raise(signal: &Signal, names: &BTreeMap<String, String>, now: Timestamp) -> Alert {
    let mut alert = Alert {
        id: AlertId::of(&signal.brand, &signal.topic, &signal.id),
        revision: 0,
        brand: signal.brand.clone(),
        topic: signal.topic.clone(),
        topic_name: names.get(&signal.topic).cloned().unwrap_or_default(),
        title: title(signal, names),
        severity: signal.severity,
        state: AlertState::Raised,
        clock: None,
        signals: 0,
        causes: BTreeMap::new(),
        channels: Vec::new(),
        samples: Vec::new(),
        times: AlertTimes {
            signal: signal.times.clone(),
            raised_at: now,
            updated_at: now,
        },
        last_signal_at: signal.times.detected_at,
        timeline: Vec::new(),
        chain: ChainHead::default(),
        handling: Handling::default(),
        spread: Spread::default(),
        brand_wide: false,
        drill: signal.drill,
    };
    fold(&mut alert, signal);
    alert
}

/// Takes a signal into an alert; its severity is the caller's to raise.
pub(crate) fn fold(alert: &mut Alert, signal: &Signal) {
    alert.signals += 1;
    let cause = cause(&signal.kind);
    let named = alert.causes.contains_key(cause) || alert.causes.len() < CAUSES;
    let cause = if named { cause } else { OTHER_CAUSES };
    *alert.causes.entry(cause.to_owned()).or_default() += 1;
    for channel in &signal.channels {
        if !alert.channels.contains(channel) {
            alert.channels.push(*channel);
        }
    }
    reach(alert, &signal.samples);
    merge_samples(&mut alert.samples, &signal.samples);
    alert.brand_wide |= signal.topic == TOPIC_ALL && is_discontent(&signal.kind);
    alert.last_signal_at = alert.last_signal_at.max(signal.times.detected_at);
}

/// Whether the alert has heard of the signal's cause before.
pub(crate) fn knows_cause(alert: &Alert, signal: &Signal) -> bool {
    alert.causes.contains_key(cause(&signal.kind))
}

/// Counts the pieces that were not shown with the alert before. Pieces that gave way to newer ones are not counted
/// again as long as their author and reactions are those of a piece seen once: signals carry the newest pieces.
fn reach(alert: &mut Alert, samples: &[Sample]) {
    let oldest_shown = alert.samples.last().map(|sample| sample.occurred_at);
    let full = alert.samples.len() >= SAMPLES;
    for sample in samples {
        let known = alert
            .samples
            .iter()
            .any(|shown| shown.event == sample.event);
        let gave_way = full && oldest_shown.is_some_and(|oldest| sample.occurred_at < oldest);
        if known || gave_way {
            continue;
        }
        let heat = sample.reactions.saturating_add(1);
        alert.spread.heat = alert.spread.heat.saturating_add(heat);
        if let Some(author) = &sample.author {
            alert.spread.authors.insert(&author.key);
        }
    }
}

fn merge_samples(samples: &mut Vec<Sample>, new: &[Sample]) {
    for sample in new {
        if !samples.iter().any(|known| known.event == sample.event) {
            samples.push(sample.clone());
        }
    }
    samples.sort_by(|a, b| {
        (Reverse(a.occurred_at), &a.event).cmp(&(Reverse(b.occurred_at), &b.event))
    });
    samples.truncate(SAMPLES);
}

/// The rule or detector that gave a signal, as people read it.
fn cause(kind: &SignalKind) -> &str {
    match kind {
        SignalKind::RuleHit { rule, name, .. } | SignalKind::NegativeShare { rule, name, .. } => {
            if name.is_empty() {
                rule
            } else {
                name
            }
        }
        SignalKind::Burst { .. } | SignalKind::Volume { .. } | SignalKind::Drill { .. } => {
            kind.name()
        }
        SignalKind::Silence { source, .. } => source,
    }
}

/// One line for people.
fn title(signal: &Signal, names: &BTreeMap<String, String>) -> String {
    let drill = if signal.drill { "【演练】" } else { "" };
    let topic = match names.get(&signal.topic) {
        _ if signal.topic == TOPIC_ALL => String::new(),
        Some(name) => format!("「{name}」"),
        None => format!("「{}」", signal.topic),
    };
    let what = match &signal.kind {
        SignalKind::RuleHit { rule, name, terms } => {
            let name = if name.is_empty() { rule } else { name };
            let terms: Vec<&str> = terms.iter().take(TITLE_TERMS).map(String::as_str).collect();
            if terms.is_empty() {
                format!("出现「{name}」类反馈")
            } else {
                format!("出现「{name}」类反馈（{}）", terms.join("、"))
            }
        }
        SignalKind::NegativeShare {
            window_seconds,
            negative,
            total,
            ..
        } => format!(
            "{topic}负面声量激增，{}内 {negative} 人负面，占 {}%",
            length(*window_seconds),
            100 * negative / (*total).max(1)
        ),
        SignalKind::Burst { score, .. } => format!("{topic}负面异常爆发，强度 {score:.1}"),
        SignalKind::Silence {
            source, seconds, ..
        } if source == ALL_SOURCES => format!(
            "所有数据源都没有心跳，接入服务（connect）没有运行或连不上消息总线，已 {}",
            length(*seconds)
        ),
        SignalKind::Silence {
            source,
            seconds,
            error,
        } if error.is_empty() => {
            format!("数据源「{source}」已静默 {}", length(*seconds))
        }
        SignalKind::Silence {
            source,
            seconds,
            error,
        } => format!(
            "数据源「{source}」中断（{error}），已 {} 没有数据",
            length(*seconds)
        ),
        SignalKind::Volume {
            window_seconds,
            pieces,
            usual,
            ..
        } => format!(
            "声量上升，{}内 {pieces} 条，平时 {usual} 条",
            length(*window_seconds)
        ),
        SignalKind::Drill { actor } => format!("{actor} 发起的演练"),
    };
    format!("{drill}{}：{what}", signal.brand)
}

fn length(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} 秒"),
        60..7_200 => format!("{} 分钟", seconds / 60),
        _ => format!("{} 小时", seconds / 3_600),
    }
}

/// Whether a signal tells of discontent, so that one of the brand as a whole and one of a topic may be the same matter.
pub(crate) fn is_discontent(kind: &SignalKind) -> bool {
    match kind {
        SignalKind::RuleHit { .. }
        | SignalKind::NegativeShare { .. }
        | SignalKind::Burst { .. } => true,
        SignalKind::Silence { .. } | SignalKind::Volume { .. } | SignalKind::Drill { .. } => false,
    }
}

/// Whether a signal sums up a wave of feedback, rather than telling of one piece.
pub(crate) fn is_wave(kind: &SignalKind) -> bool {
    matches!(
        kind,
        SignalKind::NegativeShare { .. } | SignalKind::Burst { .. }
    )
}

/// Its number, for counting by severity.
pub(crate) const fn rank(severity: Severity) -> usize {
    match severity {
        Severity::Watch => 0,
        Severity::Alert => 1,
        Severity::Crisis => 2,
    }
}
