//! What the target is and offers, found out before the scenarios run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fixtures::{Fixtures, ToolCall};
use super::traffic::Traffic;
use crate::protocol::dialect::{ParamHeaders, ReplyChannel};
use crate::protocol::{Known, instance};
use crate::scenario::ToolRole;
use crate::transport::{Link, Session, Special};

/// How many pages of a list are read.
const PAGES_MAX: usize = 20;
/// How many resources one stream asks to hear of.
const SUBSCRIPTIONS_MAX: usize = 20;
/// How many read-only tools are tried until one succeeds.
const TRIALS_MAX: usize = 5;

/// A tool of the target that may be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is called with.
    pub arguments: Value,
    /// Its entry in `tools/list`.
    pub definition: Value,
    /// The URI of the resource that a call changes, as far as the user says.
    pub changes: Option<String>,
}

impl Tool {
    /// Its arguments with another value at `path`, or with none there.
    pub(super) fn arguments_with(&self, path: &[String], value: Option<Value>) -> Value {
        let mut arguments = self.arguments.clone();
        let Some((last, parents)) = path.split_last() else {
            return arguments;
        };
        let parent = parents
            .iter()
            .try_fold(&mut arguments, |parent, name| parent.get_mut(name));
        if let Some(Value::Object(members)) = parent {
            match value {
                Some(value) => members.insert(last.clone(), value),
                None => members.remove(last),
            };
        }
        arguments
    }
}

/// What is known of a target.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Why no session could be opened, if none could.
    pub not_connected: Option<String>,
    /// The result of the opening request: `initialize`, or `server/discover` where there is no handshake.
    pub initialize: Value,
    /// How long it took to answer that.
    pub usual_answer: Duration,
    /// Whether it hands out session ids, or keeps sessions by their stream.
    pub session_id: bool,
    /// Why it opens no session stream, if it does not.
    pub no_stream: Option<String>,
    /// The tools that it lists.
    pub tools_listed: Vec<Value>,
    /// A tool for each role that one plays.
    pub tools: BTreeMap<ToolRole, Tool>,
    /// For the other roles, why there is none.
    pub tools_missing: BTreeMap<ToolRole, String>,
}

impl Facts {
    /// The revision that the target chose, as it wrote it.
    pub fn negotiated(&self) -> Option<&str> {
        self.initialize.get("protocolVersion")?.as_str()
    }

    /// `name version` of the server, as far as it says.
    pub fn server(&self) -> Option<String> {
        let in_meta = || {
            self.initialize
                .get("_meta")?
                .get("io.modelcontextprotocol/serverInfo")
        };
        let info = self.initialize.get("serverInfo").or_else(in_meta)?;
        let name = info.get("name")?.as_str()?;
        let version = info.get("version").and_then(Value::as_str).unwrap_or("");
        Some(format!("{name} {version}").trim_end().to_owned())
    }

    /// Whether a capability is declared: `tools`, or `tools.listChanged` for a member that must be true.
    pub fn declares(&self, capability: &str) -> bool {
        let pointer = format!("/capabilities/{}", capability.replace('.', "/"));
        match self.initialize.pointer(&pointer) {
            Some(Value::Bool(flag)) => *flag,
            Some(value) => value.is_object(),
            None => false,
        }
    }
}

/// Looks at a target without judging it.
pub async fn look(link: &Arc<Link>, fixtures: &Fixtures) -> Facts {
    survey(
        link,
        fixtures,
        &Traffic::new(Arc::clone(&link.recorder), link.revision),
    )
    .await
}

