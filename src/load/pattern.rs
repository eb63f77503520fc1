//! Finds a publish in what arrives: by its token, or by the pattern that the user's own text makes of `{run}` and `{seq}`.
//!
//! The search is on raw bytes, so that no event need be parsed. A literal part is found as any JSON writer may have
//! written it: as it is, with a short escape, or as `\uXXXX`.

use regex::bytes::{Regex, RegexBuilder};

use super::placeholder::{Piece, Placeholder, Template, sequence_of};
use super::token::{RunId, Token};

/// The longest text that makes a pattern, in characters.
const LITERAL_CHARS_MAX: usize = 1_000;
/// How many texts of one trigger may make a pattern.
const PATTERNS_MAX: usize = 8;
/// How many lookalikes one event may hold before the search gives up; bounds the work that a target can cause.
const CANDIDATES_MAX: usize = 64;
/// The memory that one compiled pattern may take, in bytes.
const COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why arrivals could not be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing differs from publish to publish.
    #[error(
        "no text in it holds {{token}}, or {{run}} and {{seq}}, so arrivals could not be told apart (with --correlate order they are counted only)"
    )]
    NoPlace,
    /// One of the two is missing, or they stand apart.
    #[error(
        "{{run}} and {{seq}} must both stand in one text, such as \"{{run}}-{{seq}}\", so that arrivals can be told apart (or use {{token}}, or --correlate order)"
    )]
    NotBoth,
    /// Where a number ends could not be told.
    #[error("after {{{0}}} there must be something that is no digit and no placeholder")]
    Ambiguous(&'static str),
    /// Too much text.
    #[error(
        "a text with {{run}} and {{seq}} may have at most {LITERAL_CHARS_MAX} characters, and at most {PATTERNS_MAX} texts may have both"
    )]
    TooLong,
}

/// A publish that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The run that made it.
    pub run: RunId,
    /// Its number within the run.
    pub sequence: u32,
    /// When it says that it was due; a pattern need not hold that.
    pub due_ns: Option<u64>,
}

impl From<Token> for Found {
    fn from(token: Token) -> Self {
        Self {
            run: token.run,
            sequence: token.sequence,
            due_ns: Some(token.due_ns),
        }
    }
}

/// Finds the publishes of one trigger.
#[derive(Clone, Debug)]
pub enum Finder {
    /// By the token.
    Token,
    /// By any of these.
    Patterns(Vec<Pattern>),
}

impl Finder {
    /// The finder for what a trigger with these texts publishes: its token if any text holds it, else each text that
    /// holds both `{run}` and `{seq}`.
    ///
    /// # Errors
    /// If publishes could not be told apart by what the texts hold.
    pub fn new(templates: &[Template]) -> Result<Self, PatternError> {
        if templates.iter().any(|it| it.has(Placeholder::Token)) {
            return Ok(Self::Token);
        }
        if !templates.iter().any(Template::has_any) {
            return Err(PatternError::NoPlace);
        }
        let whole: Vec<&Template> = templates
            .iter()
            .filter(|it| it.has(Placeholder::Run) && it.has(Placeholder::Sequence))
            .collect();
        match whole.len() {
            0 => Err(PatternError::NotBoth),
            1..=PATTERNS_MAX => Ok(Self::Patterns(
                whole
                    .into_iter()
                    .map(Pattern::new)
                    .collect::<Result<_, _>>()?,
            )),
            _ => Err(PatternError::TooLong),
        }
    }

    /// The first publish in `data`, if there is one.
    pub fn find(&self, data: &[u8]) -> Option<Found> {
        match self {
            Self::Token => Token::find(data).map(Found::from),
            Self::Patterns(patterns) => patterns.iter().find_map(|pattern| pattern.find(data)),
        }
    }
}

/// One text of the user as something to search for.
#[derive(Clone, Debug)]
pub struct Pattern {
    expression: Regex,
    /// What each group holds.
    groups: Vec<Placeholder>,
}

