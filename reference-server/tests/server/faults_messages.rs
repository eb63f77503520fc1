//! Faults in the messages themselves: the handshake, ids, errors, notifications.

use mcp_plumb_reference_server::{Fault, FaultSet};
use serde_json::{Value, json};

use crate::client::{Client, initialize, request, server_with};

/// Whether a server with these faults behaves as the fault says; `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let mut fresh = Client::new(server.streamable_url());
    let hybrid = Client::hybrid(&server);
    let ping = request(5, "ping", json!({}));
    Some(match fault {
        Fault::InitializeVersionSwapped => {
            let newer = fresh.post(&initialize("2025-06-18")).await.json();
            let older = fresh.post(&initialize("2025-11-25")).await.json();
            newer["result"]["protocolVersion"] == "2025-11-25"
                && older["result"]["protocolVersion"] == "2025-06-18"
        }
        Fault::InitializeStrictClientVersion => {
            fresh.post(&initialize("2025-11-25")).await.error_code() == -32602
        }
        Fault::InitializeUnknownCapabilityRefused => {
            fresh.post(&initialize("2025-11-25")).await.error_code() == -32602
        }
        Fault::InitializeCapabilitiesAsFlags => {
            let result = hybrid.post(&initialize("2025-11-25")).await.json();
            result["result"]["capabilities"]["tools"] == true
        }
        Fault::InitializeInstructionsNull => {
            let result = hybrid.post(&initialize("2025-11-25")).await.json();
            result["result"].get("instructions") == Some(&Value::Null)
        }
        Fault::InitializeParamsNotChecked => {
            let bare = request(1, "initialize", json!({}));
            hybrid.post(&bare).await.json()["result"].is_object()
        }
        Fault::PingEarlyRefused => {
            fresh.session = fresh.post(&initialize("2025-11-25")).await.session;
            fresh.post(&ping).await.status == 400
        }
        Fault::InitializedRefused => {
            fresh.session = fresh.post(&initialize("2025-11-25")).await.session;
            fresh.initialized().await.status == 400
        }
        Fault::LetterIdInCapitals => echoed_id(&hybrid, json!("abc")).await == "ABC",
        Fault::DigitIdAsNumber => echoed_id(&hybrid, json!("00012")).await == 12,
        Fault::UnicodeIdGarbled => echoed_id(&hybrid, json!("größe")).await == "gr??e",
        Fault::NullIdAnswered => {
            let answer = hybrid.post(&request(Value::Null, "ping", json!({}))).await;
            answer.json()["result"].is_object()
        }
        Fault::SessionStuckAfterBrokenJson => {
            let client = Client::session(&server).await;
            client.post_text("{}").await;
            let before = client.post(&ping).await.status;
            client.post_text("{").await;
            before == 200 && client.post(&ping).await.status == 500
        }
        Fault::SessionStuckAfterInvalidRequest => {
            let client = Client::session(&server).await;
            client.post_text("{").await;
            let before = client.post(&ping).await.status;
            client.post_text("{}").await;
            before == 200 && client.post(&ping).await.status == 500
        }
        Fault::InvalidRequestWrongCode => {
            let answer = hybrid
                .post_text(r#"{"jsonrpc":"2.0","id":1,"method":1}"#)
                .await;
            answer.status == 200 && answer.error_code() == -32000
        }
        Fault::InvalidRequestIdLost => {
            let answer = hybrid
                .post_text(r#"{"jsonrpc":"2.0","id":1,"method":1}"#)
                .await;
            answer.json()["id"].is_null()
        }
        Fault::UnknownNotificationRefused => {
            notified(&Client::session(&server).await, "notifications/none").await == 400
        }
        Fault::CancellationRefused => {
            notified(&Client::session(&server).await, "notifications/cancelled").await == 400
        }
        Fault::SessionEndsAfterCancellation => {
            let client = Client::session(&server).await;
            notified(&client, "notifications/cancelled").await == 202
                && client.post(&ping).await.status == 404
        }
        Fault::EmptyParamsRefused => hybrid.post(&ping).await.error_code() == -32602,
        Fault::ExtraParamsRefused => {
            let extra = request(5, "ping", json!({"extra": true}));
            let meta = request(5, "ping", json!({"_meta": {}}));
            hybrid.post(&meta).await.error_code().is_null()
                && hybrid.post(&extra).await.error_code() == -32602
        }
        Fault::JsonrpcVersionWrong => hybrid.post(&ping).await.json()["jsonrpc"] == "1.0",
        Fault::ErrorWithResult => {
            let answer = hybrid.post(&request(1, "none", json!({}))).await.json();
            answer["error"].is_object() && answer["result"].is_object()
        }
        Fault::ErrorCodeAsText => {
            let answer = hybrid
                .post_text(r#"{"jsonrpc":"2.0","id":1,"method":1}"#)
                .await;
            answer.error_code() == "-32600"
        }
        Fault::ErrorMessageMissing => {
            let answer = hybrid.post(&request(1, "none", json!({}))).await.json();
            answer["error"]["message"].is_null()
        }
        Fault::SetLevelResultNull => {
            let answer = hybrid
                .post(&request(1, "logging/setLevel", json!({"level": "info"})))
                .await;
            answer.body.contains("\"result\":null")
        }
        Fault::SetLevelUnknownAccepted => {
            let level = request(1, "logging/setLevel", json!({"level": "verbose"}));
            hybrid.post(&level).await.json()["result"].is_object()
        }
        _ => return None,
    })
}

/// The id with which a ping comes back.
async fn echoed_id(client: &Client, id: Value) -> Value {
    client.post(&request(id, "ping", json!({}))).await.json()["id"].clone()
}

/// The status that a notification about nothing gets.
async fn notified(client: &Client, method: &str) -> u16 {
    let params = json!({"requestId": "never sent"});
    let notification = json!({"jsonrpc": "2.0", "method": method, "params": params});
    client.post(&notification).await.status.as_u16()
}
