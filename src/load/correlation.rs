//! How an arrival is matched with its publish: by what it carries, or by its place in the row.
//!
//! Some notifications have no room for a payload. The n-th of them on a stream then counts as the n-th publish.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use super::pattern::Finder;
use super::shared::lock;

/// Notifications without room for a payload (server/tools, server/prompts, server/resources: "List Changed Notification",
/// "Subscriptions").
const BARE_METHODS: [&str; 4] = [
    RESOURCE_UPDATED,
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
];
const RESOURCE_UPDATED: &str = "notifications/resources/updated";
/// The longest URI of a resource that is told apart, in bytes.
const URI_BYTES_MAX: usize = 4 * 1024;
/// How many kinds of notification are told apart while the control publish is awaited.
const KINDS_MAX: usize = 64;

/// What the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correlate {
    /// By what it carries, if the control publish arrives with it, else by order.
    #[default]
    Auto,
    /// By the token, or the pattern of the trigger's texts.
    Token,
    /// By order.
    Order,
}

/// A word that is none of the three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, token or order")]
pub struct NoSuchWay;

impl FromStr for Correlate {
    type Err = NoSuchWay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "token" => Ok(Self::Token),
            "order" => Ok(Self::Order),
            _ => Err(NoSuchWay),
        }
    }
}

/// A notification that has no room for a payload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bare {
    /// Its method.
    pub method: &'static str,
    /// The resource, where the method is `notifications/resources/updated`.
    pub uri: Option<String>,
}

impl Bare {
    /// The kind of a message, if it is one of these.
    pub fn of(message: &Value) -> Option<Self> {
        let name = message.get("method")?.as_str()?;
        let method = *BARE_METHODS.iter().find(|method| **method == name)?;
        let uri = match method {
            RESOURCE_UPDATED => {
                let uri = message.pointer("/params/uri")?.as_str()?;
                (uri.len() <= URI_BYTES_MAX).then(|| Some(uri.to_owned()))?
            }
            _ => None,
        };
        Some(Self { method, uri })
    }
}

/// How the arrivals of one run are matched.
#[derive(Debug, Default)]
pub(super) struct Correlation {
    /// Finds what arrivals carry; `None` where only order counts.
    pub(super) finder: Option<Finder>,
    /// What is counted, once order was chosen.
    by_order: OnceLock<Bare>,
    /// Arrivals of each kind after the control publish was sent.
    seen: Mutex<BTreeMap<Bare, u64>>,
}

impl Correlation {
    pub(super) fn new(finder: Option<Finder>) -> Self {
        Self {
            finder,
            ..Self::default()
        }
    }

    /// The notification that is counted, if arrivals are matched by order.
    pub(super) fn order(&self) -> Option<&Bare> {
        self.by_order.get()
    }

    /// Matches by order from now on.
    pub(super) fn choose_order(&self, kind: Bare) {
        // The control publish chooses, once.
        let _first = self.by_order.set(kind);
    }

    /// Forgets what arrived so far, before the control publish is sent.
    pub(super) fn forget(&self) {
        lock(&self.seen).clear();
    }

    /// Notes a notification that may be the control publish.
    pub(super) fn note(&self, kind: Bare) {
        let mut seen = lock(&self.seen);
        if seen.len() < KINDS_MAX || seen.contains_key(&kind) {
            *seen.entry(kind).or_default() += 1;
        }
    }

    /// The kind that arrived most often since, and how often.
    pub(super) fn most_seen(&self) -> Option<(Bare, u64)> {
        let seen = lock(&self.seen);
        let (kind, count) = seen.iter().max_by_key(|(_, count)| **count)?;
        Some((kind.clone(), *count))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_notifications_without_room_for_a_payload_are_matched_by_order() {
        let updated = |uri: &str| Bare {
            method: RESOURCE_UPDATED,
            uri: Some(uri.to_owned()),
        };
        let list = Bare {
            method: "notifications/tools/list_changed",
            uri: None,
        };
        let cases = [
            (
                json!({"method": "notifications/tools/list_changed"}),
                Some(list),
            ),
            (
                json!({"method": RESOURCE_UPDATED, "params": {"uri": "a:b"}}),
                Some(updated("a:b")),
            ),
            (
                json!({"method": RESOURCE_UPDATED, "params": {"uri": 1}}),
                None,
            ),
            (
                json!({"method": RESOURCE_UPDATED, "params": {"uri": "x".repeat(URI_BYTES_MAX + 1)}}),
                None,
            ),
            (json!({"method": RESOURCE_UPDATED}), None),
            (
                json!({"method": "notifications/message", "params": {}}),
                None,
            ),
            (json!({"method": 1}), None),
            (json!([]), None),
        ];
        for (message, expected) in cases {
            assert_eq!(Bare::of(&message), expected, "{message}");
        }
    }

    #[test]
    fn the_most_frequent_kind_is_chosen_once_and_kinds_are_bounded() {
        let correlation = Correlation::new(None);
        let kind = |n: usize| Bare {
            method: RESOURCE_UPDATED,
            uri: Some(n.to_string()),
        };
        correlation.note(kind(0));
        correlation.forget();
        assert_eq!(correlation.most_seen(), None);
        for n in 0..2 * KINDS_MAX {
            correlation.note(kind(n));
        }
        correlation.note(kind(5));
        assert_eq!(correlation.most_seen(), Some((kind(5), 2)));
        assert_eq!(lock(&correlation.seen).len(), KINDS_MAX);
        correlation.choose_order(kind(5));
        correlation.choose_order(kind(6));
        assert_eq!(correlation.order(), Some(&kind(5)));
    }

    #[test]
    fn ways_are_read_by_name() {
        assert_eq!("order".parse(), Ok(Correlate::Order));
        assert_eq!("auto".parse(), Ok(Correlate::default()));
        assert_eq!("Token".parse::<Correlate>(), Err(NoSuchWay));
    }
}
