//! What a peer wants to be sent unasked: log messages from a level on, and word of the resources that it
//! subscribed to.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::features::logging::Threshold;
use crate::lock::lock;

/// Resources that one peer may subscribe to at a time.
const SUBSCRIPTIONS_MAX: usize = 100;

/// The wishes of one peer. They outlive its streams.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    pub(crate) threshold: Threshold,
    subscribed: Mutex<BTreeSet<Box<str>>>,
    /// How many there are, so that a broadcast need not lock where there are none.
    count: AtomicUsize,
}

impl Interest {
    /// Notes a subscription, also one that is already there. `false` if there are too many.
    pub(crate) fn subscribe(&self, uri: &str) -> bool {
        let mut subscribed = lock(&self.subscribed);
        if subscribed.len() >= SUBSCRIPTIONS_MAX && !subscribed.contains(uri) {
            return false;
        }
        subscribed.insert(uri.into());
        self.count.store(subscribed.len(), Ordering::Relaxed);
        true
    }

    /// Forgets a subscription, if it is there.
    pub(crate) fn unsubscribe(&self, uri: &str) {
        let mut subscribed = lock(&self.subscribed);
        subscribed.remove(uri);
        self.count.store(subscribed.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_subscribed(&self, uri: &str) -> bool {
        self.count.load(Ordering::Relaxed) > 0 && lock(&self.subscribed).contains(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_bounded_and_forgotten() {
        let interest = Interest::default();
        assert!(!interest.is_subscribed("a"));
        for number in 0..SUBSCRIPTIONS_MAX {
            assert!(interest.subscribe(&number.to_string()));
        }
        assert!(!interest.subscribe("one more") && interest.subscribe("7"));
        interest.unsubscribe("7");
        assert!(!interest.is_subscribed("7") && interest.subscribe("one more"));
        assert!(interest.is_subscribed("one more"));
    }
}
