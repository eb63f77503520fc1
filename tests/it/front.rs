//! A TLS front before a server: it takes HTTP/1.1 and HTTP/2, sends on what comes, and remembers the heads.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use url::Url;

/// The largest request body that is sent on.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name or address.
    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.issue_with(name, |_| {})
    }

    /// The same, changed before it is signed.
    pub(crate) fn issue_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &self.0).unwrap(),
            key,
        }
    }
}

/// How a front speaks TLS.
pub(crate) struct Manner<'a> {
    pub(crate) identity: &'a Identity,
    /// What it offers by ALPN: `h2` and `http/1.1`.
    pub(crate) alpn: &'a [&'a str],
    /// Whose client certificates it requires.
    pub(crate) clients_of: Option<&'a Authority>,
}

impl<'a> Manner<'a> {
    pub(crate) fn new(identity: &'a Identity, alpn: &'a [&'a str]) -> Self {
        Self {
            identity,
            alpn,
            clients_of: None,
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match self.clients_of {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .unwrap();
                config.with_client_cert_verifier(verifier)
            }
        };
        let Identity { certificate, key } = self.identity;
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = self
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A front. Dropping it ends its connections.
pub(crate) struct Front {
    port: u16,
    path: String,
    seen: Arc<Mutex<Vec<(Version, HeaderMap)>>>,
    _tasks: JoinSet<()>,
}

impl Front {
    /// Starts one before `target`.
    pub(crate) async fn start(target: &Url, manner: &Manner<'_>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, ready) = mpsc::channel(64);
        let seen = Arc::default();
        let onward = Onward {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            target: target.clone(),
            seen: Arc::clone(&seen),
        };
        let app = Router::new().fallback(send_on).with_state(onward);
        let mut tasks = JoinSet::new();
        tasks.spawn(shake_hands(listener, manner.acceptor(), sender));
        tasks.spawn(async move { axum::serve(Ready { ready, address }, app).await.unwrap() });
        Self {
            port: address.port(),
            path: target.path().to_owned(),
            seen,
            _tasks: tasks,
        }
    }

    /// The target's URL by way of the front.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}{}", self.port, self.path)
    }

    /// The version and the header fields of all requests so far.
    pub(crate) fn seen(&self) -> Vec<(Version, HeaderMap)> {
        self.seen.lock().unwrap().clone()
    }
}

/// Accepts connections; each handshake has a task of its own.
async fn shake_hands(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let mut handshakes = JoinSet::new();
    while let Ok((stream, address)) = listener.accept().await {
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        handshakes.spawn(async move {
            match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => sender.send((stream, address)).await.unwrap(),
                Err((_, mut stream)) => {
                    // What is unread at the close would reset the connection, and the alert would be lost.
                    let _ = stream.shutdown().await;
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            }
        });
        while handshakes.try_join_next().is_some() {}
    }
}

/// Connections after the handshake.
struct Ready {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl axum::serve::Listener for Ready {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

#[derive(Clone)]
struct Onward {
    client: reqwest::Client,
    target: Url,
    seen: Arc<Mutex<Vec<(Version, HeaderMap)>>>,
}

async fn send_on(State(onward): State<Onward>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (version, headers) = (head.version, head.headers.clone());
    onward.seen.lock().unwrap().push((version, headers));
    let mut url = onward.target.clone();
    url.set_path(head.uri.path());
    url.set_query(head.uri.query());
    let mut headers = head.headers;
    for own in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(own);
    }
    // HTTP/2 has the host elsewhere (RFC 9113, 8.3.1).
    if let Some(authority) = head.uri.authority() {
        headers.insert(header::HOST, authority.as_str().parse().unwrap());
    }
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let sent = onward.client.request(head.method, url).headers(headers);
    match sent.body(body).send().await {
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        Ok(answer) => {
            let (status, mut headers) = (answer.status(), answer.headers().clone());
            headers.remove(header::CONNECTION);
            headers.remove(header::TRANSFER_ENCODING);
            (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
        }
    }
}
