//! The way from a reference server to the verdicts on it.

use std::sync::Arc;
use std::time::Duration;

use mcp_plumb::detect::{Means, Wish, detect};
use mcp_plumb::engine::{CheckOutcome, CheckPlan, Fixtures, Verdict, check, probes};
use mcp_plumb::protocol::Transport;
use mcp_plumb::scenario::Library;
use mcp_plumb::transport::{ClientOptions, HttpClient, Recorder, Redactor};
use mcp_plumb_reference_server::{Config, RunningServer, start};
use tokio_util::sync::CancellationToken;
use url::Url;

/// A server with these settings, and the URL of one of its dialects.
pub(crate) async fn server(config: Config, transport: Transport) -> (RunningServer, Url) {
    let server = start(config).await.unwrap();
    let url = match transport {
        Transport::StreamableHttp => server.streamable_url(),
        Transport::Hybrid => server.hybrid_url(),
    };
    let url = Url::parse(&url.unwrap()).unwrap();
    (server, url)
}

pub(crate) fn means() -> Means {
    Means {
        client: HttpClient::new(ClientOptions::default()).unwrap(),
        recorder: Arc::new(Recorder::new(Redactor::default())),
        timeout: Duration::from_secs(5),
    }
}

/// Everything that the suite finds at a URL.
pub(crate) async fn check_url(url: &Url, transport: Transport) -> CheckOutcome {
    let wish = Wish {
        transport: Some(transport),
        revision: None,
    };
    let detected = detect(url, wish, &means()).await.unwrap();
    let plan = CheckPlan {
        link: detected.link,
        library: Library::embedded(&probes::names()).unwrap(),
        fixtures: Fixtures::reference(),
        cancel: CancellationToken::new(),
    };
    check(plan, &()).await
}

/// The ids of the checks that are not green, with their verdict; skips aside.
pub(crate) fn red(outcome: &CheckOutcome) -> Vec<String> {
    let mut red: Vec<String> = outcome
        .results
        .iter()
        .filter(|result| !matches!(result.verdict, Verdict::Pass | Verdict::Skip))
        .map(|result| format!("{} {}", result.verdict, result.id))
        .collect();
    red.sort();
    red
}