impl Pattern {
    /// The pattern of a text that holds `{run}` and `{seq}`.
    ///
    /// # Errors
    /// If a number is not followed by something that ends it, or the text is too long.
    pub fn new(template: &Template) -> Result<Self, PatternError> {
        let mut source = String::from("(?s-u)");
        let mut groups = Vec::new();
        let mut chars = 0_usize;
        let pieces = &template.pieces;
        if matches!(pieces.first(), Some(Piece::Place(place)) if is_number(*place)) {
            source.push_str("(?:^|[^0-9])");
        }
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(text) => {
                    chars += text.chars().count();
                    text.chars().for_each(|c| push_char(&mut source, c));
                }
                Piece::Place(place) => {
                    if is_number(*place) && !ends_number(pieces.get(at + 1)) {
                        return Err(PatternError::Ambiguous(name_of(*place)));
                    }
                    source.push_str(group_of(*place));
                    groups.push(*place);
                }
            }
        }
        if matches!(pieces.last(), Some(Piece::Place(place)) if is_number(*place)) {
            source.push_str("(?:[^0-9]|$)");
        }
        if chars > LITERAL_CHARS_MAX {
            return Err(PatternError::TooLong);
        }
        let expression = RegexBuilder::new(&source)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|_too_large| PatternError::TooLong)?;
        Ok(Self { expression, groups })
    }

    /// The first publish in `data` that the pattern finds. Numbers too large for what they stand for are passed over.
    pub fn find(&self, data: &[u8]) -> Option<Found> {
        self.expression
            .captures_iter(data)
            .take(CANDIDATES_MAX)
            .find_map(|captures| self.read(&captures))
    }

    fn read(&self, captures: &regex::bytes::Captures<'_>) -> Option<Found> {
        let (mut run, mut sequence, mut due_ns) = (None, None, None);
        for (at, place) in self.groups.iter().enumerate() {
            let text = std::str::from_utf8(captures.get(at + 1)?.as_bytes()).ok()?;
            match place {
                Placeholder::Run => agree(&mut run, u64::from_str_radix(text, 16).ok()?)?,
                Placeholder::Sequence => agree(&mut sequence, text.parse::<u32>().ok()?)?,
                Placeholder::DueNs => agree(&mut due_ns, text.parse::<u64>().ok()?)?,
                Placeholder::Token => return None,
            }
        }
        Some(Found {
            run: RunId(run?),
            sequence: sequence_of(sequence?),
            due_ns,
        })
    }
}

/// A placeholder that stands twice must say the same twice.
fn agree<T: PartialEq + Copy>(slot: &mut Option<T>, value: T) -> Option<()> {
    (*slot.get_or_insert(value) == value).then_some(())
}

fn is_number(place: Placeholder) -> bool {
    matches!(place, Placeholder::Sequence | Placeholder::DueNs)
}

fn name_of(place: Placeholder) -> &'static str {
    match place {
        Placeholder::Token => "token",
        Placeholder::Run => "run",
        Placeholder::Sequence => "seq",
        Placeholder::DueNs => "due_ns",
    }
}

fn group_of(place: Placeholder) -> &'static str {
    match place {
        Placeholder::Token => "",
        Placeholder::Run => "([0-9a-f]{16})",
        Placeholder::Sequence => "(0|[1-9][0-9]{0,9})",
        Placeholder::DueNs => "(0|[1-9][0-9]{0,19})",
    }
}

/// Whether what follows a number ends it.
fn ends_number(next: Option<&Piece>) -> bool {
    match next {
        None => true,
        Some(Piece::Place(_)) => false,
        Some(Piece::Literal(text)) => !text.starts_with(|c: char| c.is_ascii_digit()),
    }
}

