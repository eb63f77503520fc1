//! Secrets: they arrive at the target, and are in no output; and what is wrong with one is said before anything is sent.

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::peer::{Peer, well_behaved};
use super::program::{Ended, spawn};

const TOKEN: &str = "t0ken-0123456789abcdef";
const KEY: &str = "k3y-\"with\\marks\"-0123456789";
const TENANT: &str = "tenant-0123456789abcdef";

/// A target that wants credentials, remembers what it is given, and sends it back wherever it can.
struct Guarded {
    url: String,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    _task: JoinSet<()>,
}

impl Guarded {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let app = Router::new()
            .route("/mcp", any(echo))
            .layer(from_fn_with_state(Arc::clone(&seen), remember));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            seen,
            _task: task,
        }
    }
}

async fn remember(
    State(seen): State<Arc<Mutex<Vec<HeaderMap>>>>,
    request: Request,
    next: Next,
) -> Response {
    seen.lock().unwrap().push(request.headers().clone());
    next.run(request).await
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    if head.method != "POST" {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let text = |name: &str| {
        head.headers
            .get(name)
            .map(|it| it.to_str().unwrap().to_owned())
    };
    let given = json!({"authorization": text("authorization"), "key": text("x-api-key"), "tenant": text("x-tenant")});
    let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    if text("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
        return (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
        )
            .into_response();
    }
    let answer = match message["method"].as_str() {
        // Wrong on purpose, so that it is shown as evidence.
        Some("initialize") => {
            json!({"result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": format!("{given}"), "version": format!("{given:?}")}, "_meta": given}})
        }
        _ => {
            json!({"error": {"code": "wrong", "message": format!("you sent {given}"), "data": given}})
        }
    };
    let mut answer = answer;
    answer["jsonrpc"] = json!("2.0");
    answer["id"] = message["id"].clone();
    Json(answer).into_response()
}

/// Files and variables with the secrets.
struct Secrets {
    folder: TempDir,
}

