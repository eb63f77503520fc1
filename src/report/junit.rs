//! The document as JUnit XML, for continuous integration.
//!
//! A suite for each run, named `<transport> <revision>`, and a case for each check. The class of a case begins with
//! transport and revision, since many readers tell cases apart by class and name alone. What did not pass is a failure
//! only if it fails the program: warnings pass unless `strict`, with what was found as properties. A revision that the
//! server does not speak is one case that is skipped.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::document::Document;
use super::run::{Check, Outcome, Run};
use super::text::Shown;
use crate::engine::Verdict;
use crate::load::report::{LoadReport, ThresholdResult, ThresholdVerdict};

/// Names, messages and properties: one line in a list of failures.
const SHORT: Shown = Shown {
    max_chars: 1000,
    unicode: true,
};

/// Lines of a failure's text.
const LONG: Shown = Shown {
    max_chars: 8000,
    unicode: true,
};

/// The document as JUnit XML. With `strict`, warnings are failures.
///
/// # Errors
/// Only if the XML writer fails; writing to memory does not.
pub fn render(document: &Document, strict: bool) -> Result<String, SerializeError> {
    let mut report = Report::new(document.tool.name);
    report.set_time(Duration::from_millis(document.elapsed_ms));
    report.add_test_suites(document.runs.iter().map(|run| suite(run, strict)));
    if let Some(load) = &document.load {
        report.add_test_suite(load_suite(load));
    }
    if let Some(suite) = run_suite(document) {
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn suite(run: &Run, strict: bool) -> TestSuite {
    let mut suite = TestSuite::new(SHORT.line(&run.name()));
    let covered = run.coverage.as_ref();
    let covered = covered.map(|of| format!("{} of {}", of.exercised, of.testable));
    let outcome = Some(run.outcome.to_string());
    for property in named([
        ("transport", &run.transport),
        ("revision", &run.revision),
        ("outcome", &outcome),
        ("negotiated", &run.negotiated),
        ("server", &run.server),
        ("requirements exercised", &covered),
        ("doubt", &run.doubt),
    ]) {
        suite.add_property(property);
    }
    let class =
        [run.transport.as_deref(), run.revision.as_deref()].map(|part| part.unwrap_or("unknown"));
    let class = class.join("/");
    for check in &run.checks {
        let mut case = check_case(check, strict);
        case.set_classname(SHORT.line(&format!("{class}/{}", check.scenario())));
        suite.add_test_case(case);
    }
    if run.outcome != Outcome::Tested {
        let mut case = TestCase::new("is-tested", untested(run));
        case.set_classname(SHORT.line(&class));
        suite.add_test_case(case);
    }
    suite
}

/// What a run is that could not be made: skipped where the server answers, since it is free not to speak a revision.
fn untested(run: &Run) -> TestCaseStatus {
    let why = run.why.as_deref().unwrap_or("no reason is known");
    let message = format!("{}: {why}", run.outcome);
    if run.outcome == Outcome::Unreachable {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(SHORT.line(&message));
        return status;
    }
    skipped(&message)
}

fn check_case(check: &Check, strict: bool) -> TestCase {
    let slug = check.id.split_once('#').map_or("", |(_, slug)| slug);
    let name = if slug.is_empty() { &check.id } else { slug };
    let mut case = TestCase::new(SHORT.line(name), status(check, strict));
    for property in properties(check, strict) {
        case.add_property(property);
    }
    case
}

/// Properties with those values that there are.
fn named<const N: usize>(
    parts: [(&'static str, &Option<String>); N],
) -> impl Iterator<Item = Property> {
    parts.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(Property::new(name, SHORT.line(value)))
    })
}

fn status(check: &Check, strict: bool) -> TestCaseStatus {
    let kind = match check.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Warn if !strict => return TestCaseStatus::success(),
        Verdict::Skip => return skipped(&skip_message(check)),
        Verdict::Fail | Verdict::Warn => NonSuccessKind::Failure,
        Verdict::Error => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_message(SHORT.line(&message(check)))
        .set_type(check.verdict.as_str())
        .set_description(description(check));
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(SHORT.line(message));
    status
}

fn skip_message(check: &Check) -> String {
    match (check.skip_reason, &check.reason) {
        (Some(word), Some(detail)) => format!("{word}: {detail}"),
        (Some(word), None) => word.to_string(),
        (None, Some(detail)) => detail.clone(),
        (None, None) => "not exercised".to_owned(),
    }
}

/// `requirement: got`, or as much of it as there is.
fn message(check: &Check) -> String {
    let subject = check.requirement.as_ref().unwrap_or(&check.id);
    let got = check.got.as_ref().or(check.reason.as_ref());
    got.map_or_else(|| subject.clone(), |got| format!("{subject}: {got}"))
}

fn description(check: &Check) -> String {
    let records = record_numbers(&check.evidence);
    let ours = (check.verdict == Verdict::Error).then(|| "mcp-plumb, not the target".to_owned());
    let parts = [
        ("fault of", &ours),
        ("expected", &check.expected),
        ("got", &check.got),
        ("reason", &check.reason),
        ("records", &records),
        ("curl", &check.curl),
        ("file", &check.file),
    ];
    let mut lines = String::new();
    for (name, text) in parts {
        if let Some(text) = text {
            lines.push_str(&format!("\n{name}: {}", LONG.line(text)));
        }
    }
    lines.push('\n');
    lines
}

fn record_numbers(evidence: &[u32]) -> Option<String> {
    let numbers: Vec<String> = evidence.iter().map(u32::to_string).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

fn properties(check: &Check, strict: bool) -> Vec<Property> {
    let passes_as_warning = check.verdict == Verdict::Warn && !strict;
    let of_warning = |text: &Option<String>| text.clone().filter(|_| passes_as_warning);
    let parts = [
        ("verdict", &Some(check.verdict.to_string())),
        ("requirement", &check.requirement),
        ("level", &Some(check.level.to_string())),
        ("evidence", &record_numbers(&check.evidence)),
        ("expected", &of_warning(&check.expected)),
        ("got", &of_warning(&check.got)),
    ];
    named(parts).collect()
}

/// A case for each threshold, and one that is skipped if deliveries were not measured: load that did not happen is not
/// green.
fn load_suite(load: &LoadReport) -> TestSuite {
    let mut suite = TestSuite::new("load");
    for threshold in &load.thresholds {
        let mut case = TestCase::new(
            SHORT.line(&threshold.expression),
            threshold_status(threshold),
        );
        case.set_classname("load");
        if let Some(observed) = &threshold.observed {
            case.add_property(Property::new("observed", SHORT.line(observed)));
        }
        suite.add_test_case(case);
    }
    if let Some(reason) = &load.not_exercised {
        let mut case = TestCase::new("deliveries", skipped(reason));
        case.set_classname("load");
        suite.add_test_case(case);
    }
    suite
}

fn threshold_status(threshold: &ThresholdResult) -> TestCaseStatus {
    match threshold.verdict {
        ThresholdVerdict::Pass => TestCaseStatus::success(),
        ThresholdVerdict::NotExercised => skipped("what the threshold is about was not measured"),
        ThresholdVerdict::Fail => {
            let observed = threshold.observed.as_deref().unwrap_or("nothing");
            let message = format!("{}: observed {observed}", threshold.expression);
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(SHORT.line(&message))
                .set_type("threshold");
            status
        }
    }
}

/// What makes the run as a whole no success, whatever the checks say.
fn run_suite(document: &Document) -> Option<TestSuite> {
    let interrupted = document
        .interrupted
        .then_some("the run was cut short; the report has what was known by then");
    let parts = [
        ("is-complete", interrupted),
        ("exercises-something", document.not_exercised.as_deref()),
    ];
    let mut suite = TestSuite::new("run");
    for (name, reason) in parts {
        if let Some(reason) = reason {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(SHORT.line(reason));
            let mut case = TestCase::new(name, status);
            case.set_classname("run");
            suite.add_test_case(case);
        }
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}
