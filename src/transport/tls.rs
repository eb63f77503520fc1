//! How a client knows an encrypted target, and shows itself to it; and what a failed TLS handshake means.

use std::error::Error;
use std::io;

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// How much of an answer is searched for the words that ask for TLS.
const BODY_BYTES_READ: usize = 4096;

/// Whom a client trusts, and the certificate that it shows. Plain `http` uses none of it.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    roots: Vec<Certificate>,
    identity: Option<Identity>,
    insecure: bool,
}

/// Why a PEM text cannot be used. The text completes "FILE …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// There is no certificate in it.
    #[error(
        "holds no PEM certificate (-----BEGIN CERTIFICATE-----); a DER file is turned into PEM with 'openssl x509 -inform der'"
    )]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("holds a certificate that cannot be read: {0}")]
    BadCertificate(String),
    /// There is no private key in it.
    #[error("holds no PEM private key (PKCS#8, RSA or EC)")]
    NoKey,
    /// The key is encrypted, and nobody is asked for a passphrase.
    #[error("holds an encrypted key; decrypt it first, for instance with 'openssl pkey'")]
    EncryptedKey,
    /// The key is of a kind that is not known, or not that of the certificate.
    #[error("cannot be used with its certificate: {0}")]
    BadKey(String),
}

impl PemError {
    /// Whether the private key is what is wrong.
    pub fn is_about_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::EncryptedKey | Self::BadKey(_))
    }
}

impl TlsOptions {
    /// Trusts the authorities of a PEM text too, beside those of the system.
    ///
    /// # Errors
    /// If it holds no certificate, or one that cannot be read.
    pub fn trust_pem(mut self, pem: &[u8]) -> Result<Self, PemError> {
        let bad = |error: reqwest::Error| PemError::BadCertificate(told(&error));
        let roots = Certificate::from_pem_bundle(pem).map_err(bad)?;
        if roots.is_empty() {
            return Err(PemError::NoCertificate);
        }
        // Certificates are looked into only when a client is built.
        ClientBuilder::new()
            .no_proxy()
            .tls_certs_only(roots.clone())
            .build()
            .map_err(bad)?;
        self.roots.extend(roots);
        Ok(self)
    }

    /// Shows a client certificate: a PEM text with the certificate, any intermediate ones after it, and its key.
    ///
    /// # Errors
    /// If either is missing or cannot be read, or if they are not of one pair.
    pub fn identify_pem(mut self, pem: &[u8]) -> Result<Self, PemError> {
        let holds = |label: &str| {
            let line = format!("{label}-----");
            pem.windows(line.len())
                .any(|window| window == line.as_bytes())
        };
        if !holds("-----BEGIN CERTIFICATE") {
            return Err(PemError::NoCertificate);
        }
        if holds("-----BEGIN ENCRYPTED PRIVATE KEY") {
            return Err(PemError::EncryptedKey);
        }
        if !holds("PRIVATE KEY") {
            return Err(PemError::NoKey);
        }
        let bad = |error: reqwest::Error| PemError::BadKey(told(&error));
        let identity = Identity::from_pem(pem).map_err(bad)?;
        ClientBuilder::new()
            .no_proxy()
            .tls_certs_only([])
            .identity(identity.clone())
            .build()
            .map_err(bad)?;
        self.identity = Some(identity);
        Ok(self)
    }

    /// Verifies nothing: anybody on the way can read and change all that is sent.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Whether certificates go unverified.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// A client made from `builder`. A system without any authority of its own is no error, so that a plain target can
    /// be reached from it.
    pub(super) fn build(
        &self,
        builder: impl Fn() -> ClientBuilder,
    ) -> reqwest::Result<reqwest::Client> {
        let with_identity = || match &self.identity {
            Some(identity) => builder().identity(identity.clone()),
            None => builder(),
        };
        with_identity()
            .tls_danger_accept_invalid_certs(self.insecure)
            .tls_certs_merge(self.roots.clone())
            .build()
            .or_else(|_no_roots| {
                with_identity()
                    .tls_danger_accept_invalid_certs(self.insecure)
                    .tls_certs_only(self.roots.clone())
                    .build()
            })
    }
}

