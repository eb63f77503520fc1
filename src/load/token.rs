//! The word that a load run puts into each publish, and finds again in what arrives.
//!
//! `plumb.<run>.<sequence>.<due>.`: letters, digits and full stops only, so that no JSON writer escapes any of it and it
//! can be found in the raw bytes of an event without parsing them.

use std::fmt;
use std::sync::LazyLock;

use memchr::memmem;

const PREFIX: &str = "plumb.";
/// Hexadecimal digits of a run id.
const RUN_DIGITS: usize = 16;
/// Decimal digits of the largest `u32`.
const SEQUENCE_DIGITS_MAX: usize = 10;
/// Decimal digits of the largest `u64`.
const DUE_DIGITS_MAX: usize = 20;
/// How many lookalikes one event may hold before the search gives up; bounds the work that a target can cause.
const CANDIDATES_MAX: usize = 64;

static FINDER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(PREFIX));

/// Tells one run's publishes from those of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub u64);

impl RunId {
    /// A random run id.
    ///
    /// # Errors
    /// If this machine has no source of randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0RUN_DIGITS$x}", self.0)
    }
}

/// What a publish carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The run that sent it.
    pub run: RunId,
    /// Its number within the run.
    pub sequence: u32,
    /// When it was due, in nanoseconds since the start of the run.
    pub due_ns: u64,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run,
            sequence,
            due_ns,
        } = self;
        write!(f, "{PREFIX}{run}.{sequence}.{due_ns}.")
    }
}

impl Token {
    /// The first token in `data`, if there is one. Anything that only looks like one is passed over.
    pub fn find(data: &[u8]) -> Option<Self> {
        FINDER
            .find_iter(data)
            .take(CANDIDATES_MAX)
            .find_map(|at| Self::parse(data.get(at + PREFIX.len()..)?))
    }

    /// Reads what follows the prefix.
    fn parse(rest: &[u8]) -> Option<Self> {
        let (run, rest) = rest.split_at_checked(RUN_DIGITS)?;
        let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !run.iter().all(lower_hex) {
            return None;
        }
        let run = u64::from_str_radix(std::str::from_utf8(run).ok()?, 16).ok()?;
        let rest = rest.strip_prefix(b".")?;
        let (sequence, rest) = number(rest, SEQUENCE_DIGITS_MAX)?;
        let (due_ns, _rest) = number(rest, DUE_DIGITS_MAX)?;
        Some(Self {
            run: RunId(run),
            sequence: u32::try_from(sequence).ok()?,
            due_ns,
        })
    }
}

/// Decimal digits as [`Token`] writes them (no leading zero) up to a full stop, and what follows that.
fn number(bytes: &[u8], digits_max: usize) -> Option<(u64, &[u8])> {
    let end = bytes
        .iter()
        .take(digits_max + 1)
        .position(|byte| *byte == b'.')?;
    let (digits, rest) = bytes.split_at_checked(end)?;
    let plain =
        digits.iter().all(u8::is_ascii_digit) && !(digits.len() > 1 && digits.starts_with(b"0"));
    if digits.is_empty() || !plain {
        return None;
    }
    let value = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((value, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: Token = Token {
        run: RunId(0xab),
        sequence: 7,
        due_ns: 1_500,
    };

    #[test]
    fn is_one_plain_word() {
        assert_eq!(TOKEN.to_string(), "plumb.00000000000000ab.7.1500.");
    }

    #[test]
    fn lookalikes_are_passed_over() {
        let hostile: &[&[u8]] = &[
            b"",
            b"plumb.",
            b"plumb.00000000000000ab",
            b"plumb.00000000000000ab.7.1500",
            b"plumb.00000000000000AB.7.1500.",
            b"plumb.00000000000000a.7.1500.",
            b"plumb.+0000000000000ab.7.1500.",
            b"plumb.00000000000000ab..1500.",
            b"plumb.00000000000000ab.7..",
            b"plumb.00000000000000ab.07.1500.",
            b"plumb.00000000000000ab.-7.1500.",
            b"plumb.00000000000000ab.4294967296.1500.",
            b"plumb.00000000000000ab.00000000000000000007.1500.",
            b"plumb.00000000000000ab.7.18446744073709551616.",
            b"plumb.00000000000000ab.7.99999999999999999999999.",
            b"plumb.\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff.7.1.",
        ];
        for data in hostile {
            assert_eq!(Token::find(data), None, "{}", data.escape_ascii());
            let mut followed = data.to_vec();
            followed.extend_from_slice(TOKEN.to_string().as_bytes());
            assert_eq!(
                Token::find(&followed),
                Some(TOKEN),
                "{}",
                data.escape_ascii()
            );
        }
    }

    #[test]
    fn a_flood_of_lookalikes_ends_the_search() {
        let mut data = PREFIX.repeat(CANDIDATES_MAX).into_bytes();
        data.extend_from_slice(TOKEN.to_string().as_bytes());
        assert_eq!(Token::find(&data), None);
    }

    proptest! {
        #[test]
        fn every_token_is_found_in_any_json_string(run: u64, sequence: u32, due_ns: u64, before: String, after: String) {
            prop_assume!(!before.contains("plumb"));
            let token = Token { run: RunId(run), sequence, due_ns };
            let text = serde_json::Value::from(format!("{before}\n{token}{after}")).to_string();
            prop_assert_eq!(Token::find(text.as_bytes()), Some(token));
        }

        #[test]
        fn no_bytes_are_too_strange(data: Vec<u8>) {
            Token::find(&data);
        }
    }
}
