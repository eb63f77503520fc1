//! What a target that asks for authorization says about it (RFC 9110, 11.6.1; RFC 9728, 5.1). It is read and shown;
//! nothing that it names is fetched.

use url::Url;

use crate::excerpt::{clip, quote};
use crate::protocol::Headers;

/// How much of one field is read, in bytes.
const FIELD_BYTES_MAX: usize = 8 * 1024;
/// How many challenges are told.
const CHALLENGES_MAX: usize = 8;
/// How much of one value is shown, in characters.
const SHOWN_CHARS: usize = 200;

/// One challenge: a scheme and its parameters. A `token68` is no parameter and is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `Bearer` and the like, as it was sent.
    pub scheme: String,
    /// Names in lower case, values without quotes, in order.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a 401 or 403 says about authorization, in sentences for a person: each challenge, where its protected-resource
/// metadata are, and whether that is another origin than the target's. At most 17 sentences of bounded length, with
/// control characters escaped. Secrets that the target sends back are for the caller's redactor.
pub fn describe(headers: &Headers, url: &Url) -> Vec<String> {
    let fields = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    let mut challenges: Vec<Challenge> = fields.flat_map(|(_, value)| parse(value)).collect();
    if challenges.is_empty() {
        return vec![
            "it asks for authorization without a WWW-Authenticate challenge that says of which kind"
                .to_owned(),
        ];
    }
    let untold = challenges.len().saturating_sub(CHALLENGES_MAX);
    challenges.truncate(CHALLENGES_MAX);
    let mut told: Vec<String> = challenges
        .iter()
        .flat_map(|challenge| {
            let metadata = challenge.param("resource_metadata");
            std::iter::once(shown(challenge)).chain(metadata.map(|text| place(text, url)))
        })
        .collect();
    if untold > 0 {
        told.push(format!("{untold} more challenges are not shown"));
    }
    told
}

fn shown(challenge: &Challenge) -> String {
    let params: Vec<String> = challenge
        .params
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value)))
        .collect();
    let line = format!(
        "WWW-Authenticate: {} {}",
        challenge.scheme,
        params.join(", ")
    );
    clip(line.trim_end(), 3 * SHOWN_CHARS)
}

/// Where protected-resource metadata are.
fn place(text: &str, target: &Url) -> String {
    let what = "its protected-resource metadata";
    let parsed = Url::parse(text).ok();
    let Some(url) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return format!(
            "{what} have no http URL that could be fetched: {}",
            quote(text)
        );
    };
    // As it was understood, not as it was written: `https://target@elsewhere/` names elsewhere.
    let mut bare = url.clone();
    // Cannot fail: it has a host.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    let at = clip(bare.as_str(), SHOWN_CHARS);
    if url.origin() == target.origin() {
        format!("{what} are at {at}; nothing was fetched from there")
    } else {
        format!(
            "{what} are at {at}, which is another origin than {}; nothing was fetched from there",
            target.origin().ascii_serialization()
        )
    }
}

/// The challenges of one field. What is malformed is left out; nothing after [`FIELD_BYTES_MAX`] is read.
pub fn parse(field: &str) -> Vec<Challenge> {
    let mut end = field.len().min(FIELD_BYTES_MAX);
    while !field.is_char_boundary(end) {
        end -= 1;
    }
    let mut challenges: Vec<Challenge> = Vec::new();
    for item in items(field.get(..end).unwrap_or_default()) {
        let (word, rest) = split_token(item);
        let rest = rest.trim_start();
        if word.is_empty() {
            continue;
        }
        if let Some(value) = rest.strip_prefix('=') {
            // A parameter before any scheme belongs to nothing.
            if let Some(challenge) = challenges.last_mut() {
                challenge.params.push(param(word, value));
            }
            continue;
        }
        let mut challenge = Challenge {
            scheme: word.to_owned(),
            params: Vec::new(),
        };
        let (name, value) = split_token(rest);
        if let Some(value) = value.trim_start().strip_prefix('=')
            && !name.is_empty()
            && !value.trim_matches('=').is_empty()
        {
            challenge.params.push(param(name, value));
        }
        challenges.push(challenge);
    }
    challenges
}

fn param(name: &str, value: &str) -> (String, String) {
    (name.to_ascii_lowercase(), unquoted(value.trim()))
}

/// The text between commas that stand outside of quotes.
fn items(field: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    field
        .split(move |c: char| {
            let separates = c == ',' && !quoted;
            if escaped {
                escaped = false;
            } else if quoted && c == '\\' {
                escaped = true;
            } else if c == '"' {
                quoted = !quoted;
            }
            separates
        })
        .map(str::trim)
}

