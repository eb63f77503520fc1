//! Hostile text through every output.

use anstream::adapter::strip_str;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

use crate::catalog::Level;
use crate::engine::Verdict;

use super::document::Document;
use super::run::{Check, Summary};
use super::terminal::Style;
use super::{badge, csv, hlog, html, json, junit, markdown, ndjson, samples, terminal, wire};

const COLOURED: Style = Style {
    colour: true,
    unicode: true,
    strict: true,
    width: 80,
};

fn texts() -> Vec<String> {
    vec![
        String::new(),
        "</failure><!-- ]]> &amp; <script>alert(1)</script>".to_owned(),
        "\u{1b}[2J\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\u{1b}[31m".to_owned(),
        "\0\u{1}\u{8}\u{b}\u{c}\u{e}\u{1f}\u{7f}\u{85}\u{9b}31m\u{fffe}\u{ffff}".to_owned(),
        "\r\nPASS: 99 passed (exit 0)\n".to_owned(),
        "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}".to_owned(),
        "=HYPERLINK(\"http://evil.example\")+cmd|' /C calc'!A0".to_owned(),
        "|[a](http://evil.example)| <b>`` ``` @everyone www.evil.example\n# heading\n| --- |"
            .to_owned(),
        "\"'\\ {braces} {0} \u{10ffff} 工具 🦀 e\u{301}".to_owned(),
        "x".repeat(1024 * 1024),
        "é\u{1b} ".repeat(16 * 1024),
    ]
}

/// A document with `text` wherever a target's text can be.
fn document(text: &str) -> Document {
    let owned = || Some(text.to_owned());
    let mut document = samples::full();
    document.target.url = text.to_owned();
    document.not_exercised = owned();
    for run in &mut document.runs {
        run.transport = owned();
        run.revision = owned();
        run.server = owned();
        run.negotiated = owned();
        run.why = owned();
        run.doubt = owned();
        run.detection.because = owned();
        run.detection.notes = vec![text.to_owned()];
        run.detection.offers = vec![text.to_owned(), "2025-06-18".to_owned()];
    }
    let hostile = &mut document.runs[0];
    for verdict in [
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Fail,
        Verdict::Skip,
        Verdict::Error,
    ] {
        hostile.checks.push(Check {
            requirement: owned(),
            reason: owned(),
            expected: owned(),
            got: owned(),
            curl: owned(),
            file: owned(),
            ..samples::check(&format!("{text}#{text}"), "", Level::Must, verdict)
        });
    }
    hostile.summary = Summary::of(&hostile.checks);
    for record in &mut document.records {
        record.head = text.to_owned();
        record.body = owned();
        record.headers = vec![(text.to_owned(), text.to_owned())];
    }
    let load = document.load.as_mut().unwrap();
    load.not_exercised = owned();
    load.calls.method = owned();
    load.calls.tool = owned();
    load.errors.insert(text.to_owned(), 1);
    load.generator.reasons = vec![text.to_owned()];
    for threshold in &mut load.thresholds {
        threshold.expression = text.to_owned();
        threshold.observed = owned();
    }
    document
}

#[test]
fn json_says_exactly_what_was_sent_and_moves_no_cursor() {
    for text in texts() {
        let mut document = document(&text);
        // JSON cuts nothing, and one check has all that the others have.
        document.runs.truncate(1);
        let checks = &mut document.runs[0].checks;
        *checks = checks.split_off(checks.len() - 1);
        let rendered = json::render(&document).unwrap();
        let steers =
            |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{feff}');
        assert_eq!(rendered.chars().find(steers), None);
        let value: Value = serde_json::from_str(&rendered).unwrap();
        assert!(value == serde_json::to_value(&document).unwrap());
    }
}

#[test]
fn junit_stays_well_formed_and_of_bounded_size() {
    for text in texts() {
        for strict in [false, true] {
            let rendered = junit::render(&document(&text), strict).unwrap();
            let forbidden = |c: &char| {
                c.is_control() && *c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202e}')
            };
            assert_eq!(rendered.chars().find(forbidden), None);
            assert!(rendered.len() < 1024 * 1024, "{} bytes", rendered.len());
            let report = Report::deserialize_from_str(&rendered).unwrap();
            let warned = if strict { 4 } else { 0 };
            // Five violations, one of them hostile, and a threshold; three errors of checks and of the run as a whole, and one hostile.
            assert_eq!((report.failures, report.errors), (6 + warned, 4));
        }
    }
}

