//! What failed, in the lines that a CI service shows beside a change.
//!
//! GitHub reads workflow commands from what a step prints
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>). So it would from what a target
//! has us print: the summary is fenced off while annotations are on.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::engine::Verdict;
use crate::load::report::ThresholdVerdict;
use crate::report::run::Check;
use crate::report::{Document, text};
use crate::suggest::hint;

/// How many errors, and how many warnings, GitHub shows of one step.
const SHOWN_MAX: usize = 10;
/// The longest message, in characters.
const MESSAGE_CHARS_MAX: usize = 600;

/// Whether there are annotations, and whose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Annotations {
    /// Where a service is recognised.
    #[default]
    Auto,
    /// Those of GitHub.
    Github,
    /// None.
    Never,
}

impl FromStr for Annotations {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "auto" => Ok(Self::Auto),
            "github" => Ok(Self::Github),
            "never" => Ok(Self::Never),
            _ => Err(format!(
                "expected auto, github or never{}",
                hint(word, ["auto", "github", "never"])
            )),
        }
    }
}

impl Annotations {
    /// Whether GitHub's are written. Its runners set the variable
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables>).
    pub(super) fn are_on(self) -> bool {
        match self {
            Self::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            Self::Github => true,
            Self::Never => false,
        }
    }
}

/// `summary` between lines that keep GitHub from reading commands in it, and after it what failed. `token` must be one
/// that nobody can guess.
pub(super) fn fenced(summary: &str, document: &Document, strict: bool, token: u64) -> String {
    let end = if summary.ends_with('\n') { "" } else { "\n" };
    format!(
        "::stop-commands::plumb-{token:016x}\n{summary}{end}::plumb-{token:016x}::\n{}",
        lines(document, strict)
    )
}

/// One line for each error and warning, of which no more are written than are shown.
fn lines(document: &Document, strict: bool) -> String {
    let mut errors = Kind::new("error");
    let mut warnings = Kind::new("warning");
    for check in document.checks() {
        match check.verdict {
            Verdict::Fail => errors.add_check(check),
            Verdict::Warn if strict => errors.add_check(check),
            Verdict::Warn => warnings.add_check(check),
            Verdict::Error => errors.add_check(check),
            Verdict::Pass | Verdict::Skip => {}
        }
    }
    if let Some(load) = &document.load {
        for missed in &load.thresholds {
            if missed.verdict == ThresholdVerdict::Fail {
                let observed = missed.observed.as_deref().unwrap_or("nothing");
                let title = format!("threshold {} missed", missed.expression);
                errors.add(title, format!("observed {observed}"));
            }
        }
        if load.target_died {
            errors.add("load".to_owned(), "the server stopped answering".to_owned());
        }
    }
    if let Some(why) = &document.not_exercised {
        errors.add("nothing exercised".to_owned(), why.clone());
    }
    errors.written() + &warnings.written()
}

/// Annotations of one kind.
struct Kind {
    word: &'static str,
    /// Title and message.
    items: Vec<(String, String)>,
}

impl Kind {
    fn new(word: &'static str) -> Self {
        Self {
            word,
            items: Vec::new(),
        }
    }

    /// A check that is found at several revisions is told once.
    fn add_check(&mut self, check: &Check) {
        let requirement = check.requirement.as_deref().unwrap_or("no requirement");
        let title = format!("{} {}", check.id, check.level);
        if self.items.iter().any(|(known, _)| *known == title) {
            return;
        }
        let mut message = requirement.to_owned();
        let parts = [("expected", &check.expected), ("got", &check.got)];
        for (name, text) in parts {
            if let Some(text) = text {
                let _ = write!(message, "\n{name} {text}");
            }
        }
        self.add(title, message);
    }

    fn add(&mut self, title: String, message: String) {
        self.items.push((title, message));
    }

