//! The document as events, one JSON object a line, for programs that read as they go.
//!
//! The first line is `begin`, the last `summary`: a file without it was cut off. Each object has its kind in `event`.

use serde_json::{Value, json};

use super::document::Document;
use super::json::escaped;
use super::run::{Check, Run};
use crate::engine::Verdict;

/// The name and version of the format.
pub const SCHEMA: &str = "mcp-plumb/events/1";

/// All events, in the order of the document.
///
/// # Errors
/// Only if the document holds what JSON cannot say; no document of this version does.
pub fn render(document: &Document) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for event in events(document)? {
        lines.push_str(&escaped(&event.to_string()));
        lines.push('\n');
    }
    Ok(lines)
}

fn events(document: &Document) -> Result<Vec<Value>, serde_json::Error> {
    let mut events = vec![json!({
        "event": "begin",
        "schema": SCHEMA,
        "tool": document.tool,
        "started_unix_s": document.started_unix_s,
        "target": document.target,
    })];
    for run in &document.runs {
        events.push(of_run(run)?);
        for check in &run.checks {
            events.push(of_check(run, check));
            if !matches!(check.verdict, Verdict::Pass | Verdict::Skip) {
                events.push(of_failure(run, check));
            }
        }
    }
    for (of, load) in [
        ("target", &document.load),
        ("reference", &document.reference),
    ] {
        let Some(load) = load else { continue };
        for sample in &load.series {
            events.push(named("sample", of, serde_json::to_value(sample)?));
        }
        for threshold in &load.thresholds {
            events.push(named("threshold", of, serde_json::to_value(threshold)?));
        }
        let mut load = serde_json::to_value(load)?;
        if let Some(members) = load.as_object_mut() {
            // Each of these has lines of its own, and histograms are in the log and in the document.
            for name in ["series", "thresholds", "curves"] {
                members.shift_remove(name);
            }
        }
        events.push(named("load", of, load));
    }
    events.push(json!({
        "event": "summary",
        "elapsed_ms": document.elapsed_ms,
        "summary": document.summary,
        "interrupted": document.interrupted,
        "not_exercised": document.not_exercised,
        "exit_code": document.exit_code,
    }));
    Ok(events)
}

/// A run without its checks.
fn of_run(run: &Run) -> Result<Value, serde_json::Error> {
    let run = Run {
        checks: Vec::new(),
        ..run.clone()
    };
    let mut value = serde_json::to_value(run)?;
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("checks");
        members.shift_insert(0, "event".to_owned(), json!("run"));
    }
    Ok(value)
}

fn of_check(run: &Run, check: &Check) -> Value {
    json!({
        "event": "check",
        "transport": run.transport,
        "revision": run.revision,
        "id": check.id,
        "requirement": check.requirement,
        "level": check.level,
        "verdict": check.verdict,
        "skip_reason": check.skip_reason,
        "reason": check.reason,
    })
}

/// What is known of a check that did not hold, beyond its verdict.
fn of_failure(run: &Run, check: &Check) -> Value {
    json!({
        "event": "failure",
        "transport": run.transport,
        "revision": run.revision,
        "id": check.id,
        "verdict": check.verdict,
        "expected": check.expected,
        "got": check.got,
        "evidence": check.evidence,
        "curl": check.curl,
        "file": check.file,
    })
}

/// `value` as an event about the target or the reference server.
fn named(event: &str, of: &str, mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.shift_insert(0, "event".to_owned(), json!(event));
        members.shift_insert(1, "of".to_owned(), json!(of));
    }
    value
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::samples;

    #[test]
    fn every_line_is_an_object_and_each_thing_has_one() {
        let document = samples::full();
        let text = render(&document).unwrap();
        let mut kinds = BTreeMap::new();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            *kinds
                .entry(event["event"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
        let failed = |check: &&Check| !matches!(check.verdict, Verdict::Pass | Verdict::Skip);
        assert_eq!(kinds["run"], document.runs.len());
        assert_eq!(kinds["check"], document.checks().count());
        assert_eq!(kinds["failure"], document.checks().filter(failed).count());
        assert_eq!((kinds["load"], kinds["threshold"]), (2, 6));
        let samples = document.load.as_ref().unwrap().series.len();
        assert_eq!(kinds["sample"], samples * 2);
        assert!(text.starts_with("{\"event\":\"begin\",\"schema\":\"mcp-plumb/events/1\""));
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("{\"event\":\"summary\""), "{last}");
    }
}
