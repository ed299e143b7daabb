//! What is spoken of more than before: a term is hot when its share of the feedback rises beyond chance, not because it is said often.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Channel, WindowSize};

use crate::statement::Statement;
use crate::{Store, StoreError, WindowFilter};

/// A term said less often is no matter of many.
const LEAST_MENTIONS: i64 = 3;
/// A share that did not double is not hot, however sure it is that it grew.
const LEAST_RISE: f64 = 2.0;
/// The log-likelihood of chance below which a rise is held for one: 15.13 is passed once in 10,000 terms that did not change (P. Rayson, D. Berridge,
/// B. Francis, "Extending the Cochran rule for the comparison of word frequencies between corpora", JADT 2004).
const LEAST_EVIDENCE: f64 = 15.13;
/// A term is part of a longer one, and not told beside it, when so many of its mentions are mentions of that.
const FOLDED: f64 = 0.7;

/// Terms among which parts of longer ones are looked for.
const COMPARED: usize = 500;

/// Of which windows terms are compared: those in `from..to` with those in `before..from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotFilter {
    /// [`WindowSize::Hour`] or [`WindowSize::Day`]; terms are counted in no others.
    pub size: WindowSize,
    /// Where the past begins; `None` where nothing is compared.
    pub before: Option<Timestamp>,
    /// Where the present begins …
    pub from: Timestamp,
    /// … and ends.
    pub to: Timestamp,
    /// Of this brand only.
    pub brand: Option<String>,
    /// Of this channel only.
    pub channel: Option<Channel>,
}

/// A term that is spoken of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HotTerm {
    /// The word or phrase, normalised.
    pub term: String,
    /// Pieces of feedback that hold it.
    pub mentions: i64,
    /// … of them negative.
    pub negative: i64,
    /// Pieces that held it in the past.
    pub mentions_before: i64,
    /// How many times its share of the past it is now, half a mention added to both (A. Hardie, "Log Ratio", 2014); `None` without a past.
    pub rise: Option<f64>,
    /// How far beyond chance, as a log-likelihood (T. Dunning, "Accurate methods for the statistics of surprise and coincidence", 1993); 0 without a
    /// past.
    pub evidence: f64,
}

/// What is hot, with what it was measured against.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hot {
    /// Pieces of feedback of the present.
    pub volume: i64,
    /// Pieces of feedback of the past; 0: there is nothing to compare with, and terms stand in the order of their number.
    pub volume_before: i64,
    /// The terms, the surest rise first.
    pub terms: Vec<HotTerm>,
}

impl Store {
    /// The terms that rise, at most `limit`; without a past, those said most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hot_terms(&self, filter: &HotFilter, limit: usize) -> Result<Hot, StoreError> {
        let windows = |from, to| {
            let mut windows = WindowFilter::new(filter.size, from, to);
            windows.brand.clone_from(&filter.brand);
            windows.channel = filter.channel;
            windows
        };
        let volume = self.total(&windows(filter.from, filter.to)).await?.volume;
        let volume_before = match filter.before {
            Some(before) => self.total(&windows(before, filter.from)).await?.volume,
            None => 0,
        };
        let mut statement = Statement::new("SELECT term, ");
        let now = statement.bind(filter.from.as_millisecond());
        let sum = |column: &str, side: &str| {
            format!("CAST(SUM(CASE WHEN start_ms {side} {now} THEN {column} ELSE 0 END) AS BIGINT)")
        };
        let mentions = sum("mentions", ">=");
        statement.push(&format!(
            "{mentions}, {}, {} FROM terms",
            sum("negative", ">="),
            sum("mentions", "<")
        ));
        statement.compare("size =", filter.size.name());
        let first = filter.before.unwrap_or(filter.from);
        statement.compare("start_ms >=", first.as_millisecond());
        statement.compare("start_ms <", filter.to.as_millisecond());
        if let Some(brand) = &filter.brand {
            statement.compare("brand =", brand.as_str());
        }
        if let Some(channel) = filter.channel {
            statement.compare("channel =", channel.name());
        }
        statement.push(&format!(" GROUP BY term HAVING {mentions} >= "));
        let least = statement.bind(LEAST_MENTIONS);
        statement.push(&least);
        let rows = self
            .database
            .fetch("read terms", statement.sql, statement.values)
            .await?;
        let terms = rows.iter().map(|row| {
            Ok(HotTerm {
                term: row.text(0)?,
                mentions: row.int(1)?,
                negative: row.int(2)?,
                mentions_before: row.int(3)?,
                rise: None,
                evidence: 0.0,
            })
        });
        let terms: Vec<HotTerm> = terms.collect::<Result<_, StoreError>>()?;
        Ok(Hot {
            volume,
            volume_before,
            terms: ranked(terms, volume, volume_before, limit),
        })
    }
}

