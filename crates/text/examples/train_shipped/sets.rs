//! The labelled sets, each text on one side of every division, whatever sets it stands in.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use wensheng_text::{Normalizer, Polarity, Row, read_labelled};

use crate::{Failure, phrases};

pub(crate) type Rows = Vec<Row>;

/// One Weibo text in so many teaches once more without its emoticons, which else would do all the telling.
const BARE: u64 = 2;
/// What of a text's hash decides which tenth it is in: not what decides which Weibo texts teach without emoticons.
const DIVISOR: u64 = 5;

/// The training rows are divided into so many parts, any of which can be held out.
pub(crate) const TENTHS: u64 = 10;

/// All sets by name.
pub(crate) struct Sets {
    /// The sets to learn from.
    pub(crate) train: BTreeMap<String, Rows>,
    /// The sets to score.
    pub(crate) tests: BTreeMap<String, Rows>,
    /// Short sayings to learn from beside the sets, as sources of no kind.
    phrases: Rows,
}

impl Sets {
    /// Reads `folder`; with `held_out`, that tenth of the training rows takes the place of the test sets, Weibo also without emoticons.
    pub(crate) fn read(
        folder: &Path,
        held_out: Option<u64>,
        normalizer: &Normalizer,
    ) -> Result<Self, Failure> {
        let mut train = read_folder(&folder.join("train"))?;
        let mut tests = read_folder(&folder.join("test"))?;
        if let Some(tenth) = held_out {
            tests.clear();
            for (name, rows) in &mut train {
                let (held, kept) = std::mem::take(rows)
                    .into_iter()
                    .partition(|row| hash(&row.text, normalizer) / DIVISOR % TENTHS == tenth);
                *rows = kept;
                if name.starts_with("weibo") {
                    let bare = |row: &Row| Row {
                        text: without_emoticons(&row.text),
                        ..row.clone()
                    };
                    tests.insert(format!("{name}_noemo"), held.iter().map(bare).collect());
                }
                tests.insert(name.clone(), held);
            }
        }
        let phrases = phrases::rows()?;
        Ok(Self {
            train,
            tests,
            phrases,
        })
    }

    /// The rows of the sets that `keeps` names, each text once for each kind of source, and none that stands in a set that it does
    /// not name.
    pub(crate) fn rows(&self, keeps: impl Fn(&str) -> bool, normalizer: &Normalizer) -> Rows {
        let mut barred: HashSet<u64> = HashSet::new();
        let others = self.train.iter().filter(|(name, _)| !keeps(name));
        for (_, rows) in others.chain(&self.tests) {
            barred.extend(rows.iter().map(|row| hash(&row.text, normalizer)));
        }
        // The minimal pairs judge the model: none of them teaches it.
        let pairs = include_str!("../../tests/pairs.tsv").lines();
        barred.extend(
            pairs
                .flat_map(|l| l.split('\t'))
                .map(|text| hash(text, normalizer)),
        );
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (name, rows) in self.train.iter().filter(|(name, _)| keeps(name)) {
            // Other sets label these otherwise.
            let usable = |row: &&Row| name != "books_3class" || row.label != Polarity::Neutral;
            for row in rows.iter().filter(usable) {
                let is_bare =
                    name.starts_with("weibo") && hash(&row.text, normalizer).is_multiple_of(BARE);
                let bare = is_bare.then(|| without_emoticons(&row.text));
                for text in bare.into_iter().chain([row.text.clone()]) {
                    let hash = hash(&text, normalizer);
                    let taught = kinds(name).iter().filter(|_| !barred.contains(&hash));
                    found.extend(
                        taught
                            .filter(|kind| seen.insert((hash, **kind)))
                            .map(|kind| Row {
                                text: text.clone(),
                                adapter: Some((*kind).to_owned()),
                                ..row.clone()
                            }),
                    );
                }
            }
        }
        let unbarred = |row: &&Row| !barred.contains(&hash(&row.text, normalizer));
        found.extend(self.phrases.iter().filter(unbarred).cloned());
        found
    }
}

fn read_folder(folder: &Path) -> Result<BTreeMap<String, Rows>, Failure> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let mut sets = BTreeMap::new();
    for path in paths {
        let name = path
            .file_stem()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        sets.insert(name, read_labelled(&path)?);
    }
    Ok(sets)
}

/// A text without what stands in brackets.
fn without_emoticons(text: &str) -> String {
    let mut parts = text.split('[');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push_str(part.split_once(']').map_or(part, |(_, after)| after));
    }
    bare
}

/// FNV-1a of the normalised text, so that the same text falls on the same side on every machine.
fn hash(text: &str, normalizer: &Normalizer) -> u64 {
    let text = normalizer.normalize(text, usize::MAX).text;
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The kinds of sources that a set teaches, its own first.
fn kinds(set: &str) -> &'static [&'static str] {
    match set {
        s if s.starts_with("weibo") || s.starts_with("smp") => &["social"],
        // Posts too, and most who read posts will not tell of what.
        s if s.starts_with("covid") => &["affairs", "social"],
        s if s.starts_with("bdci") => &["forum"],
        s if s.starts_with("cped") => &["dialogue"],
        "waimai_10k" => &["food"],
        "chnsenticorp_htl_all" => &["stays"],
        _ => &["review"],
    }
}

/// The kind of source of a set.
pub(crate) fn kind(set: &str) -> &'static str {
    kinds(set)[0]
}

/// A channel of that kind.
pub(crate) fn channel(kind: &'static str) -> &'static str {
    match kind {
        "social" | "affairs" => "weibo",
        "dialogue" => "hotline",
        "food" | "stays" => "review",
        other => other,
    }
}

/// What a set is about; sets of one domain are left out together.
pub(crate) fn domain(set: &str) -> &str {
    match set {
        s if s.starts_with("chnsenticorp") => "hotels",
        s if s.starts_with("weibo") => "weibo",
        s if s.starts_with("nlpcc") => "products",
        s if s.starts_with("online") || s.starts_with("sujianlin") => "shopping",
        other => other,
    }
}
