//! `compare`: saved reports beside each other, and a target beside the reference server.

use std::path::Path;

use mcp_plumb::protocol::Transport;
use mcp_plumb_reference_server::{Config, Fault};
use serde_json::{Value, json};

use super::program::{Ended, start, start_with_report, steers};
use super::support::server;

/// A report with a check of this verdict, and a load with this fan-out.
fn report(verdict: &str, p50: u64, lost: u64) -> Value {
    let latency =
        |us: u64| json!({"p50": us, "p90": us, "p99": us, "p99_9": us, "max": us, "count": 100});
    json!({
        "schema": "mcp-plumb/report/2",
        "started_unix_s": 1_764_000_000,
        "target": {"url": "http://127.0.0.1:1/mcp"},
        "runs": [{
            "transport": "streamable-http",
            "revision": "2025-11-25",
            "outcome": "tested",
            "server": "example 1",
            "checks": [
                {"id": "tools/list#names-are-unique", "requirement": "r", "verdict": verdict},
                {"id": "tools/list#entries-have-shape", "requirement": "r", "verdict": "pass"},
            ],
        }],
        "load": {
            "streams": {"asked": 10, "opened": 10, "dropped": 0, "reconnects": 0},
            "deliveries": {
                "expected": 100, "received": 100 - lost, "lost": lost, "duplicate": 0, "reordered": 0, "foreign": 0,
                "publishes": {"planned": 10, "sent": 10, "acknowledged": 10, "refused": 0, "not_sent": 0},
            },
            "latency_us": {"fanout": latency(p50), "call": latency(300), "connect": latency(900)},
            "phases": {"ramp_s": 1.0, "settle_s": 1.0, "measure_s": 1.0, "drain_s": 1.0},
            "calls": {"method": "ping", "tool": null, "sent": 10, "errors": 0},
            "thresholds": [],
            "of_a_later_version": [1, 2, 3],
        },
    })
}

/// Compares these reports, each in a file of its own.
async fn compare(reports: &[Value], more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["compare".to_owned()];
    for (place, report) in reports.iter().enumerate() {
        let path = folder.path().join(format!("{place}.json"));
        std::fs::write(&path, report.to_string()).unwrap();
        args.push(path.to_str().unwrap().to_owned());
    }
    args.extend(more.iter().map(|it| (*it).to_owned()));
    args.extend(["--report", "json=-"].map(str::to_owned));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    start(&args).ended().await
}

