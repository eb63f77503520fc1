//! A client that keeps the rules, one request at a time, until it is told to break one.

use mcp_plumb_reference_server::RunningServer;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::client::{Answer, Events, http, send};

pub(crate) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
pub(crate) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

#[derive(Debug, Clone)]
pub(crate) struct Modern {
    http: reqwest::Client,
    pub(crate) url: String,
}

impl Modern {
    pub(crate) fn new(server: &RunningServer) -> Self {
        Self {
            http: http(),
            url: server.streamable_url().unwrap(),
        }
    }

    /// A request that keeps all rules. `params` is an object.
    pub(crate) fn post(&self, method: &str, params: Value) -> Post {
        let mut body = json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params});
        body["params"]["_meta"] = json!({
            VERSION: "2026-07-28",
            INFO: {"name": "test", "version": "1"},
            CAPABILITIES: {},
        });
        let named = match method {
            "resources/read" => &body["params"]["uri"],
            "tools/call" | "prompts/get" => &body["params"]["name"],
            _ => &Value::Null,
        };
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (
                "accept".to_owned(),
                "application/json, text/event-stream".to_owned(),
            ),
            ("mcp-protocol-version".to_owned(), "2026-07-28".to_owned()),
            ("mcp-method".to_owned(), method.to_owned()),
        ];
        if let Some(named) = named.as_str() {
            headers.push(("mcp-name".to_owned(), named.to_owned()));
        }
        Post {
            client: self.clone(),
            headers,
            body,
        }
    }

    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Post {
        self.post("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    pub(crate) fn discover(&self) -> Post {
        self.post("server/discover", json!({}))
    }

    pub(crate) fn read(&self, uri: &str) -> Post {
        self.post("resources/read", json!({"uri": uri}))
    }

    /// The result of a request, whatever it is.
    pub(crate) async fn result(&self, method: &str, params: Value) -> Value {
        self.post(method, params).send().await.json()["result"].clone()
    }

    /// Opens a subscription and reads its acknowledgement.
    pub(crate) async fn listen(&self, id: Value, notifications: Value) -> (Events, Value) {
        let params = json!({"notifications": notifications});
        let post = self.post("subscriptions/listen", params).id(id);
        let mut events = Events::open(post.builder()).await;
        let first = events.message().await.expect("an acknowledgement");
        (events, first)
    }

    pub(crate) async fn publish(&self, payload: Value) -> u64 {
        let answer = self
            .call("publish", json!({"payload": payload}))
            .send()
            .await;
        let text = answer.json()["result"]["content"][0]["text"].clone();
        let sent: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        sent["streams"].as_u64().unwrap()
    }
}

/// One request, before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    client: Modern,
    headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Post {
    pub(crate) fn id(mut self, id: Value) -> Self {
        self.body["id"] = id;
        self
    }

    /// Sets a header, in place of the one of that name.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// Adds a header beside the one of that name.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn meta(mut self, key: &str, value: Value) -> Self {
        self.body["params"]["_meta"][key] = value;
        self
    }

    pub(crate) fn without_meta(mut self, key: &str) -> Self {
        let meta = self.body["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(key);
        self
    }

    /// Sets a member of `params`.
    pub(crate) fn param(mut self, name: &str, value: Value) -> Self {
        self.body["params"][name] = value;
        self
    }

    pub(crate) fn able(self, capabilities: Value) -> Self {
        self.meta(CAPABILITIES, capabilities)
    }

    pub(crate) fn builder(&self) -> RequestBuilder {
        self.builder_with(self.body.to_string())
    }

    pub(crate) fn builder_with(&self, body: String) -> RequestBuilder {
        let post = self.client.http.post(&self.client.url).body(body);
        self.headers
            .iter()
            .fold(post, |post, (name, value)| post.header(name, value))
    }

    pub(crate) async fn send(&self) -> Answer {
        send(self.builder()).await
    }

    pub(crate) async fn send_text(&self, body: impl Into<String>) -> Answer {
        send(self.builder_with(body.into())).await
    }

    /// The status and the code of the error, 0 for none.
    pub(crate) async fn refusal(&self) -> (u16, i64) {
        let answer = self.send().await;
        let code = serde_json::from_str::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["error"]["code"].as_i64());
        (answer.status.as_u16(), code.unwrap_or_default())
    }

    /// The messages of an answer that is a stream, read to its end.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        let mut events = Events::open(self.builder()).await;
        let mut messages = Vec::new();
        while let Some(message) = events.message().await {
            messages.push(message);
        }
        messages
    }
}
