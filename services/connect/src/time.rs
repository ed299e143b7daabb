//! What a source wrote as a time is read as one instant, or not at all: nothing is guessed that could be two things.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// How a source writes times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// Any of the forms that can be told apart; see [`TimeReader::read`].
    Auto,
    /// Seconds since 1970-01-01T00:00:00Z.
    EpochSeconds,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    EpochMillis,
    /// A pattern of `strptime`.
    Pattern(String),
}

impl TimeFormat {
    /// The format that the configuration names.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "epoch_s" => Ok(Self::EpochSeconds),
            "epoch_ms" => Ok(Self::EpochMillis),
            pattern if pattern.contains('%') => {
                // A pattern that cannot print a time cannot read one either.
                let sample = jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0);
                let zoned = sample
                    .to_zoned(TimeZone::UTC)
                    .map_err(|error| error.to_string())?;
                strtime::format(pattern, &zoned)
                    .map_err(|error| format!("not a valid time pattern: {error}"))?;
                Ok(Self::Pattern(pattern.to_owned()))
            }
            _ => Err(
                "must be auto, epoch_s, epoch_ms or a pattern such as \"%d.%m.%Y %H:%M\""
                    .to_owned(),
            ),
        }
    }
}

/// Reads the times of one source.
#[derive(Debug, Clone)]
pub(crate) struct TimeReader {
    format: TimeFormat,
    zone: TimeZone,
}

impl TimeReader {
    /// A reader for that format; times without an offset are in `zone` (an IANA name).
    pub(crate) fn new(format: TimeFormat, zone: &str) -> Result<Self, String> {
        let zone = TimeZone::get(zone).map_err(|error| {
            format!("not a known time zone ({error}); use a name such as Asia/Shanghai")
        })?;
        Ok(Self { format, zone })
    }

    /// What this reader can read, for reasons.
    pub(crate) fn expects(&self) -> String {
        match &self.format {
            TimeFormat::Auto => {
                "RFC 3339, `2026-01-31 08:30:00`, `2026/1/31 8:30` or epoch seconds".to_owned()
            }
            TimeFormat::EpochSeconds => "epoch seconds".to_owned(),
            TimeFormat::EpochMillis => "epoch milliseconds".to_owned(),
            TimeFormat::Pattern(pattern) => format!("of the form {pattern:?}"),
        }
    }

    /// The instant, if the text is one. `Auto` takes RFC 3339; year, month, day with `-`, `/`, `.` or 年月日 and an
    /// optional time of day; `20260131` and `20260131083000`; epoch seconds (9–10 digits) and milliseconds (12–13
    /// digits); Weibo's `Tue May 31 17:46:55 +0800 2011`; and RFC 2822, as in RSS.
    pub(crate) fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        match &self.format {
            TimeFormat::EpochSeconds => seconds(text),
            TimeFormat::EpochMillis => Timestamp::from_millisecond(text.parse().ok()?).ok(),
            TimeFormat::Pattern(pattern) => {
                let parsed = strtime::parse(pattern, text).ok()?;
                if let Ok(instant) = parsed.to_timestamp() {
                    return Some(instant);
                }
                let civil = match parsed.to_datetime() {
                    Ok(civil) => civil,
                    Err(_) => parsed.to_date().ok()?.at(0, 0, 0, 0),
                };
                self.local(civil)
            }
            TimeFormat::Auto => self.read_any(text),
        }
    }

    fn read_any(&self, text: &str) -> Option<Timestamp> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return match text.len() {
                8 | 14 => self.local(compact(text)?),
                9 | 10 => seconds(text),
                12 | 13 => Timestamp::from_millisecond(text.parse().ok()?).ok(),
                _ => None,
            };
        }
        if let Some((civil, rest)) = civil(text) {
            if rest.is_empty() {
                return self.local(civil);
            }
            return text.parse().ok();
        }
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if let Ok(parsed) = strtime::parse("%a %b %d %H:%M:%S %z %Y", text) {
                return parsed.to_timestamp().ok();
            }
            // RSS: `Sat, 31 Jan 2026 08:30:00 +0800`.
            let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
            return Some(zoned.timestamp());
        }
        // Epoch seconds with a fraction.
        let (whole, fraction) = text.split_once('.')?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if (9..=10).contains(&whole.len()) && digits(whole) && digits(fraction) {
            return seconds(text);
        }
        None
    }

    fn local(&self, civil: DateTime) -> Option<Timestamp> {
        self.zone.to_timestamp(civil).ok()
    }
}

fn seconds(text: &str) -> Option<Timestamp> {
    if let Ok(whole) = text.parse::<i64>() {
        return Timestamp::from_second(whole).ok();
    }
    let value: f64 = text.parse().ok()?;
    Timestamp::from_millisecond((value * 1e3).round() as i64).ok()
}

