//! A plain client that knows just enough of both dialects.

use std::time::Duration;

use mcp_plumb_reference_server::{Config, Fault, FaultSet, RunningServer, start};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// No wait in these tests is longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn server() -> RunningServer {
    start(Config::default()).await.unwrap()
}

pub(crate) async fn server_with(faults: FaultSet) -> RunningServer {
    let config = Config {
        faults,
        ..Config::default()
    };
    start(config).await.unwrap()
}

pub(crate) fn only(fault: Fault) -> FaultSet {
    FaultSet::default().with(fault)
}

pub(crate) fn http() -> reqwest::Client {
    // No roots: nothing here is encrypted, and reading them takes longer than most of the tests.
    let builder = reqwest::Client::builder().no_proxy();
    builder.tls_certs_only([]).build().unwrap()
}

pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

pub(crate) fn initialize(version: &str) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": {"roots": {}, "unknown": {"x": 1}},
        "clientInfo": {"name": "test", "version": "1"},
    });
    request(1, "initialize", params)
}

pub(crate) fn call(tool: &str, arguments: Value) -> Value {
    request(
        7,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media_type: String,
    pub(crate) session: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn error_code(&self) -> Value {
        self.json()["error"]["code"].clone()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = tokio::time::timeout(DEADLINE, request.send())
        .await
        .expect("an answer in time")
        .unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    Answer {
        status: response.status(),
        media_type: header("content-type").unwrap_or_default(),
        session: header("mcp-session-id"),
        body: tokio::time::timeout(DEADLINE, response.text())
            .await
            .expect("a body in time")
            .unwrap(),
    }
}

/// A client of either dialect.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) session: Option<String>,
}

impl Client {
    pub(crate) fn new(url: Option<String>) -> Self {
        Self {
            http: http(),
            url: url.unwrap(),
            session: None,
        }
    }

    /// A session of Streamable HTTP, ready for use.
    pub(crate) async fn session(server: &RunningServer) -> Self {
        let mut client = Self::new(server.streamable_url());
        let answer = client.post(&initialize("2025-11-25")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        client.session = answer.session;
        client.initialized().await;
        client
    }

    pub(crate) fn hybrid(server: &RunningServer) -> Self {
        Self::new(server.hybrid_url())
    }

    pub(crate) async fn initialized(&self) -> Answer {
        self.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await
    }

    /// A request with the headers of a well-behaved client.
    pub(crate) fn request(&self, method: Method) -> RequestBuilder {
        let accept = if method == Method::GET {
            "text/event-stream"
        } else {
            "application/json, text/event-stream"
        };
        let request = self
            .http
            .request(method, &self.url)
            .header("accept", accept);
        match &self.session {
            Some(session) => request.header("Mcp-Session-Id", session),
            None => request,
        }
    }

    pub(crate) async fn post(&self, message: &Value) -> Answer {
        send(self.request(Method::POST).json(message)).await
    }

    pub(crate) async fn post_text(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST).body(body);
        send(request.header("content-type", "application/json")).await
    }

    pub(crate) async fn delete(&self) -> Answer {
        send(self.request(Method::DELETE)).await
    }

    pub(crate) async fn publish(&self, payload: Value) -> u64 {
        let answer = self
            .post(&call("publish", json!({"payload": payload})))
            .await;
        let text = answer.json()["result"]["content"][0]["text"].clone();
        let sent: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        sent["streams"].as_u64().unwrap()
    }

    /// Opens the stream of the session.
    pub(crate) async fn stream(&self) -> Events {
        Events::open(self.request(Method::GET)).await
    }

    /// The address beside the POST endpoint of hybrid.
    pub(crate) fn beside(&self, path: &str) -> String {
        format!("{}{path}", self.url.strip_suffix("/mcp").unwrap())
    }

    /// Opens a stream of hybrid.
    pub(crate) async fn client_stream(&self, query: &str) -> Events {
        Events::open(self.http.get(self.beside(&format!("/sse{query}")))).await
    }

    pub(crate) async fn health(&self) -> Value {
        send(self.http.get(self.beside("/health"))).await.json()
    }

    /// Polls `/health` until it counts so many clients.
    pub(crate) async fn until_connected(&self, count: u64) {
        let polling = async {
            while self.health().await["connected_clients"] != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, polling)
            .await
            .unwrap_or_else(|_| panic!("not {count} clients in time"));
    }
}

/// A stream that is read event by event.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) response: reqwest::Response,
    pub(crate) rest: String,
}

impl Events {
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = tokio::time::timeout(DEADLINE, request.send())
            .await
            .expect("headers in time")
            .unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            rest: String::new(),
        }
    }

    /// The next block up to its blank line, or `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let block = block.to_owned();
                self.rest = rest.to_owned();
                return Some(block);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk())
                .await
                .expect("bytes in time")
                .unwrap()?;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The data of the next event that has any.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            let data: Vec<&str> = block
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            if !data.is_empty() {
                return Some(serde_json::from_str(&data.join("\n")).unwrap());
            }
        }
    }

    /// The payload of the next published message.
    pub(crate) async fn payload(&mut self) -> Value {
        let message = self.message().await.expect("a message before the end");
        message["params"]["data"]["payload"].clone()
    }
}
