//! Every template can be filled: its slots have words for its brand.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use wensheng_schemas::Channel;

/// What a text sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mood {
    Positive,
    Neutral,
    Negative,
    Crisis,
}

/// The brands' keys in the templates, with their share of posts in percent.
pub(super) const BRANDS: [(&str, u32); 4] = [
    ("tea", 35),
    ("appliance", 25),
    ("express", 22),
    ("hotel", 18),
];

/// Templates by brand, channel and mood, and the words of their slots.
#[derive(Debug)]
pub(super) struct Templates {
    texts: BTreeMap<(&'static str, Channel, Mood), Vec<&'static str>>,
    slots: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Templates {
    /// Reads the built-in templates.
    pub(super) fn load() -> Result<Self, String> {
        Self::parse(include_str!("templates.txt"))
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let mut templates = Self {
            texts: BTreeMap::new(),
            slots: BTreeMap::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with("# ") {
                continue;
            }
            templates.take(line).ok_or_else(|| {
                format!(
                    "line {} of the demo's templates is wrong: {line}",
                    index + 1
                )
            })?;
        }
        Ok(templates)
    }

    fn take(&mut self, line: &'static str) -> Option<()> {
        if let Some(slot) = line.strip_prefix('@') {
            let (name, words) = slot.split_once(": ")?;
            self.slots.insert(name, words.split('、').collect());
            return Some(());
        }
        let mut parts = line.splitn(4, '|');
        let (brand, channels, mood, text) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (brand, _) = BRANDS.into_iter().find(|(key, _)| *key == brand)?;
        let mood = match mood {
            "+" => Mood::Positive,
            "=" => Mood::Neutral,
            "-" => Mood::Negative,
            "!" => Mood::Crisis,
            _ => return None,
        };
        for channel in channels.chars() {
            let channel = match channel {
                'h' => Channel::Hotline,
                'w' => Channel::Wechat,
                'b' => Channel::Weibo,
                's' => Channel::Survey,
                _ => return None,
            };
            self.texts
                .entry((brand, channel, mood))
                .or_default()
                .push(text);
        }
        Some(())
    }

    /// A word for a slot; the brand's own words come first.
    pub(super) fn word(
        &self,
        brand: &str,
        slot: &str,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<&'static str> {
        let words = match slot {
            "brand" => self.slots.get(format!("brand.{brand}").as_str()),
            _ => self
                .slots
                .get(format!("{brand}.{slot}").as_str())
                .or_else(|| self.slots.get(slot)),
        }?;
        words.get(random.random_range(0..words.len())).copied()
    }

    /// A text, its slots filled; `fixed` gives the words that the post has chosen already.
    pub(super) fn text(
        &self,
        brand: &'static str,
        channel: Channel,
        mood: Mood,
        fixed: &[(&str, &str)],
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<String> {
        let texts = self.texts.get(&(brand, channel, mood))?;
        let mut rest = *texts.get(random.random_range(0..texts.len()))?;
        let mut text = String::new();
        while let Some((before, behind)) = rest.split_once('{') {
            text.push_str(before);
            let (slot, behind) = behind.split_once('}')?;
            let word = match fixed.iter().find(|(name, _)| *name == slot) {
                Some((_, word)) => word,
                None => self.word(brand, slot, random)?,
            };
            text.push_str(word);
            rest = behind;
        }
        text.push_str(rest);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn there_are_at_least_150_templates_and_every_one_can_be_filled() {
        let templates = Templates::load().unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let distinct: BTreeSet<&str> = templates.texts.values().flatten().copied().collect();
        assert!(distinct.len() >= 150, "{}", distinct.len());
        for (brand, channel, mood) in templates.texts.keys() {
            for _ in 0..200 {
                let text = templates
                    .text(brand, *channel, *mood, &[], &mut random)
                    .unwrap();
                assert!(!text.contains(['{', '}', '|']), "{text}");
            }
        }
    }

    #[test]
    fn every_brand_speaks_in_every_mood_on_every_channel() {
        let templates = Templates::load().unwrap();
        for (brand, _) in BRANDS {
            for channel in [
                Channel::Hotline,
                Channel::Wechat,
                Channel::Weibo,
                Channel::Survey,
            ] {
                for mood in [Mood::Positive, Mood::Neutral, Mood::Negative] {
                    assert!(
                        templates.texts.contains_key(&(brand, channel, mood)),
                        "{brand} {channel:?} {mood:?}"
                    );
                }
            }
        }
    }
}
