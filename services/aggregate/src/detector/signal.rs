//! Every signal says why: the score's parts, the window, and the pieces behind it.

use jiff::Timestamp;
use wensheng_schemas::{
    BurstEvidence, Enriched, Sample, Signal, SignalKind, SignalTimes, derived_id,
};

use super::series::Series;
use super::windows::MINUTES;
use super::{Finding, names};

/// The signal of a finding, which `piece` completed.
pub(crate) fn signal(
    finding: &Finding,
    topic: &str,
    series: &Series,
    samples: &[Sample],
    piece: &Enriched,
    now: Timestamp,
) -> Signal {
    let feedback = &piece.feedback;
    let mark = if feedback.drill { "drill" } else { "" };
    let incident = derived_id(&[
        "incident",
        &feedback.brand,
        &finding.incident.to_string(),
        if finding.flood { topic } else { "" },
        mark,
    ]);
    Signal {
        id: derived_id(&[
            "burst",
            topic,
            &incident,
            feedback.id.as_str(),
            &feedback.revision.to_string(),
        ]),
        kind: SignalKind::Burst {
            score: rounded(finding.score.score),
            reasons: reasons(finding, series),
            evidence: Some(evidence(finding, incident)),
        },
        severity: finding.severity,
        brand: feedback.brand.clone(),
        topic: topic.to_owned(),
        channels: series.channels(),
        samples: samples.to_vec(),
        times: SignalTimes {
            first_post_at: series.first_at().unwrap_or(feedback.occurred_at),
            occurred_at: feedback.occurred_at,
            observed_at: feedback.observed_at,
            enriched_at: piece.enriched_at,
            detected_at: now,
        },
        drill: feedback.drill,
    }
}

fn evidence(finding: &Finding, incident: String) -> BurstEvidence {
    let score = &finding.score;
    BurstEvidence {
        incident,
        zc: rounded(score.count),
        zs: rounded(score.share),
        zk: rounded(score.severe),
        window_seconds: (MINUTES[score.window] * 60.0) as u64,
        negative: rounded(f64::from(score.sums.negative)),
        total: rounded(f64::from(score.sums.total)),
        expected: rounded(f64::from(score.sums.expected)),
        severe: rounded(f64::from(score.sums.severe)),
        suspected_flood: finding.flood,
    }
}

/// As people read them; the strongest first.
fn reasons(finding: &Finding, series: &Series) -> Vec<String> {
    let score = &finding.score;
    let sums = &score.sums;
    let minutes = MINUTES[score.window];
    let mut reasons = Vec::new();
    if finding.flood {
        reasons.push(format!(
            "疑似刷屏：约 {:.0} 条负面来自少数账号，请人工判断",
            series.posts()
        ));
    }
    reasons.push(format!(
        "近 {minutes:.0} 分钟负面声量 {:.1}，平时 {:.1}（去重、限同一作者后；偏离 {:.1}σ）",
        sums.negative, sums.expected, score.count
    ));
    reasons.push(format!(
        "负面占比 {:.0}%（偏离 {:.1}σ）",
        100.0 * f64::from(sums.negative) / f64::from(sums.total).max(1e-9),
        score.share
    ));
    if score.severe > 0.0 {
        reasons.push(format!(
            "严重词 {:.1} 条（偏离 {:.1}σ）",
            sums.severe, score.severe
        ));
    }
    if finding.far {
        reasons.push("有百万粉丝以上的账号发声".to_owned());
    } else if sums.loud > 0.3 {
        reasons.push("有三十万粉丝以上的账号提到严重问题，或百万粉丝以上的账号负面发声".to_owned());
    }
    let channels = series.channels();
    if channels.len() > 1 {
        reasons.push(format!("来自多个渠道：{}", names(&channels)));
    }
    reasons
}

/// Two decimals: what a score means.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