    /// The last line counts those for which there is no room.
    fn written(&self) -> String {
        let has_room = self.items.len() <= SHOWN_MAX;
        let shown = if has_room { SHOWN_MAX } else { SHOWN_MAX - 1 };
        let mut lines = String::new();
        for (title, message) in self.items.iter().take(shown) {
            let (title, message) = (property(title), data(message));
            let _ = writeln!(lines, "::{} title={title}::{message}", self.word);
        }
        if !has_room {
            let rest = self.items.len() - shown;
            let _ = writeln!(
                lines,
                "::{} title=mcp-plumb::and {rest} more, see the summary",
                self.word
            );
        }
        lines
    }
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    let mut data = String::new();
    for c in text.chars().take(MESSAGE_CHARS_MAX) {
        match c {
            '%' => data.push_str("%25"),
            '\r' => data.push_str("%0D"),
            '\n' => data.push_str("%0A"),
            c if text::is_unsafe(c) => data.extend(c.escape_unicode()),
            c => data.push(c),
        }
    }
    if text.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        data.push('…');
    }
    data
}

/// A property, in which a colon and a comma mean something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Level;
    use crate::report::{Run, Target};

    fn check(id: &str, verdict: Verdict, got: &str) -> Check {
        Check {
            id: id.to_owned(),
            requirement: Some("tools.list.name-unique".to_owned()),
            level: Level::Must,
            verdict,
            skip_reason: None,
            reason: None,
            expected: Some("no name twice".to_owned()),
            got: Some(got.to_owned()),
            evidence: Vec::new(),
            curl: None,
            file: None,
        }
    }

    fn document(checks: Vec<Check>) -> Document {
        let mut document = Document::new(Target::default());
        document.runs.push(Run {
            checks,
            ..Run::default()
        });
        document
    }

    #[test]
    fn what_a_target_says_stays_inside_its_annotation() {
        let hostile = "a\r\n::set-output name=x::y\n100%, a:b \u{1b}[31m";
        let mut document = document(vec![check("a/b#c,d:e", Verdict::Fail, hostile)]);
        document.not_exercised = Some(hostile.repeat(100));
        let written = lines(&document, false);
        assert_eq!(written.lines().count(), 2, "{written}");
        let first = written.lines().next().unwrap();
        assert_eq!(
            first,
            "::error title=a/b#c%2Cd%3Ae MUST::tools.list.name-unique%0Aexpected no name twice%0Agot a%0D%0A::set-output name=x::y%0A100%25, a:b \\u{1b}[31m"
        );
        assert!(written.len() < 4 * MESSAGE_CHARS_MAX, "{}", written.len());
    }

    #[test]
    fn no_more_are_written_than_are_shown_and_the_rest_is_counted() {
        let of = |count: usize, verdict| {
            let checks = (0..count).map(|number| check(&format!("a/b#{number}"), verdict, "x"));
            lines(&document(checks.collect()), false)
        };
        for (count, expected) in [(0, 0), (9, 9), (10, 10), (11, 10), (200, 10)] {
            for (verdict, word) in [(Verdict::Fail, "error"), (Verdict::Warn, "warning")] {
                let written = of(count, verdict);
                let begins = format!("::{word} title=");
                assert_eq!(written.matches(&begins).count(), expected, "{written}");
                assert_eq!(written.contains("more, see"), count > 10, "{written}");
            }
        }
        assert!(of(11, Verdict::Fail).contains("and 2 more"));
    }

    #[test]
    fn strictness_makes_errors_of_warnings_and_a_check_is_told_once() {
        let mut document = document(vec![check("a/b#c", Verdict::Warn, "x")]);
        document.runs.push(document.runs[0].clone());
        assert!(lines(&document, false).starts_with("::warning "));
        let strict = lines(&document, true);
        assert!(strict.starts_with("::error "));
        assert_eq!(strict.lines().count(), 1);
    }

    #[test]
    fn the_summary_is_fenced_off() {
        let document = document(Vec::new());
        assert_eq!(
            fenced("::add-mask::x", &document, false, 7),
            "::stop-commands::plumb-0000000000000007\n::add-mask::x\n::plumb-0000000000000007::\n"
        );
    }
}
