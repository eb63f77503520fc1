//! What the server offers, the same over every dialect, and the table of its methods.

mod arguments;
pub(crate) mod asking;
pub(crate) mod by_revision;
pub(crate) mod client;
mod completion;
pub(crate) mod discover;
pub(crate) mod input;
pub(crate) mod lifecycle;
pub(crate) mod listen;
pub(crate) mod logging;
pub(crate) mod misfits;
mod misoffered;
mod pages;
mod prompts;
pub(crate) mod resources;
pub(crate) mod tools;

use serde_json::{Value, json};

use self::logging::{Level, Threshold};
use crate::fanout::{Hub, PeerKey};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{
    INVALID_PARAMS, METHOD_NOT_FOUND, Params, RESOURCE_NOT_FOUND, Request, RpcError,
};
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::Session;
use crate::sse;
use crate::wire::{EventWriter, OwnStream, RequestMeta};

/// How messages are carried. Each dialect negotiates any revision that has sessions, as the common SDKs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// One endpoint (2025-11-25 basic/transports#streamable-http).
    Streamable,
    /// A stream and an address to POST to (2024-11-05 basic/transports#http-with-sse).
    HttpSse,
    /// Answers in the exchange, a stream beside it, no sessions.
    Hybrid,
}

/// Who calls, over which dialect.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) dialect: Dialect,
    /// What was negotiated, or the latest where nobody can know.
    pub(crate) revision: Revision,
    /// The session of the caller, if the dialect has any and it is already open.
    pub(crate) session: Option<&'a Session>,
}

impl<'a> Caller<'a> {
    /// A caller with a session.
    pub(crate) fn of(shared: &'a Shared, dialect: Dialect, session: &'a Session) -> Self {
        Self {
            shared,
            dialect,
            revision: session.revision(),
            session: Some(session),
        }
    }

    /// A caller without a session.
    pub(crate) fn stranger(shared: &'a Shared, dialect: Dialect) -> Self {
        Self {
            shared,
            dialect,
            revision: lifecycle::LATEST,
            session: None,
        }
    }
}

/// Where notifications about a running request go.
pub(crate) enum Sink<'a> {
    /// The dialect has no place for them.
    Nowhere,
    /// The stream that will also carry the response.
    Response(&'a EventWriter),
    /// The stream that the caller opened beside its calls.
    Peer(&'a Hub, &'a PeerKey),
    /// The stream of a stateless request, which carries log messages of the level that the request asked for, and above.
    Own(&'a OwnStream, Option<Level>),
}

impl Sink<'_> {
    /// Sends a log message if the running request asked for messages of this level.
    pub(crate) fn log(&self, level: Level, logger: &str, data: Value, faults: FaultSet) {
        let Self::Own(stream, wanted) = self else {
            return;
        };
        let admitted = match wanted {
            Some(wanted) => level >= *wanted || faults.has(Fault::StatelessLogLevelIgnored),
            None => faults.has(Fault::StatelessLogUnasked),
        };
        if admitted {
            stream.message(&logging::message(level, logger, data, faults));
        }
    }

    pub(crate) fn send(&self, message: &Value) {
        match self {
            Self::Nowhere => {}
            Self::Response(writer) => writer.message(message),
            Self::Peer(hub, key) => hub.send(key, &sse::event(message)),
            Self::Own(stream, _) => stream.message(message),
        }
    }

    /// Sends a request to the client. `false` if there is no way to it.
    fn request(&self, message: &Value) -> bool {
        match self {
            // This revision asks by results (2026-07-28 basic/patterns/mrtr).
            Self::Nowhere | Self::Own(..) => return false,
            Self::Response(writer) => writer.message(message),
            Self::Peer(hub, key) => hub.reply(key, &sse::event(message)),
        }
        true
    }
}

/// Runs one request of the stateless dialect. `own` is its stream, if it has one.
pub(crate) async fn stateless(
    request: &Request,
    meta: &RequestMeta,
    shared: &Shared,
    own: Option<&OwnStream>,
) -> Result<Value, RpcError> {
    let (method, params) = (request.method.as_str(), &request.params);
    let tool = match method {
        "tools/call" => params.get("name").and_then(Value::as_str),
        _ => None,
    };
    let outcome = match (method, tool) {
        ("server/discover", _) => Ok(discover::discover(shared)),
        (_, Some(tool)) if input::asks(tool) => input::call(tool, params, meta, shared),
        (_, Some(tool)) if discover::is_for_sessions(tool) => {
            Err(RpcError::params("there is no such tool"))
        }
        _ => {
            let caller = Caller {
                shared,
                dialect: Dialect::Streamable,
                revision: Revision::V2026_07_28,
                session: None,
            };
            let sink = match own {
                Some(stream) => Sink::Own(stream, meta.log_level),
                None => Sink::Nowhere,
            };
            answer(method, params, &caller, &sink).await
        }
    };
    match outcome {
        Ok(result) => Ok(discover::finish(method, result, shared)),
        // This revision has no code of its own for it (2026-07-28 server/resources#error-handling).
        Err(error) if error.code == RESOURCE_NOT_FOUND => Err(RpcError {
            code: INVALID_PARAMS,
            ..error
        }),
        Err(error) => Err(error),
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
    let outcome = match method {
        "initialize" => {
            let only = caller.shared.config.revision;
            lifecycle::initialize(params, caller.dialect, only, faults)
        }
        "ping" => ping(params, faults),
        "tools/list" => tools::list(params, caller),
        "tools/call" => tools::call(params, caller, sink).await,
        "resources/list" => resources::list(params, caller),
        "resources/templates/list" => resources::templates(params, caller),
        "resources/read" => resources::read(params, &caller.shared.board),
        "resources/subscribe" => resources::subscribe(params, caller),
        "resources/unsubscribe" => resources::unsubscribe(params, caller),
        "prompts/list" => prompts::list(params, caller),
        "prompts/get" => prompts::get(params, caller),
        "completion/complete" => completion::complete(params, caller),
        "logging/setLevel" => match caller.session {
            Some(session) => logging::set_level(params, &session.interest.threshold, faults),
            None => logging::set_level(params, &Threshold::default(), faults),
        },
        _ if faults.has(Fault::UnknownMethodEmptyResult) => Ok(json!({})),
        _ => Err(RpcError::new(METHOD_NOT_FOUND, "there is no such method")),
    };
    misoffered::changed(method, params, outcome, faults)
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
