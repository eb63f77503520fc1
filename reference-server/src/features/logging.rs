//! Log messages to clients, and the level below which a peer wants none (2025-11-25 server/utilities/logging).

use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};

use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{Params, RpcError, notification};

/// A severity of RFC 5424, from the least to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

const LEVELS: [(&str, Level); 8] = [
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("notice", Level::Notice),
    ("warning", Level::Warning),
    ("error", Level::Error),
    ("critical", Level::Critical),
    ("alert", Level::Alert),
    ("emergency", Level::Emergency),
];

impl Level {
    /// The level that a message names.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let known = LEVELS.iter().find(|(known, _)| *known == name);
        known.map(|(_, level)| *level)
    }

    fn name(self) -> &'static str {
        LEVELS
            .iter()
            .find(|(_, level)| *level == self)
            .map_or("info", |(name, _)| name)
    }
}

/// The least level that a peer wants to be sent. A new peer gets `info` and above.
#[derive(Debug)]
pub(crate) struct Threshold(AtomicU8);

impl Default for Threshold {
    fn default() -> Self {
        Self(AtomicU8::new(Level::Info as u8))
    }
}

impl Threshold {
    pub(crate) fn admits(&self, level: Level) -> bool {
        level as u8 >= self.0.load(Ordering::Relaxed)
    }

    fn set(&self, level: Level) {
        self.0.store(level as u8, Ordering::Relaxed);
    }
}

/// `logging/setLevel`.
pub(crate) fn set_level(
    params: &Params,
    threshold: &Threshold,
    faults: FaultSet,
) -> Result<Value, RpcError> {
    let name = params
        .get("level")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("level has to be a string"))?;
    let known = LEVELS.iter().find(|(known, _)| *known == name);
    match known {
        Some((_, level)) => threshold.set(*level),
        None if faults.has(Fault::SetLevelUnknownAccepted) => {}
        None => {
            let why = "level is none of the eight levels of RFC 5424";
            return Err(RpcError::params(why));
        }
    }
    if faults.has(Fault::SetLevelResultNull) {
        return Ok(Value::Null);
    }
    Ok(json!({}))
}

/// A `notifications/message`.
pub(crate) fn message(level: Level, logger: &str, data: Value, faults: FaultSet) -> Value {
    let params = if faults.has(Fault::LogWithoutLevel) {
        json!({"logger": logger, "data": data})
    } else if faults.has(Fault::LogLevelUnknown) {
        json!({"level": "verbose", "logger": logger, "data": data})
    } else {
        json!({"level": level.name(), "logger": logger, "data": data})
    };
    let mut message = notification("notifications/message", params);
    if faults.has(Fault::LogWithId)
        && let Some(members) = message.as_object_mut()
    {
        members.insert("id".to_owned(), json!("log"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_levels_are_known_and_ordered() {
        let threshold = Threshold::default();
        for (name, level) in LEVELS {
            let Value::Object(params) = json!({"level": name}) else {
                unreachable!()
            };
            assert_eq!(
                set_level(&params, &threshold, FaultSet::default()),
                Ok(json!({}))
            );
            for (_, other) in LEVELS {
                assert_eq!(threshold.admits(other), other >= level);
            }
        }
    }

    #[test]
    fn other_levels_are_refused() {
        for level in [json!("verbose"), json!("INFO"), json!(3), Value::Null] {
            let params = Params::from_iter([("level".to_owned(), level)]);
            assert_eq!(
                set_level(&params, &Threshold::default(), FaultSet::default())
                    .unwrap_err()
                    .code,
                -32602
            );
        }
        assert!(set_level(&Params::new(), &Threshold::default(), FaultSet::default()).is_err());
    }
}
