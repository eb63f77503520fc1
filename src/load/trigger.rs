//! What makes the target publish: a call of a tool, or an HTTP request to an address of its own.

use std::fmt;

use serde_json::{Map, Value, json};
use url::{Origin, Url};

use super::pattern::{Finder, PatternError};
use super::placeholder::{Template, fill_json, templates_of};
use super::token::{RunId, Token};
use crate::protocol::{Headers, HttpRequest};

/// The longest HTTP trigger that is read, in bytes.
const HTTP_BYTES_MAX: usize = 64 * 1024;
/// Fills placeholders to see what a trigger comes to.
const SAMPLE: Token = Token {
    run: RunId(0),
    sequence: 0,
    due_ns: 0,
};

/// What is done to make the target publish once.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A call of a tool.
    Tool(ToolTrigger),
    /// An HTTP request.
    Http(HttpTrigger),
}

/// A call of a tool whose arguments have placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolTrigger {
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// An HTTP request with placeholders in its URL and body.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpTrigger {
    method: String,
    url: String,
    /// The URL of no publish in particular.
    sample: Url,
    body: Option<Body>,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    Json(Value),
    Text(String),
}

/// Why a text is no HTTP trigger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpTriggerError {
    /// It has no method and URL.
    #[error(
        "expected METHOD URL, and a body if there is one, such as 'http=POST http://127.0.0.1:9/emit {{\"id\": \"{{token}}\"}}'"
    )]
    Shape,
    /// It is too long.
    #[error("it has more than {HTTP_BYTES_MAX} bytes")]
    TooLong,
    /// The URL is none.
    #[error("'{url}' is no URL: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing is sent to what a placeholder makes up.
    #[error("a placeholder may stand in the path and query of the URL, and not before")]
    MovingOrigin,
}

impl Trigger {
    /// A tool that publishes the text in one of its arguments.
    pub fn with_argument(tool: impl Into<String>, argument: impl Into<String>) -> Self {
        Self::Tool(ToolTrigger {
            tool: tool.into(),
            arguments: [(argument.into(), Value::from(super::plan::TOKEN_PLACE))]
                .into_iter()
                .collect(),
        })
    }

    /// What finds its publishes in what arrives.
    ///
    /// # Errors
    /// If its texts do not tell them apart.
    pub fn finder(&self) -> Result<Finder, PatternError> {
        Finder::new(&match self {
            Self::Tool(tool) => templates_of(&Value::Object(tool.arguments.clone())),
            Self::Http(http) => http.templates(),
        })
    }
}

impl fmt::Display for Trigger {
    /// Names it; a query, which may hold a secret, is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(tool) => write!(f, "the tool '{}'", tool.tool),
            Self::Http(http) => {
                let end = http.url.find(['?', '#']).unwrap_or(http.url.len());
                let url = http.url.get(..end).unwrap_or_default();
                write!(f, "{} {url}", http.method)
            }
        }
    }
}

impl ToolTrigger {
    /// The parameters of the `tools/call` that makes one publish.
    pub fn params(&self, token: Token) -> Value {
        let mut arguments = Value::Object(self.arguments.clone());
        fill_json(&mut arguments, token);
        json!({"name": self.tool, "arguments": arguments})
    }
}

