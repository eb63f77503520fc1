//! Protected mode: every request brings the bearer token, but for the metadata that says where tokens come from
//! (2025-11-25 basic/authorization; RFC 6750, RFC 9728).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::{json, refuse};
use crate::faults::Fault;
use crate::server::Shared;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// The issuer that the metadata names. It does not exist: tokens are given on the command line.
const ISSUER: &str = "https://auth.example.com";
/// What may be asked for, and therefore has metadata of its own.
const RESOURCES: [&str; 5] = ["/mcp", "/sse", "/messages", "/hybrid/mcp", "/hybrid/sse"];

/// The metadata, which a server without a token does not have.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(WELL_KNOWN, get(metadata_of_origin))
        .route(&format!("{WELL_KNOWN}/{{*path}}"), get(metadata_of_path))
}

async fn metadata_of_origin(headers: HeaderMap, uri: Uri) -> Response {
    metadata(&format!("http://{}", host(&headers, &uri)))
}

async fn metadata_of_path(Path(path): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let path = format!("/{path}");
    if !RESOURCES.contains(&path.as_str()) {
        return refuse(StatusCode::NOT_FOUND, "there is nothing at this path");
    }
    metadata(&format!("http://{}{path}", host(&headers, &uri)))
}

fn metadata(resource: &str) -> Response {
    let metadata = json!({
        "resource": resource,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
    });
    json(StatusCode::OK, &metadata)
}

/// The name by which the client knows this machine. The guard lets only loopback names through.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|authority| authority.as_str()))
        .unwrap_or("127.0.0.1")
}

/// Lets requests with the token through.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(expected) = shared.config.auth_token.as_deref() else {
        return next.run(request).await;
    };
    let faults = shared.faults();
    let path = request.uri().path();
    let is_public = path == WELL_KNOWN
        || path
            .strip_prefix(WELL_KNOWN)
            .is_some_and(|rest| rest.starts_with('/'));
    if is_public && !faults.has(Fault::AuthMetadataProtected) {
        return next.run(request).await;
    }
    let given = bearer(request.headers());
    let excused = faults.has(Fault::AuthInvalidTokenServed) && given.is_some()
        || faults.has(Fault::AuthSessionReplacesToken)
            && request.headers().contains_key("mcp-session-id")
        || faults.has(Fault::AuthQueryTokenTaken)
            && query_token(request.uri()).is_some_and(|token| is_same(token, expected));
    if excused || given.is_some_and(|token| is_same(token, expected)) {
        return next.run(request).await;
    }
    let mut response = refuse(StatusCode::UNAUTHORIZED, "this server wants a bearer token");
    if !faults.has(Fault::AuthChallengeMissing)
        && let Ok(challenge) = challenge(request.headers(), request.uri(), given.is_some())
    {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Names the metadata of what was asked for (RFC 9728, section 5.1), and the error if there was a token
/// (RFC 6750, section 3.1).
fn challenge(
    headers: &HeaderMap,
    uri: &Uri,
    had_token: bool,
) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let path = Some(uri.path()).filter(|path| RESOURCES.contains(path));
    let metadata = format!(
        "http://{}{WELL_KNOWN}{}",
        host(headers, uri),
        path.unwrap_or_default()
    );
    let error = if had_token {
        ", error=\"invalid_token\""
    } else {
        ""
    };
    HeaderValue::from_str(&format!("Bearer resource_metadata=\"{metadata}\"{error}"))
}

/// The token of the `Authorization` header. Schemes are compared without case (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

fn query_token(uri: &Uri) -> Option<&str> {
    uri.query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("access_token="))
}

/// Compares without telling by its time how much of the token was right. The length is no secret.
fn is_same(given: &str, expected: &str) -> bool {
    let (given, expected) = (given.as_bytes(), expected.as_bytes());
    let differences = given
        .iter()
        .zip(expected)
        .fold(0, |differences, (a, b)| differences | (a ^ b));
    given.len() == expected.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole() {
        for (given, same) in [
            ("secret", true),
            ("secre", false),
            ("secrett", false),
            ("Secret", false),
            ("", false),
        ] {
            assert_eq!(is_same(given, "secret"), same, "{given}");
        }
    }

    #[test]
    fn the_bearer_scheme_has_no_case_and_others_are_none() {
        for (value, token) in [
            ("Bearer a", Some("a")),
            ("bEARER  a ", Some("a")),
            ("Basic a", None),
            ("Bearer", None),
            ("a", None),
        ] {
            let value = HeaderValue::from_str(value).unwrap();
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            assert_eq!(bearer(&headers), token);
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
