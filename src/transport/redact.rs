//! Keeps secrets out of everything that is shown or written.

use regex::{NoExpand, Regex};
use url::Url;

use crate::excerpt::clip;
use crate::protocol::Headers;

const PLACEHOLDER: &str = "[redacted]";
/// What [`clip`] puts where it cuts.
const ELLIPSIS: char = '…';
/// A shorter secret would blot out ordinary text.
const SECRET_CHARS_MIN: usize = 6;
/// Header fields that a user may set and that hold no secret.
const PLAIN_HEADERS: [&str; 6] = [
    "accept",
    "accept-language",
    "content-type",
    "host",
    "origin",
    "user-agent",
];
/// A longer pattern, that of a secret of some thousand characters, would cost more than it is worth.
const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// How much of a session id is shown: enough to tell sessions apart, too little to use one.
const SESSION_ID_CHARS: usize = 8;

/// Knows the secrets of a run and blots them out.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
}

/// A secret, and how it looks where it was escaped.
#[derive(Clone, Debug)]
struct Secret {
    text: String,
    /// Absent where nothing in it is ever escaped, and for one that is too long for a pattern.
    escaped: Option<Regex>,
}

impl Secret {
    fn new(text: String) -> Self {
        let may_be_escaped = |c: char| !c.is_ascii_alphanumeric() && !"-._~".contains(c);
        let pattern: Option<String> = text.contains(may_be_escaped).then(|| {
            let forms = |c: char| {
                let literal = regex::escape(c.encode_utf8(&mut [0; 4]));
                if may_be_escaped(c) {
                    forms_of(c, &literal)
                } else {
                    literal
                }
            };
            text.chars().map(forms).collect()
        });
        Self {
            escaped: pattern
                .filter(|pattern| pattern.len() <= PATTERN_BYTES_MAX)
                .and_then(|pattern| Regex::new(&pattern).ok()),
            text,
        }
    }

    fn blot_out(&self, text: &str) -> String {
        let plain = text.replace(&self.text, PLACEHOLDER);
        match &self.escaped {
            Some(escaped) => escaped
                .replace_all(&plain, NoExpand(PLACEHOLDER))
                .into_owned(),
            None => plain,
        }
    }
}

/// A character as JSON, JSON in JSON and URLs write it: behind any number of backslashes, by its number, by its bytes.
fn forms_of(c: char, literal: &str) -> String {
    let mut bytes = [0; 4];
    let bytes = c.encode_utf8(&mut bytes).bytes();
    let percent: String = bytes.map(|byte| format!("%{byte:02x}")).collect();
    let number = format!("u{:04x}", u32::from(c));
    let short = match c {
        '\t' => "|\\\\+t",
        _ => "",
    };
    format!(r"(?:\\*{literal}|(?i:\\+{number})|(?i:{percent}){short})")
}

impl Redactor {
    /// A redactor for the header fields that the user gave. What they hold is secret wherever it appears, with and
    /// without its scheme (`Bearer`): no list of names knows every service's own. Fields that say nothing of the user
    /// are spared.
    pub fn new(user_headers: &Headers) -> Self {
        let values = user_headers
            .iter()
            .filter(|(name, _)| {
                !PLAIN_HEADERS
                    .iter()
                    .any(|plain| name.eq_ignore_ascii_case(plain))
            })
            .flat_map(|(name, value)| {
                let token = value.split_once(' ').map(|(_, token)| token.trim());
                let is_cookie = name.eq_ignore_ascii_case("cookie");
                let cookies = value.split(';').filter(move |_| is_cookie);
                let cookies = cookies.filter_map(|pair| Some(pair.split_once('=')?.1.trim()));
                [Some(value), token].into_iter().flatten().chain(cookies)
            });
        Self::default().and_secrets(values.map(str::to_owned))
    }

    /// The same for a target whose URL may hold secrets too.
    #[must_use]
    pub fn with_url(self, url: &Url) -> Self {
        let in_query = url
            .query_pairs()
            .filter(|(name, _)| is_secret_name(name))
            .map(|(_, value)| value.into_owned());
        let password = url.password().map(str::to_owned);
        self.and_secrets(in_query.chain(password))
    }

    fn and_secrets(mut self, secrets: impl Iterator<Item = String>) -> Self {
        self.secrets.extend(
            secrets
                .filter(|secret| secret.chars().count() >= SECRET_CHARS_MIN)
                .map(Secret::new),
        );
        self.secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
        self
    }

    /// `text` without the secrets, and without the beginning of one that a cut left standing.
    pub fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            without_cut(&secret.blot_out(&text), &secret.text)
        })
    }

    /// The value of a header field as it may be shown.
    pub fn header(&self, name: &str, value: &str) -> String {
        if name.eq_ignore_ascii_case("mcp-session-id") {
            return clip(value, SESSION_ID_CHARS);
        }
        if is_secret_header(name) {
            return PLACEHOLDER.to_owned();
        }
        self.text(value)
    }

    /// All fields as they may be shown.
    pub fn headers(&self, headers: &Headers) -> Headers {
        headers
            .iter()
            .map(|(name, value)| (name, self.header(name, value)))
            .collect()
    }

    /// A URL without its password and without the values of query members that look like credentials.
    pub fn url(&self, url: &Url) -> String {
        let mut url = url.clone();
        if url.password().is_some() {
            // Cannot fail: a URL that has a password may have another.
            let _ = url.set_password(Some("redacted"));
        }
        if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
            let pairs: Vec<(String, String)> = url
                .query_pairs()
                .map(|(name, value)| {
                    let shown = if is_secret_name(&name) {
                        "redacted"
                    } else {
                        &*value
                    };
                    (name.to_string(), shown.to_owned())
                })
                .collect();
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        self.text(url.as_str())
    }
}