/// A token (RFC 9110, 5.6.2) and what follows it.
fn split_token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// A token, or a quoted string without its quotes. One that is not closed ends with the text.
fn unquoted(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Url {
        Url::parse("https://mcp.example/mcp").unwrap()
    }

    fn told(field: &str) -> Vec<String> {
        let headers = [("WWW-Authenticate", field)].into_iter().collect();
        describe(&headers, &target())
    }

    fn challenge(scheme: &str, params: &[(&str, &str)]) -> Challenge {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Challenge {
            scheme: scheme.to_owned(),
            params: params.iter().map(own).collect(),
        }
    }

    #[test]
    fn challenges_are_read_as_the_grammar_has_them() {
        for (field, expected) in [
            ("Bearer", vec![challenge("Bearer", &[])]),
            (
                r#"Bearer realm="a, b", Error = invalid_token"#,
                vec![challenge(
                    "Bearer",
                    &[("realm", "a, b"), ("error", "invalid_token")],
                )],
            ),
            (
                r#"Negotiate, Basic realm="x", , Bearer scope="a b""#,
                vec![
                    challenge("Negotiate", &[]),
                    challenge("Basic", &[("realm", "x")]),
                    challenge("Bearer", &[("scope", "a b")]),
                ],
            ),
            ("Negotiate YWJj==", vec![challenge("Negotiate", &[])]),
            ("Negotiate YWJj", vec![challenge("Negotiate", &[])]),
            (
                r#"Bearer realm="a\"b\\c""#,
                vec![challenge("Bearer", &[("realm", r#"a"b\c"#)])],
            ),
            (
                r#"Bearer realm="open, resource_metadata="https://x/"#,
                vec![challenge(
                    "Bearer",
                    &[("realm", "open, resource_metadata=")],
                )],
            ),
            (r#"realm="of nothing""#, vec![]),
            ("", vec![]),
            (", ,,", vec![]),
            ("\"Bearer\" ()", vec![]),
        ] {
            assert_eq!(parse(field), expected, "{field}");
        }
    }

    #[test]
    fn metadata_are_placed_by_the_origin_that_a_client_would_ask() {
        let other = "another origin than https://mcp.example";
        for (text, expected) in [
            ("https://mcp.example/.well-known/x", "; nothing was fetched"),
            (
                "https://mcp.example:443/x",
                "at https://mcp.example/x; nothing",
            ),
            ("https://MCP.example/x", "at https://mcp.example/x; nothing"),
            ("http://mcp.example/x", other),
            ("https://mcp.example:8443/x", other),
            ("https://mcp.example.evil/x", other),
            (
                "https://mcp.example@evil/x",
                "at https://evil/x, which is another",
            ),
            (
                r"https:\\evil\x",
                "at https://evil/x, which is another origin",
            ),
            ("//evil/x", "no http URL"),
            ("/x", "no http URL"),
            ("javascript:alert(1)", "no http URL"),
            ("file:///etc/passwd", "no http URL"),
            ("", "no http URL"),
        ] {
            let field = format!(
                r#"Bearer resource_metadata="{}""#,
                text.replace('\\', r"\\")
            );
            let told = told(&field);
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told[1].contains(expected), "{text}: {}", told[1]);
            let same = !told[1].contains("another origin") && !told[1].contains("no http URL");
            assert_eq!(same, expected.contains("; nothing"), "{text}: {}", told[1]);
        }
    }

    #[test]
    fn hostile_fields_stay_bounded_and_move_no_cursor() {
        for field in [
            "Bearer ,".repeat(100_000),
            format!("Bearer realm=\"{}", "x".repeat(1 << 20)),
            format!("Bearer {}", "a=b, ".repeat(100_000)),
            format!(
                "Bearer resource_metadata=\"https://evil/{}\"",
                "é".repeat(5_000)
            ),
            format!("{}=1", "é".repeat(FIELD_BYTES_MAX)),
            "Bearer realm=\"\u{1b}[2J\u{202e}\u{9b}31m\tx\"".to_owned(),
            "Bearer\u{1b}[31m realm=x, resource_metadata=\"https://\u{1b}[2J/\"".to_owned(),
            "\\\"\\\"\\,=\"=,=".to_owned(),
        ] {
            let told = told(&field);
            assert!(!told.is_empty() && told.len() <= 2 * CHALLENGES_MAX + 1);
            for line in told {
                assert!(line.chars().count() <= 4 * SHOWN_CHARS, "{line}");
                let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
                assert!(!line.contains(steers), "{line:?}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let told = describe(&Headers::new(), &target());
        assert!(told[0].contains("without a WWW-Authenticate"), "{told:?}");
        assert_eq!(
            self::told(r#"Bearer realm="x", error="invalid_token""#),
            [r#"WWW-Authenticate: Bearer realm="x", error="invalid_token""#]
        );
    }
}
