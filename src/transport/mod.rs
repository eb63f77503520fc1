//! What crosses the wire: HTTP exchanges, event streams and sessions, all recorded and all bounded.

mod answers;
pub mod challenge;
pub mod channel;
pub mod client;
pub mod curl;
pub mod exchange;
mod json;
pub mod link;
pub mod recorder;
pub mod redact;
pub mod session;
pub mod sse;
pub mod stream;
pub mod tls;

#[cfg(test)]
mod client_tests;

pub use client::{ClientOptions, Failure, HttpClient};
pub use exchange::{BodyEnd, Exchange, Reply};
pub use link::{KnownServer, Link, OpenSessions};
pub use recorder::{Record, Recorder};
pub use redact::Redactor;
pub use session::{ConnectError, Connected, Session, Special};
pub use stream::{Arrival, EventStream, Retention};
pub use tls::TlsOptions;