/// What would steer a terminal or turn text around, but for `allowed`.
fn steering(rendered: &str, allowed: &[char]) -> Option<char> {
    let steers = |c: &char| {
        !allowed.contains(c)
            && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}' | '\u{feff}'))
    };
    rendered.chars().find(steers)
}

#[test]
fn events_have_a_line_each_whatever_is_in_them() {
    for text in texts() {
        let mut document = document(&text);
        document.runs.truncate(1);
        let checks = &mut document.runs[0].checks;
        *checks = checks.split_off(checks.len() - 1);
        let rendered = ndjson::render(&document).unwrap();
        assert_eq!(steering(&rendered, &['\n']), None);
        for line in rendered.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert!(event["event"].is_string());
            if event["event"] == "failure" {
                assert_eq!(event["got"], text.as_str());
            }
        }
    }
}

#[test]
fn markdown_has_foreign_text_in_code_only_and_stays_small() {
    for text in texts() {
        let rendered = markdown::render(&document(&text), true);
        assert!(rendered.len() < 512 * 1024, "{} bytes", rendered.len());
        assert_eq!(steering(&rendered, &['\n']), None);
        for line in rendered.lines() {
            assert!(!line.starts_with("# heading"), "{line}");
            let outside = outside_of_code(line);
            for mark in ["<", "](", "@", "www.", "://", "=HYP"] {
                assert!(!outside.contains(mark), "{mark}: {line}");
            }
            let cells = outside.matches('|').count();
            assert!(cells == 0 || line.starts_with('|'), "{line}");
        }
    }
}

/// A line without its code spans, as CommonMark finds them: a row of backticks, up to the next row of that length.
fn outside_of_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let behind = rest[at..].trim_start_matches('`');
        let fence = &rest[at..rest.len() - behind.len()];
        let mut search = 0;
        rest = loop {
            let Some(next) = behind[search..].find('`') else {
                panic!("no end of {fence}: {line}")
            };
            let next = search + next;
            let after = behind[next..].trim_start_matches('`');
            let length = behind.len() - next - after.len();
            if length == fence.len() {
                break after;
            }
            search = next + length;
        };
    }
    outside + rest
}

#[test]
fn no_foreign_text_is_markup_in_the_page() {
    let tags = |page: &str| page.matches('<').count();
    let expected = |empty: bool| {
        let text = if empty { "" } else { "a" };
        tags(&html::render(&document(text), true).unwrap())
    };
    for text in texts() {
        let page = html::render(&document(&text), true).unwrap();
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
        assert_eq!(steering(&page, &['\n']), None);
        // As many tags as with a harmless text; a body of several lines is one text too.
        assert_eq!(tags(&page), expected(text.is_empty()), "{:.80}", text);
        let urls = page.match_indices("href=\"").map(|(at, _)| &page[at + 6..]);
        for url in urls {
            assert!(
                url.starts_with("https://modelcontextprotocol.io/"),
                "{url:.80}"
            );
        }
    }
}

#[test]
fn the_transcript_moves_no_cursor_and_begins_no_record_of_the_targets() {
    for text in texts() {
        let document = document(&text);
        let rendered = wire::render(&document);
        assert_eq!(steering(&rendered, &['\n']), None);
        let records = rendered.lines().filter(|line| line.starts_with('['));
        assert_eq!(records.count(), document.records.len());
        assert!(!rendered.lines().any(|line| line.starts_with("PASS")));
    }
}

#[test]
fn numbers_only_go_into_tables_logs_and_badges() {
    let harmless = document("a");
    for text in texts() {
        let hostile = document(&text);
        assert_eq!(csv::render(&hostile), csv::render(&harmless));
        assert_eq!(hlog::render(&hostile), hlog::render(&harmless));
        assert_eq!(badge::render(&hostile), badge::render(&harmless));
    }
}

