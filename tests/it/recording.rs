//! The wire record: all that crosses the wire is in it, in order, and secrets are nowhere.

use std::collections::{BTreeMap, BTreeSet};

use mcp_plumb::detect::{Wish, detect};
use mcp_plumb::engine::{CheckPlan, Fixtures, check, probes};
use mcp_plumb::protocol::{Revision, Transport};
use mcp_plumb::scenario::Library;
use mcp_plumb::transport::Record;
use mcp_plumb::transport::recorder::{Direction, RecordKind};
use mcp_plumb_reference_server::{AnswerStyle, Config};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::peer::{Peer, response, well_behaved};
use super::program::start_with_report;
use super::support::{means, server};

/// What a run against the reference server records, and the record numbers that its checks point at.
async fn recorded(answer: AnswerStyle) -> (Vec<Record>, BTreeSet<u32>) {
    let config = Config {
        answer,
        ..Config::default()
    };
    let (server, url) = server(config, Transport::StreamableHttp).await;
    let means = means();
    let wish = Wish {
        transport: None,
        revision: Some(Revision::V2025_11_25),
    };
    let detected = detect(&url, wish, &means).await.unwrap();
    let plan = CheckPlan {
        link: detected.link,
        library: Library::embedded(&probes::names()).unwrap(),
        fixtures: Fixtures::reference(),
        cancel: CancellationToken::new(),
    };
    let outcome = check(plan, &()).await;
    let evidence = outcome.results.iter().flat_map(|it| it.evidence.clone());
    let evidence = evidence.collect();
    server.shutdown().await;
    (means.recorder.records(), evidence)
}

fn by_exchange(records: &[Record]) -> BTreeMap<u32, Vec<&Record>> {
    let mut exchanges: BTreeMap<u32, Vec<&Record>> = BTreeMap::new();
    for record in records {
        exchanges.entry(record.exchange).or_default().push(record);
    }
    exchanges
}

