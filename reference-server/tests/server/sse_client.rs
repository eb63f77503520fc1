//! A client of HTTP+SSE, and sessions of Streamable HTTP with a choice of revision and capabilities.

use mcp_plumb_reference_server::RunningServer;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Events, http, request, send};

/// One connection of HTTP+SSE.
#[derive(Debug)]
pub(crate) struct SseClient {
    pub(crate) http: reqwest::Client,
    pub(crate) events: Events,
    pub(crate) endpoint: String,
}

impl SseClient {
    /// Opens the stream and reads the address to POST to.
    pub(crate) async fn open(server: &RunningServer) -> Self {
        let url = server.sse_url().unwrap();
        let http = http();
        let mut events = Events::open(http.get(&url)).await;
        let first = events.block().await.unwrap();
        let address = first.strip_prefix("event: endpoint\ndata: ").unwrap();
        let address = address.trim_matches('"');
        assert!(address.starts_with("/messages?session_id="), "{first}");
        let endpoint = format!("{}{address}", url.strip_suffix("/sse").unwrap());
        Self {
            http,
            events,
            endpoint,
        }
    }

    /// A connection that is ready for use.
    pub(crate) async fn session(server: &RunningServer, version: &str) -> Self {
        let mut client = Self::open(server).await;
        let result = client
            .ask(&initialize_with(version, json!({"roots": {}})))
            .await;
        assert_eq!(result["result"]["protocolVersion"], version, "{result}");
        client.initialized().await;
        client
    }

    pub(crate) async fn initialized(&self) {
        let notice = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(self.post(&notice).await.status, 202);
    }

    pub(crate) async fn post(&self, message: &Value) -> Answer {
        send(self.http.post(&self.endpoint).json(message)).await
    }

    /// The next message of the stream.
    pub(crate) async fn message(&mut self) -> Value {
        self.events
            .message()
            .await
            .expect("a message before the end")
    }

    /// The response to a request, which is the next message.
    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        let answer = self.post(message).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, ""));
        self.message().await
    }
}

pub(crate) fn initialize_with(version: &str, capabilities: Value) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"},
    });
    request(1, "initialize", params)
}

/// A session of Streamable HTTP that is ready for use.
pub(crate) async fn session_with(
    server: &RunningServer,
    version: &str,
    capabilities: Value,
) -> Client {
    let mut client = Client::new(server.streamable_url());
    let answer = client.post(&initialize_with(version, capabilities)).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], version);
    client.session = answer.session;
    client.initialized().await;
    client
}

/// The messages of an answer that is a stream.
pub(crate) fn messages(answer: &Answer) -> Vec<Value> {
    let data = |line: &str| line.strip_prefix("data: ").map(str::to_owned);
    answer
        .body
        .lines()
        .filter_map(data)
        .map(|data| serde_json::from_str(&data).unwrap())
        .collect()
}
