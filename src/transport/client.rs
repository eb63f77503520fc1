//! The HTTP client: no proxy, no decompression, no redirect followed, every wait bounded.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::tls::{self, TlsOptions};
use crate::protocol::{Headers, HttpRequest};

/// How a client connects.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// Whether idle connections are kept for the next request. Off for conformance, where a connection that the target
    /// closed a moment ago must not look like a failure of the next request; on for load.
    pub keep_alive: bool,
    /// The source address, for more streams than one address has ports.
    pub local_address: Option<IpAddr>,
    /// Fields added to every request that does not set them itself.
    pub headers: Headers,
    /// How an encrypted target is known.
    pub tls: TlsOptions,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            keep_alive: false,
            local_address: None,
            headers: Headers::new(),
            tls: TlsOptions::default(),
        }
    }
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up the HTTP client")]
pub struct ClientError(#[source] reqwest::Error);

/// Why an exchange has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The connection could not be made.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection stands, and nothing came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    NoAnswer(Duration),
    /// The connection ended or what came was not HTTP.
    #[error("the connection broke before an answer: {0}")]
    Broken(String),
    /// What came cannot be gone on with; what it was.
    #[error("{0}")]
    Unusable(String),
    /// The stream that should name the URL for messages (2024-11-05) does not; why.
    #[error("{0}")]
    NoEndpoint(String),
    /// The request cannot be put on the wire; this is our own fault.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

impl Failure {
    /// A word that groups failures of one kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::NoAnswer(_) => "no-answer",
            Self::Broken(_) => "broken",
            Self::Unusable(_) => "unusable",
            Self::NoEndpoint(_) => "no-endpoint",
            Self::Unsendable(_) => "unsendable",
        }
    }
}

/// Sends requests. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: reqwest::Client,
    options: Arc<ClientOptions>,
    /// Whether anything was ever answered, so that it is no longer in doubt whether we are let in.
    answered: Arc<AtomicBool>,
}

impl HttpClient {
    /// Builds a client.
    ///
    /// # Errors
    /// If `options` do not fit this machine.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let idle = if options.keep_alive { usize::MAX } else { 0 };
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("mcp-plumb/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .no_gzip()
                .redirect(reqwest::redirect::Policy::none())
                // A request that a server may have seen is never sent again: a publish would be counted twice.
                .retry(reqwest::retry::never())
                .connect_timeout(options.connect_timeout)
                .pool_max_idle_per_host(idle)
                .tcp_nodelay(true)
                .local_address(options.local_address)
        };
        let inner = options.tls.build(builder).map_err(ClientError)?;
        Ok(Self {
            inner,
            options: Arc::new(options),
            answered: Arc::default(),
        })
    }

    /// What it was built from.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// The request as it will be sent, with the fields that the user added.
    pub fn complete(&self, mut request: HttpRequest) -> HttpRequest {
        // Decided before any is added: the user may give several fields of one name.
        let added: Vec<(&str, &str)> = self
            .options
            .headers
            .iter()
            .filter(|(name, _)| request.headers.get(name).is_none())
            .collect();
        for (name, value) in added {
            request.headers.push(name, value);
        }
        request
    }

    /// Sends a completed request and returns once the response head is in, or after `patience`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open(
        &self,
        request: &HttpRequest,
        patience: Duration,
    ) -> Result<reqwest::Response, Failure> {
        let encrypted = request.url.scheme() == "https";
        let request = lower(request)?;
        match tokio::time::timeout(patience, self.inner.execute(request)).await {
            Err(_elapsed) => Err(Failure::NoAnswer(patience)),
            Ok(Ok(response)) => {
                self.answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Ok(Err(error)) => Err(self.failure(&error, encrypted)),
        }
    }

    fn failure(&self, error: &reqwest::Error, encrypted: bool) -> Failure {
        // A target may also refuse the client's certificate after the handshake (RFC 8446, 4.4.2.4).
        if let Some(meaning) = tls::explain(error) {
            return Failure::Connect(meaning);
        }
        let cause = root_cause(error);
        if error.is_connect() && error.is_timeout() {
            let what = if encrypted {
                "no connection with a finished TLS handshake"
            } else {
                "no connection"
            };
            let limit = self.options.connect_timeout.as_millis();
            Failure::Connect(format!("{what} within {limit} ms"))
        } else if error.is_connect() {
            Failure::Connect(cause)
        } else if encrypted && !self.answered.load(Ordering::Relaxed) {
            // Over HTTP/2 the alert that says so is lost.
            Failure::Broken(format!(
                "{cause}; it may require a client certificate that it accepts, see --cert and --key"
            ))
        } else if cause == NOT_HTTP && !encrypted {
            Failure::Broken("what it answers is not HTTP; is the URL https://…?".to_owned())
        } else {
            Failure::Broken(cause)
        }
    }
}

/// What hyper says of an answer that does not begin with `HTTP/`.
const NOT_HTTP: &str = "invalid HTTP version parsed";

fn lower(request: &HttpRequest) -> Result<reqwest::Request, Failure> {
    let unsendable = |what: &dyn std::fmt::Display| Failure::Unsendable(what.to_string());
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|error| unsendable(&error))?;
    let mut lowered = reqwest::Request::new(method, request.url.clone());
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers.iter() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unsendable(&error))?;
        let value =
            HeaderValue::from_bytes(value.as_bytes()).map_err(|error| unsendable(&error))?;
        headers.append(name, value);
    }
    *lowered.headers_mut() = headers;
    *lowered.body_mut() = request.body.clone().map(reqwest::Body::from);
    Ok(lowered)
}

/// The header fields of a response; bytes that are no UTF-8 are replaced.
pub fn headers_of(response: &reqwest::Response) -> Headers {
    response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// The innermost cause: reqwest's own text repeats the URL and says little.
pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
