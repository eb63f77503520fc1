//! `initialize`: version negotiation and what the server declares (2025-11-25 basic/lifecycle#initialization).

use serde_json::{Map, Value, json};

use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{Params, RpcError};

/// The newest revision, offered to a client that asks for one that is not known.
pub(crate) const LATEST: &str = "2025-11-25";

/// Revisions of Streamable HTTP, newest first.
pub(crate) const STREAMABLE_REVISIONS: &[&str] = &[LATEST, "2025-06-18"];

/// Hybrid fixes no revision: it carries the messages of any.
pub(crate) const HYBRID_REVISIONS: &[&str] = &[LATEST, "2025-06-18", "2025-03-26", "2024-11-05"];

/// Answers `initialize`. `revisions` are those of the dialect; `misfit` is what the version defect answers.
pub(crate) fn initialize(
    params: &Params,
    revisions: &[&'static str],
    misfit: &'static str,
    faults: FaultSet,
) -> Result<Value, RpcError> {
    let revisions = spoken(revisions, faults);
    let asked = match read_params(params) {
        Err(_) if faults.has(Fault::InitializeParamsNotChecked) => LATEST,
        asked => asked?,
    };
    if let Some(why) = disliked(params, faults) {
        return Err(RpcError::params(why));
    }
    let known = revisions.iter().copied().find(|known| *known == asked);
    if known.is_none() && faults.has(Fault::InitializeUnknownVersionRefused) {
        return Err(RpcError::params("this protocol version is not supported"));
    }
    let newest = revisions.first().copied().unwrap_or(LATEST);
    let mut agreed = known.unwrap_or(newest);
    if agreed == LATEST && known.is_some() && faults.has(Fault::InitializeVersionNotEchoed) {
        agreed = misfit;
    }
    if known.is_some() && faults.has(Fault::InitializeVersionSwapped) {
        agreed = match agreed {
            LATEST => "2025-06-18",
            "2025-06-18" => LATEST,
            other => other,
        };
    }
    let mut result = Map::new();
    result.insert("protocolVersion".to_owned(), json!(agreed));
    result.insert("capabilities".to_owned(), capabilities(faults));
    if faults.has(Fault::InitializeInstructionsNull) {
        result.insert("instructions".to_owned(), Value::Null);
    }
    if !faults.has(Fault::InitializeNoServerInfo) {
        let info = json!({
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
        });
        result.insert("serverInfo".to_owned(), info);
    }
    Ok(Value::Object(result))
}

/// Exactly what is offered: no list changes, no subscriptions.
fn capabilities(faults: FaultSet) -> Value {
    if faults.has(Fault::InitializeCapabilitiesAsFlags) {
        return json!({"tools": true, "resources": true, "prompts": true, "logging": true});
    }
    json!({"tools": {}, "resources": {}, "prompts": {}, "logging": {}})
}

/// The revisions that are left: some defects are about what only older ones forbid.
fn spoken(revisions: &[&'static str], faults: FaultSet) -> Vec<&'static str> {
    let only = [
        (
            Fault::ContentAudioAt20241105,
            HYBRID_REVISIONS,
            "2024-11-05",
        ),
        (Fault::ContentLinkAt20250326, HYBRID_REVISIONS, "2025-03-26"),
        (
            Fault::OriginNotCheckedAt20250618,
            STREAMABLE_REVISIONS,
            "2025-06-18",
        ),
    ]
    .into_iter()
    .find(|(fault, dialect, _)| faults.has(*fault) && *dialect == revisions);
    match only {
        Some((_, _, only)) => vec![only],
        None => revisions.to_vec(),
    }
}

/// Why a defect refuses a client that is in order.
fn disliked(params: &Params, faults: FaultSet) -> Option<&'static str> {
    const KNOWN: [&str; 5] = ["roots", "sampling", "elicitation", "experimental", "tasks"];
    let dotted = |info: &Value| {
        let version = info.get("version").and_then(Value::as_str);
        version.is_some_and(|version| version.contains('.'))
    };
    if faults.has(Fault::InitializeStrictClientVersion)
        && !params.get("clientInfo").is_some_and(dotted)
    {
        return Some("the version of the client has no dot");
    }
    let capabilities = params.get("capabilities").and_then(Value::as_object);
    let unknown = |name: &String| !KNOWN.contains(&name.as_str());
    if faults.has(Fault::InitializeUnknownCapabilityRefused)
        && capabilities.is_some_and(|declared| declared.keys().any(unknown))
    {
        return Some("this client capability is unknown");
    }
    None
}

/// The version asked for, if the required members are there.
fn read_params(params: &Params) -> Result<&str, RpcError> {
    let member = |name: &str| params.get(name);
    let version = member("protocolVersion")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("protocolVersion has to be a string"))?;
    if !member("capabilities").is_some_and(Value::is_object) {
        return Err(RpcError::params("capabilities has to be an object"));
    }
    let info = member("clientInfo").and_then(Value::as_object);
    let named = |name: &str| {
        info.and_then(|info| info.get(name))
            .is_some_and(Value::is_string)
    };
    if !named("name") || !named("version") {
        return Err(RpcError::params(
            "clientInfo has to be an object with the strings name and version",
        ));
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(params: Value, faults: FaultSet) -> Result<Value, i64> {
        let Value::Object(params) = params else {
            unreachable!()
        };
        initialize(&params, STREAMABLE_REVISIONS, "2025-06-18", faults).map_err(|error| error.code)
    }

    fn hello(version: &str) -> Value {
        json!({"protocolVersion": version, "capabilities": {"x": 1}, "clientInfo": {"name": "a", "version": "1"}})
    }

    #[test]
    fn known_versions_are_echoed_and_others_countered() {
        for (asked, agreed) in [
            ("2025-11-25", "2025-11-25"),
            ("2025-06-18", "2025-06-18"),
            ("2024-11-05", "2025-11-25"),
            ("", "2025-11-25"),
            ("1.0\u{0}", "2025-11-25"),
        ] {
            let result = ask(hello(asked), FaultSet::default()).unwrap();
            assert_eq!(result["protocolVersion"], agreed);
            assert!(result["serverInfo"]["name"].is_string());
        }
    }

    #[test]
    fn missing_members_are_refused() {
        for missing in ["protocolVersion", "capabilities", "clientInfo"] {
            let mut params = hello("2025-11-25");
            params.as_object_mut().unwrap().remove(missing);
            assert_eq!(ask(params, FaultSet::default()), Err(-32602));
        }
    }

    #[test]
    fn the_version_defect_touches_known_versions_only() {
        let faults = FaultSet::default().with(Fault::InitializeVersionNotEchoed);
        for (asked, agreed) in [("2025-11-25", "2025-06-18"), ("1999-01-01", "2025-11-25")] {
            assert_eq!(
                ask(hello(asked), faults).unwrap()["protocolVersion"],
                agreed
            );
        }
    }
}
