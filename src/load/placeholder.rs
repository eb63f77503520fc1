//! Texts in which each publish leaves its mark: `{token}`, `{run}`, `{seq}` and `{due_ns}`.
//!
//! Any other braces stand for themselves, so that JSON can be written without escapes.

use serde_json::Value;

use super::publishes::CONTROL_FROM;
use super::token::Token;

/// A place that a publish fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The whole token.
    Token,
    /// The id of the run: 16 hexadecimal digits.
    Run,
    /// The number of the publish: 0 for the control publish, then 1, 2, 3 and so on.
    Sequence,
    /// When the publish was due, in nanoseconds since the start of the run.
    DueNs,
}

/// Each name with doubled braces before the one with single ones, so that `{{token}}` leaves no brace behind.
const NAMES: [(&str, Placeholder); 8] = [
    ("{{token}}", Placeholder::Token),
    ("{{run}}", Placeholder::Run),
    ("{{seq}}", Placeholder::Sequence),
    ("{{due_ns}}", Placeholder::DueNs),
    ("{token}", Placeholder::Token),
    ("{run}", Placeholder::Run),
    ("{seq}", Placeholder::Sequence),
    ("{due_ns}", Placeholder::DueNs),
];

/// The number that `{seq}` stands for.
pub fn shown_sequence(sequence: u32) -> u32 {
    if sequence >= CONTROL_FROM {
        0
    } else {
        sequence + 1
    }
}

/// The publish that the number `shown` stands for; the other way round of [`shown_sequence`].
pub fn sequence_of(shown: u32) -> u32 {
    shown.checked_sub(1).unwrap_or(CONTROL_FROM)
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stays as it is.
    Literal(String),
    /// What differs from publish to publish.
    Place(Placeholder),
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order; no two literals follow each other, and none is empty.
    pub pieces: Vec<Piece>,
}

impl Template {
    /// Reads a text. Every text is a template; one without placeholders is always itself.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = NAMES
                .iter()
                .find_map(|(name, place)| Some((rest.strip_prefix(name)?, *place)));
            if let Some((after, place)) = found {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Place(place));
                rest = after;
            } else {
                literal.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { pieces }
    }

    /// Whether the placeholder stands in it.
    pub fn has(&self, place: Placeholder) -> bool {
        self.pieces.contains(&Piece::Place(place))
    }

    /// Whether any placeholder does.
    pub fn has_any(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Place(_)))
    }

    /// The text of one publish.
    pub fn fill(&self, token: Token) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Place(Placeholder::Token) => token.to_string(),
                Piece::Place(Placeholder::Run) => token.run.to_string(),
                Piece::Place(Placeholder::Sequence) => shown_sequence(token.sequence).to_string(),
                Piece::Place(Placeholder::DueNs) => token.due_ns.to_string(),
            })
            .collect()
    }

    /// The JSON value of one publish: a text, or a number where `{seq}` or `{due_ns}` is all there is.
    fn fill_value(&self, token: Token) -> Value {
        match self.pieces.as_slice() {
            [Piece::Place(Placeholder::Sequence)] => shown_sequence(token.sequence).into(),
            [Piece::Place(Placeholder::DueNs)] => token.due_ns.into(),
            _ => self.fill(token).into(),
        }
    }
}

/// Fills every text of a JSON value; names of members stay as they are.
pub fn fill_json(value: &mut Value, token: Token) {
    match value {
        Value::String(text) if text.contains('{') => {
            *value = Template::parse(text).fill_value(token);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_json(item, token)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| fill_json(field, token)),
        _ => {}
    }
}

/// Every text of a JSON value that has placeholders.
pub fn templates_of(value: &Value) -> Vec<Template> {
    match value {
        Value::String(text) => Some(Template::parse(text))
            .filter(Template::has_any)
            .into_iter()
            .collect(),
        Value::Array(items) => items.iter().flat_map(templates_of).collect(),
        Value::Object(fields) => fields.values().flat_map(templates_of).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::load::token::RunId;

    const TOKEN: Token = Token {
        run: RunId(0xab),
        sequence: 6,
        due_ns: 1_500,
    };

    #[test]
    fn placeholders_are_filled_and_all_else_stays() {
        let cases = [
            ("", ""),
            ("{token}", "plumb.00000000000000ab.6.1500."),
            ("{{token}}", "plumb.00000000000000ab.6.1500."),
            ("x {{token}} y", "x plumb.00000000000000ab.6.1500. y"),
            ("{run}-{seq}@{due_ns}", "00000000000000ab-7@1500"),
            ("{seq}{seq}", "77"),
            ("{{seq}", "{7"),
            ("{{{seq}}}", "{7}"),
            ("{\"n\":{seq}}", "{\"n\":7}"),
            (
                "{Seq} {sequence} { seq } {tok",
                "{Seq} {sequence} { seq } {tok",
            ),
            ("{", "{"),
            ("}}{{", "}}{{"),
            (
                "${payload} é{run}\u{0}",
                "${payload} é00000000000000ab\u{0}",
            ),
        ];
        for (text, filled) in cases {
            assert_eq!(Template::parse(text).fill(TOKEN), filled, "{text}");
        }
    }

    #[test]
    fn a_lone_whole_number_becomes_one_and_names_stay() {
        let mut value = json!({"n": "{seq}", "at": ["{{due_ns}}"], "s": "n{seq}", "run": "{run}", "{seq}": true});
        fill_json(&mut value, TOKEN);
        assert_eq!(
            value,
            json!({"n": 7, "at": [1500], "s": "n7", "run": "00000000000000ab", "{seq}": true})
        );
        // What is put in is not read again.
        let mut odd = json!("{due_ns}{");
        fill_json(&mut odd, TOKEN);
        assert_eq!(odd, json!("1500{"));
    }

    #[test]
    fn the_control_publish_is_number_zero() {
        for sequence in [0, 1, 7, CONTROL_FROM - 1, CONTROL_FROM] {
            assert_eq!(sequence_of(shown_sequence(sequence)), sequence);
        }
        assert_eq!(shown_sequence(CONTROL_FROM), 0);
    }

    proptest! {
        #[test]
        fn a_text_without_placeholders_is_itself(text: String) {
            prop_assume!(NAMES.iter().all(|(name, _)| !text.contains(name)));
            let template = Template::parse(&text);
            prop_assert!(!template.has_any());
            prop_assert_eq!(template.fill(TOKEN), text);
        }
    }
}
