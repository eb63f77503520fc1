//! What was looked at, and how that was found out.

use anstyle::Style as Paint;

use super::pen::{Pen, dim};
use crate::report::document::Document;
use crate::report::run::{Outcome, Run};

/// Writes URL, server, transport and revision, and how the last two were settled.
pub(super) fn write(pen: &mut Pen, document: &Document) {
    let told = told(document);
    let parts = [
        pen.foreign(&document.target.url),
        listed(pen, &told, "server", |run| run.server.as_deref()),
        listed(pen, &told, "transport", |run| run.transport.as_deref()),
        listed(pen, &told, "revision", |run| run.revision.as_deref()),
    ];
    let line = pen.paint(&parts.join("  "), Paint::new().bold());
    pen.line(&line);
    if document.target.unverified {
        pen.line("  its certificate was not verified (--insecure)");
    }
    let mut said: Vec<String> = Vec::new();
    let of_several = document.runs.len() > 1;
    for run in told {
        if let Some(line) = settled(pen, run, of_several)
            && !said.contains(&line)
        {
            pen.paragraph("", &line, dim());
            said.push(line);
        }
    }
    // Each of several runs saw about the same.
    if let [run] = document.runs.as_slice() {
        for note in &run.detection.notes {
            let note = pen.foreign(note);
            pen.paragraph("  ", &note, dim());
        }
    }
}

/// The runs that the first line is about: those that were made, if any was.
fn told(document: &Document) -> Vec<&Run> {
    let tested = |run: &&Run| run.outcome == Outcome::Tested;
    let runs: Vec<&Run> = document.runs.iter().filter(tested).collect();
    if runs.is_empty() {
        return document.runs.iter().collect();
    }
    runs
}

/// What the runs say of one thing, each answer once.
fn listed<'a>(
    pen: &Pen,
    runs: &[&'a Run],
    name: &str,
    of: impl Fn(&'a Run) -> Option<&'a str>,
) -> String {
    let mut answers: Vec<&str> = Vec::new();
    for answer in runs.iter().filter_map(|run| of(run)) {
        if !answers.contains(&answer) {
            answers.push(answer);
        }
    }
    if answers.is_empty() {
        return format!("{name} unknown");
    }
    pen.foreign(&answers.join(", "))
}

/// `detected: streamable-http 2025-11-25 (also offers 2025-06-18), because …`. What several runs have in common leaves out
/// the revision.
fn settled(pen: &Pen, run: &Run, of_several: bool) -> Option<String> {
    let detection = &run.detection;
    let because = pen.foreign(detection.because.as_deref()?);
    let word = if detection.guessed {
        "detected"
    } else {
        "given"
    };
    let own = run.revision.as_deref().filter(|_| !of_several);
    let offers = detection.offers.iter().map(String::as_str);
    let offers: Vec<&str> = offers.filter(|offered| Some(*offered) != own).collect();
    let verb = if of_several { "offers" } else { "also offers" };
    let offers = match offers.as_slice() {
        [] => String::new(),
        offers => format!(" ({verb} {})", pen.foreign(&offers.join(", "))),
    };
    let name = match &run.transport {
        Some(transport) if of_several => transport.clone(),
        _ => run.name(),
    };
    let name = pen.foreign(&name);
    Some(format!("{word}: {name}{offers}, because {because}"))
}