#[test]
fn the_terminal_sees_no_control_character_but_our_own() {
    for text in texts() {
        let coloured = terminal::render(&document(&text), COLOURED);
        assert!(coloured.len() < 256 * 1024, "{} bytes", coloured.len());
        for code in coloured.split('\u{1b}').skip(1) {
            let (parameters, _) = code.split_once('m').unwrap();
            let digits = parameters.strip_prefix('[').unwrap();
            assert!(digits.chars().all(|c| c.is_ascii_digit() || c == ';'));
        }
        let plain = terminal::render(
            &document(&text),
            Style {
                colour: false,
                ..COLOURED
            },
        );
        let steers =
            |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
        assert_eq!(plain.chars().find(steers), None);
        // Where a painted part is empty, spaces are left at the end of its line.
        let stripped = strip_str(&coloured).to_string();
        assert!(stripped.lines().map(str::trim_end).eq(plain.lines()));
        // A line feed in the text does not begin a line of the report.
        assert!(!plain.lines().any(|line| line.starts_with("PASS: 99")));
    }
}

#[test]
fn without_unicode_all_is_ascii() {
    let style = Style {
        unicode: false,
        ..COLOURED
    };
    for text in texts() {
        assert!(terminal::render(&document(&text), style).is_ascii());
    }
}

#[test]
fn a_warning_fails_a_case_only_if_strict() {
    for (strict, failures) in [(false, 1), (true, 2)] {
        let rendered = junit::render(&samples::red(), strict).unwrap();
        let report = Report::deserialize_from_str(&rendered).unwrap();
        assert_eq!((report.failures, report.errors), (failures, 1));
        let case = report
            .test_suites
            .iter()
            .flat_map(|suite| &suite.test_cases)
            .find(|case| case.name.as_str() == "names-are-short")
            .unwrap();
        let is_failure = matches!(
            case.status,
            TestCaseStatus::NonSuccess {
                kind: NonSuccessKind::Failure,
                ..
            }
        );
        assert_eq!(is_failure, strict);
    }
}

#[test]
fn a_run_that_was_cut_short_or_exercised_nothing_is_not_green_in_junit() {
    let rendered = junit::render(&samples::interrupted(), false).unwrap();
    let report = Report::deserialize_from_str(&rendered).unwrap();
    assert_eq!(report.errors, 2);
    let green = junit::render(&samples::green(), true).unwrap();
    let report = Report::deserialize_from_str(&green).unwrap();
    assert_eq!((report.errors, report.failures), (0, 0));
}

#[test]
fn the_last_line_says_the_verdict_and_the_exit_code() {
    let strict = Style {
        colour: false,
        ..COLOURED
    };
    let lenient = Style {
        strict: false,
        ..strict
    };
    let with = |mut document: Document, exit_code| {
        document.exit_code = exit_code;
        document
    };
    let mut held = samples::load();
    held.load.as_mut().unwrap().thresholds.clear();
    let cases = [
        (
            samples::green(),
            lenient,
            "PASS: 3 passed, 1 skipped (exit 0)",
        ),
        (
            samples::red(),
            strict,
            "FAIL: 1 MUST violated, 1 warning (strict), 1 error of mcp-plumb itself, 3 passed, 1 skipped (exit 1)",
        ),
        (
            samples::load(),
            lenient,
            "FAIL: 1 threshold missed, 1 threshold not measured, 1 threshold held (exit 5)",
        ),
        (
            with(held, 0),
            lenient,
            "PASS: no thresholds were given (exit 0)",
        ),
        (
            with(samples::minimal(), 3),
            lenient,
            "UNREACHABLE: nothing was exercised (exit 3)",
        ),
        (
            with(samples::minimal(), 4),
            lenient,
            "NOT EXERCISED: nothing was exercised (exit 4)",
        ),
        (
            with(samples::minimal(), 70),
            lenient,
            "ERROR: nothing was exercised (exit 70)",
        ),
        (
            samples::interrupted(),
            lenient,
            "INTERRUPTED: nothing was exercised (exit 130)",
        ),
    ];
    for (document, style, expected) in cases {
        let rendered = terminal::render(&document, style);
        assert_eq!(rendered.lines().last(), Some(expected));
    }
}

#[test]
fn violations_come_before_warnings_whatever_their_order() {
    let mut document = samples::red();
    document.runs[0].checks.reverse();
    let rendered = terminal::render(&document, COLOURED);
    let plain = strip_str(&rendered).to_string();
    let place = |word: &str| plain.find(word).unwrap();
    assert!(place("\nFAIL ") < place("\nWARN "));
    assert!(place("\nWARN ") < place("\nERROR "));
    // With strict, the warning is in full: its rule is said.
    assert!(plain.contains("rule      SHOULD tools.list.name-length: Tool names have 1 to 128"));
}
