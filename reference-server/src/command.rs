//! The server's command line, for its own binary and for `mcp-plumb serve`.

use std::fmt;
use std::str::FromStr;

use clap::Args;

use crate::config::{AnswerStyle, Config, CorsPolicy, TransportChoice};
use crate::faults::Fault;
use crate::revision::Revision;
use crate::server::{Counters, StartError, start};

/// A secret of the command line, which no debug output shows.
#[derive(Clone)]
pub struct Token(String);

impl FromStr for Token {
    type Err = EmptyToken;

    fn from_str(token: &str) -> Result<Self, EmptyToken> {
        if token.is_empty() {
            return Err(EmptyToken);
        }
        Ok(Self(token.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A token without characters, which would protect nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least one character")]
pub struct EmptyToken;

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Which transports to serve: all, streamable-http, sse or hybrid.
    #[arg(long, default_value = "all")]
    pub transport: TransportChoice,
    /// The one revision to serve; without it, all.
    #[arg(long, value_name = "DATE")]
    pub revision: Option<Revision>,
    /// A bearer token that every request has to bring.
    #[arg(long, value_name = "TOKEN")]
    pub auth_token: Option<Token>,
    /// A rule to break on purpose, by the id of the fault. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    pub faults: Vec<Fault>,
    /// An origin besides loopback ones that browsers may call from, or 'any'. May be given several times.
    #[arg(long = "cors", value_name = "ORIGIN")]
    pub cors: Vec<String>,
    /// Answer requests by json (where nothing speaks against it) or always by sse.
    #[arg(long, default_value = "json")]
    pub answer: AnswerStyle,
    /// How many events may wait on a stream before its reader counts as too slow.
    #[arg(long, value_name = "N", default_value_t = Config::default().queue_per_stream)]
    pub queue_per_stream: usize,
}

impl ServeOptions {
    /// The server that these options ask for.
    pub fn into_config(self) -> Config {
        let cors = if self.cors.iter().any(|origin| origin == "any") {
            CorsPolicy::Any
        } else if self.cors.is_empty() {
            CorsPolicy::Closed
        } else {
            CorsPolicy::Origins(self.cors)
        };
        Config {
            port: self.port,
            transport: self.transport,
            revision: self.revision,
            auth_token: self.auth_token.map(|token| token.0),
            faults: self.faults.into_iter().collect(),
            cors,
            answer: self.answer,
            queue_per_stream: self.queue_per_stream,
            ..Config::default()
        }
    }

    /// Serves until `stop` is ready. Says on stdout where, and at the end what was delivered.
    ///
    /// # Errors
    /// If the port cannot be listened on.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let server = start(self.into_config()).await?;
        let urls = [
            ("streamable-http", server.streamable_url()),
            ("sse", server.sse_url()),
            ("hybrid", server.hybrid_url()),
        ];
        for (name, url) in urls {
            if let Some(url) = url {
                println!("{name:<16} {url}");
            }
        }
        stop.await;
        let counters = server.counters();
        server.shutdown().await;
        print_summary(&counters);
        Ok(())
    }
}

fn print_summary(counters: &Counters) {
    println!(
        "{} streams, {} deliveries; {} dropped and {} doubled on purpose, {} lost by slow readers",
        counters.streams_total,
        counters.deliveries,
        counters.dropped_by_fault,
        counters.doubled_by_fault,
        counters.dropped_slow_reader,
    );
}
