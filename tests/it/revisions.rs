//! `check --revision`: one section for each revision that was asked for, and one verdict on those that are not spoken.

use std::time::Duration;

use quick_junit::{Report, TestCaseStatus};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::peer::{Answer, Asked, Peer, response, well_behaved};
use super::program::{Ended, start_with_report};

/// No test waits longer for the peer to be asked.
const PROMPT: Duration = Duration::from_secs(30);

/// The revisions that the peers here speak.
const SPOKEN: [&str; 2] = ["2025-06-18", "2025-11-25"];

/// The revision that an `initialize` asks for; empty if it is none.
fn wanted(asked: &Asked) -> &str {
    let version = asked.message.pointer("/params/protocolVersion");
    let version = version.filter(|_| asked.rpc() == "initialize");
    version.and_then(Value::as_str).unwrap_or_default()
}

/// Agrees to the revisions that it speaks, and offers the oldest of them to whoever wants another. So only a run at the
/// newest asks for that, and a script can tell it by this.
fn speaks_two(asked: &Asked) -> Answer {
    if wanted(asked).is_empty() {
        return well_behaved(asked);
    }
    let agreed = SPOKEN.iter().find(|spoken| **spoken == wanted(asked));
    let body = json!({"jsonrpc": "2.0", "id": asked.message["id"], "result": {
        "protocolVersion": agreed.unwrap_or(&SPOKEN[0]),
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bilingual", "version": "2"},
    }});
    response("200 OK", "application/json", &body.to_string())
}

async fn check(url: &str, more: &[&str]) -> Ended {
    let args = [&["check", url, "--timeout", "2s"], more].concat();
    start_with_report(&args).ended().await
}

/// Revision and outcome of each run.
fn outcomes(ended: &Ended) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let report = ended.report();
    let runs = report["runs"].as_array().unwrap();
    runs.iter()
        .map(|run| (word(&run["revision"]), word(&run["outcome"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_revisions_of_a_server_that_speaks_two() {
    let peer = Peer::start(speaks_two).await;
    let ended = check(&peer.url(), &["--revision", "all", "--report", "junit=-"]).await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    let report = ended.report();
    let runs = report["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    let mut passed = 0;
    for run in runs {
        let revision = run["revision"].as_str().unwrap();
        let checks = run["checks"].as_array().unwrap();
        if SPOKEN.contains(&revision) {
            assert_eq!(run["outcome"], "tested", "{revision}");
            assert_eq!(run["negotiated"], revision);
            assert_eq!(run["server"], "bilingual 2");
            assert_eq!(run["why"], Value::Null);
            assert!(run["coverage"]["exercised"].as_u64().unwrap() > 10);
            assert!(checks.len() > 20, "{revision}: {}", checks.len());
            passed += run["summary"]["passed"].as_u64().unwrap();
        } else {
            assert_ne!(run["outcome"], "tested", "{revision}");
            assert!(run["why"].is_string(), "{revision}");
            assert_eq!(run["coverage"], Value::Null);
            assert!(checks.is_empty(), "{revision}: {checks:?}");
        }
    }
    assert_eq!(report["summary"]["passed"], passed);
    // Each revision has its own rules.
    let testable = |place: usize| runs[place]["coverage"]["testable"].as_u64().unwrap();
    assert_ne!(testable(2), testable(3));

    // The summary makes way for JUnit: a row for each area, and one line for what is not spoken.
    let summary = &ended.stderr;
    for line in [
        "area",
        "initialize",
        "requirements",
        "2025-03-26  not-offered: ",
    ] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
    let about = |date: &str| {
        summary
            .lines()
            .filter(|line| line.starts_with(date))
            .count()
    };
    for revision in ["2024-11-05", "2025-03-26", "2026-07-28"] {
        assert_eq!(about(revision), 1, "{revision}: {summary}");
    }
    assert!(summary.contains("2 of 5 revisions tested"), "{summary}");

    let suites = Report::deserialize_from_str(&ended.stdout).unwrap();
    assert_eq!(suites.test_suites.len(), 5);
    for suite in suites.test_suites {
        let name = suite.name.as_str();
        let is_spoken = SPOKEN.iter().any(|spoken| name.ends_with(spoken));
        let skipped = |status: &TestCaseStatus| matches!(status, TestCaseStatus::Skipped { .. });
        if is_spoken {
            assert!(suite.test_cases.len() > 20, "{name}");
        } else {
            let [only] = suite.test_cases.as_slice() else {
                panic!("{name}: {:?}", suite.test_cases)
            };
            assert!(skipped(&only.status), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_is_not_spoken_is_one_verdict() {
    let peer = Peer::start(speaks_two).await;
    let ended = check(&peer.url(), &["--revision", "2025-03-26"]).await;
    ended.expect(4);
    let line = ended.one_line();
    assert!(
        line.ends_with("does not speak 2025-03-26: asked for it, it offers \"2025-06-18\""),
        "{line}"
    );
    assert_eq!(
        outcomes(&ended),
        [("2025-03-26".to_owned(), "not-offered".to_owned())]
    );
    assert_eq!(ended.report()["runs"][0]["checks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_not_asked_again_and_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let ended = check(&url, &["--revision", "all"]).await;
    ended.expect(3);
    let line = ended.one_line();
    assert!(line.contains("cannot be reached"), "{line}");
    let outcomes = outcomes(&ended);
    let count = |word: &str| {
        outcomes
            .iter()
            .filter(|(_, outcome)| outcome == word)
            .count()
    };
    assert_eq!(outcomes.len(), 5);
    assert_eq!(
        (count("unreachable"), count("tested")),
        (1, 0),
        "{outcomes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_between_revisions_is_no_pass() {
    let peer = Peer::start(|asked| {
        if wanted(asked) == "2025-11-25" {
            // The connection is closed without an answer.
            return Answer::Bytes(Vec::new());
        }
        speaks_two(asked)
    })
    .await;
    let ended = check(&peer.url(), &["--revision", "all"]).await;
    let outcomes = outcomes(&ended);
    assert_eq!(outcomes[2].1, "tested");
    assert_eq!(outcomes[3].1, "unreachable");
    let failed = ended.count("/summary/must_failed") > 0;
    ended.expect(if failed { 1 } else { 3 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_at_the_second_revision_keeps_the_first() {
    let (held, mut holding) = tokio::sync::mpsc::unbounded_channel();
    let peer = Peer::start(move |asked| {
        if wanted(asked) == "2025-11-25" && held.send(()).is_ok() {
            return Answer::Hold(Vec::new());
        }
        speaks_two(asked)
    })
    .await;
    let args = [
        "check",
        &peer.url(),
        "--revision",
        "all",
        "--timeout",
        "30s",
    ];
    let running = start_with_report(&args);
    let wait = tokio::time::timeout(PROMPT, holding.recv()).await;
    assert_eq!(wait, Ok(Some(())), "the peer is asked");
    running.interrupt();
    let ended = running.ended().await;
    ended.expect(130);
    assert_eq!(ended.report()["interrupted"], true);
    let outcomes = outcomes(&ended);
    assert_eq!(outcomes.len(), 5);
    assert_eq!(outcomes[2].1, "tested");
    assert_eq!(outcomes[3].1, "not-begun");
    assert_eq!(outcomes[4].1, "not-begun");
    assert!(ended.count("/runs/2/summary/passed") > 10);
    assert!(
        ended.stdout.contains("2025-11-25  not-begun: "),
        "{}",
        ended.stdout
    );
}
