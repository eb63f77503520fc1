//! The way from a reference server to the verdicts on it.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mcp_plumb::detect::{DetectError, Means, Wish, detect};
use mcp_plumb::engine::{CheckOutcome, CheckPlan, Fixtures, Verdict, check, probes};
use mcp_plumb::protocol::{Revision, Transport};
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
        Transport::Sse => server.sse_url(),
        Transport::Hybrid => server.hybrid_url(),
    };
    let url = Url::parse(&url.unwrap()).unwrap();
    (server, url)
}

/// Made once: the root certificates of the machine take long to read.
static CLIENT: LazyLock<HttpClient> =
    LazyLock::new(|| HttpClient::new(ClientOptions::default()).unwrap());

pub(crate) fn means() -> Means {
    Means {
        client: CLIENT.clone(),
        recorder: Arc::new(Recorder::new(Redactor::default())),
        timeout: Duration::from_secs(5),
    }
}

/// A transport and the revision spoken over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) transport: Transport,
    pub(crate) revision: Revision,
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.revision)
    }
}

/// Everything that the suite finds at a URL.
pub(crate) async fn check_url(url: &Url, spoken: Spoken) -> CheckOutcome {
    let wish = Wish {
        transport: Some(spoken.transport),
        revision: Some(spoken.revision),
    };
    let means = means();
    let link = match detect(url, wish, &means).await {
        Ok(detected) => detected.link,
        // Some faults have the server choose another revision: it is judged by that.
        Err(DetectError::NotOffered { offered, .. }) => {
            let revision = offered.unwrap_or(spoken.revision);
            means.link(spoken.transport.dialect(url, revision), revision)
        }
        Err(error) => panic!("{error}"),
    };
    let plan = CheckPlan {
        link,
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
