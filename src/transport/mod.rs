//! What crosses the wire: HTTP exchanges, event streams and sessions, all recorded and all bounded.

pub mod client;
pub mod curl;
pub mod exchange;
mod json;
pub mod recorder;
pub mod redact;
pub mod session;
pub mod sse;
pub mod stream;

#[cfg(test)]
mod client_tests;

pub use client::{ClientOptions, Failure, HttpClient};
pub use exchange::{BodyEnd, Exchange, Reply};
pub use recorder::{Record, Recorder};
pub use redact::Redactor;
pub use session::{ConnectError, Connected, Link, Session, Special};
pub use stream::{Arrival, EventStream};