impl HttpTrigger {
    /// Reads `METHOD URL` or `METHOD URL BODY`. A body that is JSON is sent as JSON.
    ///
    /// # Errors
    /// See [`HttpTriggerError`].
    pub fn parse(text: &str) -> Result<Self, HttpTriggerError> {
        if text.len() > HTTP_BYTES_MAX {
            return Err(HttpTriggerError::TooLong);
        }
        let (method, rest) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or(HttpTriggerError::Shape)?;
        if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(HttpTriggerError::Shape);
        }
        let rest = rest.trim_start();
        let (url, body) = match rest.split_once(char::is_whitespace) {
            Some((url, body)) => (url, Some(body.trim())),
            None => (rest, None),
        };
        let sample = sample_url(url)?;
        let body = body.filter(|body| !body.is_empty()).map(Body::read);
        Ok(Self {
            method: method.to_owned(),
            url: url.to_owned(),
            sample,
            body,
        })
    }

    /// Where it goes; what stands in place of placeholders aside.
    pub fn url(&self) -> &Url {
        &self.sample
    }

    /// Scheme, host and port, which are the same for all publishes.
    pub fn origin(&self) -> Origin {
        self.sample.origin()
    }

    /// The request that makes one publish; `None` cannot happen to what [`parse`](Self::parse) took.
    pub fn request(&self, token: Token) -> Option<HttpRequest> {
        let url = Url::parse(&Template::parse(&self.url).fill(token)).ok()?;
        let mut headers = Headers::new();
        let body = self.body.as_ref().map(|body| {
            let (media_type, text) = body.fill(token);
            headers.push("Content-Type", media_type);
            text.into_bytes()
        });
        Some(HttpRequest {
            method: self.method.clone(),
            url,
            headers,
            body,
        })
    }

    /// Every text that a server may pass on: members of the query, segments of the path, texts of the body.
    fn templates(&self) -> Vec<Template> {
        let mut templates = pieces(&self.url, &['/', '?', '&', '=', '#', ';']);
        match &self.body {
            Some(Body::Json(value)) => templates.extend(templates_of(value)),
            Some(Body::Text(text)) => templates.extend(pieces(text, &['"', '&', '=', '\n', '\r'])),
            None => {}
        }
        templates
    }
}

/// The parts of a text that have placeholders. A placeholder holds none of the separators.
fn pieces(text: &str, separators: &[char]) -> Vec<Template> {
    text.split(separators)
        .map(Template::parse)
        .filter(Template::has_any)
        .collect()
}

impl Body {
    fn read(text: &str) -> Self {
        serde_json::from_str(text).map_or_else(|_| Self::Text(text.to_owned()), Self::Json)
    }

    /// The media type and the text of one publish.
    fn fill(&self, token: Token) -> (&'static str, String) {
        match self {
            Self::Json(value) => {
                let mut value = value.clone();
                fill_json(&mut value, token);
                ("application/json", value.to_string())
            }
            Self::Text(text) => {
                let text = Template::parse(text).fill(token);
                // Numbers may have been left bare: {"n": {seq}} is JSON only once it is filled.
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                let media_type = if is_json {
                    "application/json"
                } else {
                    "text/plain; charset=utf-8"
                };
                (media_type, text)
            }
        }
    }
}

