//! The versions that a server of 2026-07-28 names (basic/versioning).

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;
use crate::transport::Exchange;

/// Every version in `data.supported` of the error is one of the captured `versions`, which `server/discover` named. Fewer are
/// fine: a server may name those alone that are asked for in this way.
pub(super) fn known_to_discover(brought: &Brought, variables: &Variables) -> Outcome {
    let supported = brought.exchange().and_then(|exchange| {
        exchange
            .response()?
            .pointer("/error/data/supported")?
            .as_array()
    });
    let versions = variables.get("versions").and_then(Value::as_array);
    let (Some(supported), Some(versions)) = (supported, versions) else {
        return Outcome::Nothing("there are not two lists".to_owned());
    };
    let odd = supported.iter().find(|version| !versions.contains(version));
    Outcome::of(odd.is_none(), || {
        let odd = odd.unwrap_or(&Value::Null);
        format!("{odd} is supported, but server/discover does not list it")
    })
}

/// The error names a version, by its date, in its message or its data.
pub(super) fn error_names_one(brought: &Brought, _variables: &Variables) -> Outcome {
    let Some(exchange) = brought.exchange() else {
        return Outcome::Nothing("the step brought no reply".to_owned());
    };
    if exchange.result().is_some() {
        return Outcome::Nothing("it was served".to_owned());
    }
    let error = exchange
        .response()
        .and_then(|response| response.get("error"));
    let text = error.map(Value::to_string).unwrap_or_default();
    Outcome::of(holds_date(&text), || Exchange::describe(exchange))
}

/// Whether a text holds a date such as 2026-07-28.
fn holds_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|window| {
        window.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_anywhere() {
        for (text, found) in [
            (r#"{"data":{"supported":["2026-07-28"]}}"#, true),
            ("use 2026-07-28", true),
            ("2026/07/28", false),
            ("2026-07-2", false),
            ("", false),
        ] {
            assert_eq!(holds_date(text), found, "{text}");
        }
    }
}
