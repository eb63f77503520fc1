//! The command line as scripts see it: exit codes, messages, what goes to which stream, and Ctrl-C.

use std::path::Path;
use std::time::Duration;

use mcp_plumb::protocol::Transport;
use mcp_plumb_reference_server::Config;
use serde_json::Value;

use super::peer::{Answer, Peer, well_behaved};
use super::program::{Ended, spawn, start, start_with_report};
use super::support::server;

/// An interrupted run ends in less than this, and a run that waits for its peer takes longer.
const PROMPT: Duration = Duration::from_secs(15);

async fn run(args: &[&str]) -> Ended {
    start(args).ended().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_ours_is_one_line() {
    let cases: [(&[&str], &str); 12] = [
        (&["check", "ftp://127.0.0.1/"], "only http and https"),
        (
            &["check", "127.0.0.1:9/mcp"],
            "did you mean 'http://127.0.0.1:9/mcp'?",
        ),
        (&["check", "no url"], "this is no URL"),
        (
            &["check", "--fixtures", "referense"],
            "did you mean 'reference'?",
        ),
        (&["check", "--scenarios", "none/here"], "none/here"),
        (
            &["explain", "lifecycle.initialize.result-shap"],
            "did you mean 'lifecycle.initialize.result-shape'?",
        ),
        (
            &["explain", "fanout-drop-1-in-10"],
            "did you mean 'fanout-drop-1-in-100'?",
        ),
        (
            &["load", "http://192.0.2.1/mcp"],
            "192.0.2.1 is not on this machine; if it is yours and may be loaded, add --i-own-this-target",
        ),
        (&["load", "--trigger", "publsh"], "did you mean 'publish'?"),
        (
            &[
                "load",
                "--streams",
                "9000",
                "--rate",
                "99999",
                "--duration",
                "10s",
            ],
            "lower --streams",
        ),
        (
            &["check", "http://user:secret@127.0.0.1:1/mcp"],
            "--header 'Authorization",
        ),
        (
            &["check", "--report", "json=none/here.json"],
            "none/here.json",
        ),
    ];
    for (args, part) in cases {
        let ended = run(args).await;
        ended.expect(2);
        let line = ended.one_line();
        assert!(line.starts_with("mcp-plumb: "), "{args:?}: {line}");
        assert!(line.contains(part), "{args:?}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_word_is_told_the_nearest_right_one() {
    let cases: [(&[&str], &str); 15] = [
        (&["chek"], "'check'"),
        (
            &["check", "--transport", "hibrid"],
            "did you mean 'hybrid'?",
        ),
        (
            &["check", "--revision", "2025-11-26"],
            "did you mean '2025-11-25'?",
        ),
        (&["check", "--header", "no colon"], "'Name: value'"),
        (&["check", "--header", "Bad Name: x"], "'Bad Name'"),
        (&["check", "--timeout", "0s"], "more than zero"),
        (&["check", "--timeout", "5 parsecs"], "5 parsecs"),
        (&["check", "--report", "jsno=a"], "did you mean 'json'?"),
        (&["check", "--report", "json"], "FORMAT=PATH"),
        (&["check", "--report", "json="], "path"),
        (
            &["serve", "--fault", "fanout-drop-1-in-10"],
            "fanout-drop-1-in-100",
        ),
        (
            &["load", "--threshold", "fanout.p9<5ms"],
            "did you mean 'fanout.p99'?",
        ),
        (&["load", "--threshold", "lots"], "'fanout.p99<50ms'"),
        (&["load", "--streams", "0"], "0"),
        (&["list", "scenarioz"], "scenarios"),
    ];
    for (args, part) in cases {
        let ended = run(args).await;
        ended.expect(2);
        assert!(ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_scenario_file_is_refused_before_anything_is_sent() {
    let peer = Peer::start(well_behaved).await;
    let url = peer.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yaml");
    std::fs::write(&file, "scenario: mine/wrong\ntitle: Wrong\nstesp: []\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let ended = run(&["check", &url, "--scenarios", path]).await;
    ended.expect(2);
    for part in ["wrong.yaml", "line 3", "stesp: []", "expected one of"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_can_be_read_by_machines() {
    for (what, member) in [
        ("scenarios", "checks"),
        ("checks", "expects"),
        ("requirements", "level"),
        ("faults", "breaks"),
    ] {
        let ended = run(&["list", what, "--format", "json"]).await;
        ended.expect(0);
        assert_eq!(ended.stderr, "", "{what}");
        let rows: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        assert!(rows.len() >= 10, "{what}: {}", rows.len());
        for row in rows {
            assert!(row["id"].is_string(), "{what}: {row}");
            assert!(!row[member].is_null(), "{what}: {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_listed_can_be_explained() {
    for what in ["checks", "requirements", "faults"] {
        let listed = run(&["list", what, "--format", "json"]).await;
        let rows: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
        // The first and the last: each explanation starts a process.
        for row in [rows.first(), rows.last()].into_iter().flatten() {
            let id = row["id"].as_str().unwrap();
            let ended = run(&["explain", id]).await;
            ended.expect(0);
            assert!(ended.stdout.starts_with(id), "{id}: {}", ended.stdout);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_schemas_are_the_committed_ones() {
    for what in ["report", "scenario"] {
        let ended = run(&["schema", what]).await;
        ended.expect(0);
        let path = format!("reports/schema/{what}.schema.json");
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        assert_eq!(
            ended.stdout,
            std::fs::read_to_string(committed).unwrap(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_go_to_stdout() {
    for (args, part) in [
        (["--help"].as_slice(), "Usage"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["check", "--help"], "--revision"),
    ] {
        let ended = run(args).await;
        ended.expect(0);
        assert!(ended.stdout.contains(part), "{args:?}: {}", ended.stdout);
        assert_eq!(ended.stderr, "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_without_a_url_finds_nothing_wrong_with_the_reference_server() {
    let ended = run(&["check", "--report", "json=-"]).await;
    ended.expect(0);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["summary"]["must_failed"], 0);
    assert_eq!(report["summary"]["errors"], 0);
    assert!(report["summary"]["passed"].as_u64().unwrap() > 20);
    // The summary makes way.
    assert!(
        ended.stderr.contains("mcp-plumb-reference-server"),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_those_who_want_them() {
    let peer = Peer::start(well_behaved).await;
    let url = peer.url();
    let args = ["check", &url, "--timeout", "500ms"];
    let cases: [(&[(&str, &str)], bool); 3] = [
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[], false),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
    ];
    for (variables, coloured) in cases {
        let ended = spawn(&args, variables, false).ended().await;
        assert_eq!(ended.stdout.contains('\u{1b}'), coloured, "{variables:?}");
        assert!(!ended.stderr.contains('\u{1b}'), "{variables:?}");
    }
}

/// Picks the requests that a peer leaves unanswered, by their method.
type Picks = fn(&str) -> bool;

/// Interrupts a run as soon as the peer has been asked for what `holds` picks, and got no answer.
async fn interrupted(command: &str, holds: Picks) -> Ended {
    let (held, mut holding) = tokio::sync::mpsc::unbounded_channel();
    let peer = Peer::start(move |asked| {
        if holds(asked.rpc()) {
            // The test may have seen enough.
            let _ = held.send(());
            return Answer::Hold(Vec::new());
        }
        well_behaved(asked)
    })
    .await;
    let url = peer.url();
    let running = start_with_report(&[command, &url, "--timeout", "30s"]);
    let wait = tokio::time::timeout(PROMPT, holding.recv()).await;
    assert_eq!(wait, Ok(Some(())), "the peer is asked");
    running.interrupt();
    running.ended().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_ends_at_once_with_a_report() {
    let cases: [(&str, &str, Picks); 5] = [
        ("check", "detection", |method| method == "initialize"),
        ("check", "survey", |method| method == "tools/list"),
        ("check", "scenarios", |method| method == "ping"),
        ("load", "detection", |method| method == "initialize"),
        ("load", "survey", |method| method == "tools/list"),
    ];
    for (command, phase, holds) in cases {
        let ended = interrupted(command, holds).await;
        assert_eq!(ended.code, Some(130), "{command}, {phase}: {ended:#?}");
        assert!(
            ended.elapsed < PROMPT,
            "{command}, {phase}: {:?}",
            ended.elapsed
        );
        assert_eq!(ended.report()["interrupted"], true, "{command}, {phase}");
        ended.expect(130);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_load_reports_what_it_knows() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let args = [
        "load",
        url.as_str(),
        "--streams",
        "20",
        "--rate",
        "20",
        "--duration",
        "50s",
    ];
    let running = start_with_report(&args);
    let opened = async {
        while server.counters().deliveries < 100 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PROMPT, opened)
        .await
        .expect("the streams open");
    running.interrupt();
    let ended = running.ended().await;
    ended.expect(130);
    assert!(ended.elapsed < 2 * PROMPT, "{:?}", ended.elapsed);
    assert_eq!(ended.report()["interrupted"], true);
    assert_eq!(ended.count("/load/streams/opened"), 20);
    assert_eq!(ended.count("/load/deliveries/lost"), 0);
    server.shutdown().await;
}
