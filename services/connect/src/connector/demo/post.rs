//! Post number *n* of a seed is always the same post; only its times depend on when it is made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use wensheng_schemas::{
    Author, Channel, EventId, FeedbackEvent, Provenance, Reach, Scores, derived_id,
};

use super::config::DemoConfig;
use super::crisis::{Crises, Crisis};
use super::templates::{BRANDS, Mood, Templates};

/// Tells the story: what is said after how many seconds.
#[derive(Debug)]
pub(super) struct Story {
    name: String,
    seed: u64,
    rate: f64,
    crises: Crises,
    templates: Templates,
}

/// A post before its times are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Post {
    /// Seconds from the first start.
    pub(super) at_s: f64,
    brand: String,
    native_id: String,
    channel: Channel,
    text: String,
    product: Option<String>,
    store: Option<String>,
    region: Option<String>,
    author: Option<Author>,
    reach: Option<Reach>,
    scores: Scores,
}

impl Story {
    pub(super) fn new(config: &DemoConfig) -> Result<Self, String> {
        Ok(Self {
            name: config.name.clone(),
            seed: config.seed,
            rate: config.rate_per_second,
            crises: Crises {
                first_s: config.crisis_after_s as f64,
                every_s: config.crisis_every_s as f64,
            },
            templates: Templates::load()?,
        })
    }

    /// Post number `number`, which follows one at `after_s` seconds from the first start.
    pub(super) fn post(&self, number: u64, after_s: f64) -> Option<Post> {
        let mix = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(self.seed ^ mix);
        let intensity = |at_s| {
            self.crises
                .at(at_s)
                .map_or(0.0, |crisis| crisis.intensity())
        };
        let rate = self.rate * (1.0 + intensity(after_s));
        let at_s = after_s - (1.0 - random.random::<f64>()).ln() / rate;
        let of_crisis = intensity(at_s) / (1.0 + intensity(at_s));
        let crisis = self
            .crises
            .at(at_s)
            .filter(|_| random.random::<f64>() < of_crisis);
        let (brand, channel, mood) = match crisis {
            Some(crisis) => struck(&crisis, random),
            None => ordinary(random),
        };
        self.fill(number, at_s, brand, channel, mood, random)
    }

