//! `Mcp-Param-*`: headers that mirror the arguments whose schema says `x-mcp-header`
//! (2026-07-28 server/tools#x-mcp-header).

use axum::http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::headers::{decode, mismatch, single};
use crate::faults::{Fault, FaultSet};
use crate::features::tools;
use crate::jsonrpc::{Params, RpcError};

const ANNOTATION: &str = "x-mcp-header";
const PREFIX: &str = "mcp-param-";

/// Checks the parameter headers of a call. Those that the tool does not declare are ignored, and so is a tool that is unknown,
/// which the call itself will say.
pub(super) fn check(
    headers: &HeaderMap,
    params: &Params,
    faults: FaultSet,
) -> Result<(), RpcError> {
    let schema = params
        .get("name")
        .and_then(Value::as_str)
        .and_then(tools::input_schema);
    let Some(schema) = schema else { return Ok(()) };
    if faults.has(Fault::StatelessParamUnknownRefused)
        && headers.contains_key("mcp-param-conformance-unknown")
    {
        return Err(mismatch("this Mcp-Param-* is not declared"));
    }
    let arguments = params.get("arguments").unwrap_or(&Value::Null);
    check_object(headers, schema, arguments, faults, 0)
}

/// Annotated arguments are reached by `properties` alone; our schemas are two levels deep.
fn check_object(
    headers: &HeaderMap,
    schema: &Value,
    given: &Value,
    faults: FaultSet,
    depth: usize,
) -> Result<(), RpcError> {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    for (name, rule) in properties {
        let value = given.get(name).unwrap_or(&Value::Null);
        if let Some(annotation) = rule.get(ANNOTATION).and_then(Value::as_str) {
            let is_left_out = given.get(name).is_none();
            check_argument(headers, annotation, value, is_left_out, faults)?;
        }
        let skipped = faults.has(Fault::StatelessParamNestedIgnored) && depth == 0;
        if rule["type"] == "object" && !skipped {
            check_object(headers, rule, value, faults, depth + 1)?;
        }
    }
    Ok(())
}

fn check_argument(
    headers: &HeaderMap,
    annotation: &str,
    value: &Value,
    is_left_out: bool,
    faults: FaultSet,
) -> Result<(), RpcError> {
    let header = format!("{PREFIX}{}", annotation.to_ascii_lowercase());
    let Ok(name) = HeaderName::try_from(header.as_str()) else {
        return Ok(());
    };
    let given = single(headers, &name)?;
    let demanded = if value.is_null() {
        !is_left_out && faults.has(Fault::StatelessParamNullNeedsHeader)
            || is_left_out && faults.has(Fault::StatelessParamAbsentNeedsHeader)
    } else {
        !faults.has(Fault::StatelessParamMissingServed)
    };
    match given {
        None if demanded => Err(mismatch(format!("{header} is missing"))),
        None => Ok(()),
        Some(_) if value.is_null() => {
            if faults.has(Fault::StatelessParamWithoutArgumentServed) {
                return Ok(());
            }
            Err(mismatch(format!("{header} mirrors no argument")))
        }
        Some(given) if mirrors(given, value, &header, faults)? => Ok(()),
        Some(_) if faults.has(Fault::StatelessParamMismatchServed) => Ok(()),
        Some(_) => Err(mismatch(format!("{header} differs from its argument"))),
    }
}

/// Whether a header value says the same as an argument. Numbers are compared as numbers.
fn mirrors(given: &str, value: &Value, header: &str, faults: FaultSet) -> Result<bool, RpcError> {
    Ok(match value {
        Value::String(text) if faults.has(Fault::StatelessParamLiteral) => given == text,
        Value::String(text) => decode(given, header, faults)?.is(text),
        Value::Bool(true) if faults.has(Fault::StatelessParamBooleanCapitalised) => given == "True",
        Value::Bool(false) if faults.has(Fault::StatelessParamBooleanCapitalised) => {
            given == "False"
        }
        Value::Bool(flag) => given == if *flag { "true" } else { "false" },
        Value::Number(number) if faults.has(Fault::StatelessParamIntegerAsText) => {
            given == number.to_string()
        }
        Value::Number(number) => {
            let given = given.parse::<f64>().ok();
            given.is_some() && given == number.as_f64()
        }
        // Only these types may be annotated; others are refused by the schema of the tool.
        _ => true,
    })
}
