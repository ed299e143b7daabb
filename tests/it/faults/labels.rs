//! Which label each piece must have been counted under: asked of `wensheng analyze`, text by text, past the bus, the
//! windows and the store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::input::Voice;
use crate::ledger::Ledger;
use crate::site::Site;

/// Pieces by day in Shanghai, brand, channel and label.
pub(super) struct Labels(BTreeMap<Vec<String>, i64>);

impl Labels {
    pub(super) async fn of(site: &Site, voices: &[Voice]) -> Self {
        let texts: BTreeSet<(&str, &str, &str)> = voices
            .iter()
            .map(|voice| (voice.text.as_str(), voice.channel, voice.brand))
            .collect();
        let lines: String = texts
            .iter()
            .map(|(text, channel, brand)| {
                format!(
                    "{}\n",
                    json!({ "text": text, "channel": channel, "brand": brand })
                )
            })
            .collect();
        let file = site.write("texts.ndjson", lines).display().to_string();
        let config = site.config_file();
        let ended = site
            .run(&[
                "analyze", "--config", &config, "--input", &file, "--output", "json",
            ])
            .ended()
            .await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let labels: BTreeMap<(String, String, String), String> = ended
            .stdout
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).expect("an analysis in JSON");
                let word = |value: &Value| value.as_str().expect("a word").to_owned();
                let key = (
                    word(&line["text"]),
                    word(&line["channel"]),
                    word(&line["brand"]),
                );
                (key, word(&line["sentiment"]["label"]))
            })
            .collect();
        let zone = TimeZone::get("Asia/Shanghai").expect("a known zone");
        let mut counts: BTreeMap<Vec<String>, i64> = BTreeMap::new();
        for voice in voices {
            let key = (
                voice.text.clone(),
                voice.channel.to_owned(),
                voice.brand.to_owned(),
            );
            let day = voice.at.to_zoned(zone.clone()).date().to_string();
            let label = labels[&key].clone();
            *counts
                .entry(vec![
                    day,
                    voice.brand.to_owned(),
                    voice.channel.to_owned(),
                    label,
                ])
                .or_default() += 1;
        }
        Self(counts)
    }

    /// Insists that the windows count every piece under its label, and the store has it under that label.
    pub(super) async fn hold(&self, ledger: &Ledger) {
        let mut counted: BTreeMap<Vec<String>, i64> = BTreeMap::new();
        for label in ["positive", "neutral", "negative"] {
            let sums = ledger
                .sums(&format!(
                    "SELECT CAST(day AS TEXT), brand, channel, '{label}', CAST({label} AS TEXT) \
                     FROM v_daily_brand_sentiment"
                ))
                .await;
            counted.extend(sums.into_iter().filter(|(_, sum)| *sum != 0));
        }
        assert_eq!(counted, self.0, "windows count other labels");
        let mut stored: BTreeMap<String, i64> = BTreeMap::new();
        for (key, count) in &self.0 {
            *stored.entry(key[3].clone()).or_default() += count;
        }
        let stored: BTreeMap<Vec<String>, i64> = stored
            .into_iter()
            .map(|(label, count)| (vec![label], count))
            .collect();
        let rows = ledger
            .sums("SELECT label, CAST(COUNT(*) AS TEXT) FROM feedback GROUP BY label")
            .await;
        assert_eq!(rows, stored, "the store has other labels");
    }
}