fn sample_url(text: &str) -> Result<Url, HttpTriggerError> {
    let refused = |why: &str| HttpTriggerError::Url {
        url: text.to_owned(),
        why: why.to_owned(),
    };
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| refused("it does not begin with http:// or https://"))?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if Template::parse(scheme).has_any() || Template::parse(authority).has_any() {
        return Err(HttpTriggerError::MovingOrigin);
    }
    let url = Url::parse(&Template::parse(text).fill(SAMPLE))
        .map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it does not begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpTriggerError::Url {
            url: "the address".to_owned(),
            why: "it holds a user name or a password, which are not sent".to_owned(),
        });
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::pattern::Found;

    const TOKEN: Token = Token {
        run: RunId(0xab),
        sequence: 6,
        due_ns: 1_500,
    };

    #[test]
    fn the_token_goes_where_the_arguments_say() {
        let Trigger::Tool(trigger) = Trigger::with_argument("publish", "payload") else {
            panic!("a tool")
        };
        let token = TOKEN.to_string();
        assert_eq!(
            trigger.params(TOKEN),
            json!({"name": "publish", "arguments": {"payload": token}})
        );
        let deep = ToolTrigger {
            tool: "send".to_owned(),
            arguments: json!({"n": 1, "at": "{due_ns}", "a": [{"b": "x {{token}} y"}]})
                .as_object()
                .unwrap()
                .clone(),
        };
        let params = deep.params(TOKEN);
        assert_eq!(params["arguments"]["a"][0]["b"], format!("x {token} y"));
        assert_eq!(params["arguments"]["at"], 1_500);
        assert!(Trigger::Tool(deep).finder().is_ok());
    }

    #[test]
    fn an_http_trigger_is_a_request_with_its_placeholders_filled() {
        // (text, method, URL, media type, body)
        let cases = [
            (
                "GET http://localhost:9",
                "GET",
                "http://localhost:9/",
                None,
                None,
            ),
            (
                "POST http://127.0.0.1:9/emit {\"id\": \"{token}\", \"n\": \"{seq}\"}",
                "POST",
                "http://127.0.0.1:9/emit",
                Some("application/json"),
                Some("{\"id\":\"plumb.00000000000000ab.6.1500.\",\"n\":7}"),
            ),
            (
                "POST http://127.0.0.1:9/emit {\"n\": {seq}}",
                "POST",
                "http://127.0.0.1:9/emit",
                Some("application/json"),
                Some("{\"n\": 7}"),
            ),
            (
                "PUT  http://127.0.0.1:9/a/{run}?n={seq}#x   say {seq} ",
                "PUT",
                "http://127.0.0.1:9/a/00000000000000ab?n=7#x",
                Some("text/plain; charset=utf-8"),
                Some("say 7"),
            ),
        ];
        for (text, method, url, media_type, body) in cases {
            let request = HttpTrigger::parse(text).unwrap().request(TOKEN).unwrap();
            assert_eq!(
                (request.method.as_str(), request.url.as_str()),
                (method, url)
            );
            assert_eq!(request.headers.get("content-type"), media_type, "{text}");
            assert_eq!(
                request.body,
                body.map(|it| it.as_bytes().to_vec()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_http_trigger_is_refused_with_the_reason() {
        let long = format!("POST http://h/ {}", "x".repeat(HTTP_BYTES_MAX));
        let cases = [
            ("", "expected METHOD URL"),
            ("POST", "expected METHOD URL"),
            ("http://127.0.0.1:9/", "expected METHOD URL"),
            ("post http://127.0.0.1:9/", "expected METHOD URL"),
            ("PO\u{0}ST http://127.0.0.1:9/", "expected METHOD URL"),
            ("POST /emit", "http://"),
            ("POST ftp://127.0.0.1/x", "http://"),
            ("POST file:///etc/passwd", "http://"),
            ("POST http://", "is no URL"),
            ("POST http://127.0.0.1:{seq}/", "and not before"),
            ("POST http://{run}.example.com/", "and not before"),
            ("POST http://{token}@127.0.0.1/", "and not before"),
            ("POST {run}://127.0.0.1/", "and not before"),
            ("POST http://h\\@{run}/", "is no URL"),
            ("POST http://u:p@127.0.0.1/", "a password"),
            (long.as_str(), "more than"),
        ];
        for (text, words) in cases {
            match HttpTrigger::parse(text) {
                Err(error) => assert!(error.to_string().contains(words), "{text}: {error}"),
                Ok(taken) => assert_eq!(taken.url().host_str(), Some("h"), "{text}"),
            }
        }
    }

    #[test]
    fn arrivals_are_found_by_what_the_url_or_the_body_holds() {
        let found = Some(Found {
            run: TOKEN.run,
            sequence: TOKEN.sequence,
            due_ns: None,
        });
        for text in [
            "GET http://127.0.0.1/emit?id=x{run}-{seq}&y=1",
            "GET http://127.0.0.1/x{run}-{seq}/emit",
            "POST http://127.0.0.1/ {\"id\": \"x{run}-{seq}\"}",
            "POST http://127.0.0.1/ id=x{run}-{seq}&y={seq}",
            "POST http://127.0.0.1/ {\"id\": \"x{run}-{seq}\", \"n\": {seq}}",
        ] {
            let finder = Trigger::Http(HttpTrigger::parse(text).unwrap()).finder();
            let arrives = b"{\"id\":\"x00000000000000ab-7\"}";
            assert_eq!(finder.unwrap().find(arrives), found, "{text}");
        }
        let apart = HttpTrigger::parse("GET http://127.0.0.1/{run}?n={seq}").unwrap();
        let error = Trigger::Http(apart).finder().unwrap_err();
        assert_eq!(error, PatternError::NotBoth);
    }

    #[test]
    fn a_query_is_not_shown() {
        let http = HttpTrigger::parse("GET http://127.0.0.1/emit?key=secret&x={token}").unwrap();
        assert_eq!(Trigger::Http(http).to_string(), "GET http://127.0.0.1/emit");
    }
}