/// The comparison on stdout, which follows its schema.
fn comparison(ended: &Ended) -> Value {
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema = jsonschema::validator_for(&mcp_plumb::report::json::comparison_schema()).unwrap();
    assert!(schema.is_valid(&found), "{found:#}");
    assert_eq!(found["exit_code"].as_i64(), ended.code.map(i64::from));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn regressions_end_with_the_code_of_their_kind() {
    let fail: &[&str] = &["--fail-on", "regression"];
    let tight: &[&str] = &["--fail-on", "regression", "--tolerance", "10%"];
    let before = report("pass", 1_000, 0);
    let cases: [(Value, &[&str], u8, &str); 9] = [
        (report("pass", 1_000, 0), fail, 0, "no change"),
        (report("pass", 1_050, 0), tight, 0, "no change"),
        (report("fail", 1_000, 0), &[], 0, "1 new red"),
        (report("fail", 1_000, 3), fail, 1, "1 new red"),
        (
            report("skip", 1_000, 0),
            fail,
            1,
            "1 not exercised any more",
        ),
        (report("pass", 1_400, 0), fail, 0, "no change"),
        (report("pass", 1_400, 0), tight, 5, "2 latencies longer"),
        (report("pass", 500, 0), tight, 0, "2 latencies shorter"),
        (report("pass", 1_000, 3), fail, 5, "1 counts worse"),
    ];
    for (now, more, code, said) in cases {
        let ended = compare(&[before.clone(), now], more).await;
        ended.expect(code);
        comparison(&ended);
        let last = ended.stderr.lines().last().unwrap();
        assert!(last.contains(said), "{said}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_targets_are_a_matrix() {
    let mut other = report("fail", 1_000, 0);
    other["target"]["url"] = json!("http://127.0.0.1:2/mcp");
    other["runs"][0]["server"] = json!("\u{1b}[2Jhostile\u{202e}");
    let reports = [report("pass", 1_000, 0), other, report("warn", 1_000, 0)];
    let ended = compare(&reports, &[]).await;
    ended.expect(0);
    let found = comparison(&ended);
    assert_eq!(
        found["checks"],
        json!([{"check": "tools/list#names-are-unique", "verdicts": ["pass", "fail", "warn"]}])
    );
    for part in [
        "check that differs",
        "1 ok 1 fail",
        "1 ok 1 warn",
        "B against A",
        "C against A",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!steers(&ended.stderr) && !steers(&ended.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.json", &report("pass", 1, 0).to_string());
    let older = file("older.json", "{\"schema\":\"mcp-plumb/report/1\"}");
    let deep = file("deep.json", &"[".repeat(100_000));
    let page = file("page.json", "<html>");
    let cases: [(&[&str], &str); 8] = [
        (&[&good], "name a second one"),
        (&[&good, "none/here.json"], "none/here.json"),
        (&[&good, &older], "'mcp-plumb/report/1'"),
        (&[&deep, &good], "nested more than 64 deep"),
        (&[&good, &page], "no JSON report of mcp-plumb"),
        (&[&good, "http://127.0.0.1:1/mcp"], "is a URL"),
        (&["http://192.0.2.1/mcp"], "--i-own-this-target"),
        (&[&good, &good, "--report", "junit=-"], "not as junit"),
    ];
    for (args, part) in cases {
        let ended = start(&[&["compare"], args].concat()).ended().await;
        ended.expect(2);
        assert!(ended.one_line().contains(part), "{part}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_that_is_printed_is_the_committed_one() {
    let ended = start(&["schema", "compare"]).ended().await;
    ended.expect(0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schema/compare.schema.json");
    assert_eq!(ended.stdout, std::fs::read_to_string(path).unwrap());
}

/// A short comparison of a server with a reference server of its own.
async fn beside(config: Config, more: &[&str]) -> Ended {
    let (server, url) = server(config, Transport::StreamableHttp).await;
    let profile = [
        "compare",
        url.as_str(),
        "--fixtures",
        "reference",
        "--streams",
        "5",
        "--rate",
        "200",
        "--callers",
        "1",
        "--slices",
        "2",
        "--slice-time",
        "200ms",
    ];
    let args = [profile.as_slice(), more, &["--report", "json=-"]].concat();
    let ended = start(&args).ended().await;
    server.shutdown().await;
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_beside_itself_differs_in_nothing() {
    let ended = beside(Config::default(), &["--fail-on", "regression"]).await;
    ended.expect(0);
    let found = comparison(&ended);
    assert_eq!(found["against"][0]["verdicts"], json!([]));
    assert_eq!(found["against"][0]["counts"], json!([]));
    let sides: Vec<&str> = found["sliced"]["slices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slice| slice["side"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["target", "reference", "reference", "target"]);
    // Two pairs have a ratio and no interval.
    let latency = &found["against"][0]["latencies"][0];
    assert_eq!(
        (&latency["pairs"], &latency["interval"]),
        (&json!(2), &Value::Null)
    );
    assert!(
        ended.stderr.contains("it takes 5 pairs"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("no difference from the reference server")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_breaks_is_red_beside_the_reference_server() {
    let config = Config {
        faults: [Fault::FanoutDouble1In100].into_iter().collect(),
        ..Config::default()
    };
    let ended = beside(config, &["--fail-on", "regression"]).await;
    let found = comparison(&ended);
    let counts = found["against"][0]["counts"].as_array().unwrap();
    assert!(
        counts.iter().any(|it| it["count"] == "duplicate"),
        "{counts:?}"
    );
    assert!(found["regressions"]["load"].as_u64() > Some(0));
    assert!(matches!(ended.code, Some(1 | 5)), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_report_of_the_same_server_is_no_change() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["first.json", "second.json"] {
        let args = ["check", url.as_str(), "--fixtures", "reference"];
        let ended = start_with_report(&args).ended().await;
        ended.expect(0);
        let path = folder.path().join(name);
        std::fs::write(&path, ended.report_text.unwrap()).unwrap();
        files.push(path.to_str().unwrap().to_owned());
    }
    server.shutdown().await;
    let ended = start(&["compare", &files[0], &files[1]]).ended().await;
    ended.expect(0);
    assert!(
        ended.stdout.contains("\nno change (tolerance"),
        "{}",
        ended.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_does_not_answer_is_unreachable() {
    let ended = start(&["compare", "http://127.0.0.1:1/mcp", "--report", "json=-"])
        .ended()
        .await;
    ended.expect(3);
    comparison(&ended);
    assert!(
        ended.stderr.contains("NOTHING TO COMPARE"),
        "{}",
        ended.stderr
    );
}
