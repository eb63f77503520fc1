//! JSON from a peer, parsed only where what it becomes in memory is bounded.

use serde_json::Value;

/// The largest number of values that one text may hold. A value takes about fifty times the memory that `{},` takes on
/// the wire, so a bound on bytes alone bounds little.
pub(super) const VALUES_MAX: usize = 100_000;

/// The largest number of values that all messages of one stream may hold.
pub(super) const STREAM_VALUES_MAX: usize = 200_000;

/// Why a text has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unparsed {
    /// It is no JSON.
    NotJson,
    /// It holds more than [`VALUES_MAX`] values.
    TooMany,
}

/// The value of a JSON text.
pub(super) fn parse(text: &[u8]) -> Result<Value, Unparsed> {
    if marks(text) > VALUES_MAX {
        return Err(Unparsed::TooMany);
    }
    serde_json::from_slice(text).map_err(|_| Unparsed::NotJson)
}

/// How many commas and opening brackets stand outside of strings: no text has more values than these and one.
pub(super) fn marks(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b',' | b'[' | b'{') => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_within_the_bound_is_parsed() {
        let cases: [(&[u8], _); 6] = [
            (b"{\"a\": [1, \"x\"]}", Ok(json!({"a": [1, "x"]}))),
            (b"\"a\"", Ok(json!("a"))),
            (br#"["\\", "\"", "[{,"]"#, Ok(json!(["\\", "\"", "[{,"]))),
            (b"<html>", Err(Unparsed::NotJson)),
            (b"", Err(Unparsed::NotJson)),
            (b"\"\xff\"", Err(Unparsed::NotJson)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn many_small_values_are_refused_and_one_long_string_is_not() {
        let array = |count| format!("[{}{{}}]", "{},".repeat(count));
        assert!(parse(array(10_000).as_bytes()).is_ok());
        assert_eq!(parse(array(100_000).as_bytes()), Err(Unparsed::TooMany));
        let table = format!("\"{}\"", "1,2,[{".repeat(100_000));
        assert!(parse(table.as_bytes()).is_ok());
    }
}
