//! Times that a target itself puts into what it sends, read as moments of the wall clock.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use serde_json_path::JsonPath;

const NS_PER_S: i128 = 1_000_000_000;

/// Where in a message its time stands: a JSONPath query (RFC 9535) of which the first result counts.
#[derive(Clone, Debug)]
pub struct TimestampPath {
    text: String,
    query: JsonPath,
}

/// A text that is no JSONPath.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no JSONPath such as $.params.data.ts: {why}")]
pub struct NoPath {
    text: String,
    why: String,
}

impl FromStr for TimestampPath {
    type Err = NoPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let query = JsonPath::parse(text).map_err(|error| NoPath {
            text: text.to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self {
            text: text.to_owned(),
            query,
        })
    }
}

impl fmt::Display for TimestampPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a run's times are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Microseconds since 1970.
    Microseconds,
    /// Nanoseconds since 1970.
    Nanoseconds,
    /// A text as RFC 3339 has it.
    Rfc3339,
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seconds => "seconds since 1970",
            Self::Milliseconds => "milliseconds since 1970",
            Self::Microseconds => "microseconds since 1970",
            Self::Nanoseconds => "nanoseconds since 1970",
            Self::Rfc3339 => "RFC 3339",
        })
    }
}

impl TimeUnit {
    /// The unit in which `number` is a time of about now: each bound is a thousandth of the next, and seconds stay below
    /// theirs until the year 5138. `None` for what is no time after 1970.
    fn guess(number: f64) -> Option<Self> {
        match number {
            n if n.is_nan() || n <= 0.0 => None,
            n if n < 1e11 => Some(Self::Seconds),
            n if n < 1e14 => Some(Self::Milliseconds),
            n if n < 1e17 => Some(Self::Microseconds),
            n if n < 1e20 => Some(Self::Nanoseconds),
            _ => None,
        }
    }

    fn nanoseconds(self) -> i128 {
        match self {
            Self::Seconds | Self::Rfc3339 => NS_PER_S,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }
}

/// The times of one run. The unit of its numbers is guessed from the first, and is the same for all.
#[derive(Debug)]
pub(super) struct Timestamps {
    path: TimestampPath,
    unit: OnceLock<TimeUnit>,
    /// Times that were read.
    pub(super) read: AtomicU64,
    /// Events without a time that can be read.
    pub(super) missing: AtomicU64,
    /// Times after the arrival.
    pub(super) negative: AtomicU64,
}

impl Timestamps {
    pub(super) fn new(path: TimestampPath) -> Self {
        Self {
            path,
            unit: OnceLock::new(),
            read: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            negative: AtomicU64::new(0),
        }
    }

    /// Where the times stand.
    pub(super) fn path(&self) -> &TimestampPath {
        &self.path
    }

    /// What they are given in, once one was read.
    pub(super) fn unit(&self) -> Option<TimeUnit> {
        self.unit.get().copied()
    }

    /// How long before `arrived_ns` (since 1970) the message was made, in nanoseconds. `None`, and counted, where it does
    /// not say, or says that it was made after it arrived.
    pub(super) fn latency_ns(&self, message: Option<&Value>, arrived_ns: i128) -> Option<u64> {
        let Some(made_ns) = message.and_then(|message| self.made_ns(message)) else {
            self.missing.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.read.fetch_add(1, Ordering::Relaxed);
        let latency = u64::try_from(arrived_ns - made_ns);
        if latency.is_err() && arrived_ns < made_ns {
            self.negative.fetch_add(1, Ordering::Relaxed);
        }
        latency.ok()
    }

    fn made_ns(&self, message: &Value) -> Option<i128> {
        match self.path.query.query(message).first()? {
            Value::String(text) => {
                let ns = rfc3339(text)?;
                (*self.unit.get_or_init(|| TimeUnit::Rfc3339) == TimeUnit::Rfc3339).then_some(ns)
            }
            Value::Number(number) => {
                let about = number.as_f64()?;
                let guessed = TimeUnit::guess(about)?;
                let unit = *self.unit.get_or_init(|| guessed);
                if unit == TimeUnit::Rfc3339 {
                    return None;
                }
                match number.as_u64() {
                    Some(whole) => i128::from(whole).checked_mul(unit.nanoseconds()),
                    None => Some(fraction(about, unit)),
                }
            }
            _ => None,
        }
    }
}

/// A number with a fraction, in nanoseconds. It is below 1e20, and so is far from the bounds of the result.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as exact as the number was; the cast saturates"
)]
fn fraction(number: f64, unit: TimeUnit) -> i128 {
    (number * unit.nanoseconds() as f64) as i128
}

/// The wall clock now, in nanoseconds since 1970.
pub(super) fn wall_ns() -> i128 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

