//! A scripted server, for tests of what no real one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The longest head that a peer reads.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// What an endless answer comes to in the end.
const FLOOD_BYTES: usize = 64 * 1024 * 1024;
/// What a peer is asked.
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The JSON-RPC message; null if there is none.
    pub(crate) message: Value,
}

impl Asked {
    /// The JSON-RPC method; empty if there is none.
    pub(crate) fn rpc(&self) -> &str {
        self.message
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn id(&self) -> Value {
        self.message.get("id").cloned().unwrap_or(Value::Null)
    }
}

/// What a peer does about it; the connection is closed after that.
pub(crate) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The first, and then the second for ever, though not for more than [`FLOOD_BYTES`].
    Flood(Vec<u8>, Vec<u8>),
    /// These bytes, and then nothing until the other side gives up.
    Hold(Vec<u8>),
}

/// A scripted server. Dropping it ends its connections.
pub(crate) struct Peer {
    port: u16,
    task: JoinHandle<()>,
    connections: Arc<AtomicUsize>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, script) = (Arc::clone(&connections), Arc::new(script));
        let task = tokio::spawn(async move {
            // Owns the connections: they end with this task.
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let script = Arc::clone(&script);
                open.spawn(async move { serve(stream, &*script).await });
                while open.try_join_next().is_some() {}
            }
        });
        Self {
            port,
            task,
            connections,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// One request, one answer. What goes wrong here is the doing of the other side, which closes when it has had enough.
async fn serve(mut stream: TcpStream, script: impl Fn(&Asked) -> Answer) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let (first, piece, mut left) = match script(&asked) {
        Answer::Bytes(bytes) => (bytes, Vec::new(), 0),
        Answer::Flood(first, piece) => (first, piece, FLOOD_BYTES),
        Answer::Hold(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0; 1]).await;
            return;
        }
    };
    let mut alive = stream.write_all(&first).await.is_ok();
    while alive && left > 0 {
        alive = stream.write_all(&piece).await.is_ok();
        left = left.saturating_sub(piece.len());
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked {
        method: head.split(' ').next()?.to_owned(),
        target: head.split(' ').nth(1)?.to_owned(),
        message: serde_json::from_slice(&bytes[end..]).unwrap_or(Value::Null),
    })
}

/// A whole response with this status line, media type and body.
pub(crate) fn response(status: &str, media_type: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(
        format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

/// The head of an event stream that lasts as long as the connection.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".to_vec()
}

pub(crate) fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

pub(crate) fn initialized(name: &Value) -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": name, "version": "1"},
    })
}

fn result_for(asked: &Asked) -> Option<Value> {
    match asked.rpc() {
        "initialize" => Some(initialized(&json!("scripted"))),
        "tools/list" => Some(json!({"tools": []})),
        "ping" => Some(json!({})),
        _ => None,
    }
}

/// A small server without sessions or streams that does nothing bad; scripts use it for what they leave alone.
pub(crate) fn well_behaved(asked: &Asked) -> Answer {
    if asked.method != "POST" {
        return response("405 Method Not Allowed", "text/plain", "");
    }
    if asked.id().is_null() || asked.rpc().is_empty() {
        return response("202 Accepted", "text/plain", "");
    }
    let body = match result_for(asked) {
        Some(result) => json!({"jsonrpc": "2.0", "id": asked.id(), "result": result}),
        None => {
            json!({"jsonrpc": "2.0", "id": asked.id(), "error": {"code": -32601, "message": "no"}})
        }
    };
    response("200 OK", "application/json", &body.to_string())
}
