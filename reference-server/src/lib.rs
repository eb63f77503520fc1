//! The MCP server that `mcp-plumb` measures others against.
//!
//! Without faults it keeps every rule of its dialects; with [`Fault`]s it breaks exactly the ones that
//! are asked for. It shares no code with the harness, so that an error in one does not hide in the other.
//!
//! It listens on 127.0.0.1 only and knows no users, and no secret but the token that it is given.
//!
//! ```
//! use mcp_plumb_reference_server::{Config, start};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = start(Config::default()).await?;
//! assert!(server.streamable_url().is_some_and(|url| url.ends_with("/mcp")));
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod command;
mod config;
mod connection;
mod cors;
mod fanout;
mod faults;
mod features;
mod history;
mod interest;
mod jsonrpc;
mod lock;
mod negotiated;
mod origin;
mod outbox;
mod outstanding;
mod revision;
mod server;
mod session;
mod sse;
mod wire;

pub use config::{AnswerStyle, BODY_BYTES_MAX, Config, CorsPolicy, TransportChoice, UnknownName};
pub use faults::{Fault, FaultInfo, FaultSet, UnknownFault};
pub use revision::Revision;
pub use server::{Counters, RunningServer, StartError, start};
