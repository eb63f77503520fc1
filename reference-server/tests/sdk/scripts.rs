//! The official TypeScript and Python SDKs, run as scripts where they are installed.
//!
//! A script connects to each server that it is given and writes down what it saw, one line of JSON for each. The judging is
//! done here. What is not installed is skipped, and standard error says so.
//!
//! - TypeScript: `node`, with `MCP_PLUMB_NODE_PATH` (directories of modules, as `NODE_PATH` has them) searched first.
//! - Python: the interpreters in `MCP_PLUMB_PYTHON` (separated as in `PATH`), else `python3`.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use mcp_plumb_reference_server::{Config, Revision, RunningServer, start};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::rust::until;

/// All tours of one script together take a few seconds; a loaded machine may need more.
const DEADLINE: Duration = Duration::from_secs(120);
/// The exit status of a script whose SDK is not there.
const NO_SDK: i32 = 3;

/// What a script is told to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    StreamableHttp,
    Sse,
    Stateless,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable-http",
            Self::Sse => "sse",
            Self::Stateless => "stateless",
        }
    }

    /// What the server offers to an SDK that would rather have something newer.
    fn revisions(self) -> &'static [Revision] {
        match self {
            Self::StreamableHttp | Self::Sse => &[
                Revision::V2024_11_05,
                Revision::V2025_03_26,
                Revision::V2025_06_18,
                Revision::V2025_11_25,
            ],
            Self::Stateless => &[Revision::V2026_07_28],
        }
    }

    fn url(self, server: &RunningServer) -> String {
        let url = match self {
            Self::StreamableHttp | Self::Stateless => server.streamable_url(),
            Self::Sse => server.sse_url(),
        };
        url.expect("the transport is served")
    }
}

/// Node with a generation of the TypeScript SDK.
fn typescript(generation: &str) -> Vec<Command> {
    let mut command = Command::new("node");
    command.arg(script("client.mjs")).arg(generation);
    let given = [env::var_os("MCP_PLUMB_NODE_PATH"), env::var_os("NODE_PATH")];
    let searched = given.iter().flatten().flat_map(env::split_paths);
    command.env("NODE_PATH", env::join_paths(searched).unwrap());
    vec![command]
}

/// Each Python that is named, whatever generation of the SDK it has.
fn pythons() -> Vec<Command> {
    let named = env::var_os("MCP_PLUMB_PYTHON").unwrap_or_else(|| OsString::from("python3"));
    let command = |python| {
        let mut command = Command::new(python);
        command.arg(script("client.py"));
        command.env("PYTHONWARNINGS", "ignore");
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    env::split_paths(&named).map(command).collect()
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sdk")
        .join(name)
}

/// Lets a client tour a server of each revision and checks what it saw there.
async fn tour(clients: Vec<Command>, transport: Transport) {
    let revisions = transport.revisions();
    for mut client in clients {
        let mut servers = Vec::new();
        for revision in revisions {
            let config = Config {
                revision: Some(*revision),
                client_timeout: DEADLINE,
                ..Config::default()
            };
            servers.push(start(config).await.unwrap());
        }
        client.arg(transport.name());
        client.args(servers.iter().map(|server| transport.url(server)));
        let Some(reports) = run(client).await else {
            continue;
        };
        assert_eq!(reports.len(), revisions.len(), "{reports:?}");
        for ((report, server), revision) in reports.iter().zip(servers).zip(revisions) {
            check(report, *revision);
            until(|| server.counters().sessions_open == 0).await;
            until(|| server.counters().streams_open == 0).await;
            server.shutdown().await;
        }
    }
}

/// The reports of a script, or `None` if what it needs is not installed.
async fn run(mut client: Command) -> Option<Vec<Value>> {
    client.env("NO_PROXY", "127.0.0.1").kill_on_drop(true);
    client.stdin(Stdio::null());
    let running = tokio::time::timeout(DEADLINE, client.output());
    let Output {
        status,
        stdout,
        stderr,
    } = match running.await.expect("a script that ends") {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            skip(&client, &error.to_string());
            return None;
        }
        Err(error) => panic!("{client:?}: {error}"),
    };
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    if status.code() == Some(NO_SDK) {
        skip(&client, &stderr);
        return None;
    }
    assert!(status.success(), "{client:?}: {status}\n{stdout}{stderr}");
    let report = |line| serde_json::from_str(line).expect("a line of JSON");
    Some(stdout.lines().map(report).collect())
}

