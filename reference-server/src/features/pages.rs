//! Lists in pages (2025-11-25 server/utilities/pagination).

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{Params, RpcError};

/// Entries on one page: what fits the tools that the common clients need first.
const PAGE: usize = 8;
/// Longest cursor that is looked at, in bytes.
const CURSOR_BYTES_MAX: usize = 128;

/// One page of a list as the result of its request. `list` is the member that holds the entries.
pub(super) fn page(
    list: &str,
    entries: Vec<Value>,
    params: &Params,
    faults: FaultSet,
) -> Result<Value, RpcError> {
    let total = entries.len();
    let start = match params.get("cursor") {
        None => 0,
        Some(Value::String(cursor)) => match read_cursor(list, cursor) {
            Some(start) if start < total => start,
            _ if faults.has(Fault::PaginationBadCursorIgnored) => 0,
            _ => return Err(RpcError::params("this cursor was never handed out")),
        },
        Some(Value::Number(_)) if faults.has(Fault::PaginationNumericCursorServed) => 0,
        Some(_) => return Err(RpcError::params("cursor has to be a string")),
    };
    let end = start.saturating_add(PAGE).min(total);
    let overlap = usize::from(faults.has(Fault::PaginationPagesOverlap));
    let first = start.saturating_sub(overlap);
    let mut shown: Vec<Value> = entries.into_iter().take(end).skip(first).collect();
    if start > 0 && faults.has(Fault::PaginationPageChanges) {
        describe_anew(&mut shown);
    }
    let mut result = json!({list: shown});
    let next = if end < total && faults.has(Fault::PaginationCursorAsNumber) {
        Some(json!(end))
    } else if end < total {
        Some(json!(cursor(list, end)))
    } else if faults.has(Fault::PaginationNeverEnds) {
        Some(json!(cursor(list, 0)))
    } else {
        faults
            .has(Fault::PaginationCursorNull)
            .then_some(Value::Null)
    };
    if let (Some(next), Some(members)) = (next, result.as_object_mut()) {
        members.insert("nextCursor".to_owned(), next);
    }
    Ok(result)
}

/// Describes each entry by a number that no entry had before.
fn describe_anew(entries: &mut [Value]) {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    for entry in entries {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        entry["description"] = json!(format!("This is description {number}."));
    }
}

/// A place in a list, in hex digits, so that nobody is tempted to count.
fn cursor(list: &str, start: usize) -> String {
    let plain = format!("{list}/{start}");
    plain.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The place, if the cursor is one of this list.
fn read_cursor(list: &str, given: &str) -> Option<usize> {
    if given.len() > CURSOR_BYTES_MAX || !given.is_ascii() || !given.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..given.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(given.get(place..place + 2)?, 16).ok())
        .collect();
    let plain = String::from_utf8(bytes?).ok()?;
    let start = plain.strip_prefix(list)?.strip_prefix('/')?.parse().ok()?;
    // Only what would be handed out: no other way to write the number, no place within a page.
    (cursor(list, start) == given && start.is_multiple_of(PAGE)).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(cursor: Option<Value>, faults: FaultSet) -> Result<Value, i64> {
        let entries = (0..20).map(Value::from).collect();
        let params = cursor.map(|cursor| ("cursor".to_owned(), cursor));
        let params = params.into_iter().collect();
        page("tools", entries, &params, faults).map_err(|error| error.code)
    }

    #[test]
    fn the_pages_are_the_list() {
        let (mut cursor, mut walked) = (None, Vec::new());
        for _ in 0..3 {
            let page = get(cursor.clone(), FaultSet::default()).unwrap();
            assert_eq!(get(cursor, FaultSet::default()).unwrap(), page);
            walked.extend(page["tools"].as_array().unwrap().clone());
            cursor = page.get("nextCursor").cloned();
        }
        assert_eq!(cursor, None);
        assert_eq!(walked, (0..20).map(Value::from).collect::<Vec<_>>());
    }

    #[test]
    fn other_cursors_are_refused() {
        for bad in [
            json!(""),
            json!("x"),
            json!("xx"),
            json!("8"),
            json!(cursor("prompts", 8)),
            json!(cursor("tools", 7)),
            json!(cursor("tools", 24)),
            json!(cursor("tools", usize::MAX)),
            json!(cursor("tools", 8).to_uppercase()),
            json!(format!("{}30", cursor("tools/", 8))),
            json!("\u{e4}\u{e4}"),
            json!("0".repeat(1_000_000)),
            json!(8),
            Value::Null,
        ] {
            assert_eq!(
                get(Some(bad.clone()), FaultSet::default()),
                Err(-32602),
                "{bad:.40}"
            );
        }
    }

    #[test]
    fn each_defect_shows_at_its_end_of_the_list() {
        let last = || Some(json!(cursor("tools", 16)));
        let only = |fault| FaultSet::default().with(fault);
        let null = get(last(), only(Fault::PaginationCursorNull)).unwrap();
        assert_eq!(null.get("nextCursor"), Some(&Value::Null));
        let endless = get(last(), only(Fault::PaginationNeverEnds)).unwrap();
        assert_eq!(endless["nextCursor"], cursor("tools", 0));
        let lax = get(Some(json!("x")), only(Fault::PaginationBadCursorIgnored)).unwrap();
        assert_eq!(lax["tools"][0], 0);
    }
}
