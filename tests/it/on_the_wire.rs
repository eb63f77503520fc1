//! The revision that the user asks for is the one that stands in every request, and no other does.

use std::sync::Arc;

use mcp_plumb::detect::{Wish, detect};
use mcp_plumb::protocol::{Revision, Transport};
use mcp_plumb::transport::recorder::RecordKind;
use mcp_plumb::transport::{Record, Session, Special};
use mcp_plumb_reference_server::Config;
use serde_json::{Value, json};

use super::support::{means, server};

/// What a client sends in an ordinary conversation.
async fn sent(transport: Transport, revision: Revision) -> Vec<Record> {
    let (server, url) = server(Config::default(), transport).await;
    let means = means();
    let wish = Wish {
        transport: None,
        revision: Some(revision),
    };
    let detected = detect(&url, wish, &means).await.unwrap();
    assert_eq!(detected.transport, transport, "{:?}", detected.notes);
    let session = Session::new(Arc::clone(&detected.link));
    session.connect().await.unwrap();
    let (opening, stream) = session.listen().await;
    assert!(stream.is_some(), "{}", opening.describe());
    let echo = json!({"name": "echo", "arguments": {"message": "größe"}});
    for (method, params) in [("tools/list", None), ("tools/call", Some(echo))] {
        let exchange = session.request(method, params, Special::default()).await;
        assert!(exchange.result().is_some(), "{}", exchange.describe());
    }
    drop(stream);
    session.end().await;
    server.shutdown().await;
    let mut records = means.recorder.records();
    records.retain(|record| record.kind == RecordKind::Request);
    records
}

fn header<'a>(record: &'a Record, wanted: &str) -> Option<&'a str> {
    let found = record
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.as_str())
}

fn message(record: &Record) -> Value {
    let body = record.body.as_deref();
    body.map_or(Value::Null, |body| serde_json::from_str(body).unwrap())
}

/// Dates of revisions that stand anywhere in a request.
fn revisions_in(record: &Record) -> Vec<Revision> {
    let text = format!("{record:?}");
    Revision::ALL
        .into_iter()
        .filter(|revision| text.contains(revision.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wanted_revision_is_in_every_request_and_no_other_is() {
    let stateful = [
        Revision::V2024_11_05,
        Revision::V2025_03_26,
        Revision::V2025_06_18,
        Revision::V2025_11_25,
    ];
    let mut cases = vec![(Transport::StreamableHttp, Revision::V2026_07_28)];
    for transport in Transport::ALL {
        cases.extend(stateful.map(|revision| (transport, revision)));
    }
    for (transport, revision) in cases {
        let context = format!("{transport} {revision}");
        let records = sent(transport, revision).await;
        assert!(records.len() >= 5, "{context}: {}", records.len());
        for record in &records {
            let foreign = revisions_in(record)
                .into_iter()
                .find(|found| *found != revision);
            assert_eq!(foreign, None, "{context}: {record:?}");
            let message = message(record);
            let method = message["method"].as_str().unwrap_or_default();
            if method == "initialize" {
                assert_eq!(message["params"]["protocolVersion"], revision.as_str());
                continue;
            }
            let opens_sse_stream = transport == Transport::Sse && record.head.starts_with("GET");
            let has_header = transport != Transport::Hybrid
                && revision >= Revision::V2025_06_18
                && !opens_sse_stream;
            assert_eq!(
                header(record, "MCP-Protocol-Version"),
                has_header.then_some(revision.as_str()),
                "{context}: {record:?}"
            );
            let in_meta = &message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
            if revision.has_handshake() {
                assert_eq!(*in_meta, Value::Null, "{context}");
            } else {
                assert_eq!(*in_meta, revision.as_str(), "{context}: {record:?}");
                assert_eq!(header(record, "Mcp-Method"), Some(method), "{context}");
            }
        }
        let asked = records
            .iter()
            .filter(|record| message(record)["method"] == "initialize")
            .count();
        // Once to see whether it is spoken, once for the conversation; the URL of HTTP+SSE takes none and is asked first.
        let expected = match (revision.has_handshake(), transport) {
            (false, _) => 0,
            (true, Transport::Sse) => 3,
            (true, _) => 2,
        };
        assert_eq!(asked, expected, "{context}");
    }
}
