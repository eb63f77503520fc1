//! Faults on the streams of single requests and of subscriptions.

use mcp_plumb_reference_server::{Fault, FaultSet};
use serde_json::{Value, json};

use super::client::{LOG_LEVEL, Modern, SUBSCRIPTION};
use crate::client::{Events, server_with};

/// `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let client = Modern::new(&server);
    if let Some(verdict) = subscriptions(fault, &client).await {
        return Some(verdict);
    }
    let post = client
        .call("progress", json!({"steps": 2}))
        .meta("progressToken", json!(7));
    let messages = post.messages().await;
    let first = messages[0].clone();
    let of = |method: &str| {
        let named = messages
            .iter()
            .filter(|message| message["method"] == method);
        named.cloned().collect::<Vec<Value>>()
    };
    let progress = of("notifications/progress");
    Some(match fault {
        Fault::StatelessRequestOnStream => first["method"] == "roots/list",
        Fault::StatelessForeignNotification => {
            first["method"] == "notifications/tools/list_changed"
        }
        Fault::StatelessCancelledSent => first["method"] == "notifications/cancelled",
        Fault::StatelessResponseTwice => {
            messages
                .iter()
                .filter(|message| message["result"].is_object())
                .count()
                == 2
        }
        Fault::StatelessEventIds => {
            let body = post.send().await.body;
            body.contains("\nid: ")
        }
        Fault::StatelessBufferingAllowed => {
            let events = Events::open(post.builder()).await;
            !events.response.headers().contains_key("x-accel-buffering")
        }
        Fault::StatelessProgressStalls => {
            progress[0]["params"]["progress"] == progress[1]["params"]["progress"]
        }
        Fault::StatelessProgressTokenAsText => progress[0]["params"]["progressToken"] == "7",
        Fault::StatelessLogUnasked => !of("notifications/message").is_empty(),
        Fault::StatelessLogLevelIgnored => {
            let messages = post.meta(LOG_LEVEL, json!("error")).messages().await;
            let mut methods = messages.iter().map(|message| &message["method"]);
            methods.any(|method| method == "notifications/message")
        }
        _ => return None,
    })
}

async fn subscriptions(fault: Fault, client: &Modern) -> Option<bool> {
    let board = || json!({"resourceSubscriptions": ["plumb://board"]});
    let acknowledged = async |id: i32| {
        let (_, first) = client.listen(json!(id), board()).await;
        first["params"].clone()
    };
    Some(match fault {
        Fault::StatelessListenAsJson => {
            let params = json!({"notifications": {}});
            let post = client.post("subscriptions/listen", params);
            let response = post.builder().send().await.unwrap();
            response.headers()["content-type"] == "application/json"
        }
        Fault::StatelessAcknowledgedLate => {
            let (_, first) = client.listen(json!(1), json!({})).await;
            first["method"] == "notifications/tools/list_changed"
        }
        Fault::StatelessAcknowledgedWithoutId => acknowledged(1).await["_meta"] == json!({}),
        Fault::StatelessAcknowledgedWithoutFilter => {
            acknowledged(1).await["notifications"].is_null()
        }
        Fault::StatelessAcknowledgedTooMuch => {
            acknowledged(1).await["notifications"]["promptsListChanged"] == true
        }
        Fault::StatelessSubscriptionIdAsText => acknowledged(1).await["_meta"][SUBSCRIPTION] == "1",
        Fault::StatelessListenWithLog => {
            let (mut events, _) = client.listen(json!(1), board()).await;
            client.publish(json!(1)).await;
            events.message().await.unwrap()["method"] == "notifications/message"
        }
        Fault::StatelessListenUntagged => {
            let (mut events, _) = client.listen(json!(1), board()).await;
            client.publish(json!(1)).await;
            events.message().await.unwrap()["params"]["_meta"][SUBSCRIPTION].is_null()
        }
        Fault::StatelessListenForeignId => {
            let (_oldest, _) = client.listen(json!(1), board()).await;
            let (mut events, _) = client.listen(json!(2), board()).await;
            client.publish(json!(1)).await;
            events.message().await.unwrap()["params"]["_meta"][SUBSCRIPTION] == 1
        }
        Fault::StatelessListenUnrequested => {
            let (mut events, _) = client.listen(json!(1), board()).await;
            client
                .call("announce", json!({"kind": "tools"}))
                .send()
                .await;
            client.publish(json!(1)).await;
            let first = events.message().await.unwrap();
            first["method"] == "notifications/tools/list_changed"
        }
        Fault::StatelessListenAllResources => {
            let readme = json!({"resourceSubscriptions": ["plumb://readme"]});
            let (_events, _) = client.listen(json!(1), readme).await;
            client.publish(json!(1)).await == 1
        }
        _ => return None,
    })
}