/// Asks the target what it offers: one session, its stream, its tools, and a few calls of read-only tools.
pub(super) async fn survey(link: &Arc<Link>, fixtures: &Fixtures, traffic: &Traffic) -> Facts {
    let session = Session::new(Arc::clone(link));
    let mut facts = Facts::default();
    match session.connect().await {
        Ok(connected) => {
            facts.initialize = connected.result().clone();
            facts.usual_answer = connected.opening.elapsed;
            traffic.exchange(&connected.opening);
            if let Some(initialized) = &connected.initialized {
                traffic.exchange(initialized);
            }
        }
        Err(error) => {
            traffic.exchange(&error.exchange);
            facts.not_connected = Some(error.to_string());
            session.end().await;
            return facts;
        }
    }
    facts.session_id = session.state().session_id.is_some()
        || link.dialect.reply_channel() == ReplyChannel::SessionStream;
    if facts.declares("tools") {
        facts.tools_listed = list(&session, "tools/list", "tools", traffic).await;
    }
    link.known.set(Known {
        param_headers: ParamHeaders::from_tools(&facts.tools_listed),
        notifications: offered_notifications(&facts, &session, traffic).await,
    });
    facts.no_stream = why_no_stream(&session).await;
    for role in ToolRole::ALL {
        match choose(role, &session, &facts.tools_listed, fixtures, traffic).await {
            Ok(tool) => {
                facts.tools.insert(role, tool);
            }
            Err(why) => {
                facts.tools_missing.insert(role, why);
            }
        }
    }
    if let Some(ended) = session.end().await {
        traffic.exchange(&ended);
    }
    facts
}

/// Why no stream opens, if none does. Where a stream is a request of its own, it is asked for what is known by now.
async fn why_no_stream(session: &Session) -> Option<String> {
    let (opening, stream) = if session.link().revision.has_handshake() {
        session.listen().await
    } else {
        Session::new(Arc::clone(session.link())).listen().await
    };
    stream.is_none().then(|| opening.describe())
}

/// All that the target can notify of, as `subscriptions/listen` asks for it (2026-07-28, basic/patterns/subscriptions).
async fn offered_notifications(
    facts: &Facts,
    session: &Session,
    traffic: &Traffic,
) -> Map<String, Value> {
    let mut wanted = Map::new();
    for (capability, member) in [
        ("tools.listChanged", "toolsListChanged"),
        ("prompts.listChanged", "promptsListChanged"),
        ("resources.listChanged", "resourcesListChanged"),
    ] {
        if facts.declares(capability) {
            wanted.insert(member.to_owned(), json!(true));
        }
    }
    if !session.link().revision.has_handshake() && facts.declares("resources.subscribe") {
        let listed = list(session, "resources/list", "resources", traffic).await;
        let uris: Vec<Value> = listed
            .iter()
            .filter_map(|resource| resource.get("uri").filter(|uri| uri.is_string()).cloned())
            .take(SUBSCRIPTIONS_MAX)
            .collect();
        wanted.insert("resourceSubscriptions".to_owned(), json!(uris));
    }
    wanted
}

/// All entries of a list, page after page.
async fn list(session: &Session, method: &str, member: &str, traffic: &Traffic) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor: Option<Value> = None;
    for _ in 0..PAGES_MAX {
        let params = cursor.take().map(|cursor| json!({"cursor": cursor}));
        let page = session.request(method, params, Special::default()).await;
        traffic.exchange(&page);
        let result = page.result();
        if let Some(listed) = result.and_then(|result| result.get(member)?.as_array()) {
            entries.extend(listed.iter().cloned());
        }
        cursor = result
            .and_then(|result| result.get("nextCursor"))
            .filter(|cursor| cursor.is_string())
            .cloned();
        if cursor.is_none() {
            break;
        }
    }
    entries
}

/// The tool for a role: the one that the fixtures name, or one that is safe to call and fits.
async fn choose(
    role: ToolRole,
    session: &Session,
    listed: &[Value],
    fixtures: &Fixtures,
    traffic: &Traffic,
) -> Result<Tool, String> {
    if let Some(call) = fixtures.tools.get(&role) {
        return named(call, listed);
    }
    let fits = |tool: &&Value| match role {
        ToolRole::Succeeds => true,
        ToolRole::Structured => tool.get("outputSchema").is_some(),
        ToolRole::TakesArguments => tool
            .pointer("/inputSchema/required")
            .and_then(Value::as_array)
            .is_some_and(|required| !required.is_empty()),
        // What its fields repeat, its arguments decide.
        ToolRole::AnnotatedHeader => true,
        // Nothing in a tool's entry says that it plays these.
        _ => false,
    };
    let known = session.link().known.get();
    let is_mirrored = |tool: &Tool| {
        role != ToolRole::AnnotatedHeader
            || known
                .param_headers
                .first_of(&tool.name, &tool.arguments)
                .is_some()
    };
    let mut tried = Vec::new();
    let candidates = listed
        .iter()
        .filter(|tool| is_safe(tool, fixtures))
        .filter(fits);
    for candidate in candidates
        .filter_map(callable)
        .filter(is_mirrored)
        .take(TRIALS_MAX)
    {
        if succeeds(session, &candidate, traffic).await {
            return Ok(candidate);
        }
        tried.push(candidate.name);
    }
    Err(why_none(role, listed, fixtures, &tried))
}

