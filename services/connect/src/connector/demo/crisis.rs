//! A crisis begins on the hotline, reaches Weibo within a minute, holds, and fades.

use wensheng_schemas::Channel;

/// Seconds from its begin to its height.
const RISE_S: f64 = 40.0;

/// Seconds that it stays there.
const HOLD_S: f64 = 90.0;

/// Seconds in which it then falls to 1/e.
const FADE_S: f64 = 120.0;

/// At its height, so many posts for each ordinary one of all brands.
const HEIGHT: f64 = 1.5;

/// Whom it strikes, one after the other.
const STRUCK: [&str; 3] = ["tea", "appliance", "hotel"];

/// When crises come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crises {
    pub(super) first_s: f64,
    pub(super) every_s: f64,
}

/// A crisis at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crisis {
    /// Whom it strikes.
    pub(super) brand: &'static str,
    /// Seconds since it began.
    pub(super) age_s: f64,
}

impl Crises {
    /// The crisis at `at_s` seconds after the first start.
    pub(super) fn at(&self, at_s: f64) -> Option<Crisis> {
        let since = at_s - self.first_s;
        if since < 0.0 {
            return None;
        }
        let (number, age_s) = match self.every_s > 0.0 {
            true => ((since / self.every_s) as usize, since % self.every_s),
            false => (0, since),
        };
        Some(Crisis {
            brand: STRUCK[number % STRUCK.len()],
            age_s,
        })
    }
}

impl Crisis {
    /// Posts about it for each ordinary one.
    pub(super) fn intensity(&self) -> f64 {
        let risen = (self.age_s / RISE_S).min(1.0);
        let faded = ((self.age_s - RISE_S - HOLD_S).max(0.0) / FADE_S).exp();
        HEIGHT * risen / faded
    }

    /// Where one of its posts is made; `dice` is in 0..1.
    pub(super) fn channel(&self, dice: f64) -> Channel {
        let spread = (self.age_s / 60.0).min(1.0);
        let hotline = 0.85 - 0.65 * spread;
        let wechat = hotline + 0.13 + 0.05 * spread;
        let survey = wechat + 0.02;
        match dice {
            dice if dice < hotline => Channel::Hotline,
            dice if dice < wechat => Channel::Wechat,
            dice if dice < survey => Channel::Survey,
            _ => Channel::Weibo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRISES: Crises = Crises {
        first_s: 20.0,
        every_s: 1_800.0,
    };

    #[test]
    fn it_begins_rises_and_fades() {
        assert_eq!(CRISES.at(19.9), None);
        let intensity = |at| CRISES.at(at).map_or(0.0, |crisis| crisis.intensity());
        assert!(intensity(20.0) < 0.01);
        assert!(intensity(30.0) < intensity(50.0));
        assert!((intensity(100.0) - HEIGHT).abs() < 1e-9);
        assert!(intensity(600.0) < 0.05);
    }

    #[test]
    fn it_goes_from_the_hotline_to_weibo() {
        let share = |at: f64| {
            let crisis = CRISES.at(at).unwrap();
            (0..1_000)
                .filter(|i| crisis.channel(f64::from(*i) / 1e3) == Channel::Weibo)
                .count()
        };
        assert_eq!(share(20.0), 0);
        assert!((550..=650).contains(&share(90.0)), "{}", share(90.0));
    }

    #[test]
    fn another_strikes_each_time() {
        let brands: Vec<&str> = (0..4)
            .filter_map(|n| CRISES.at(20.0 + 1_800.0 * f64::from(n)))
            .map(|crisis| crisis.brand)
            .collect();
        assert_eq!(brands, ["tea", "appliance", "hotel", "tea"]);
        let once = Crises {
            every_s: 0.0,
            ..CRISES
        };
        assert_eq!(once.at(9_000.0).unwrap().brand, "tea");
    }
}
