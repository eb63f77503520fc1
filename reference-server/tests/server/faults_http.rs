//! Faults in how requests are let in and answers are labelled.

use mcp_plumb_reference_server::{Fault, FaultSet};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::client::{Client, initialize, request, send, server_with};

/// Whether a server with these faults behaves as the fault says; `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let fresh = Client::new(server.streamable_url());
    let hybrid = Client::hybrid(&server);
    let ping = request(5, "ping", json!({}));
    let hello = initialize("2025-11-25");
    Some(match fault {
        Fault::OriginRequired => {
            let local = hybrid.request(Method::POST).json(&ping);
            let local = send(local.header("origin", "http://localhost")).await;
            local.status == 200 && hybrid.post(&ping).await.status == 403
        }
        Fault::OriginNotCheckedAt20250618 => {
            let foreign = fresh.request(Method::POST).json(&hello);
            let foreign = send(foreign.header("origin", "http://evil.example")).await;
            foreign.body.contains("\"protocolVersion\":\"2025-06-18\"")
        }
        Fault::VersionHeaderRequiredOnInitialize => fresh.post(&hello).await.status == 400,
        Fault::VersionHeaderRefusedOnPing => {
            let client = opened(&fresh).await;
            let versioned = client.request(Method::POST).json(&ping);
            let versioned = send(versioned.header("mcp-protocol-version", "2025-11-25")).await;
            versioned.status == 400
        }
        Fault::VersionHeaderRequired => opened(&fresh).await.post(&ping).await.status == 400,
        Fault::HybridSessionHeaderRequired => hybrid.post(&ping).await.status == 400,
        Fault::ContentTypeParametersRefused => {
            labelled(&hybrid, "application/json; charset=utf-8").await == 415
        }
        Fault::ContentTypeCaseSensitive => labelled(&hybrid, "Application/JSON").await == 415,
        Fault::ContentTypeNotChecked => labelled(&hybrid, "text/plain").await == 200,
        Fault::AcceptWeightsRefused => {
            let weighted = accepting(&hybrid, "text/event-stream;q=0.5, application/json");
            send(weighted.json(&ping)).await.status == 406
        }
        Fault::AcceptWildcardRefused => {
            send(accepting(&hybrid, "*/*").json(&ping)).await.status == 406
        }
        Fault::PutServedAsPost => {
            let put = |client: &Client| client.request(Method::PUT).json(&hello);
            let both = (send(put(&fresh)).await, send(put(&hybrid)).await);
            both.0.status == 200 && both.1.status == 200
        }
        Fault::AllowHeaderMissing => {
            let response = fresh.request(Method::PUT).send().await.unwrap();
            response.status() == 405 && !response.headers().contains_key("allow")
        }
        Fault::PutLeavesSessionStuck => {
            let client = opened(&fresh).await;
            send(client.request(Method::PUT)).await;
            client.post(&ping).await.status == 500
        }
        Fault::CorsWildcardWithCredentials => {
            let local = hybrid.request(Method::POST).json(&ping);
            let response = local
                .header("origin", "http://localhost")
                .send()
                .await
                .unwrap();
            let header = |name: &str| response.headers().get(name).cloned();
            header("access-control-allow-origin").is_some_and(|value| value == "*")
                && header("access-control-allow-credentials").is_some_and(|value| value == "true")
        }
        Fault::JsonAsText => {
            let both = (fresh.post(&hello).await, hybrid.post(&ping).await);
            both.0.media_type == "text/plain" && both.1.media_type == "text/plain"
        }
        Fault::HybridStreamTakesPost => {
            let post = hybrid.http.post(hybrid.beside("/sse")).json(&ping);
            send(post).await.status == 200
        }
        Fault::HybridPostTakesGet => send(hybrid.http.get(&hybrid.url)).await.status == 200,
        Fault::ClientIdReservedRefused => {
            let get = hybrid.http.get(hybrid.beside("/sse?client_id=a%20b%2Fc"));
            get.send().await.unwrap().status() == 500
        }
        Fault::HealthAsText => {
            let health = send(hybrid.http.get(hybrid.beside("/health"))).await;
            health.media_type == "text/plain"
        }
        Fault::HealthStatusUp => hybrid.health().await["status"] == "up",
        Fault::HealthCountConstant => {
            let mut stream = hybrid.client_stream("").await;
            stream.block().await;
            hybrid.health().await["connected_clients"] == 0
        }
        Fault::SessionIdWithBlank => {
            let session = fresh.post(&hello).await.session.unwrap();
            session.contains(' ')
        }
        Fault::SessionIdReused => {
            let first = opened(&fresh).await;
            first.delete().await;
            opened(&fresh).await.session == first.session
        }
        Fault::ForeignDeleteFatal => {
            let mut foreign = fresh.clone();
            foreign.session = Some("never-opened".to_owned());
            foreign.delete().await;
            fresh.post(&hello).await.status == 503
        }
        Fault::DeleteRefused => opened(&fresh).await.delete().await.status == 400,
        _ => return None,
    })
}

/// A session of Streamable HTTP, whatever else the server refuses.
async fn opened(fresh: &Client) -> Client {
    let mut client = fresh.clone();
    let hello = fresh.request(Method::POST).json(&initialize("2025-11-25"));
    let hello = hello.header("mcp-protocol-version", "2025-11-25");
    client.session = send(hello).await.session;
    client.initialized().await;
    client
}

/// The status of a ping whose body is labelled so.
async fn labelled(client: &Client, content_type: &str) -> u16 {
    let ping: Value = request(5, "ping", json!({}));
    let post = client.request(Method::POST).body(ping.to_string());
    let answer = send(post.header("content-type", content_type)).await;
    answer.status.as_u16()
}

fn accepting(client: &Client, accept: &str) -> RequestBuilder {
    client.http.post(&client.url).header("accept", accept)
}