/// Nanoseconds since 1970 of a date and time as RFC 3339 has it, such as `2026-07-28T09:30:00.25+02:00`. Digits beyond
/// nanoseconds are dropped, and a leap second counts as the first of the next minute.
fn rfc3339(text: &str) -> Option<i128> {
    let rest = text.as_bytes();
    let (year, rest) = digits(rest, 4)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (first, rest) = rest.split_first()?;
    if !matches!(first, b'T' | b't' | b' ') {
        return None;
    }
    let (hour, rest) = digits(rest, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (part_ns, rest) = match rest.strip_prefix(b".") {
        Some(rest) => part_of_second(rest)?,
        None => (0, rest),
    };
    let offset_s = offset(rest)?;
    let fits = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(i128::from(seconds - offset_s) * NS_PER_S + i128::from(part_ns))
}

/// Reads `count` digits.
fn digits(bytes: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// Reads one digit or more after the full stop, as nanoseconds.
fn part_of_second(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(bytes.len());
    let (digits, rest) = bytes.split_at_checked(end)?;
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    let ns = padded.fold(0_i64, |ns, digit| ns * 10 + i64::from(digit - b'0'));
    (!digits.is_empty()).then_some((ns, rest))
}

/// Reads `Z` or `+hh:mm` to the end, in seconds.
fn offset(bytes: &[u8]) -> Option<i64> {
    if matches!(bytes, b"Z" | b"z") {
        return Some(0);
    }
    let (sign, rest) = bytes.split_first()?;
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    if !rest.is_empty() || hours >= 24 || minutes >= 60 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; years are not negative.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    // 719,162 days lie before 1970, counted in the same way.
    before * 365 + leap_days + months + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_read_as_rfc_3339_has_them() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.000000001z", Some(1)),
            ("1969-12-31T23:59:59.5Z", Some(-500_000_000)),
            ("2000-02-29T12:00:00Z", Some(951_825_600 * NS_PER_S)),
            ("2026-07-28T09:30:00+02:00", Some(1_785_223_800 * NS_PER_S)),
            ("2026-07-28 05:30:00-02:00", Some(1_785_223_800 * NS_PER_S)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800 * NS_PER_S)),
            ("1970-01-01T00:00:00.1234567899999Z", Some(123_456_789)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200 * NS_PER_S)),
            ("", None),
            ("1970-01-01", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00Z", None),
            ("1970-01-01T24:00:00Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-00-01T00:00:00Z", None),
            ("2025-02-29T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("1970-01-01T00:00:61Z", None),
            ("1970-01-01T00:00:00+2:00", None),
            ("1970-01-01T00:00:00+24:00", None),
            ("1970-01-01T00:00:00Zx", None),
            ("+970-01-01T00:00:00Z", None),
            ("1970-01-01T00:00:00\u{660}", None),
        ];
        for (text, expected) in cases {
            assert_eq!(rfc3339(text), expected, "{text}");
        }
    }

    #[test]
    fn the_unit_is_guessed_once_by_magnitude() {
        use TimeUnit::{Microseconds, Milliseconds, Nanoseconds, Rfc3339, Seconds};
        // (the time in the message, an arrival 2 ms after it, the unit)
        let cases = [
            (json!(1_785_223_800), 1_785_223_800_002_000_000, Seconds),
            (json!(1_785_223_800.0), 1_785_223_800_002_000_000, Seconds),
            (
                json!(1_785_223_800_250_u64),
                1_785_223_800_252_000_000,
                Milliseconds,
            ),
            (
                json!(1_785_223_800_250_001_u64),
                1_785_223_800_252_001_000,
                Microseconds,
            ),
            (
                json!(1_785_223_800_250_001_002_u64),
                1_785_223_800_252_001_002_i128,
                Nanoseconds,
            ),
            (
                json!("2026-07-28T07:30:00Z"),
                1_785_223_800_002_000_000,
                Rfc3339,
            ),
        ];
        for (time, arrived, unit) in cases {
            let times = Timestamps::new("$.params.data.ts".parse().unwrap());
            let message = json!({"params": {"data": {"ts": time}}});
            assert_eq!(
                times.latency_ns(Some(&message), arrived),
                Some(2_000_000),
                "{time}"
            );
            assert_eq!(times.unit(), Some(unit), "{time}");
            // A second kind of time is not taken for another unit of the first.
            let other = match unit {
                Rfc3339 => json!(1_785_223_800),
                _ => json!("2026-07-28T07:30:00Z"),
            };
            let message = json!({"params": {"data": {"ts": other}}});
            assert_eq!(times.latency_ns(Some(&message), arrived), None, "{time}");
            assert_eq!(times.missing.load(Ordering::Relaxed), 1, "{time}");
        }
    }

    #[test]
    fn what_has_no_time_is_missing_and_what_is_ahead_is_negative() {
        let times = Timestamps::new("$..ts".parse().unwrap());
        for message in [
            json!({}),
            json!({"ts": null}),
            json!({"ts": "soon"}),
            json!({"ts": -1}),
            json!({"ts": 0}),
            json!({"ts": 1e300}),
            json!({"ts": {"ts": [1]}}),
        ] {
            assert_eq!(times.latency_ns(Some(&message), 1), None, "{message}");
        }
        assert_eq!(times.latency_ns(None, 1), None);
        assert_eq!(times.missing.load(Ordering::Relaxed), 8);
        let ahead = json!({"ts": 1_785_223_800});
        assert_eq!(times.latency_ns(Some(&ahead), 1), None);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!((count(&times.negative), count(&times.read)), (1, 1));
    }

    #[test]
    fn a_text_that_is_no_path_is_refused() {
        let error = "params.ts".parse::<TimestampPath>().unwrap_err();
        assert!(error.to_string().contains("$.params.data.ts"), "{error}");
    }

    proptest! {
        #[test]
        fn days_follow_each_other(days in 0_i64..1_000_000) {
            // Walks the calendar by years and months and meets every day once.
            let (mut year, mut left) = (0, days);
            while left >= 365 + i64::from(is_leap(year)) {
                left -= 365 + i64::from(is_leap(year));
                year += 1;
            }
            let mut month = 1;
            while left >= days_in(year, month) {
                left -= days_in(year, month);
                month += 1;
            }
            prop_assert_eq!(days_since_1970(year, month, left + 1), days - 719_528);
        }

        #[test]
        fn no_text_is_too_strange(text: String) {
            rfc3339(&text);
        }
    }
}
