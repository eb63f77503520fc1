//! What MCP says, without any I/O: revisions, transports, JSON-RPC messages and the wire dialects.
//!
//! Nothing here opens a socket or reads a clock. A dialect turns a message and the state of a session into an
//! [`HttpRequest`]; the `transport` module sends it.

pub mod client;
pub mod dialect;
pub mod http;
pub mod instance;
pub mod jsonrpc;
pub mod revision;

pub use dialect::{Dialect, Endpoints, Known, SessionState, Transport};
pub use http::{Headers, HttpRequest};
pub use jsonrpc::MessageKind;
pub use revision::{Revision, RevisionRange};
