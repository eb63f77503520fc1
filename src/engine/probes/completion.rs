//! What `completion/complete` returns (server/utilities/completion).

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// `total` is not below the number of values, and `hasMore` says no where all of them are there, yes where they are not.
pub(super) fn total_is_consistent(brought: &Brought, _variables: &Variables) -> Outcome {
    let completion = brought
        .exchange()
        .and_then(|exchange| exchange.result()?.get("completion"));
    let values = completion
        .and_then(|completion| completion.get("values")?.as_array())
        .map(Vec::len);
    let total = completion.and_then(|completion| completion.get("total")?.as_u64());
    let (Some(values), Some(total)) = (values, total) else {
        return Outcome::Nothing("there are no values with a total".to_owned());
    };
    let values = u64::try_from(values).unwrap_or(u64::MAX);
    let has_more = completion.and_then(|completion| completion.get("hasMore")?.as_bool());
    let consistent = match has_more {
        None => total >= values,
        Some(true) => total > values,
        Some(false) => total == values,
    };
    Outcome::of(consistent, || {
        format!(
            "{values} values, total {total}, hasMore {}",
            has_more.map_or(Value::Null, Value::from)
        )
    })
}