impl Secrets {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Self { folder };
        secrets.write("token", &format!("  {TOKEN} \nsecond line\n"));
        secrets.write("key", KEY);
        secrets
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

const VARIABLES: [(&str, &str); 3] = [
    ("PLUMB_TEST_TOKEN", TOKEN),
    ("PLUMB_TEST_TENANT", TENANT),
    ("PLUMB_TEST_BLANK", " "),
];

fn assert_kept_secret(ended: &Ended) {
    let report = ended.report_text.as_deref().unwrap_or_default();
    for (name, text) in [
        ("stdout", ended.stdout.as_str()),
        ("stderr", &ended.stderr),
        ("report", report),
    ] {
        // Half of a secret is too much.
        for secret in [&TOKEN[..10], "with\\marks", "with\\\\marks", &TENANT[..12]] {
            let found = text.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "{secret} in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_arrive_and_are_in_no_output() {
    let secrets = Secrets::new();
    let (token, key) = (secrets.path("token"), secrets.path("key"));
    let key = format!("X-Api-Key: {key}");
    let from_env = ["--bearer-env", "PLUMB_TEST_TOKEN"];
    let from_file = ["--bearer-file", &token];
    for bearer in [from_env, from_file] {
        for command in ["check", "load", "run"] {
            let target = Guarded::start().await;
            let short = match command {
                "check" => ["--report", "junit=-"].as_slice(),
                _ => &["--duration", "200ms", "--streams", "1"],
            };
            let args = [
                &[
                    command,
                    &target.url,
                    "--header-env",
                    "X-Tenant: PLUMB_TEST_TENANT",
                ],
                &["--header-file", &key, "--timeout", "2s"],
                bearer.as_slice(),
                short,
            ];
            let ended = spawn(&args.concat(), &VARIABLES, true).ended().await;
            assert!(ended.report_text.is_some(), "{ended:#?}");
            assert_kept_secret(&ended);
            let seen = target.seen.lock().unwrap();
            assert!(seen.len() > 1, "{command}: {seen:?}");
            for headers in seen.iter() {
                assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
                assert_eq!(headers["x-api-key"], KEY);
                assert_eq!(headers["x-tenant"], TENANT);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_source_is_refused_before_anything_is_sent_and_its_value_not_repeated() {
    let secrets = Secrets::new();
    secrets.write("empty", "\nlate\n");
    secrets.write("bytes", "no text");
    std::fs::write(secrets.folder.path().join("bytes"), [0xff, 0xfe]).unwrap();
    secrets.write("steers", &format!("{TOKEN}\u{7}x"));
    secrets.write("word", &format!("Bearer {TOKEN}"));
    let [empty, bytes, steers, word, none, token] =
        ["empty", "bytes", "steers", "word", "none", "token"].map(|name| secrets.path(name));
    let at_none = format!("X-A: {none}");
    let bare = format!("Authorization Bearer {TOKEN}");
    let steering = format!("X-A: {TOKEN}\u{7}");
    let peer = Peer::start(well_behaved).await;
    let cases: [(&[&str], &str); 15] = [
        (
            &["--bearer-env", "PLUMB_TEST_UNSET"],
            "PLUMB_TEST_UNSET is not set",
        ),
        (&["--bearer-env", "PLUMB_TEST_BLANK"], "is empty"),
        (&["--bearer-file", &none], "cannot be read"),
        (&["--bearer-file", &empty], "empty first line"),
        (&["--bearer-file", &bytes], "no UTF-8"),
        (&["--bearer-file", &steers], "cannot hold"),
        (&["--bearer-file", &word], "without the word Bearer"),
        (&["--bearer-file", "-"], "empty first line"),
        (
            &["--bearer-file", "-", "--header-file", "X-A: -"],
            "one value only",
        ),
        (&["--header-env", "X-A: PLUMB_TEST_UNSET"], "is not set"),
        (&["--header-file", &at_none], "cannot be read"),
        (&["--header", &bare], "'Name: value'"),
        (&["--header", &steering], "cannot hold"),
        (
            &["--header", "Authorization: x", "--bearer-file", &token],
            "more than once",
        ),
        (
            &[
                "--header-env",
                "authorization: PLUMB_TEST_TOKEN",
                "--bearer-file",
                &token,
            ],
            "more than once",
        ),
    ];
    let url = peer.url();
    for (args, part) in cases {
        let args = [&["check", &url], args].concat();
        let ended = spawn(&args, &VARIABLES, false).ended().await;
        ended.expect(2);
        let line = ended.one_line();
        assert!(line.contains(part), "{args:?}: {line}");
        assert_kept_secret(&ended);
    }
    let malformed: [&[&str]; 4] = [
        &["--header-env", "X-A"],
        &["--header-env", "X-A:"],
        &["--header-file", "Bad Name: x"],
        &["--bearer-env", "A", "--bearer-file", "b"],
    ];
    for args in malformed {
        let args = [&["check", &url], args].concat();
        spawn(&args, &VARIABLES, false).ended().await.expect(2);
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_carry_the_protocol_are_not_taken_from_the_user() {
    let target = Guarded::start().await;
    let args = [
        "check",
        &target.url,
        "--timeout",
        "2s",
        "--bearer-env",
        "PLUMB_TEST_TOKEN",
        "--header",
        "Accept: text/plain",
        "--header",
        "mcp-session-id: forged",
        "--header",
        "MCP-Protocol-Version: 1999-01-01",
        "--header",
        "Host: elsewhere.example",
        "--header",
        "X-Mine: taken",
    ];
    let ended = spawn(&args, &VARIABLES, true).ended().await;
    let warnings = ended
        .stderr
        .lines()
        .filter(|line| line.contains("not sent"));
    let warnings: Vec<&str> = warnings.collect();
    assert_eq!(warnings.len(), 1, "{}", ended.stderr);
    for name in ["Accept", "mcp-session-id", "MCP-Protocol-Version", "Host"] {
        assert!(warnings[0].contains(name), "{name}: {warnings:?}");
    }
    for headers in target.seen.lock().unwrap().iter() {
        assert_eq!(headers["x-mine"], "taken");
        assert_ne!(headers["host"], "elsewhere.example");
        for (name, forged) in [
            ("accept", "text/plain"),
            ("mcp-session-id", "forged"),
            ("mcp-protocol-version", "1999-01-01"),
        ] {
            assert!(
                headers.get(name).is_none_or(|it| it != forged),
                "{headers:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_challenge_names_is_fetched() {
    let elsewhere = Peer::start(well_behaved).await;
    let metadata = elsewhere.url();
    let challenge = format!("Bearer resource_metadata=\"{metadata}\"");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let answer = any(move || async move {
        let fields = [
            (header::WWW_AUTHENTICATE, challenge),
            (header::LOCATION, metadata),
        ];
        (StatusCode::UNAUTHORIZED, fields)
    });
    let mut task = JoinSet::new();
    task.spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap()
    });
    for command in ["check", "load"] {
        spawn(&[command, &url, "--timeout", "2s"], &[], false)
            .ended()
            .await;
        assert_eq!(elsewhere.connections(), 0, "{command}");
    }
}
