//! `initialize`: version negotiation and what the server declares (2025-11-25 basic/lifecycle#initialization).

use serde_json::{Map, Value, json};

use super::{Dialect, by_revision};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{Params, RpcError};
use crate::revision::Revision;

/// The newest revision with a handshake, offered to a client that asks for one that is not known.
pub(crate) const LATEST: Revision = Revision::V2025_11_25;

/// The revisions that `initialize` negotiates, newest first.
pub(crate) const NEGOTIABLE: [Revision; 4] = [
    LATEST,
    Revision::V2025_06_18,
    Revision::V2025_03_26,
    Revision::V2024_11_05,
];

/// Answers `initialize`. `only` is the revision that the server is confined to.
pub(crate) fn initialize(
    params: &Params,
    dialect: Dialect,
    only: Option<Revision>,
    faults: FaultSet,
) -> Result<Value, RpcError> {
    let only = only.or(spoken_by_defect(dialect, faults));
    let asked = match read_params(params) {
        Err(_) if faults.has(Fault::InitializeParamsNotChecked) => LATEST.as_str(),
        asked => asked?,
    };
    if let Some(why) = disliked(params, faults) {
        return Err(RpcError::params(why));
    }
    let offered = || {
        let mut all = NEGOTIABLE.into_iter();
        all.find(|revision| only.is_none_or(|only| only == *revision))
    };
    let Some(newest) = offered() else {
        return Err(RpcError::params("no revision with initialize is served"));
    };
    let known = asked.parse().ok().filter(|asked| match only {
        Some(only) => only == *asked,
        None => NEGOTIABLE.contains(asked),
    });
    if known.is_none() && faults.has(Fault::InitializeUnknownVersionRefused) {
        return Err(RpcError::params("this protocol version is not supported"));
    }
    let mut agreed = known.unwrap_or(newest);
    if agreed == LATEST && known.is_some() && faults.has(Fault::InitializeVersionNotEchoed) {
        agreed = match dialect {
            Dialect::Streamable | Dialect::HttpSse => Revision::V2025_06_18,
            Dialect::Hybrid => Revision::V2024_11_05,
        };
    }
    if known.is_some() && faults.has(Fault::InitializeVersionSwapped) {
        agreed = match agreed {
            LATEST => Revision::V2025_06_18,
            Revision::V2025_06_18 => LATEST,
            other => other,
        };
    }
    let mut result = Map::new();
    result.insert("protocolVersion".to_owned(), json!(agreed.as_str()));
    result.insert(
        "capabilities".to_owned(),
        capabilities(dialect, agreed, faults),
    );
    if faults.has(Fault::InitializeInstructionsNull) {
        result.insert("instructions".to_owned(), Value::Null);
    }
    if !faults.has(Fault::InitializeNoServerInfo) {
        let info = json!({
            "name": env!("CARGO_PKG_NAME"),
            "title": "Reference server of mcp-plumb",
            "version": env!("CARGO_PKG_VERSION"),
        });
        result.insert("serverInfo".to_owned(), by_revision::fit(&info, agreed));
    }
    Ok(Value::Object(result))
}

/// Exactly what is offered. Without sessions nothing can be subscribed to; completion is declared since 2025-03-26.
pub(crate) fn capabilities(dialect: Dialect, revision: Revision, faults: FaultSet) -> Value {
    if faults.has(Fault::InitializeCapabilitiesAsFlags) {
        return json!({"tools": true, "resources": true, "prompts": true, "logging": true});
    }
    let mut capabilities = json!({
        "tools": {"listChanged": true},
        "resources": {"listChanged": true, "subscribe": true},
        "prompts": {"listChanged": true},
        "logging": {},
        "completions": {},
    });
    if let Some(declared) = capabilities.as_object_mut() {
        if dialect == Dialect::Hybrid {
            declared.insert("resources".to_owned(), json!({"listChanged": true}));
        }
        if revision < Revision::V2025_03_26 {
            declared.remove("completions");
        }
    }
    capabilities
}

/// Some defects are about what only an older revision forbids, so that nothing else is spoken.
fn spoken_by_defect(dialect: Dialect, faults: FaultSet) -> Option<Revision> {
    let only = match dialect {
        Dialect::Hybrid if faults.has(Fault::ContentAudioAt20241105) => Revision::V2024_11_05,
        Dialect::Hybrid if faults.has(Fault::ContentLinkAt20250326) => Revision::V2025_03_26,
        Dialect::Streamable if faults.has(Fault::OriginNotCheckedAt20250618) => {
            Revision::V2025_06_18
        }
        _ => return None,
    };
    Some(only)
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
        initialize(&params, Dialect::Streamable, None, faults).map_err(|error| error.code)
    }

    fn hello(version: &str) -> Value {
        json!({"protocolVersion": version, "capabilities": {"x": 1}, "clientInfo": {"name": "a", "version": "1"}})
    }

    #[test]
    fn known_versions_are_echoed_and_others_countered() {
        for (asked, agreed) in [
            ("2025-11-25", "2025-11-25"),
            ("2025-06-18", "2025-06-18"),
            ("2025-03-26", "2025-03-26"),
            ("2024-11-05", "2024-11-05"),
            ("2026-07-28", "2025-11-25"),
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
    fn a_confined_server_offers_its_one_revision() {
        for (only, asked, agreed) in [
            ("2025-03-26", "2025-03-26", Ok("2025-03-26")),
            ("2025-03-26", "2025-11-25", Ok("2025-03-26")),
            ("2024-11-05", "x", Ok("2024-11-05")),
            ("2026-07-28", "2025-11-25", Err(-32602)),
        ] {
            let Value::Object(params) = hello(asked) else {
                unreachable!()
            };
            let only = only.parse().ok();
            let got = initialize(&params, Dialect::HttpSse, only, FaultSet::default());
            let got = got.map(|result| result["protocolVersion"].clone());
            assert_eq!(got.map_err(|error| error.code), agreed.map(Value::from));
        }
    }

    #[test]
    fn completion_and_subscription_are_declared_where_they_are() {
        for (dialect, revision, completions, subscribe) in [
            (Dialect::Streamable, Revision::V2025_11_25, true, true),
            (Dialect::HttpSse, Revision::V2024_11_05, false, true),
            (Dialect::Hybrid, Revision::V2025_03_26, true, false),
        ] {
            let declared = capabilities(dialect, revision, FaultSet::default());
            assert_eq!(declared["completions"].is_object(), completions);
            assert_eq!(declared["resources"]["subscribe"] == true, subscribe);
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