/// Whether an answer to a plain request says that the port speaks TLS: the words of nginx, of Go's server and of Apache.
pub fn asks_for_tls(status: u16, body: &[u8]) -> bool {
    const WORDS: [&str; 3] = [
        "plain HTTP request was sent to HTTPS port",
        "Client sent an HTTP request to an HTTPS server",
        "speaking plain HTTP to an SSL-enabled server port",
    ];
    let beginning = body.get(..BODY_BYTES_READ).unwrap_or(body);
    let text = String::from_utf8_lossy(beginning);
    status == 400 && WORDS.iter().any(|words| text.contains(words))
}

/// What a failed handshake means and what to do about it, if `error` is about TLS.
pub(super) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    handshake_error(error).map(meaning)
}

/// The innermost text of an error about TLS.
fn told(error: &(dyn Error + 'static)) -> String {
    handshake_error(error).map_or_else(
        || super::client::root_cause(error),
        |error| error.to_string(),
    )
}

/// The TLS error among the causes. An [`io::Error`] holds it without naming it as its source.
fn handshake_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        cause = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

const OR_INSECURE: &str = "or go on unverified with --insecure";

fn meaning(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => meaning_of_certificate(error),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)
        | rustls::Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => {
            "what it answers is not TLS; is the URL http://…?".to_owned()
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => "it requires a client certificate; give one with --cert and --key".to_owned(),
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied),
        ) => format!(
            "it does not accept the client certificate (alert {alert:?}); see --cert and --key"
        ),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it does not serve the host name of the URL (alert UnrecognizedName)".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "it refused the TLS handshake; it may require a client certificate (--cert, --key), or a cipher that is not \
             offered"
                .to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(_) => {
            format!("it offers no TLS that is spoken here, which is 1.2 and 1.3: {error}")
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn meaning_of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => format!(
            "its certificate is signed by an authority that is not known here; give that authority's certificate with \
             --cacert, {OR_INSECURE}"
        ),
        CertificateError::BadSignature => format!(
            "its certificate is not signed by the authority of that name that is known here; give the right one with \
             --cacert, {OR_INSECURE}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("its certificate has expired; renew it, {OR_INSECURE} ({error})")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
            "its certificate is not valid yet; look at the clocks of both machines, {OR_INSECURE} ({error})"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "its certificate is for another host name; use a name in the URL that it is for, {OR_INSECURE} ({error})"
            )
        }
        CertificateError::Revoked => {
            format!("its certificate is revoked; replace it, {OR_INSECURE}")
        }
        // webpki's own error, which rustls passes on without a name.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            format!(
                "its certificate is that of an authority (CA:TRUE), which no server may show; make one with CA:FALSE, \
                 {OR_INSECURE}"
            )
        }
        other => format!("its certificate is not accepted, {OR_INSECURE}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_ask_for_tls_in_words_of_their_own() {
        let go = b"Client sent an HTTP request to an HTTPS server.\n";
        assert!(asks_for_tls(400, go));
        assert!(!asks_for_tls(200, go), "a page may speak of it");
        let nginx = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
        assert!(asks_for_tls(400, nginx.as_bytes()));
        for body in [&b""[..], b"Bad Request", &[0xff; 10_000]] {
            assert!(!asks_for_tls(400, body));
        }
    }

    #[test]
    fn each_failure_of_a_handshake_says_what_to_do() {
        use rustls::Error;
        for (error, expected) in [
            (CertificateError::UnknownIssuer.into(), "--cacert"),
            (CertificateError::BadSignature.into(), "--cacert"),
            (CertificateError::Expired.into(), "expired"),
            (CertificateError::NotValidYet.into(), "clocks"),
            (CertificateError::NotValidForName.into(), "host name"),
            (CertificateError::Revoked.into(), "revoked"),
            (CertificateError::BadEncoding.into(), "not accepted"),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                "--cert and --key",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "--cert and --key",
            ),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                "--cert, --key",
            ),
            (
                Error::AlertReceived(AlertDescription::UnrecognisedName),
                "host name",
            ),
            (
                Error::AlertReceived(AlertDescription::ProtocolVersion),
                "1.2 and 1.3",
            ),
            (
                InvalidMessage::InvalidContentType.into(),
                "is the URL http://",
            ),
            (Error::DecryptError, "handshake failed"),
        ] {
            let wrapped = io::Error::other(io::Error::other(error));
            let told = explain(&wrapped).unwrap();
            assert!(told.contains(expected), "{told}");
        }
        assert_eq!(explain(&io::Error::other("not about TLS")), None);
    }
}
