//! Which members of tools, resources and prompts came with which revision, so that older clients get none that
//! they do not know.

use serde_json::Value;

use crate::revision::Revision;

/// Members that came later than 2024-11-05, with the revision that brought them (its changelog).
const SINCE: [(&str, Revision); 4] = [
    ("title", Revision::V2025_06_18),
    ("outputSchema", Revision::V2025_06_18),
    ("structuredContent", Revision::V2025_06_18),
    ("icons", Revision::V2025_11_25),
];

/// The same object without what the revision does not have.
pub(crate) fn fit(object: &Value, revision: Revision) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, _| {
            let since = SINCE.iter().find(|(later, _)| later == name);
            since.is_none_or(|(_, since)| *since <= revision)
        });
    }
    object
}

/// A tool as [`fit`] makes it; only its annotations are of 2025-03-26, those of resources are older.
pub(crate) fn fit_tool(tool: &Value, revision: Revision) -> Value {
    let mut tool = fit(tool, revision);
    if revision < Revision::V2025_03_26
        && let Some(members) = tool.as_object_mut()
    {
        members.remove("annotations");
    }
    tool
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_revision_gets_what_it_has() {
        let tool = json!({
            "name": "a", "title": "A", "outputSchema": {}, "annotations": {}, "icons": [],
        });
        for (revision, names) in [
            ("2024-11-05", &["name"][..]),
            ("2025-03-26", &["name", "annotations"]),
            (
                "2025-06-18",
                &["name", "title", "outputSchema", "annotations"],
            ),
            (
                "2025-11-25",
                &["name", "title", "outputSchema", "annotations", "icons"],
            ),
        ] {
            let fitted = fit_tool(&tool, revision.parse().unwrap());
            let got: Vec<&String> = fitted.as_object().unwrap().keys().collect();
            assert_eq!(got.len(), names.len(), "{revision}: {got:?}");
            assert!(names.iter().all(|name| fitted.get(name).is_some()));
        }
    }
}
