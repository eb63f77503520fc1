//! What the server offers, the same over every dialect, and the table of its methods.

mod arguments;
pub(crate) mod lifecycle;
pub(crate) mod logging;
pub(crate) mod misfits;
mod prompts;
pub(crate) mod resources;
pub(crate) mod tools;

use serde_json::{Value, json};

use self::logging::Threshold;
use crate::fanout::{Hub, PeerKey};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{METHOD_NOT_FOUND, Params, RpcError};
use crate::server::Shared;
use crate::session::Session;
use crate::sse;
use crate::wire::EventWriter;

/// What a dialect brings to negotiation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) revisions: &'static [&'static str],
    /// What `initialize-version-not-echoed` answers.
    pub(crate) misfit: &'static str,
}

/// Who calls, over which dialect.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) dialect: Dialect,
    /// The session of the caller, if the dialect has any and it is already open.
    pub(crate) session: Option<&'a Session>,
}

/// Where notifications about a running request go.
pub(crate) enum Sink<'a> {
    /// The dialect has no place for them.
    Nowhere,
    /// The stream that will also carry the response.
    Response(&'a EventWriter),
    /// The stream that the caller opened beside its calls.
    Peer(&'a Hub, &'a PeerKey),
}

impl Sink<'_> {
    pub(crate) fn send(&self, message: &Value) {
        match self {
            Self::Nowhere => {}
            Self::Response(writer) => writer.message(message),
            Self::Peer(hub, key) => hub.send(key, &sse::event(message)),
        }
    }
}

/// Runs one request.
pub(crate) async fn answer(
    method: &str,
    params: &Params,
    caller: &Caller<'_>,
    sink: &Sink<'_>,
) -> Result<Value, RpcError> {
    let faults = caller.shared.faults();
    match method {
        "initialize" => {
            let dialect = caller.dialect;
            lifecycle::initialize(params, dialect.revisions, dialect.misfit, faults)
        }
        "ping" => ping(params, faults),
        "tools/list" => tools::list(params, caller),
        "tools/call" => tools::call(params, caller, sink).await,
        "resources/list" => resources::list(params),
        "resources/templates/list" => resources::templates(params),
        "resources/read" => resources::read(params, &caller.shared.board),
        "prompts/list" => prompts::list(params),
        "prompts/get" => prompts::get(params),
        "logging/setLevel" => match caller.session {
            Some(session) => logging::set_level(params, &session.threshold, faults),
            None => logging::set_level(params, &Threshold::default(), faults),
        },
        _ if faults.has(Fault::UnknownMethodEmptyResult) => Ok(json!({})),
        _ => Err(RpcError::new(METHOD_NOT_FOUND, "there is no such method")),
    }
}

fn ping(params: &Params, faults: FaultSet) -> Result<Value, RpcError> {
    if faults.has(Fault::ExtraParamsRefused) && params.keys().any(|name| name != "_meta") {
        return Err(RpcError::params("ping takes no parameters"));
    }
    if faults.has(Fault::PingResultNull) {
        return Ok(Value::Null);
    }
    Ok(json!({}))
}

/// Everything fits on the first page, so that no cursor was ever handed out
/// (2025-11-25 server/utilities/pagination#error-handling).
fn first_page(params: &Params) -> Result<(), RpcError> {
    match params.get("cursor") {
        None => Ok(()),
        Some(Value::String(_)) => Err(RpcError::params("this cursor was never handed out")),
        Some(_) => Err(RpcError::params("cursor has to be a string")),
    }
}