/// Where a record of this kind may stand in its exchange: after those of a lower rank.
fn rank(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Request => 0,
        RecordKind::Response => 1,
        RecordKind::Body | RecordKind::SseBlock => 2,
        RecordKind::Failure | RecordKind::End => 3,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exchange_is_recorded_from_request_to_end_in_order() {
    for answer in [AnswerStyle::Json, AnswerStyle::Sse] {
        let (records, evidence) = recorded(answer).await;
        for (at, record) in records.iter().enumerate() {
            assert_eq!(record.n as usize, at + 1, "{record:?}");
        }
        assert!(records.is_sorted_by_key(|record| record.t_us));
        let last = records.len() as u32;
        assert!(
            evidence.iter().all(|n| (1..=last).contains(n)),
            "{evidence:?}"
        );
        let exchanges = by_exchange(&records);
        assert!(exchanges.len() > 50, "{}", exchanges.len());
        for (at, (number, exchange)) in exchanges.iter().enumerate() {
            assert_eq!(
                *number as usize,
                at + 1,
                "{answer:?}: no exchange is left out"
            );
            let kinds: Vec<RecordKind> = exchange.iter().map(|record| record.kind).collect();
            assert!(
                kinds.is_sorted_by_key(|kind| rank(*kind)),
                "{answer:?}: {exchange:#?}"
            );
            let of = |kind| kinds.iter().filter(|it| **it == kind).count();
            assert_eq!(of(RecordKind::Request), 1, "{answer:?}: {exchange:#?}");
            assert!(of(RecordKind::Response) <= 1, "{answer:?}: {exchange:#?}");
            assert!(of(RecordKind::Body) <= 1, "{answer:?}: {exchange:#?}");
            for record in exchange {
                let out = record.kind == RecordKind::Request;
                assert_eq!(record.direction == Direction::Out, out, "{record:?}");
            }
        }
    }
}

/// The JSON of a body, or of the data of an event.
fn message(record: &Record) -> Option<Value> {
    let body = record.body.as_deref()?;
    let text = match record.kind {
        RecordKind::SseBlock => body.lines().find_map(|line| line.strip_prefix("data: "))?,
        _ => body,
    };
    serde_json::from_str(text).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_recorded_with_what_answered_them() {
    for (answer, kind) in [
        (AnswerStyle::Json, RecordKind::Body),
        (AnswerStyle::Sse, RecordKind::SseBlock),
    ] {
        let (records, _) = recorded(answer).await;
        let mut lists = 0;
        for exchange in by_exchange(&records).values() {
            let request = message(exchange[0]).unwrap_or_default();
            let answered = exchange
                .get(1)
                .is_some_and(|head| head.head == "HTTP/1.1 200");
            if request["method"] != "tools/list" || !answered {
                continue;
            }
            lists += 1;
            assert!(exchange[0].head.starts_with("POST http://127.0.0.1:"));
            let names = |record: &Record| -> Vec<String> {
                let names = record.headers.iter().map(|(name, _)| name.to_lowercase());
                names.collect()
            };
            assert!(names(exchange[0]).contains(&"mcp-session-id".to_owned()));
            assert!(names(exchange[1]).contains(&"content-type".to_owned()));
            let answers = || exchange.iter().filter(|record| record.kind == kind);
            let own = answers().filter_map(|record| message(record));
            let ids: Vec<Value> = own.map(|message| message["id"].clone()).collect();
            assert!(ids.contains(&request["id"]), "{answer:?}: {exchange:#?}");
            assert!(answers().all(|record| record.bytes > Some(0)));
        }
        assert!(lists > 2, "{answer:?}: {lists}");
    }
}

const TOKEN: &str = "s3cr3t-0123456789abcdef";

/// `check` with a bearer token; nothing that it writes holds the token, though it was sent.
async fn check_in_secret(url: &str) {
    let header = format!("Authorization: Bearer {TOKEN}");
    let args = [
        "check",
        url,
        "--timeout",
        "1s",
        "--header",
        &header,
        "--report",
        "junit=-",
    ];
    let ended = start_with_report(&args).ended().await;
    let report = ended.report_text.as_ref().expect("a report is written");
    for (name, text) in [
        ("report", report),
        ("JUnit on stdout", &ended.stdout),
        ("summary on stderr", &ended.stderr),
    ] {
        assert!(!text.is_empty(), "{name}");
        // Half of it is too much.
        if let Some(at) = text.find(&TOKEN[..10]) {
            let line = text[..at].lines().last().unwrap_or_default();
            panic!("{url}: the token is in the {name}, after {line:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_is_in_no_output() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    check_in_secret(url.as_str()).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_that_the_target_sends_back_is_in_no_output() {
    // The second is as long as makes a message cut it in the middle of the token.
    for (status, filler) in [("200 OK", 0), ("200 OK", 130), ("404 Not Found", 130)] {
        let html = format!("<p>{}Bearer {TOKEN}</p>", "x".repeat(filler));
        let peer = Peer::start(move |_| response(status, "text/html", &html)).await;
        check_in_secret(&peer.url()).await;
    }
    let places: [fn(&mut Value); 5] = [
        |result| result["serverInfo"]["name"] = json!(TOKEN),
        |result| result["protocolVersion"] = json!(TOKEN),
        |result| result["capabilities"][TOKEN] = json!(TOKEN),
        |result| result["serverInfo"] = json!(TOKEN),
        |result| *result = json!(TOKEN),
    ];
    for place in places {
        let peer = Peer::start(move |asked| {
            if asked.rpc() != "initialize" {
                return well_behaved(asked);
            }
            let mut result = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                "serverInfo": {"name": "x", "version": "1"}});
            place(&mut result);
            let body = json!({"jsonrpc": "2.0", "id": asked.message["id"], "result": result});
            response("200 OK", "application/json", &body.to_string())
        })
        .await;
        check_in_secret(&peer.url()).await;
    }
    let peer = Peer::start(|asked| {
        let error = json!({"code": -32000, "message": TOKEN, "data": {"sent": TOKEN}});
        let body = json!({"jsonrpc": "2.0", "id": asked.message["id"], "error": error});
        response(
            "200 OK",
            &format!("application/json; who={TOKEN}"),
            &body.to_string(),
        )
    })
    .await;
    check_in_secret(&peer.url()).await;
}