/// `YYYYMMDD` or `YYYYMMDDHHMMSS`.
fn compact(digits: &str) -> Option<DateTime> {
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize, to: usize| i8::try_from(part(from, to)?).ok();
    let (hour, minute, second) = if digits.len() == 14 {
        (small(8, 10)?, small(10, 12)?, small(12, 14)?)
    } else {
        (0, 0, 0)
    };
    DateTime::new(
        part(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        hour,
        minute,
        second,
        0,
    )
    .ok()
}

/// Walks over the digits and marks of a civil time.
struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn number(&mut self, most: usize) -> Option<i32> {
        let end = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        let (digits, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn mark(&mut self, marks: &[char]) -> bool {
        match self.rest.chars().next() {
            Some(c) if marks.contains(&c) => {
                self.rest = &self.rest[c.len_utf8()..];
                true
            }
            _ => false,
        }
    }
}

/// A civil date and time at the start of the text, and what follows it.
fn civil(text: &str) -> Option<(DateTime, &str)> {
    let mut scan = Scan { rest: text };
    let year = scan
        .number(4)
        .filter(|_| text.len() - scan.rest.len() == 4)?;
    if !scan.mark(&['-', '/', '.', '年']) {
        return None;
    }
    let month = scan.number(2)?;
    if !scan.mark(&['-', '/', '.', '月']) {
        return None;
    }
    let day = scan.number(2)?;
    scan.mark(&['日']);
    let before_time = scan.rest;
    let (mut hour, mut minute, mut second, mut nanosecond) = (0, 0, 0, 0);
    let separated = scan.mark(&['T', 't']) || {
        while scan.mark(&[' ', '\u{a0}', '\u{3000}']) {}
        scan.rest.len() < before_time.len()
    };
    if separated
        || before_time.len() < text.len() && before_time.starts_with(|c: char| c.is_ascii_digit())
    {
        hour = scan.number(2)?;
        if !scan.mark(&[':', '：', '时']) {
            return None;
        }
        minute = scan.number(2)?;
        scan.mark(&['分']);
        if scan.mark(&[':', '：']) || scan.rest.ends_with('秒') {
            second = scan.number(2)?;
            scan.mark(&['秒']);
            if scan.mark(&['.', ',']) {
                let before = scan.rest;
                scan.number(9)?;
                let digits = &before[..before.len() - scan.rest.len()];
                nanosecond = format!("{digits:0<9}").parse().ok()?;
            }
        }
    }
    let small = |value: i32| i8::try_from(value).ok();
    let civil = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanosecond,
    )
    .ok()?;
    Some((civil, scan.rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        TimeReader::new(TimeFormat::parse(format).unwrap(), "Asia/Shanghai")
            .unwrap()
            .read(text)
            .map(|at| at.to_string())
    }

    #[test]
    fn every_form_that_can_be_told_apart_is_read() {
        for (text, instant) in [
            ("2026-01-31T08:30:00+08:00", "2026-01-31T00:30:00Z"),
            ("2026-01-31T00:30:00Z", "2026-01-31T00:30:00Z"),
            ("2026-01-31T00:30:00.25Z", "2026-01-31T00:30:00.25Z"),
            ("2026-01-31 08:30:00", "2026-01-31T00:30:00Z"),
            ("2026-01-31  08:30:00.5", "2026-01-31T00:30:00.5Z"),
            ("2026/1/31 8:30", "2026-01-31T00:30:00Z"),
            ("2026.01.31 08:30", "2026-01-31T00:30:00Z"),
            ("2026年1月31日 8:30", "2026-01-31T00:30:00Z"),
            ("2026年1月31日8时30分05秒", "2026-01-31T00:30:05Z"),
            ("2026-01-31", "2026-01-30T16:00:00Z"),
            ("20260131", "2026-01-30T16:00:00Z"),
            ("20260131083000", "2026-01-31T00:30:00Z"),
            ("1769819400", "2026-01-31T00:30:00Z"),
            ("1769819400000", "2026-01-31T00:30:00Z"),
            ("1769819400.5", "2026-01-31T00:30:00.5Z"),
            ("Tue May 31 17:46:55 +0800 2011", "2011-05-31T09:46:55Z"),
        ] {
            assert_eq!(read("auto", text).as_deref(), Some(instant), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read_as_one() {
        for text in [
            "",
            "刚刚",
            "3分钟前",
            "2026-13-01",
            "2026-01-31 25:00",
            "31/01/2026",
            "12",
            "2026-01-31 abc",
            "2026-01-31 08:30 pm",
            "26-01-31",
            "1769819400.5.1",
            "12345678901234567",
        ] {
            assert_eq!(read("auto", text), None, "{text:?}");
        }
    }

    #[test]
    fn a_configured_format_is_the_only_one_read() {
        assert_eq!(
            read("%d.%m.%Y %H:%M", "31.01.2026 08:30").as_deref(),
            Some("2026-01-31T00:30:00Z")
        );
        assert_eq!(
            read("%d/%m/%Y", "31/01/2026").as_deref(),
            Some("2026-01-30T16:00:00Z")
        );
        assert_eq!(read("%d/%m/%Y", "2026-01-31"), None);
        assert_eq!(
            read("epoch_s", "100").as_deref(),
            Some("1970-01-01T00:01:40Z")
        );
        assert_eq!(
            read("epoch_ms", "1769819400000").as_deref(),
            Some("2026-01-31T00:30:00Z")
        );
        assert!(TimeFormat::parse("iso").is_err());
    }
}
