//! Streamable HTTP without sessions: 2026-07-28 (basic/transports/streamable-http). Every request says all that the
//! server has to know: in `_meta` of its parameters, and for those between in header fields.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::Url;

use super::streamable::{BOTH_TYPES, VERSION_HEADER};
use super::{Dialect, Endpoints, Outgoing, SessionState, Transport};
use crate::protocol::http::{Headers, HttpRequest};
use crate::protocol::jsonrpc;
use crate::protocol::revision::Revision;

/// Repeats the method (basic/transports/streamable-http#standard-request-headers).
const METHOD_HEADER: &str = "Mcp-Method";
/// Repeats the name of what a request is about.
const NAME_HEADER: &str = "Mcp-Name";
/// Begins the names of fields that repeat arguments of tools.
const PARAM_HEADER_PREFIX: &str = "Mcp-Param-";
/// What stands around a value in base64.
const SENTINEL: (&str, &str) = ("=?base64?", "?=");
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// One endpoint, no session.
#[derive(Debug)]
pub struct Stateless {
    endpoints: Endpoints,
    revision: Revision,
}

impl Stateless {
    /// The dialect of `revision` at `url`.
    pub fn new(url: Url, revision: Revision) -> Self {
        Self {
            endpoints: Endpoints {
                post: url.clone(),
                stream: url,
                health: None,
            },
            revision,
        }
    }

    /// What `_meta` of every request holds (basic/index#meta).
    fn meta(&self, state: &SessionState) -> Map<String, Value> {
        let members = [
            (META_VERSION, json!(self.revision.as_str())),
            (META_CLIENT, jsonrpc::client_info()),
            (META_CAPABILITIES, Value::from(state.capabilities.clone())),
        ];
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

impl Dialect for Stateless {
    fn transport(&self) -> Transport {
        Transport::StreamableHttp
    }

    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Adds to requests and notifications the members of `_meta` that they lack.
    fn dress(&self, state: &SessionState, mut message: Value) -> Value {
        let Some(members) = message.as_object_mut() else {
            return message;
        };
        if !members.contains_key("method") {
            return message;
        }
        let params = members.entry("params").or_insert_with(|| json!({}));
        if let Some(params) = params.as_object_mut()
            && let Some(meta) = params
                .entry("_meta")
                .or_insert_with(|| json!({}))
                .as_object_mut()
        {
            for (name, value) in self.meta(state) {
                meta.entry(name).or_insert(value);
            }
        }
        message
    }

    fn post(&self, state: &SessionState, outgoing: Outgoing<'_>) -> HttpRequest {
        let message = outgoing.message;
        let mut request = HttpRequest::new("POST", self.endpoints.post.clone())
            .header("Content-Type", "application/json")
            .header("Accept", BOTH_TYPES)
            .header(VERSION_HEADER, self.revision.as_str())
            .body(outgoing.text);
        if let Some(method) = message.get("method").and_then(Value::as_str) {
            request = request.header(METHOD_HEADER, header_value(method));
            if let Some(name) = name_of(method, message) {
                request = request.header(NAME_HEADER, header_value(name));
            }
        }
        for (header, value) in state.known.param_headers.of(message) {
            request = request.header(&header, value);
        }
        request
    }

    /// A request for notifications, answered by the stream (basic/patterns/subscriptions).
    fn open_stream(&self, state: &SessionState, id: &Value) -> HttpRequest {
        let params = json!({"notifications": state.known.notifications});
        let message = jsonrpc::request(id, "subscriptions/listen", Some(&params));
        let message = self.dress(state, message);
        let outgoing = Outgoing {
            text: message.to_string(),
            message: &message,
        };
        self.post(state, outgoing)
    }

    fn end(&self, _state: &SessionState) -> Option<HttpRequest> {
        None
    }

    fn learn(&self, state: &mut SessionState, _headers: &Headers, _result: &Value) {
        state.negotiated = Some(self.revision.as_str().to_owned());
    }
}

/// What `Mcp-Name` repeats, for the methods that have it.
fn name_of<'a>(method: &str, message: &'a Value) -> Option<&'a str> {
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ if method.starts_with("tasks/") => "taskId",
        _ => return None,
    };
    message.get("params")?.get(member)?.as_str()
}

/// A value as a header field holds it: as it is if it is printable ASCII without outer blanks and not itself like the
/// sentinel, else as `=?base64?…?=` (basic/transports/streamable-http#value-encoding).
pub(super) fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
        && text.trim_matches(' ') == text
        && !(text.starts_with(SENTINEL.0) && text.ends_with(SENTINEL.1));
    if plain {
        return text.to_owned();
    }
    format!("{}{}{}", SENTINEL.0, base64(text), SENTINEL.1)
}