    fn fill(
        &self,
        number: u64,
        at_s: f64,
        brand: &'static str,
        channel: Channel,
        mood: Mood,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<Post> {
        let product = self.templates.word(brand, "product", random)?;
        let store = self.templates.word(brand, "store", random)?;
        let city = self.templates.word(brand, "city", random)?;
        let fixed = [("product", product), ("store", store), ("city", city)];
        let mut text = self.templates.text(brand, channel, mood, &fixed, random)?;
        let scores = match channel {
            Channel::Survey => scores(mood, random),
            _ => Scores::default(),
        };
        // Some tick the boxes and write nothing.
        if channel == Channel::Survey && mood != Mood::Crisis && random.random::<f64>() < 0.15 {
            text.clear();
        }
        let person = random.random_range(0..8_000_u32);
        // Followers are log-normal: half have fewer than 180, one in a hundred more than 20,000.
        let followers = (180.0 * (2.0 * normal(random)).exp()) as u64;
        let carried = |share: f64, random: &mut Xoshiro256PlusPlus| {
            (followers as f64 * share * random.random::<f64>()) as u64
        };
        let reach = (channel == Channel::Weibo).then(|| Reach {
            likes: carried(0.05, random),
            reposts: carried(if mood == Mood::Crisis { 0.04 } else { 0.008 }, random),
            comments: carried(0.015, random),
        });
        Some(Post {
            at_s,
            brand: self.templates.word(brand, "brand", random)?.to_owned(),
            native_id: format!("{}-{number}", self.seed),
            channel,
            text,
            product: Some(product.to_owned()),
            store: Some(store.to_owned()),
            region: Some(city.to_owned()),
            author: Some(Author {
                key: derived_id(&["demo author", channel.name(), &person.to_string()]),
                followers: (channel == Channel::Weibo).then_some(followers),
            }),
            reach,
            scores,
        })
    }

    /// The event that a post is when it is made.
    pub(super) fn event(
        &self,
        post: Post,
        occurred_at: Timestamp,
        observed_at: Timestamp,
    ) -> FeedbackEvent {
        FeedbackEvent {
            id: EventId::of(&self.name, &post.native_id),
            revision: 0,
            source: self.name.clone(),
            native_id: post.native_id,
            channel: post.channel,
            brand: post.brand,
            product: post.product,
            store: post.store,
            region: post.region,
            occurred_at,
            observed_at,
            text: post.text,
            author: post.author,
            reach: post.reach,
            scores: post.scores,
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance {
                connector: "demo".to_owned(),
                place: None,
                line: None,
            },
            drill: false,
            ratings: Default::default(),
            immutable: true,
            withdrawn: false,
        }
    }
}

/// The texts of `count` invented posts, always the same; to measure with. None is empty.
pub fn invented_texts(count: usize) -> Vec<String> {
    let Ok(story) = Story::new(&DemoConfig::default()) else {
        return Vec::new();
    };
    (0..)
        .map_while(|number| story.post(number, 0.0))
        .map(|post| post.text)
        .filter(|text| !text.is_empty())
        .take(count)
        .collect()
}

fn struck(crisis: &Crisis, random: &mut Xoshiro256PlusPlus) -> (&'static str, Channel, Mood) {
    let channel = crisis.channel(random.random());
    (crisis.brand, channel, Mood::Crisis)
}

/// Who is spoken of where and how, on an ordinary day: callers mostly complain, survey answers are mostly kind.
fn ordinary(random: &mut Xoshiro256PlusPlus) -> (&'static str, Channel, Mood) {
    let brand = pick(&BRANDS, random);
    let channels = [
        (Channel::Weibo, 30),
        (Channel::Wechat, 28),
        (Channel::Survey, 24),
        (Channel::Hotline, 18),
    ];
    let channel = pick(&channels, random);
    let (positive, neutral, negative) = match channel {
        Channel::Hotline => (15, 40, 45),
        Channel::Wechat => (35, 40, 25),
        Channel::Survey => (62, 20, 18),
        _ => (50, 25, 25),
    };
    let moods = [
        (Mood::Positive, positive),
        (Mood::Neutral, neutral),
        (Mood::Negative, negative),
    ];
    (brand, channel, pick(&moods, random))
}

/// One of them, by shares that sum to 100.
fn pick<T: Copy>(of: &[(T, u32)], random: &mut Xoshiro256PlusPlus) -> T {
    let mut dice = random.random_range(0..100);
    for (choice, share) in of {
        if dice < *share {
            return *choice;
        }
        dice -= share;
    }
    of[of.len() - 1].0
}

/// Scores that fit the mood; a questionnaire asks for one or two of them.
fn scores(mood: Mood, random: &mut Xoshiro256PlusPlus) -> Scores {
    let ((nps_least, nps_most), (csat_least, csat_most), (ces_least, ces_most)) = match mood {
        Mood::Positive => ((8, 10), (4, 5), (5, 7)),
        Mood::Neutral => ((6, 8), (3, 4), (3, 5)),
        Mood::Negative => ((1, 6), (1, 3), (1, 4)),
        Mood::Crisis => ((0, 2), (1, 1), (1, 2)),
    };
    let mut one = |least: u8, most: u8| Some(random.random_range(least..=most));
    let nps = one(nps_least, nps_most);
    let csat = one(csat_least, csat_most);
    let ces = one(ces_least, ces_most);
    match random.random_range(0..4) {
        0 => Scores {
            nps,
            csat: None,
            ces: None,
        },
        1 => Scores {
            nps: None,
            csat,
            ces: None,
        },
        2 => Scores {
            nps,
            csat,
            ces: None,
        },
        _ => Scores {
            nps: None,
            csat,
            ces,
        },
    }
}

/// A standard normal variate (Box and Muller 1958).
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(config: &DemoConfig, until_s: f64) -> Vec<Post> {
        let story = Story::new(config).unwrap();
        let mut posts: Vec<Post> = Vec::new();
        loop {
            let after = posts.last().map_or(0.0, |post| post.at_s);
            let post = story.post(posts.len() as u64, after).unwrap();
            if post.at_s > until_s {
                return posts;
            }
            posts.push(post);
        }
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_tells_another() {
        let config = DemoConfig::default();
        let other = DemoConfig {
            seed: 8,
            ..config.clone()
        };
        assert_eq!(told(&config, 30.0), told(&config, 30.0));
        assert_ne!(told(&config, 30.0), told(&other, 30.0));
    }

    #[test]
    fn posts_come_at_the_configured_rate_with_a_realistic_mix() {
        let config = DemoConfig {
            crisis_after_s: 1_000_000,
            ..DemoConfig::default()
        };
        let posts = told(&config, 1_000.0);
        // 6,000 expected; the standard deviation of a Poisson count is 77.
        assert!((5_600..6_400).contains(&posts.len()), "{}", posts.len());
        let ids: std::collections::BTreeSet<&str> =
            posts.iter().map(|p| p.native_id.as_str()).collect();
        assert_eq!(ids.len(), posts.len());
        let of = |channel| posts.iter().filter(|p| p.channel == channel).count();
        assert!(of(Channel::Hotline) > 800 && of(Channel::Weibo) > 1_500);
        assert!(
            posts
                .iter()
                .filter(|p| p.text.is_empty())
                .all(|p| !p.scores.is_empty())
        );
        let texts: std::collections::BTreeSet<&str> =
            posts.iter().map(|p| p.text.as_str()).collect();
        assert!(texts.len() > 1_500, "{} different texts", texts.len());
    }

    #[test]
    fn there_are_as_many_texts_to_measure_with_as_asked_for() {
        let texts = invented_texts(500);
        assert_eq!(texts.len(), 500);
        assert!(texts.iter().all(|text| !text.is_empty()));
        assert_eq!(texts[..100], invented_texts(100));
    }

    #[test]
    fn the_crisis_can_be_heard_within_two_minutes() {
        let posts = told(&DemoConfig::default(), 110.0);
        let poisoned = |from: f64, to: f64| {
            posts
                .iter()
                .filter(|p| (from..to).contains(&p.at_s) && p.text.contains("食物中毒"))
                .count()
        };
        assert_eq!(poisoned(0.0, 20.0), 0);
        assert!(poisoned(20.0, 50.0) > 0);
        let minute: Vec<&Post> = posts.iter().filter(|p| p.at_s >= 50.0).collect();
        let tea = minute.iter().filter(|p| p.brand == "鹿汀茶饮").count();
        assert!(tea * 2 > minute.len(), "{tea} of {}", minute.len());
        let weibo = minute
            .iter()
            .filter(|p| p.channel == Channel::Weibo && p.brand == "鹿汀茶饮")
            .count();
        assert!(weibo > 100, "{weibo}");
    }
}