/// The terms that rise, those that are parts of others left out.
fn ranked(terms: Vec<HotTerm>, volume: i64, volume_before: i64, limit: usize) -> Vec<HotTerm> {
    let mut terms: Vec<HotTerm> = terms
        .into_iter()
        .filter_map(|term| judged(term, volume, volume_before))
        .collect();
    terms.sort_by(|a, b| {
        b.evidence
            .total_cmp(&a.evidence)
            .then_with(|| (b.mentions, b.negative).cmp(&(a.mentions, a.negative)))
            .then_with(|| a.term.cmp(&b.term))
    });
    // A whole holds most mentions of its parts, and so stands among the first as they do.
    terms.truncate(COMPARED.max(limit));
    let is_part = |term: &HotTerm| {
        terms.iter().any(|whole| {
            whole.term.len() > term.term.len()
                && whole.term.contains(&term.term)
                && whole.mentions as f64 >= FOLDED * term.mentions as f64
        })
    };
    let whole: Vec<bool> = terms.iter().map(|term| !is_part(term)).collect();
    let mut whole = whole.into_iter();
    terms.retain(|_| whole.next().unwrap_or(true));
    terms.truncate(limit);
    terms
}

/// The term with its rise and evidence; `None` where it is not hot.
fn judged(mut term: HotTerm, volume: i64, volume_before: i64) -> Option<HotTerm> {
    if volume_before <= 0 {
        return Some(term);
    }
    let (now, past) = (term.mentions as f64, term.mentions_before.max(0) as f64);
    let (volume, volume_before) = (volume.max(term.mentions) as f64, volume_before as f64);
    let rise = (now + 0.5) / volume / ((past + 0.5) / volume_before);
    let share = (now + past) / (volume + volume_before);
    let part = |seen: f64, of: f64| {
        if seen > 0.0 {
            seen * (seen / (of * share)).ln()
        } else {
            0.0
        }
    };
    let evidence = 2.0 * (part(now, volume) + part(past, volume_before));
    term.rise = Some(rise);
    term.evidence = evidence;
    (rise >= LEAST_RISE && evidence >= LEAST_EVIDENCE).then_some(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str, mentions: i64, mentions_before: i64) -> HotTerm {
        HotTerm {
            term: text.to_owned(),
            mentions,
            negative: 0,
            mentions_before,
            rise: None,
            evidence: 0.0,
        }
    }

    fn names(terms: Vec<HotTerm>, volume: i64, before: i64) -> Vec<String> {
        let ranked = ranked(terms, volume, before, 10);
        ranked.into_iter().map(|t| t.term).collect()
    }

    #[test]
    fn what_rises_comes_before_what_is_frequent() {
        let terms = vec![
            term("好喝", 400, 4_000),
            term("喝出蟑螂", 40, 0),
            term("排队", 60, 100),
            term("杯盖", 3, 20),
        ];
        assert_eq!(names(terms, 1_000, 10_000), ["喝出蟑螂", "排队"]);
    }

    #[test]
    fn parts_are_told_with_the_whole_alone() {
        let terms = vec![
            term("蟑螂", 90, 2),
            term("出蟑螂", 41, 0),
            term("喝出蟑螂", 40, 0),
        ];
        assert_eq!(names(terms, 1_000, 10_000), ["蟑螂", "喝出蟑螂"]);
    }

    #[test]
    fn without_a_past_terms_stand_in_the_order_of_their_number() {
        let terms = vec![term("排队", 60, 0), term("好喝", 400, 0)];
        assert_eq!(names(terms, 1_000, 0), ["好喝", "排队"]);
    }

    #[test]
    fn the_evidence_is_that_of_the_paper() {
        // 40 of 1,000 against none of 10,000: 2 * 40 * ln(11) = 191.83.
        let hot = judged(term("x", 40, 0), 1_000, 10_000).unwrap();
        assert!((hot.evidence - 191.83).abs() < 0.01, "{hot:?}");
        assert!((hot.rise.unwrap() - 810.0).abs() < 1e-9, "{hot:?}");
    }
}
