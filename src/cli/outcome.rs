//! From a document to what the user sees: reports, the summary, the exit code.

use super::args::ReportArgs;
use super::exit::Exit;
use super::{Refusal, annotations};
use crate::load::report::ThresholdVerdict;
use crate::report::terminal::{self, Style};
use crate::report::{Destination, Document, Outcome};

/// The exit code that a document calls for. Where several hold, the first of this order wins.
pub(super) fn exit_of(document: &Document, strict: bool) -> Exit {
    let summary = &document.summary;
    let not_held = document.load.as_ref().is_some_and(|load| {
        let missed = |verdict| verdict == ThresholdVerdict::Fail;
        load.target_died
            || load
                .thresholds
                .iter()
                .any(|threshold| missed(threshold.verdict))
    });
    let load_exercised = document
        .load
        .as_ref()
        .is_some_and(|load| load.streams.opened > 0);
    if summary.errors > 0 {
        Exit::OurBug
    } else if document.interrupted {
        Exit::Interrupted
    } else if summary.must_failed > 0 || (strict && summary.warned > 0) {
        Exit::TargetFailed
    } else if not_held {
        Exit::ThresholdMissed
    } else if document.any(Outcome::Unreachable) {
        Exit::Unreachable
    } else if summary.exercised() == 0 && !load_exercised {
        Exit::NothingExercised
    } else {
        Exit::Ok
    }
}

/// Refuses reports that could not be written, before anything is sent.
pub(super) fn check_paths(args: &ReportArgs) -> Result<(), Refusal> {
    for spec in &args.reports {
        let Destination::File(path) = &spec.path else {
            continue;
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let why = if path.is_dir() {
            "it is a folder"
        } else if folder.is_some_and(|folder| !folder.is_dir()) {
            "its folder does not exist"
        } else {
            continue;
        };
        return Err(Refusal::usage(format!(
            "--report: cannot write {}: {why}",
            path.display()
        )));
    }
    Ok(())
}

/// Writes the reports and the summary. With a report on stdout the summary goes to stderr.
pub(super) fn deliver(
    document: &mut Document,
    exit: Exit,
    args: &ReportArgs,
) -> Result<Exit, Refusal> {
    document.exit_code = exit.code();
    let to_stdout = args
        .reports
        .iter()
        .any(|spec| matches!(spec.path, Destination::Stdout));
    if to_stdout {
        let style = style(
            anstream::AutoStream::choice(&std::io::stderr()),
            args.strict,
        );
        anstream::eprint!("{}", summary(document, style, args)?);
    } else {
        let style = style(
            anstream::AutoStream::choice(&std::io::stdout()),
            args.strict,
        );
        super::print(&summary(document, style, args)?);
    }
    for spec in &args.reports {
        crate::report::write(document, spec, args.strict).map_err(Refusal::usage)?;
    }
    summarise_job(document, args.strict);
    Ok(exit)
}

/// Adds the summary to the page of a job, where the program runs in one that has such a page. That this fails is told and
/// changes no verdict.
fn summarise_job(document: &Document, strict: bool) {
    let Some(path) = std::env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()) else {
        return;
    };
    match crate::report::append_summary(document, path.as_ref(), strict) {
        Ok(()) => super::complain(&format!("the summary was added to {JOB_SUMMARY}")),
        Err(error) => super::complain(&format!("no job summary: {error}")),
    }
}

/// Names the file that GitHub shows as the summary of a job
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The summary, with annotations where they are shown.
fn summary(document: &Document, style: Style, args: &ReportArgs) -> Result<String, Refusal> {
    let summary = terminal::render(document, style);
    if !args.annotations.are_on() {
        return Ok(summary);
    }
    let token = getrandom::u64().map_err(Refusal::ours)?;
    Ok(annotations::fenced(&summary, document, args.strict, token))
}

/// How the summary looks: colour as the stream and `NO_COLOR` want it, signs beyond ASCII where the locale has them.
pub(super) fn style(colour: anstream::ColorChoice, strict: bool) -> Style {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    Style {
        colour: colour != anstream::ColorChoice::Never,
        unicode: locale.is_some_and(|value| value.to_ascii_lowercase().contains("utf")),
        strict,
        width: WIDTH,
    }
}

/// The width of text, in columns.
const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use crate::load::LoadReport;
    use crate::load::report::{Streams, ThresholdResult};
    use crate::report::{Run, Summary, Target};

    use super::*;

    fn document(summary: Summary) -> Document {
        Document {
            summary,
            ..Document::new(Target::default())
        }
    }

    fn load(opened: u64, verdict: ThresholdVerdict) -> LoadReport {
        LoadReport {
            streams: Streams {
                opened,
                ..Streams::default()
            },
            thresholds: vec![ThresholdResult {
                expression: "lost==0".to_owned(),
                observed: None,
                verdict,
            }],
            ..LoadReport::default()
        }
    }

    /// The document with a run that could not be made.
    fn with(mut document: Document, outcome: Outcome) -> Document {
        document.runs.push(Run {
            outcome,
            ..Run::default()
        });
        document
    }

    #[test]
    fn exit_codes_and_their_order() {
        let passed = Summary {
            passed: 3,
            ..Summary::default()
        };
        let warned = Summary {
            warned: 1,
            ..passed
        };
        let failed = Summary {
            must_failed: 1,
            ..warned
        };
        let errors = Summary {
            errors: 1,
            ..failed
        };
        let cases = [
            (document(passed), false, Exit::Ok),
            (document(warned), false, Exit::Ok),
            (document(warned), true, Exit::TargetFailed),
            (document(failed), false, Exit::TargetFailed),
            (document(errors), false, Exit::OurBug),
            (
                document(Summary {
                    skipped: 9,
                    ..Summary::default()
                }),
                false,
                Exit::NothingExercised,
            ),
            (with(document(passed), Outcome::NotOffered), true, Exit::Ok),
            (
                with(document(Summary::default()), Outcome::NotOffered),
                false,
                Exit::NothingExercised,
            ),
            (
                with(document(Summary::default()), Outcome::NotTestable),
                false,
                Exit::NothingExercised,
            ),
            (
                with(document(passed), Outcome::Unreachable),
                false,
                Exit::Unreachable,
            ),
            (
                with(document(failed), Outcome::Unreachable),
                false,
                Exit::TargetFailed,
            ),
            (
                Document {
                    interrupted: true,
                    ..document(failed)
                },
                false,
                Exit::Interrupted,
            ),
            (
                Document {
                    load: Some(load(1, ThresholdVerdict::Fail)),
                    ..document(passed)
                },
                false,
                Exit::ThresholdMissed,
            ),
            (
                Document {
                    load: Some(load(1, ThresholdVerdict::Fail)),
                    ..document(failed)
                },
                false,
                Exit::TargetFailed,
            ),
            (
                Document {
                    load: Some(load(1, ThresholdVerdict::Pass)),
                    ..document(Summary::default())
                },
                false,
                Exit::Ok,
            ),
            (
                Document {
                    load: Some(load(0, ThresholdVerdict::NotExercised)),
                    ..document(Summary::default())
                },
                false,
                Exit::NothingExercised,
            ),
        ];
        for (document, strict, expected) in cases {
            assert_eq!(exit_of(&document, strict), expected, "{document:?}");
        }
    }
}
