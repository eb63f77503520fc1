//! The headers that mirror a message (2026-07-28 basic/transports/streamable-http#server-validation).

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{HEADER_MISMATCH, RpcError};

const SENTINEL_BEGIN: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// An error about a header.
pub(super) fn mismatch(why: impl Into<String>) -> RpcError {
    RpcError::new(HEADER_MISMATCH, why)
}

/// The one value of a header, if it is there.
///
/// # Errors
/// If it is there twice, since proxies and servers differ in which one they take, or holds more than visible ASCII and blanks.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, RpcError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(mismatch(format!("{name} is there more than once")));
    }
    let text = value
        .to_str()
        .map_err(|_| mismatch(format!("{name} has characters beyond ASCII")))?;
    Ok(Some(text))
}

/// What a header value means: itself, or what it holds as base64 between the markers of the sentinel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Text(String),
    /// A defect takes the value for anything.
    Anything,
}

impl Meaning {
    pub(super) fn is(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Anything => true,
        }
    }
}

/// Reads a value that may be encoded.
///
/// # Errors
/// If there are both markers and no UTF-8 in base64 between them.
pub(super) fn decode(value: &str, name: &str, faults: FaultSet) -> Result<Meaning, RpcError> {
    let literal = || Ok(Meaning::Text(value.to_owned()));
    let encoded = match between_markers(value, faults) {
        Some(encoded) => encoded,
        None => return literal(),
    };
    let decoded = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(_) if faults.has(Fault::StatelessBase64Unverified) => Ok(Meaning::Anything),
        Some(text) => Ok(Meaning::Text(text)),
        None if faults.has(Fault::StatelessBase64MalformedServed) => Ok(Meaning::Anything),
        None => Err(mismatch(format!(
            "{name} holds no base64 between its markers"
        ))),
    }
}

/// The markers count in lower case only, and only both together.
fn between_markers(value: &str, faults: FaultSet) -> Option<&str> {
    if faults.has(Fault::StatelessHalfSentinelDecoded)
        && let Some(rest) = value.strip_prefix(SENTINEL_BEGIN)
    {
        return Some(rest.strip_suffix(SENTINEL_END).unwrap_or(rest));
    }
    if faults.has(Fault::StatelessBase64MarkerAnyCase) {
        let begins = value
            .get(..SENTINEL_BEGIN.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(SENTINEL_BEGIN));
        if begins {
            return value
                .get(SENTINEL_BEGIN.len()..)?
                .strip_suffix(SENTINEL_END);
        }
    }
    value
        .strip_prefix(SENTINEL_BEGIN)?
        .strip_suffix(SENTINEL_END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<Meaning, i64> {
        Ok(Meaning::Text(text.to_owned()))
    }

    #[test]
    fn the_sentinel_is_decoded_and_half_of_it_is_text() {
        for (value, expected) in [
            ("plain", text("plain")),
            ("", text("")),
            ("=?base64?Z3LDtsOfZQ==?=", text("größe")),
            ("=?base64??=", text("")),
            ("=?base64?Z3LDtsOfZQ==", text("=?base64?Z3LDtsOfZQ==")),
            ("Z3LDtsOfZQ==?=", text("Z3LDtsOfZQ==?=")),
            ("=?BASE64?YQ==?=", text("=?BASE64?YQ==?=")),
            ("=?base64?=", text("=?base64?=")),
            ("=?base64?%%?=", Err(-32020)),
            ("=?base64?YQ?=", Err(-32020)),
            ("=?base64?YQ= =?=", Err(-32020)),
            ("=?base64?/w==?=", Err(-32020)),
        ] {
            let got = decode(value, "x", FaultSet::default()).map_err(|error| error.code);
            assert_eq!(got, expected, "{value}");
        }
    }

    #[test]
    fn a_header_that_is_there_twice_is_refused() {
        let name = HeaderName::from_static("mcp-method");
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, &name), Ok(None));
        headers.append(&name, "a".parse().unwrap());
        assert_eq!(single(&headers, &name), Ok(Some("a")));
        headers.append(&name, "a".parse().unwrap());
        assert_eq!(single(&headers, &name).unwrap_err().code, -32020);
        let beyond = axum::http::HeaderValue::from_bytes(b"\xc3\xa9").unwrap();
        headers.insert(&name, beyond);
        assert_eq!(single(&headers, &name).unwrap_err().code, -32020);
    }
}