/// `text` without the beginnings of `secret` that stand right before an ellipsis.
fn without_cut(text: &str, secret: &str) -> String {
    let ends = secret.char_indices().skip(SECRET_CHARS_MIN);
    let beginnings: Vec<&str> = ends.filter_map(|(end, _)| secret.get(..end)).collect();
    text.split_inclusive(ELLIPSIS)
        .map(|part| {
            let shown = part.strip_suffix(ELLIPSIS).and_then(|before| {
                let rest = beginnings
                    .iter()
                    .rev()
                    .find_map(|cut| before.strip_suffix(cut))?;
                Some(format!("{rest}{PLACEHOLDER}{ELLIPSIS}"))
            });
            shown.unwrap_or_else(|| part.to_owned())
        })
        .collect()
}

fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `WWW-Authenticate` is a challenge and holds no secret.
    name.contains("cookie") || (is_secret_name(&name) && name != "www-authenticate")
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let holds = ["auth", "token", "secret", "passw", "apikey", "credential"]
        .iter()
        .any(|part| name.contains(part));
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    holds || words.any(|word| ["key", "sig", "signature", "code", "jwt", "access"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(
            &[
                ("Authorization", "Bearer s3cr3t-token"),
                ("X-Api-Key", "abcdefgh"),
                ("X-Trace", "visible-value"),
            ]
            .into_iter()
            .collect(),
        )
    }

    #[test]
    fn a_secret_that_was_cut_is_blotted_out_too() {
        let headers = [("Authorization", "Bearer top-secret-0123")]
            .into_iter()
            .collect();
        let redactor = Redactor::new(&headers);
        for (text, expected) in [
            (
                "\"top-secret-01…\" and top-sec…",
                "\"[redacted]…\" and [redacted]…",
            ),
            ("Bearer top-secret-012…", "[redacted]…"),
            ("top-secret-0123…", "[redacted]…"),
            ("to…", "to…"),
            ("top-secret", "top-secret"),
            ("…", "…"),
        ] {
            assert_eq!(redactor.text(text), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_is_known_however_it_was_escaped() {
        let redactor = Redactor::new(
            &[
                ("X-Key", r#"ab/c+d="\ef"#),
                ("Cookie", "theme=dark-mode; sid=0123456789"),
            ]
            .into_iter()
            .collect(),
        );
        for text in [
            r#"ab/c+d="\ef"#,
            r#"ab\/c+d=\"\\ef"#,
            r#"ab/c+d=\\\"\\\\ef"#,
            r"ab/c\u002Bd\u003d\u0022\u005cef",
            r"ab/c\\u002bd=\\u0022\\\\ef",
            "ab%2Fc%2bd%3D%22%5Cef",
            "0123456789",
            "theme=dark-mode; sid=0123456789",
        ] {
            assert_eq!(redactor.text(&format!("<{text}>")), "<[redacted]>");
        }
        for text in ["ab/c-d", "ab c d ef", r"abu002fc", "%2F"] {
            assert_eq!(redactor.text(text), text);
        }
    }

    #[test]
    fn a_secret_that_is_too_long_for_a_pattern_vanishes_as_it_is() {
        let long = "/é+\"".repeat(20_000);
        let redactor = Redactor::new(&[("X-Key", long.as_str())].into_iter().collect());
        assert_eq!(redactor.text(&format!("<{long}>")), "<[redacted]>");
    }

    #[test]
    fn credentials_vanish_wherever_they_appear() {
        let redactor = redactor();
        assert_eq!(
            redactor.header("authorization", "Bearer s3cr3t-token"),
            PLACEHOLDER
        );
        assert_eq!(redactor.header("Set-Cookie", "sid=1"), PLACEHOLDER);
        assert_eq!(redactor.header("x-trace", "visible-value"), PLACEHOLDER);
        assert_eq!(redactor.header("server", "theirs 1.0"), "theirs 1.0");
        let accept = [("Accept", "application/json")].into_iter().collect();
        let plain = Redactor::new(&accept);
        assert_eq!(plain.text("application/json"), "application/json");
        assert_eq!(
            redactor.header("WWW-Authenticate", "Bearer realm=x"),
            "Bearer realm=x"
        );
        assert_eq!(
            redactor.text("you sent s3cr3t-token and abcdefgh"),
            "you sent [redacted] and [redacted]"
        );
    }

    #[test]
    fn session_ids_are_shown_in_part() {
        assert_eq!(
            redactor().header("Mcp-Session-Id", "0123456789abcdef"),
            "01234567…"
        );
        assert_eq!(redactor().header("mcp-session-id", "short"), "short");
    }

    #[test]
    fn urls_lose_passwords_and_tokens() {
        let url = Url::parse("https://u:pass@h/mcp?access_token=zzz&client_id=7").unwrap();
        assert_eq!(
            redactor().url(&url),
            "https://u:redacted@h/mcp?access_token=redacted&client_id=7"
        );
        let keyed = Url::parse("https://h/mcp?key=QUERYSECRET&sig=SIGNATURE&monkey=shown").unwrap();
        let redactor = Redactor::default().with_url(&keyed);
        assert_eq!(
            redactor.url(&keyed),
            "https://h/mcp?key=redacted&sig=redacted&monkey=shown"
        );
        assert_eq!(redactor.text("echo QUERYSECRET"), "echo [redacted]");
    }
}