/// Says what is not tried, past the capture that hides the output of tests that pass.
fn skip(client: &Command, why: &str) {
    let program = client.as_std().get_program().display();
    let why = why.lines().next().unwrap_or_default();
    let line = format!("skipped: {program} with an MCP SDK: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Compares what a client saw with what the server has.
fn check(report: &Value, revision: Revision) {
    let mut expected = json!({
        "server": "mcp-plumb-reference-server",
        "revision": revision.as_str(),
        "echo": "häßlich \u{1f980}\n",
        "sum": {"sum": 42},
        "failed": true,
        "progress": [[1, 3], [2, 3], [3, 3]],
        "steps": "3 steps done",
        "read": "A server to measure others against.",
        "item": "This is item 7.",
        "prompt": "Please greet Ada in one friendly sentence.",
        "completed": ["Ada", "Alan"],
        "unknown_tool": -32602,
        "updated": "plumb://board",
        "announced": true,
    });
    let particular = if revision < Revision::V2026_07_28 {
        json!({"unknown_resource": -32002, "published": ["wanted"]})
    } else {
        let asked = json!({"toolsListChanged": true, "resourceSubscriptions": ["plumb://board"]});
        json!({
            "unknown_resource": -32602,
            "honoured": asked,
            "ended": "local",
        })
    };
    let particular = particular.as_object().unwrap().clone();
    expected.as_object_mut().unwrap().extend(particular);
    for (what, value) in expected.as_object().unwrap() {
        assert_eq!(report[what], *value, "{what} at {revision}: {report}");
    }
    let mut answers = ["Ada", "forty-two", "file:///srv"];
    if revision < Revision::V2025_06_18 {
        // There is no elicitation yet, whatever the client declares.
        answers[0] = "elicitation";
    }
    for (answer, asked) in answers
        .iter()
        .zip(report["asked"].as_array().expect("a list"))
    {
        let asked = asked.as_str().expect("a text");
        assert!(asked.contains(answer), "{answer} at {revision}: {report}");
    }
    for (what, names) in [
        (
            "tools",
            &["echo", "add", "fail", "progress", "publish", "ask_roots"][..],
        ),
        ("resources", &["plumb://readme", "plumb://board"]),
        ("templates", &["plumb://items/{id}"]),
        ("prompts", &["greet"]),
    ] {
        let listed = report[what].as_array().expect("a list");
        for name in names {
            let found = listed.iter().filter(|listed| *listed == name).count();
            assert_eq!(found, 1, "{name} in {what} at {revision}: {report}");
        }
    }
}

#[tokio::test]
async fn typescript_1_over_streamable_http() {
    tour(typescript("1"), Transport::StreamableHttp).await;
}

#[tokio::test]
async fn typescript_1_over_sse() {
    tour(typescript("1"), Transport::Sse).await;
}

#[tokio::test]
async fn typescript_2_over_streamable_http() {
    tour(typescript("2"), Transport::StreamableHttp).await;
}

#[tokio::test]
async fn typescript_2_over_sse() {
    tour(typescript("2"), Transport::Sse).await;
}

#[tokio::test]
async fn typescript_2_without_sessions() {
    tour(typescript("2"), Transport::Stateless).await;
}

#[tokio::test]
async fn python_over_streamable_http() {
    tour(pythons(), Transport::StreamableHttp).await;
}

#[tokio::test]
async fn python_over_sse() {
    tour(pythons(), Transport::Sse).await;
}

#[tokio::test]
async fn python_without_sessions() {
    tour(pythons(), Transport::Stateless).await;
}
