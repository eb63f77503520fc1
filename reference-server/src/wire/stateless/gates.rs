//! Everything that is looked at before a request is run.

use axum::http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::headers::{decode, mismatch, single};
use super::meta::RequestMeta;
use super::{METHOD, PROTOCOL_VERSION, REVISION, params};
use crate::faults::{Fault, FaultSet};
use crate::features::discover;
use crate::jsonrpc::{INVALID_REQUEST, METHOD_NOT_FOUND, Request, RpcError, VERSION_UNSUPPORTED};
use crate::server::Shared;

const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The methods of this dialect. What older ones have beside them is unknown here
/// (2026-07-28 basic/versioning#removed-methods).
const METHODS: &[&str] = &[
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    super::listen::METHOD,
];

/// What the request says about itself, if it is in order.
pub(super) fn pass(
    shared: &Shared,
    headers: &HeaderMap,
    request: &Request,
) -> Result<RequestMeta, RpcError> {
    let faults = shared.faults();
    if faults.has(Fault::StatelessSessionIdRefused) && headers.contains_key("mcp-session-id")
        || faults.has(Fault::StatelessLastEventIdRefused) && headers.contains_key("last-event-id")
    {
        return Err(RpcError::new(INVALID_REQUEST, "there is nothing to resume"));
    }
    if is_handshake(headers, request) {
        if faults.has(Fault::StatelessHandshakeUnexplained) {
            return Err(RpcError::new(INVALID_REQUEST, "no"));
        }
        let asked = request.params.get("protocolVersion");
        return Err(unsupported(shared, asked.and_then(Value::as_str)));
    }
    let version = required(
        headers,
        PROTOCOL_VERSION,
        faults.has(Fault::StatelessVersionHeaderNotRequired),
    )?;
    check_method(headers, &request.method, faults)?;
    let meta = RequestMeta::read(&request.params, faults)?;
    let own = meta.version.as_deref();
    let differs = own.is_some() && version.is_some() && own != version;
    if differs && !faults.has(Fault::StatelessVersionMismatchServed) {
        let why = "MCP-Protocol-Version differs from the version in _meta";
        return Err(mismatch(why));
    }
    let asked = own.or(version).unwrap_or(REVISION);
    if asked != REVISION && !differs && !faults.has(Fault::StatelessVersionNotChecked) {
        return Err(unsupported(shared, Some(asked)));
    }
    if !is_known(&request.method, faults) {
        return Err(RpcError::new(METHOD_NOT_FOUND, "there is no such method"));
    }
    check_name(headers, request, faults)?;
    if request.method == "tools/call" {
        params::check(headers, &request.params, faults)?;
    }
    Ok(meta)
}

/// The `initialize` of an older client. It only gets here where no session is served, and is told what is
/// (2026-07-28 basic/versioning#backward-compatibility).
fn is_handshake(headers: &HeaderMap, request: &Request) -> bool {
    request.method == "initialize"
        && !headers.contains_key(METHOD)
        && !request.params.contains_key("_meta")
}

fn unsupported(shared: &Shared, asked: Option<&str>) -> RpcError {
    let mut data = json!({"supported": discover::supported(shared)});
    if let Some(asked) = asked {
        data["requested"] = json!(asked);
    }
    RpcError::new(
        VERSION_UNSUPPORTED,
        "this protocol version is not supported",
    )
    .with_data(data)
}

/// The value of a header that has to be there, unless a defect does without.
fn required<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    optional: bool,
) -> Result<Option<&'a str>, RpcError> {
    let value = single(headers, &HeaderName::from_static(name))?;
    if value.is_none() && !optional {
        return Err(mismatch(format!("{name} is missing")));
    }
    Ok(value)
}

fn check_method(headers: &HeaderMap, method: &str, faults: FaultSet) -> Result<(), RpcError> {
    let optional = faults.has(Fault::StatelessMethodHeaderNotRequired);
    let Some(named) = required(headers, METHOD, optional)? else {
        return Ok(());
    };
    let fits = named == method
        || faults.has(Fault::StatelessMethodMismatchServed)
        || faults.has(Fault::StatelessMethodAnyCase) && named.eq_ignore_ascii_case(method);
    if fits {
        return Ok(());
    }
    Err(mismatch(
        "Mcp-Method differs from the method of the message",
    ))
}

fn is_known(method: &str, faults: FaultSet) -> bool {
    if method == super::listen::METHOD && faults.has(Fault::StatelessListenMissing)
        || method == "server/discover" && faults.has(Fault::StatelessDiscoverMissing)
        || method == "completion/complete" && faults.has(Fault::StatelessCompletionMissing)
    {
        return false;
    }
    METHODS.contains(&method)
        || faults.has(Fault::UnknownMethodEmptyResult)
        || method == "ping" && faults.has(Fault::StatelessPingServed)
        || method == "initialize" && faults.has(Fault::StatelessInitializeServed)
}

/// `Mcp-Name` mirrors what the request is about, for the three methods that are about one thing.
fn check_name(headers: &HeaderMap, request: &Request, faults: FaultSet) -> Result<(), RpcError> {
    let member = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    let Some(named) = single(headers, &NAME)? else {
        if faults.has(Fault::StatelessNameNotRequired) {
            return Ok(());
        }
        return Err(mismatch("Mcp-Name is missing"));
    };
    let Some(own) = request.params.get(member).and_then(Value::as_str) else {
        return Err(RpcError::params(format!("{member} has to be a string")));
    };
    let fits = if faults.has(Fault::StatelessNameLiteral) {
        named == own
    } else {
        decode(named, "Mcp-Name", faults)?.is(own)
    };
    let overlooked = match member {
        "uri" => faults.has(Fault::StatelessUriMismatchServed),
        _ => {
            faults.has(Fault::StatelessNameMismatchServed)
                || faults.has(Fault::StatelessNameAnyCase) && named.eq_ignore_ascii_case(own)
        }
    };
    if fits || overlooked {
        return Ok(());
    }
    Err(mismatch(format!("Mcp-Name differs from params.{member}")))
}