/// A text as it stands between the sentinels.
pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Which arguments of which tools are repeated in header fields: `x-mcp-header` in their input schemas
/// (basic/transports/streamable-http#custom-headers-from-tool-parameters).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamHeaders(BTreeMap<String, Vec<ParamHeader>>);

/// The path of an argument, and the field that repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ParamHeader {
    path: Vec<String>,
    header: String,
}

impl ParamHeaders {
    /// How deep schemas are searched, and how many fields one tool may ask for.
    const DEPTH_MAX: usize = 8;
    const HEADERS_MAX: usize = 32;

    /// From the entries of `tools/list`. Annotations that cannot name a field are left out, as are arrays, which have no
    /// one value.
    pub fn from_tools(tools: &[Value]) -> Self {
        let mut all = BTreeMap::new();
        for tool in tools {
            let mut found = Vec::new();
            if let Some(schema) = tool.get("inputSchema") {
                Self::search(schema, &mut Vec::new(), &mut found);
            }
            if let (Some(name), false) =
                (tool.get("name").and_then(Value::as_str), found.is_empty())
            {
                all.insert(name.to_owned(), found);
            }
        }
        Self(all)
    }

    fn search(schema: &Value, path: &mut Vec<String>, found: &mut Vec<ParamHeader>) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, schema) in properties {
            if path.len() >= Self::DEPTH_MAX || found.len() >= Self::HEADERS_MAX {
                return;
            }
            path.push(name.clone());
            let annotation = schema.get("x-mcp-header").and_then(Value::as_str);
            if let Some(header) = annotation.filter(|header| is_token(header)) {
                found.push(ParamHeader {
                    path: path.clone(),
                    header: format!("{PARAM_HEADER_PREFIX}{header}"),
                });
            }
            Self::search(schema, path, found);
            path.pop();
        }
    }

    /// The fields of a `tools/call`.
    fn of(&self, message: &Value) -> Vec<(String, String)> {
        let call = || {
            let is_call = message.get("method")?.as_str()? == "tools/call";
            let params = message.get("params").filter(|_| is_call)?;
            Some((params.get("name")?.as_str()?, params.get("arguments")?))
        };
        let Some((tool, arguments)) = call() else {
            return Vec::new();
        };
        self.mirrored(tool, arguments)
            .map(|field| (field.header, header_value(&field.value)))
            .collect()
    }

    /// What is repeated of the arguments of a call. An argument that is null or absent is not.
    fn mirrored(&self, tool: &str, arguments: &Value) -> impl Iterator<Item = MirroredArgument> {
        let headers = self.0.get(tool).into_iter().flatten();
        headers.filter_map(move |header| {
            let found = header
                .path
                .iter()
                .try_fold(arguments, |value, name| value.get(name))?;
            let value = match found {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => found.to_string(),
                _ => return None,
            };
            Some(MirroredArgument {
                path: header.path.clone(),
                header: header.header.clone(),
                value,
            })
        })
    }

    /// The first argument of a call that is repeated.
    pub fn first_of(&self, tool: &str, arguments: &Value) -> Option<MirroredArgument> {
        self.mirrored(tool, arguments).next()
    }
}

/// An argument of a call that a header field repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredArgument {
    /// Where it stands in the arguments.
    pub path: Vec<String>,
    /// The name of the field.
    pub header: String,
    /// The argument as text, before it is encoded.
    pub value: String,
}

