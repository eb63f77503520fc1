//! What a request says about its client in `params._meta` (2026-07-28 basic/index#meta).

use serde_json::Value;

use super::VERSION_KEY;
use crate::faults::{Fault, FaultSet};
use crate::features::client::ClientFeatures;
use crate::features::logging::Level;
use crate::jsonrpc::{Params, RpcError};
use crate::revision::Revision;

const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO_KEY: &str = "io.modelcontextprotocol/clientInfo";
const LOG_LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

/// The parts of `_meta` that decide about an answer. Who the client is does not.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestMeta {
    /// The version, where a defect lets a request without one pass.
    pub(crate) version: Option<String>,
    /// What the client can do, as declared on this very request.
    pub(crate) client: ClientFeatures,
    /// The least level of log messages that the request wants. None are sent without it.
    pub(crate) log_level: Option<Level>,
    /// Whether progress is asked for.
    pub(crate) progress: bool,
}

impl RequestMeta {
    /// # Errors
    /// -32602 if a required member is missing or any known member has the wrong type.
    pub(super) fn read(params: &Params, faults: FaultSet) -> Result<Self, RpcError> {
        let meta = match params.get("_meta") {
            Some(Value::Object(meta)) => meta,
            None if faults.has(Fault::StatelessMetaNotRequired) => return Ok(Self::default()),
            None => return Err(RpcError::params("_meta is missing")),
            Some(_) => return Err(RpcError::params("_meta has to be an object")),
        };
        let version = match meta.get(VERSION_KEY) {
            Some(Value::String(version)) => Some(version.clone()),
            None if faults.has(Fault::StatelessMetaVersionNotRequired) => None,
            _ => return Err(wants(VERSION_KEY, "a string")),
        };
        let client = match meta.get(CAPABILITIES_KEY) {
            Some(Value::Object(declared))
                if declared.contains_key("x-odd")
                    && faults.has(Fault::StatelessUnknownCapabilityRefused) =>
            {
                return Err(wants(CAPABILITIES_KEY, "an object of known capabilities"));
            }
            Some(_)
                if !meta[CAPABILITIES_KEY].is_object()
                    && faults.has(Fault::StatelessCapabilitiesAnyType) =>
            {
                ClientFeatures::default()
            }
            Some(Value::Object(declared)) => ClientFeatures::of(declared, Revision::V2026_07_28),
            None if faults.has(Fault::StatelessCapabilitiesNotRequired) => {
                ClientFeatures::default()
            }
            _ => return Err(wants(CAPABILITIES_KEY, "an object")),
        };
        match meta.get(CLIENT_INFO_KEY) {
            Some(info) if is_implementation(info) => {}
            None if !faults.has(Fault::StatelessClientInfoRequired) => {}
            _ => return Err(wants(CLIENT_INFO_KEY, "an object with name and version")),
        }
        if meta.contains_key("traceparent") && faults.has(Fault::StatelessTraceContextRefused) {
            return Err(RpcError::params("_meta holds the unknown key traceparent"));
        }
        let log_level = match meta.get(LOG_LEVEL_KEY) {
            None => None,
            Some(level) => {
                let known = level.as_str().and_then(Level::from_name);
                if known.is_none() && !faults.has(Fault::StatelessLevelUnchecked) {
                    return Err(wants(LOG_LEVEL_KEY, "a level of RFC 5424"));
                }
                known
            }
        };
        let progress = match meta.get("progressToken") {
            None => false,
            Some(Value::String(_)) => true,
            Some(Value::Number(token)) if token.is_i64() || token.is_u64() => true,
            Some(_) => return Err(wants("progressToken", "a string or an integer")),
        };
        Ok(Self {
            version,
            client,
            log_level,
            progress,
        })
    }
}

fn wants(key: &str, what: &str) -> RpcError {
    RpcError::params(format!("_meta needs {key} as {what}"))
}

fn is_implementation(info: &Value) -> bool {
    let text = |name: &str| info.get(name).is_some_and(Value::is_string);
    text("name") && text("version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(meta: Value) -> Result<RequestMeta, i64> {
        let params = Params::from_iter([("_meta".to_owned(), meta)]);
        RequestMeta::read(&params, FaultSet::default()).map_err(|error| error.code)
    }

    fn complete() -> Value {
        json!({VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {"elicitation": {"form": {}}}})
    }

    #[test]
    fn what_is_required_and_what_is_not() {
        let meta = read(complete()).unwrap();
        assert!(meta.client.elicitation_form && !meta.client.elicitation_url);
        assert!(!meta.client.sampling && meta.log_level.is_none() && !meta.progress);
        for (key, value) in [
            (CLIENT_INFO_KEY, json!({"name": "a", "version": "1"})),
            (LOG_LEVEL_KEY, json!("debug")),
            ("progressToken", json!(0)),
            ("progressToken", json!("")),
            ("com.example/any", json!([null])),
            (
                "traceparent",
                json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ),
        ] {
            let mut meta = complete();
            meta[key] = value;
            assert!(read(meta.clone()).is_ok(), "{meta}");
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        for meta in [json!([]), json!("x"), json!(null), json!({}), json!(7)] {
            assert_eq!(read(meta.clone()).unwrap_err(), -32602, "{meta}");
        }
        for (key, value) in [
            (VERSION_KEY, json!(20260728)),
            (VERSION_KEY, json!(null)),
            (CAPABILITIES_KEY, json!([])),
            (CAPABILITIES_KEY, json!("x")),
            (CLIENT_INFO_KEY, json!({"name": 1})),
            (LOG_LEVEL_KEY, json!("loud")),
            (LOG_LEVEL_KEY, json!(3)),
            ("progressToken", json!(1.5)),
            ("progressToken", json!({})),
        ] {
            let mut meta = complete();
            meta[key] = value;
            assert_eq!(read(meta.clone()).unwrap_err(), -32602, "{meta}");
        }
    }
}