fn why_none(role: ToolRole, listed: &[Value], fixtures: &Fixtures, tried: &[String]) -> String {
    let role = role.as_str();
    if listed.is_empty() {
        return "the target lists no tool".to_owned();
    }
    if !tried.is_empty() {
        return format!(
            "no read-only tool could be called with made-up arguments (tried {}); name one for the role '{role}' with --fixtures",
            tried.join(", ")
        );
    }
    if listed.iter().any(|tool| is_safe(tool, fixtures)) {
        return format!(
            "no tool that may be called plays the role '{role}'; name one with --fixtures"
        );
    }
    format!(
        "no tool is marked read-only (readOnlyHint); name one for the role '{role}' with --fixtures, or allow one with --allow-tool"
    )
}

/// A tool may be called if it calls itself read-only or the user allows it. A hint is only a hint, but it is the
/// server's own word on what a client may do without asking (server/tools#tool, annotations).
fn is_safe(tool: &Value, fixtures: &Fixtures) -> bool {
    let read_only = tool.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true));
    let name = tool.get("name").and_then(Value::as_str);
    read_only || name.is_some_and(|name| fixtures.allows(name))
}

fn callable(tool: &Value) -> Option<Tool> {
    Some(Tool {
        name: tool.get("name")?.as_str()?.to_owned(),
        arguments: instance::minimal(tool.get("inputSchema")?)?,
        definition: tool.clone(),
        changes: None,
    })
}

fn named(call: &ToolCall, listed: &[Value]) -> Result<Tool, String> {
    let definition = listed
        .iter()
        .find(|tool| tool.get("name").and_then(Value::as_str) == Some(&call.name))
        .ok_or_else(|| {
            format!(
                "the fixtures name the tool '{}', which the target does not list",
                call.name
            )
        })?;
    Ok(Tool {
        name: call.name.clone(),
        arguments: call.arguments.clone().unwrap_or_else(|| json!({})),
        definition: definition.clone(),
        changes: call.changes.clone(),
    })
}

async fn succeeds(session: &Session, tool: &Tool, traffic: &Traffic) -> bool {
    let params = json!({"name": tool.name, "arguments": tool.arguments});
    let call = session
        .request("tools/call", Some(params), Special::default())
        .await;
    traffic.exchange(&call);
    call.result()
        .is_some_and(|result| result.get("isError") != Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(capabilities: Value) -> Facts {
        Facts {
            initialize: json!({"capabilities": capabilities, "serverInfo": {"name": "x", "version": "1"}}),
            ..Facts::default()
        }
    }

    #[test]
    fn capabilities_are_objects_and_their_members_flags() {
        let facts = facts(
            json!({"tools": {"listChanged": true}, "resources": {"subscribe": false}, "odd": 3}),
        );
        for (name, declared) in [
            ("tools", true),
            ("tools.listChanged", true),
            ("resources", true),
            ("resources.subscribe", false),
            ("prompts", false),
            ("odd", false),
        ] {
            assert_eq!(facts.declares(name), declared, "{name}");
        }
        assert_eq!(facts.server().as_deref(), Some("x 1"));
    }

    #[test]
    fn only_read_only_or_allowed_tools_are_safe() {
        let fixtures = Fixtures {
            allow: vec!["allowed".to_owned()],
            ..Fixtures::default()
        };
        let cases = [
            (
                json!({"name": "a", "annotations": {"readOnlyHint": true}}),
                true,
            ),
            (
                json!({"name": "a", "annotations": {"readOnlyHint": "true"}}),
                false,
            ),
            (
                json!({"name": "a", "annotations": {"destructiveHint": false}}),
                false,
            ),
            (json!({"name": "a"}), false),
            (json!({"name": "allowed"}), true),
            (json!({}), false),
        ];
        for (tool, safe) in cases {
            assert_eq!(is_safe(&tool, &fixtures), safe, "{tool}");
        }
    }
}
