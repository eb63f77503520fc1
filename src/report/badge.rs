//! The document as a badge: what <https://shields.io/badges/endpoint-badge> asks for. It holds no text of the target.

use serde_json::json;

use super::conclusion;
use super::document::Document;
use crate::engine::Verdict;
use crate::load::report::ThresholdVerdict;

/// One JSON object with a line feed at the end.
pub fn render(document: &Document) -> String {
    let (_, verdict) = conclusion::word(document);
    let colour = match verdict {
        Verdict::Pass if document.summary.warned > 0 => "green",
        Verdict::Pass => "brightgreen",
        Verdict::Warn => "yellow",
        Verdict::Fail => "red",
        Verdict::Error => "orange",
        Verdict::Skip => "lightgrey",
    };
    let badge = json!({
        "schemaVersion": 1,
        "label": "MCP",
        "message": message(document),
        "color": colour,
        "isError": verdict == Verdict::Fail,
    });
    format!("{badge:#}\n")
}

/// `12 of 13 MUST` and what came of the thresholds, as far as there is any.
fn message(document: &Document) -> String {
    let mandatory = |verdict| {
        let of = document.checks().filter(|check| check.verdict == verdict);
        of.filter(|check| check.level.is_mandatory()).count()
    };
    let (held, violated) = (mandatory(Verdict::Pass), document.summary.must_failed);
    let mut parts = Vec::new();
    if held + violated > 0 {
        parts.push(format!("{held} of {} MUST", held + violated));
    }
    let judged = |verdict| {
        let load = document.load.iter();
        let thresholds = load.flat_map(|load| &load.thresholds);
        thresholds.filter(|it| it.verdict == verdict).count()
    };
    let (kept, missed) = (
        judged(ThresholdVerdict::Pass),
        judged(ThresholdVerdict::Fail),
    );
    if kept + missed > 0 {
        parts.push(format!("{kept} of {} thresholds", kept + missed));
    }
    if parts.is_empty() {
        return conclusion::word(document).0.to_lowercase();
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    use super::*;

    #[test]
    fn a_badge_says_what_held() {
        let cases = [
            (samples::green(), "2 of 2 MUST", "brightgreen"),
            (samples::red(), "2 of 3 MUST", "red"),
            (samples::load(), "1 of 2 thresholds", "red"),
            (samples::doubtful(), "not exercised", "lightgrey"),
            (samples::interrupted(), "interrupted", "orange"),
        ];
        for (document, message, colour) in cases {
            let badge: serde_json::Value = serde_json::from_str(&render(&document)).unwrap();
            assert_eq!(badge["message"], message);
            assert_eq!(badge["color"], colour, "{message}");
            assert_eq!(badge["schemaVersion"], 1);
        }
    }
}