/// Whether a text is a token (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Known;
    use super::*;

    fn dialect() -> Stateless {
        Stateless::new(Url::parse("http://h/mcp").unwrap(), Revision::V2026_07_28)
    }

    fn posted(state: &SessionState, message: &Value) -> HttpRequest {
        let outgoing = Outgoing {
            message,
            text: message.to_string(),
        };
        dialect().post(state, outgoing)
    }

    #[test]
    fn values_are_sent_as_they_are_or_encoded() {
        let cases = [
            ("echo", "echo"),
            ("a b", "a b"),
            ("", ""),
            (" a", "=?base64?IGE=?="),
            ("größe", "=?base64?Z3LDtsOfZQ==?="),
            ("a\r\nb", "=?base64?YQ0KYg==?="),
            ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
            ("=?base64?", "=?base64?"),
        ];
        for (text, expected) in cases {
            assert_eq!(header_value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_request_says_all_that_there_is_to_know() {
        let state = SessionState {
            capabilities: json!({"roots": {}}).as_object().unwrap().clone(),
            ..SessionState::default()
        };
        let params = json!({"name": "größe", "_meta": {"progressToken": 7}});
        let message = jsonrpc::request(&json!(1), "tools/call", Some(&params));
        let message = dialect().dress(&state, message);
        let meta = message.pointer("/params/_meta").unwrap();
        assert_eq!(meta["progressToken"], 7);
        assert_eq!(meta[META_VERSION], "2026-07-28");
        assert_eq!(meta[META_CAPABILITIES], json!({"roots": {}}));
        let request = posted(&state, &message);
        for (name, value) in [
            (VERSION_HEADER, "2026-07-28"),
            (METHOD_HEADER, "tools/call"),
            (NAME_HEADER, "=?base64?Z3LDtsOfZQ==?="),
        ] {
            assert_eq!(request.headers.get(name), Some(value), "{name}");
        }
        let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
        assert_eq!(dialect().dress(&state, response.clone()), response);
    }

    #[test]
    fn what_is_there_already_is_not_overwritten() {
        let params = json!({"_meta": {META_VERSION: "1900-01-01"}});
        let message = jsonrpc::request(&json!(1), "ping", Some(&params));
        let dressed = dialect().dress(&SessionState::default(), message);
        assert_eq!(dressed["params"]["_meta"][META_VERSION], "1900-01-01");
    }

    #[test]
    fn names_are_of_what_the_method_is_about() {
        for (method, params, name) in [
            ("tools/call", json!({"name": "a"}), Some("a")),
            ("prompts/get", json!({"name": "b"}), Some("b")),
            ("resources/read", json!({"uri": "x:y"}), Some("x:y")),
            ("tasks/get", json!({"taskId": "t"}), Some("t")),
            ("tools/list", json!({"name": "a"}), None),
            ("tools/call", json!({"name": 1}), None),
        ] {
            let message = jsonrpc::request(&json!(1), method, Some(&params));
            let request = posted(&SessionState::default(), &message);
            assert_eq!(request.headers.get(NAME_HEADER), name, "{method} {params}");
        }
    }

    #[test]
    fn arguments_are_repeated_where_the_schema_says_so() {
        let tools = [json!({"name": "search", "inputSchema": {"properties": {
            "branch": {"type": "string", "x-mcp-header": "Branch"},
            "limit": {"type": "integer", "x-mcp-header": "Limit"},
            "deep": {"type": "object", "properties": {"on": {"x-mcp-header": "On"}}},
            "bad": {"x-mcp-header": "not a token"},
            "odd": {"x-mcp-header": 7},
        }}})];
        let state = SessionState {
            known: Arc::new(Known {
                param_headers: ParamHeaders::from_tools(&tools),
                ..Known::default()
            }),
            ..SessionState::default()
        };
        let arguments = json!({"branch": "nörd", "limit": 7, "deep": {"on": true}, "bad": "x"});
        let params = json!({"name": "search", "arguments": arguments});
        let request = posted(
            &state,
            &jsonrpc::request(&json!(1), "tools/call", Some(&params)),
        );
        for (name, value) in [
            ("Mcp-Param-Branch", Some("=?base64?bsO2cmQ=?=")),
            ("Mcp-Param-Limit", Some("7")),
            ("Mcp-Param-On", Some("true")),
            ("Mcp-Param-not a token", None),
        ] {
            assert_eq!(request.headers.get(name), value, "{name}");
        }
        let null = json!({"name": "search", "arguments": {"branch": null}});
        let request = posted(
            &state,
            &jsonrpc::request(&json!(1), "tools/call", Some(&null)),
        );
        assert_eq!(request.headers.get("Mcp-Param-Branch"), None);
    }

    #[test]
    fn a_stream_is_a_request_for_notifications() {
        let state = SessionState {
            known: Arc::new(Known {
                notifications: json!({"toolsListChanged": true})
                    .as_object()
                    .unwrap()
                    .clone(),
                ..Known::default()
            }),
            ..SessionState::default()
        };
        let request = dialect().open_stream(&state, &json!("s1"));
        assert_eq!(request.method, "POST");
        assert_eq!(
            request.headers.get(METHOD_HEADER),
            Some("subscriptions/listen")
        );
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["id"], "s1");
        assert_eq!(
            body["params"]["notifications"],
            json!({"toolsListChanged": true})
        );
    }
}