/// Adds a character in every form in which it may stand in a JSON string. Letters and digits of ASCII stand as
/// themselves; no writer escapes them.
fn push_char(source: &mut String, c: char) {
    let mut utf8 = [0; 4];
    let raw = c.encode_utf8(&mut utf8);
    if c.is_ascii_alphanumeric() {
        source.push(c);
        return;
    }
    source.push_str("(?:");
    for byte in raw.bytes() {
        source.push_str(&format!("\\x{byte:02X}"));
    }
    let short = match c {
        '"' => Some('"'),
        '\\' => Some('\\'),
        '/' => Some('/'),
        '\u{8}' => Some('b'),
        '\u{c}' => Some('f'),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        _ => None,
    };
    if let Some(short) = short {
        source.push_str(&format!("|\\x5C\\x{:02X}", u32::from(short)));
    }
    source.push('|');
    let mut units = [0; 2];
    for unit in c.encode_utf16(&mut units) {
        source.push_str("\\x5Cu");
        for digit in format!("{unit:04x}").chars() {
            if digit.is_ascii_digit() {
                source.push(digit);
            } else {
                source.push_str(&format!("[{digit}{}]", digit.to_ascii_uppercase()));
            }
        }
    }
    source.push(')');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finder(texts: &[&str]) -> Result<Finder, PatternError> {
        let templates: Vec<Template> = texts.iter().map(|text| Template::parse(text)).collect();
        Finder::new(&templates)
    }

    fn token(sequence: u32) -> Token {
        Token {
            run: RunId(0xab),
            sequence,
            due_ns: 1_500,
        }
    }

    #[test]
    fn texts_that_cannot_tell_publishes_apart_are_refused_with_the_reason() {
        let cases: &[(&[&str], PatternError)] = &[
            (&[], PatternError::NoPlace),
            (&["plain"], PatternError::NoPlace),
            (&["{run}"], PatternError::NotBoth),
            (&["{seq}", "{run}"], PatternError::NotBoth),
            (&["{due_ns}"], PatternError::NotBoth),
            (&["{seq}{run}"], PatternError::Ambiguous("seq")),
            (&["{run}{seq}{due_ns}"], PatternError::Ambiguous("seq")),
            (&["{run}{due_ns}7{seq}"], PatternError::Ambiguous("due_ns")),
        ];
        for (texts, expected) in cases {
            assert_eq!(finder(texts).unwrap_err(), *expected, "{texts:?}");
            assert!(!expected.to_string().is_empty());
        }
        let long = format!("{{run}}-{{seq}}{}", "x".repeat(LITERAL_CHARS_MAX + 1));
        assert_eq!(finder(&[&long]).unwrap_err(), PatternError::TooLong);
        let many = vec!["{run}-{seq}"; PATTERNS_MAX + 1];
        assert_eq!(finder(&many).unwrap_err(), PatternError::TooLong);
        let most = format!(
            "{{run}}-{{seq}}{}",
            "\u{1f980}".repeat(LITERAL_CHARS_MAX - 1)
        );
        assert!(finder(&[&most]).is_ok());
    }

    #[test]
    fn the_token_wins_where_it_stands() {
        let finder = finder(&["{run}-{seq}", "{token}"]).unwrap();
        assert!(matches!(finder, Finder::Token));
        let data = format!("{{\"data\":\"{}\"}}", token(3));
        assert_eq!(finder.find(data.as_bytes()), Some(token(3).into()));
    }

    #[test]
    fn what_arrives_is_found_or_passed_over() {
        // (text, what arrives, the publish)
        let run = "00000000000000ab";
        let cases = [
            ("{run}-{seq}", format!("\"{run}-4\""), Some((3, None))),
            (
                "{run}-{seq}",
                format!("\"{run}-0\""),
                Some((super::super::publishes::CONTROL_FROM, None)),
            ),
            ("{run}-{seq}", format!("{run}-4"), Some((3, None))),
            ("{run}{seq}", format!("x{run}4 "), Some((3, None))),
            ("{seq}/{run}", format!("\"4\\/{run}\""), Some((3, None))),
            ("{seq}/{run}", format!("\"14/{run}\""), Some((13, None))),
            (
                "a\"{run}\"{seq}",
                format!("a\\\"{run}\\\"4"),
                Some((3, None)),
            ),
            (
                "<{run}>{seq}<",
                format!("\\u003c{run}\\u003E4\\u003c"),
                Some((3, None)),
            ),
            ("é{run} {seq}", format!("\\u00e9{run} 4"), Some((3, None))),
            ("é{run} {seq}", format!("\\u00E9{run} 4"), Some((3, None))),
            ("é{run} {seq}", format!("é{run} 4"), Some((3, None))),
            (
                "🦀{run} {seq}",
                format!("\\uD83E\\udd80{run} 4"),
                Some((3, None)),
            ),
            (".*{run} {seq}[a]", format!(".*{run} 4[a]"), Some((3, None))),
            (".*{run} {seq}", format!("xx{run} 4"), None),
            (
                "{run} {seq} {due_ns}",
                format!("{run} 4 1500"),
                Some((3, Some(1_500))),
            ),
            (
                "{run} {seq} {run}",
                format!("{run} 4 {run}"),
                Some((3, None)),
            ),
            (
                "{run} {seq} {run}",
                format!("{run} 4 00000000000000ac"),
                None,
            ),
            ("{run}-{seq}", format!("{run}-04"), None),
            ("{run}-{seq}", format!("{run}--4"), None),
            ("{run}-{seq}", format!("{run}-4294967296"), None),
            ("{run}-{seq}", format!("{run}-99999999999"), None),
            (
                "{run}-{seq}",
                format!("{run}-4294967296 {run}-4"),
                Some((3, None)),
            ),
            ("{run}-{seq}", "00000000000000AB-4".to_owned(), None),
            ("{run}-{seq}", run.to_owned(), None),
            ("{run}-{seq}", String::new(), None),
            (
                "{run} {seq} {due_ns}",
                format!("{run} 4 99999999999999999999"),
                None,
            ),
        ];
        for (text, data, expected) in cases {
            let found = finder(&[text]).unwrap().find(data.as_bytes());
            let expected = expected.map(|(sequence, due_ns)| Found {
                run: RunId(0xab),
                sequence,
                due_ns,
            });
            assert_eq!(found, expected, "{text} {data}");
        }
    }

    #[test]
    fn a_flood_of_lookalikes_ends_the_search() {
        let finder = finder(&["{run}-{seq}"]).unwrap();
        let lookalike = "00000000000000ab-4294967296 ";
        let mut data = lookalike.repeat(CANDIDATES_MAX);
        data.push_str("00000000000000ab-4");
        assert_eq!(finder.find(data.as_bytes()), None);
    }

    /// As a writer that leaves nothing but ASCII does.
    fn ascii(json: &str) -> String {
        let mut units = [0; 2];
        json.chars()
            .map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    let units = c.encode_utf16(&mut units);
                    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_publish_is_found_in_any_json_string(
            run: u64, sequence in 0..super::super::publishes::CONTROL_FROM, due_ns: u64,
            literals in prop::array::uniform4("[^0-9{}]{0,12}"), before: String, after: String,
        ) {
            let [first, second, third, last] = literals;
            prop_assume!(!third.is_empty() && !second.is_empty());
            let text = format!("{first}{{run}}{second}{{seq}}{third}{{due_ns}}{last}");
            let token = Token { run: RunId(run), sequence, due_ns };
            let filled = Template::parse(&text).fill(token);
            // A digit right after the last number would belong to it.
            let message = format!("{before}{filled}\n{after}");
            let json = serde_json::Value::from(message).to_string();
            let finder = finder(&[&text]).unwrap();
            for json in [ascii(&json), json] {
                prop_assert_eq!(finder.find(json.as_bytes()), Some(token.into()), "{}", json);
            }
        }

        #[test]
        fn no_bytes_are_too_strange(data: Vec<u8>) {
            let finder = finder(&["{seq}: {run}"]).unwrap();
            prop_assert_eq!(finder.find(&data), None);
        }
    }
}
