//! Asks a server whether it answers HTTP at all.

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::Refusal;
use crate::protocol::HttpRequest;
use crate::transport::tls::TlsOptions;
use crate::transport::{ClientOptions, Failure, HttpClient};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long is waited between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks with OPTIONS, which changes nothing anywhere (RFC 9110, 9.2.1), and sends no credentials. Whether a certificate
/// is good is for the run to say, so none is verified.
pub(super) struct Probe {
    client: HttpClient,
    request: HttpRequest,
}

/// Whether a server answers.
pub(super) enum Answering {
    /// It does, whatever it says.
    Yes,
    /// It does not; why.
    NotYet(Failure),
}

impl Probe {
    pub(super) fn new(url: &Url) -> Result<Self, Refusal> {
        let client = HttpClient::new(ClientOptions {
            connect_timeout: PATIENCE,
            tls: TlsOptions::default().insecure(),
            ..ClientOptions::default()
        })
        .map_err(Refusal::ours)?;
        Ok(Self {
            client,
            request: HttpRequest::new("OPTIONS", url.clone()),
        })
    }

    /// Asks once.
    pub(super) async fn ask(&self) -> Answering {
        match self.client.open(&self.request, PATIENCE).await {
            Ok(_) => Answering::Yes,
            Err(failure) if failure != Failure::NoAnswer(PATIENCE) && self.refuses_us().await => {
                Answering::Yes
            }
            Err(failure) => Answering::NotYet(failure),
        }
    }

    /// Whether an encrypted server is there and does not like us: it may want a client certificate. What is wrong is for
    /// the run to say.
    async fn refuses_us(&self) -> bool {
        let url = &self.request.url;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return false;
        };
        let host = host.trim_matches(['[', ']']);
        let connect = tokio::net::TcpStream::connect((host, port));
        url.scheme() == "https" && matches!(timeout(PATIENCE, connect).await, Ok(Ok(_)))
    }

    /// Asks until it is answered, and keeps in `last` why it was not.
    pub(super) async fn until_answered(&self, last: &mut Option<Failure>) {
        while let Answering::NotYet(failure) = self.ask().await {
            *last = Some(failure);
            tokio::time::sleep(PAUSE).await;
        }
    }
}
