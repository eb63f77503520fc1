//! Finds the target: the URL that the user gives, or the embedded reference server.

use std::sync::Arc;

use mcp_plumb_reference_server::{Config, TransportChoice};
use mcp_plumb_reference_server::{RunningServer, start};
use url::Url;

use super::Refusal;
use super::args::TargetArgs;
use crate::detect::Means;
use crate::protocol::Transport;
use crate::report::{Document, Target};
use crate::transport::{ClientOptions, HttpClient, Recorder, Redactor};

/// A target, and the reference server if that is it.
pub(super) struct Subject {
    pub(super) url: Url,
    pub(super) embedded: Option<RunningServer>,
    pub(super) means: Means,
}

impl Subject {
    /// Takes the URL of the command line, or starts the reference server.
    pub(super) async fn find(args: &TargetArgs) -> Result<Self, Refusal> {
        let url = args.url()?;
        let access = args.access.read()?;
        let (url, embedded) = match url {
            Some(url) => (url, None),
            None => {
                let transport = args.transport.0.unwrap_or(Transport::StreamableHttp);
                let (url, server) = embedded_server(transport).await?;
                (url, Some(server))
            }
        };
        let client = HttpClient::new(ClientOptions {
            connect_timeout: args.timeout.0,
            headers: access.headers,
            tls: access.tls,
            ..ClientOptions::default()
        })
        .map_err(Refusal::ours)?;
        let redactor = Redactor::new(&client.options().headers).with_url(&url);
        Ok(Self {
            url,
            embedded,
            means: Means {
                client,
                recorder: Arc::new(Recorder::new(redactor)),
                timeout: args.timeout.0,
            },
        })
    }

    /// A document about it, of which only the URL is known yet.
    pub(super) fn document(&self) -> Document {
        Document::new(Target {
            url: self.means.recorder.redactor().url(&self.url),
            unverified: self.url.scheme() == "https"
                && self.means.client.options().tls.is_insecure(),
        })
    }

    /// Stops the reference server, if it was started.
    pub(super) async fn finish(self) {
        if let Some(server) = self.embedded {
            server.shutdown().await;
        }
    }
}

/// Starts the reference server on a free loopback port; the URL is that of its endpoint for `transport`.
pub(super) async fn embedded_server(transport: Transport) -> Result<(Url, RunningServer), Refusal> {
    let config = Config {
        transport: TransportChoice::All,
        ..Config::default()
    };
    let server = start(config)
        .await
        .map_err(|error| Refusal::ours(format!("cannot start the reference server: {error}")))?;
    let url = match transport {
        Transport::StreamableHttp => server.streamable_url(),
        Transport::Sse => server.sse_url(),
        Transport::Hybrid => server.hybrid_url(),
    };
    let url = url
        .and_then(|url| Url::parse(&url).ok())
        .ok_or_else(|| Refusal::ours("the reference server does not say where it is"))?;
    Ok((url, server))
}
