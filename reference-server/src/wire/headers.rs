//! Reads the request headers that decide how a message is taken.

use axum::http::{HeaderMap, header};

use crate::faults::{Fault, FaultSet};

/// Whether the body is labelled as JSON: the media type alone counts, in any letter case.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether the label of the body is taken, defects considered.
pub(crate) fn takes_body(headers: &HeaderMap, faults: FaultSet) -> bool {
    let label = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let disliked = faults.has(Fault::ContentTypeParametersRefused) && label.contains(';')
        || faults.has(Fault::ContentTypeCaseSensitive)
            && label.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_json(headers) || faults.has(Fault::ContentTypeNotChecked)) && !disliked
}

/// Whether `Accept` is in a form that only a defect refuses.
pub(crate) fn accept_disliked(headers: &HeaderMap, faults: FaultSet) -> bool {
    let contains = |part: &str| {
        headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(part))
    };
    faults.has(Fault::AcceptWeightsRefused) && contains("q=")
        || faults.has(Fault::AcceptWildcardRefused) && contains("*/*")
}

/// Whether `Accept` admits a media type, given as its two halves. Without the header everything is.
///
/// Of several ranges that match, the most specific decides (RFC 9110, section 12.5.1).
pub(crate) fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let mut best: Option<(u8, bool)> = None;
    let mut any_header = false;
    for value in headers.get_all(header::ACCEPT) {
        any_header = true;
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',') {
            let Some((specificity, wanted)) = read_range(range, kind, subtype) else {
                continue;
            };
            if best.is_none_or(|(so_far, _)| specificity > so_far) {
                best = Some((specificity, wanted));
            }
        }
    }
    best.map_or(!any_header, |(_, wanted)| wanted)
}

/// How closely a range matches and whether its weight is above zero; `None` if it does not match.
fn read_range(range: &str, kind: &str, subtype: &str) -> Option<(u8, bool)> {
    let mut parts = range.split(';').map(str::trim);
    let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
    let specificity = match (range_kind.trim(), range_subtype.trim()) {
        ("*", "*") => 0,
        (a, "*") if a.eq_ignore_ascii_case(kind) => 1,
        (a, b) if a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype) => 2,
        _ => return None,
    };
    let weight = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Ok(1.0), |(_, weight)| weight.trim().parse::<f32>());
    Some((specificity, weight.is_ok_and(|weight| weight > 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn content_types_are_compared_without_case_and_parameters() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; Charset=UTF-8", true),
            ("application/json ;x", true),
            ("application/jsonp", false),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("", false),
        ] {
            assert_eq!(
                is_json(&with(header::CONTENT_TYPE, value)),
                expected,
                "{value}"
            );
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn accept_is_read_as_media_ranges() {
        for (value, json, stream) in [
            ("application/json, text/event-stream", true, true),
            ("text/event-stream;q=0.5 ,application/json", true, true),
            ("*/*", true, true),
            ("text/*, application/*;q=0.1", true, true),
            ("TEXT/Event-Stream", false, true),
            ("application/json", true, false),
            ("application/json;q=0, */*", false, true),
            ("text/event-stream; q=0", false, false),
            ("text/html", false, false),
            ("", false, false),
            (";;,,/", false, false),
            ("*/*;q=x", false, false),
        ] {
            let headers = with(header::ACCEPT, value);
            assert_eq!(accepts(&headers, "application", "json"), json, "{value}");
            assert_eq!(accepts(&headers, "text", "event-stream"), stream, "{value}");
        }
        assert!(accepts(&HeaderMap::new(), "text", "event-stream"));
    }
}
