//! `check` against peers that misbehave: a clear verdict each, in bounded time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::peer::{Answer, Peer, event, initialized, response, stream_head, well_behaved};
use super::program::{Ended, start_with_report, steers};

/// No run against a peer may take more memory.
const PEAK_MIB_MAX: u64 = 200;

impl Peer {
    /// `check` against this peer.
    async fn check(&self) -> Ended {
        check(&self.url()).await
    }
}

/// Checks with patience for a busy machine: what a peer does to the check shows without any wait running out.
async fn check(url: &str) -> Ended {
    check_within(url, "10s").await
}

async fn check_within(url: &str, timeout: &str) -> Ended {
    let ended = start_with_report(&["check", url, "--timeout", timeout])
        .ended()
        .await;
    assert!(ended.peak_mib < PEAK_MIB_MAX, "{} MiB", ended.peak_mib);
    assert!(!steers(&ended.stdout), "{:?}", ended.stdout);
    assert!(!steers(&ended.stderr), "{:?}", ended.stderr);
    ended
}

/// What the checks that are red say came, one a line.
fn red(ended: &Ended) -> String {
    let report = ended.report();
    let checks = report["runs"][0]["checks"].as_array().unwrap();
    checks
        .iter()
        .filter(|check| check["verdict"] == "fail")
        .map(|check| format!("{}: {}\n", check["id"], check["got"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let ended = check(&url).await;
    ended.expect(3);
    let line = ended.one_line();
    assert!(line.contains("cannot be reached"), "{line}");
    assert!(line.contains(&url), "{line}");
    assert_eq!(ended.report()["runs"][0]["checks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn accepts_and_never_answers() {
    let peer = Peer::start(|_| Answer::Hold(Vec::new())).await;
    let ended = check_within(&peer.url(), "500ms").await;
    ended.expect(3);
    let line = ended.one_line();
    assert!(line.contains("no answer within 500 ms"), "{line}");
    assert!(
        ended.elapsed < Duration::from_secs(5),
        "{:?}",
        ended.elapsed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_html_with_success() {
    let peer = Peer::start(|_| response("200 OK", "text/html", "<html>Welcome</html>")).await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("text/html"), "{red}");
    assert!(red.contains("Welcome"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_does_not_work_out_is_doubted() {
    let peer = Peer::start(|_| response("200 OK", "text/html", "<html>Welcome</html>")).await;
    let doubted = peer.check().await;
    let first = doubted.stdout.lines().next().unwrap();
    assert!(first.contains("streamable-http  2025-11-25"), "{first}");
    let doubt = doubted.report()["runs"][0]["doubt"].to_string();
    for part in [
        "the handshake failed",
        "Is streamable-http the right transport? It was guessed because it answers a POST with success",
        "force another with --transport",
    ] {
        assert!(doubt.contains(part), "{doubt}");
    }
    let mut last = doubted.stdout.lines().rev();
    assert!(last.next().unwrap().starts_with("FAIL: "));
    assert!(
        last.take_while(|line| !line.is_empty())
            .any(|line| line.starts_with("DOUBT: ")),
        "{}",
        doubted.stdout
    );

    let url = peer.url();
    let args = ["check", &url, "--transport", "streamable-http"];
    let given = start_with_report(&args).ended().await;
    assert_eq!(given.report()["runs"][0]["doubt"], Value::Null);
    assert!(!given.stdout.contains("DOUBT"), "{}", given.stdout);
    assert!(
        given
            .stdout
            .contains("given: streamable-http 2025-11-25, because --transport says so"),
        "{}",
        given.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_html_with_404() {
    let peer = Peer::start(|_| response("404 Not Found", "text/html", "<h1>Not here</h1>")).await;
    let ended = peer.check().await;
    ended.expect(4);
    let line = ended.one_line();
    assert!(line.contains("is the path of the URL right?"), "{line}");
    assert!(line.contains("404"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_one_endless_line() {
    let peer = Peer::start(|_| {
        let first = [stream_head(), b"data: ".to_vec()].concat();
        Answer::Flood(first, vec![b'x'; 64 * 1024])
    })
    .await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("passed the bound"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_an_endless_block_of_short_lines() {
    let peer = Peer::start(|_| Answer::Flood(stream_head(), b"data: x\n".repeat(8 * 1024))).await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("passed the bound"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_endless_events() {
    let large = event(&json!({"method": "notifications/x", "params": "x".repeat(512 * 1024)}));
    let many = event(&json!({"method": "notifications/x", "params": vec![json!({}); 50_000]}));
    for piece in [large, many] {
        let peer =
            Peer::start(move |_| Answer::Flood(stream_head(), piece.clone().into_bytes())).await;
        let ended = peer.check().await;
        ended.expect(1);
        let red = red(&ended);
        assert!(red.contains("passed the bound"), "{red}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_stream_brings_endless_events() {
    let large = event(&json!({"method": "notifications/x", "params": "x".repeat(512 * 1024)}));
    let peer = Peer::start(move |asked| {
        if asked.method != "GET" {
            return well_behaved(asked);
        }
        Answer::Flood(stream_head(), large.clone().into_bytes())
    })
    .await;
    let ended = peer.check().await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    assert_eq!(ended.count("/summary/errors"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_a_whole_json_body_of_a_million_values() {
    let body = format!("[{}{{}}]", "{},".repeat(1_000_000));
    let peer = Peer::start(move |_| response("200 OK", "application/json", &body)).await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("passed the bound"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_by_an_endless_json_body() {
    let peer = Peer::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[".to_vec();
        Answer::Flood(head, b"{},".repeat(16 * 1024))
    })
    .await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("passed the bound"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_in_the_middle_of_an_event() {
    let peer = Peer::start(|asked| {
        let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": initialized(&json!("x"))});
        let text = event(&body);
        let half = &text.as_bytes()[..text.len() / 2];
        Answer::Bytes([&stream_head(), half].concat())
    })
    .await;
    let ended = peer.check().await;
    ended.expect(1);
    let red = red(&ended);
    assert!(red.contains("ended before a whole event"), "{red}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_before_any_byte() {
    let peer = Peer::start(|_| Answer::Bytes(Vec::new())).await;
    let ended = peer.check().await;
    ended.expect(3);
    let line = ended.one_line();
    assert!(
        line.contains("the connection broke before an answer"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn says_that_its_body_is_longer_than_it_is() {
    let peer = Peer::start(|asked| {
        let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": initialized(&json!("x"))});
        Answer::Bytes(
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{body}")
                .into_bytes(),
        )
    })
    .await;
    let ended = peer.check().await;
    ended.expect(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_ten_thousand_bytes_of_header_fields() {
    let peer = Peer::start(|asked| {
        let Answer::Bytes(bytes) = well_behaved(asked) else {
            unreachable!()
        };
        let text = String::from_utf8(bytes).unwrap();
        let field = format!("\r\nX-Long: {}\r\n", "x".repeat(10_000));
        Answer::Bytes(text.replacen("\r\n", &field, 1).into_bytes())
    })
    .await;
    let ended = peer.check().await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    assert_eq!(ended.report()["runs"][0]["server"], "scripted 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_do_not_reach_the_terminal_as_they_are() {
    let names: [(&str, &[u8]); 6] = [
        ("half a character", b"\"a\xc3\""),
        ("NUL, escaped", br#""a\u0000b""#),
        ("escape sequence", br#""\u001b[2J\u001b]0;owned\u0007""#),
        ("C1 control", br#""\u009b31m""#),
        ("right to left", br#""\u202egnp.exe""#),
        ("lone surrogate", br#""\ud800""#),
    ];
    for (case, name) in names {
        let peer = Peer::start(move |asked| {
            if asked.rpc() != "initialize" {
                return well_behaved(asked);
            }
            let body =
                json!({"jsonrpc": "2.0", "id": asked.id(), "result": initialized(&json!("NAME"))});
            let text = body.to_string();
            let (before, after) = text.split_once("\"NAME\"").unwrap();
            let body = [before.as_bytes(), name, after.as_bytes()].concat();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            Answer::Bytes([head.as_bytes(), &body].concat())
        })
        .await;
        // `check` looks at both outputs.
        let ended = peer.check().await;
        assert!(
            matches!(ended.code, Some(0 | 1)),
            "{case}: {}",
            ended.stderr
        );
        assert_eq!(ended.count("/summary/errors"), 0, "{case}");
        let report = ended.report_text.as_ref().unwrap();
        assert!(!steers(report), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_revision_does_not_reach_the_terminal_as_it_is() {
    let peer = Peer::start(|asked| {
        if asked.rpc() != "initialize" {
            return well_behaved(asked);
        }
        let mut result = initialized(&json!("x"));
        result["protocolVersion"] = json!("\u{1b}[2J\n2025-11-25");
        let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": result});
        response("200 OK", "application/json", &body.to_string())
    })
    .await;
    let url = peer.url();
    let args = [
        "check",
        &url,
        "--timeout",
        "500ms",
        "--revision",
        "2025-11-25",
    ];
    let ended = start_with_report(&args).ended().await;
    ended.expect(4);
    let line = ended.one_line();
    assert!(!steers(line), "{line:?}");
    assert!(line.contains("does not speak 2025-11-25"), "{line}");
    assert!(!steers(&ended.stdout), "{:?}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_origin_is_not_followed() {
    let other = Peer::start(well_behaved).await;
    let location = other.url();
    let peer = Peer::start(move |_| {
        Answer::Bytes(
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes(),
        )
    })
    .await;
    let ended = peer.check().await;
    ended.expect(4);
    assert!(
        ended.one_line().contains("redirects to"),
        "{}",
        ended.stderr
    );
    assert!(peer.connections() > 0);
    assert_eq!(other.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_tools_that_never_end() {
    let pages = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pages);
    let peer = Peer::start(move |asked| {
        if asked.rpc() != "tools/list" {
            return well_behaved(asked);
        }
        let page = count.fetch_add(1, Ordering::Relaxed);
        let result = json!({"tools": [], "nextCursor": format!("page-{page}")});
        let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": result});
        response("200 OK", "application/json", &body.to_string())
    })
    .await;
    let ended = peer.check().await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    assert_eq!(ended.count("/summary/errors"), 0);
    let pages = pages.load(Ordering::Relaxed);
    assert!((2..500).contains(&pages), "{pages} pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_of_the_server_get_a_bounded_number_of_answers() {
    let answers = Arc::new(AtomicUsize::new(0));
    let sessions = Arc::new(AtomicUsize::new(0));
    let (count, opened) = (Arc::clone(&answers), Arc::clone(&sessions));
    let peer = Peer::start(move |asked| {
        if asked.message.get("result").is_some() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if asked.rpc() == "initialize" {
            opened.fetch_add(1, Ordering::Relaxed);
        }
        if asked.rpc() != "ping" {
            return well_behaved(asked);
        }
        let pings: String = (0..1000)
            .map(|n| event(&json!({"jsonrpc": "2.0", "id": format!("ping-{n}"), "method": "ping"})))
            .collect();
        let own = event(&json!({"jsonrpc": "2.0", "id": asked.id(), "result": {}}));
        Answer::Bytes([stream_head(), pings.into_bytes(), own.into_bytes()].concat())
    })
    .await;
    let ended = peer.check().await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    assert_eq!(ended.count("/summary/errors"), 0);
    let answers = answers.load(Ordering::Relaxed);
    // A session answers so many requests of the server and no more.
    let most = sessions.load(Ordering::Relaxed) * 500;
    assert!((1..=most).contains(&answers), "{answers} answers");
}
