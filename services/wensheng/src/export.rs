//! `wensheng export`: what people know better, as rows that `wensheng eval` and `wensheng train` read. It reads the store, and changes
//! nothing; the file appears whole or not at all.

use std::io::Write;

use anyhow::{Context as _, Result};
use wensheng_schemas::{AspectJudgement, SentimentLabel};
use wensheng_store::{Corrected, Store};

use crate::cli::{ExportArgs, ExportOf};
use crate::config;

/// Corrections read at a time.
const PAGE: u32 = 500;
const COLUMNS: [&str; 9] = [
    "label", "text", "channel", "brand", "aspects", "before", "by", "at", "note",
];

/// Runs the command.
pub(crate) async fn run(args: ExportArgs) -> Result<()> {
    let ExportOf::Corrections = args.what;
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let mut csv = Vec::new();
    let rows = write(&store, args.brand.as_deref(), &mut csv).await?;
    store.close().await;
    match &args.output {
        Some(path) => {
            crate::train::write(path, &csv)?;
            eprintln!("{rows} corrections in {}", path.display());
        }
        None => std::io::stdout()
            .lock()
            .write_all(&csv)
            .context("write the corrections")?,
    }
    Ok(())
}

/// Writes the corrections, of one brand where it is given; how many.
async fn write(store: &Store, brand: Option<&str>, out: impl Write) -> Result<u64> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS)?;
    let (mut rows, mut after) = (0, None);
    loop {
        let (page, next) = store.corrections(after.as_ref(), PAGE).await?;
        let fits = |one: &&Corrected| brand.is_none_or(|brand| one.piece.feedback.brand == brand);
        for corrected in page.iter().filter(fits) {
            csv.write_record(row(corrected))?;
            rows += 1;
        }
        after = next;
        if after.is_none() {
            csv.flush()?;
            return Ok(rows);
        }
    }
}

fn row(corrected: &Corrected) -> [String; COLUMNS.len()] {
    let Corrected { correction, piece } = corrected;
    let aspect = |judged: &AspectJudgement| format!("{}:{}", judged.aspect, name(judged.polarity));
    let aspects: Vec<String> = correction.aspects.iter().map(aspect).collect();
    [
        name(correction.label).to_owned(),
        piece.feedback.text.clone(),
        piece.feedback.channel.name().to_owned(),
        piece.feedback.brand.clone(),
        aspects.join(" "),
        name(correction.before).to_owned(),
        correction.actor.0.clone(),
        correction.at.to_string(),
        correction.note.clone(),
    ]
}

fn name(label: SentimentLabel) -> &'static str {
    match label {
        SentimentLabel::Positive => "positive",
        SentimentLabel::Neutral => "neutral",
        SentimentLabel::Negative => "negative",
    }
}

#[cfg(test)]
mod tests {
    use wensheng_schemas::{Actor, Channel, Correction, EventId};
    use wensheng_store::{Entry, StoreConfig, WriteBatch};
    use wensheng_text::Polarity;

    use super::*;

    fn entries<T>(values: Vec<T>) -> Vec<Entry<T>> {
        let entry = |(offset, value)| Entry {
            partition: 0,
            offset,
            value,
        };
        (0..).zip(values).map(entry).collect()
    }

    #[tokio::test]
    async fn what_people_corrected_is_read_as_labelled_rows() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::default(), folder.path())
            .await
            .unwrap();
        let example =
            include_str!("../../../schemas/examples/voc.enriched.v1/weibo_complaint.json");
        let mut piece: wensheng_schemas::Enriched = serde_json::from_str(example).unwrap();
        piece.feedback.text = "等了\"两小时\",真好啊".to_owned();
        piece.feedback.channel = Channel::Weibo;
        let correction = Correction {
            id: "1".to_owned(),
            feedback: piece.feedback.id.clone(),
            revision: piece.feedback.revision,
            label: SentimentLabel::Negative,
            aspects: vec![AspectJudgement {
                aspect: "waiting_time".to_owned(),
                polarity: SentimentLabel::Negative,
            }],
            before: SentimentLabel::Positive,
            model_version: piece.model_version.clone(),
            actor: Actor("林值班".to_owned()),
            note: String::new(),
            at: "2026-03-02T04:30:00Z".parse().unwrap(),
        };
        let gone = Correction {
            feedback: EventId::of("test", "gone"),
            ..correction.clone()
        };
        let batch = WriteBatch {
            enriched: entries(vec![piece.clone()]),
            corrections: entries(vec![correction, gone]),
            ..WriteBatch::default()
        };
        let writer = store.writer("test");
        writer.apply(&batch, jiff::Timestamp::now()).await.unwrap();

        let path = folder.path().join("corrections.csv");
        let file = std::fs::File::create(&path).unwrap();
        assert_eq!(write(&store, None, file).await.unwrap(), 1);
        let (rows, bad) = crate::labelled::read(&path, None, None).unwrap();
        assert!(bad.is_empty());
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].label, Polarity::Negative);
        assert_eq!(rows[0].channel.as_deref(), Some("weibo"));
        assert_eq!(rows[0].text, piece.feedback.text);
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("waiting_time:negative")
        );
        assert_eq!(
            write(&store, Some("别家"), std::io::sink()).await.unwrap(),
            0
        );
    }
}
