//! A comparison for a person at a terminal: the verdict in words is the last line.

use anstyle::Style as Paint;
use tabled::builder::Builder;

use super::pen::{Pen, dim};
use super::{Style, write_table};
use crate::compare::against::Against;
use crate::compare::bootstrap::PAIRS_MIN;
use crate::compare::document::{Column, Comparison, Kind, Row, Tally};
use crate::compare::latency::{Judgement, LatencyChange};
use crate::compare::ledger::CountChange;
use crate::compare::slices::{Side, Sliced};
use crate::compare::verdicts::{Change, VerdictChange};
use crate::engine::Verdict;
use crate::load::report::{Deliveries, ThresholdVerdict};
use crate::report::units::{self, counted};

/// The most checks of one kind that are listed; the JSON has all.
const LISTED_MAX: usize = 40;

/// The comparison as text, with a line feed at the end.
pub fn render_comparison(comparison: &Comparison, style: Style) -> String {
    let mut pen = Pen::new(style);
    let names = names(comparison);
    for (column, name) in comparison.columns.iter().zip(&names) {
        head(&mut pen, column, name);
    }
    if has_matrix(comparison) {
        matrix(&mut pen, comparison, &names);
    }
    for found in &comparison.against {
        let name = names.get(found.column).map_or("", String::as_str);
        if comparison.against.len() > 1 {
            let baseline = names.first().map_or("", String::as_str);
            pen.heading(&format!("{name} against {baseline}"));
        }
        one(&mut pen, comparison, found);
    }
    verdict(&mut pen, comparison);
    pen.text
}

/// Letters for files, whose names may be long; the two sides of a comparison with the reference server have names.
fn names(comparison: &Comparison) -> Vec<String> {
    let letter = |place: usize| match u8::try_from(place) {
        Ok(place) if place < 26 => char::from(b'A' + place).to_string(),
        _ => format!("#{}", place + 1),
    };
    match comparison.kind {
        Kind::Saved => (0..comparison.columns.len()).map(letter).collect(),
        Kind::Reference => comparison
            .columns
            .iter()
            .map(|it| it.name.clone())
            .collect(),
    }
}

fn head(pen: &mut Pen, column: &Column, name: &str) {
    let mut parts = Vec::new();
    if !column.url.is_empty() {
        parts.push(pen.foreign(&column.url));
    }
    if *name != column.name {
        parts.insert(0, pen.foreign(&column.name));
    }
    if let Some(server) = &column.server {
        parts.push(pen.foreign(server));
    }
    parts.push(match column.tested.as_slice() {
        [] => "nothing was tested".to_owned(),
        [run] => pen.foreign(run),
        runs => format!("{} revisions tested", runs.len()),
    });
    let name = pen.paint(&format!("{name:9}"), Paint::new().bold());
    pen.line(&format!("{name} {}", parts.join("  ")));
}

/// Two reports of one target are told by what changed; more, or several targets, by a matrix first.
fn has_matrix(comparison: &Comparison) -> bool {
    let mut urls: Vec<&str> = comparison
        .columns
        .iter()
        .map(|it| it.url.as_str())
        .collect();
    urls.dedup();
    let checked = comparison
        .columns
        .iter()
        .any(|it| it.all != Tally::default());
    comparison.kind == Kind::Saved && checked && (comparison.columns.len() > 2 || urls.len() > 1)
}

/// Areas by columns, and below them the checks that differ and are red somewhere.
fn matrix(pen: &mut Pen, comparison: &Comparison, names: &[String]) {
    let columns = &comparison.columns;
    let mut areas: Vec<&String> = columns.iter().flat_map(|it| it.areas.keys()).collect();
    areas.sort();
    areas.dedup();
    let mut table = Builder::default();
    table.push_record(std::iter::once("area").chain(names.iter().map(String::as_str)));
    for area in areas {
        let cells = columns.iter().map(|it| match it.areas.get(area) {
            Some(tally) => cell(pen, *tally),
            None => "-".to_owned(),
        });
        table.push_record(std::iter::once(pen.short(area)).chain(cells));
    }
    let sums = columns.iter().map(|it| cell(pen, it.all));
    table.push_record(std::iter::once("all".to_owned()).chain(sums));
    pen.gap();
    write_table(pen, table);

    let is_red = |verdict: &Option<Verdict>| {
        matches!(
            verdict,
            Some(Verdict::Fail | Verdict::Warn | Verdict::Error)
        )
    };
    let (red, others): (Vec<&Row>, Vec<&Row>) = comparison
        .checks
        .iter()
        .partition(|row| row.verdicts.iter().any(is_red));
    if !red.is_empty() {
        let mut table = Builder::default();
        table.push_record(
            std::iter::once("check that differs").chain(names.iter().map(String::as_str)),
        );
        for row in red.iter().take(LISTED_MAX) {
            let cells = row.verdicts.iter().map(|it| word(pen, *it));
            table.push_record(std::iter::once(pen.foreign(&row.check)).chain(cells));
        }
        write_table(pen, table);
    }
    let left_out = red.len().saturating_sub(LISTED_MAX);
    if left_out > 0 {
        pen.line(&format!("and {left_out} more; the JSON report has all"));
    }
    if !others.is_empty() {
        let more = counted(others.len(), "check differs", "checks differ");
        pen.line(&format!(
            "{more} only in whether it was there and exercised"
        ));
    }
}

fn cell(pen: &Pen, tally: Tally) -> String {
    let parts = [
        (tally.passed, "ok", Verdict::Pass),
        (tally.must_failed, "fail", Verdict::Fail),
        (tally.errors, "error", Verdict::Error),
        (tally.warned, "warn", Verdict::Warn),
        (tally.skipped, "skip", Verdict::Skip),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, word, verdict)| pen.verdict(&format!("{count} {word}"), verdict))
        .collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    parts.join(" ")
}

fn word(pen: &Pen, verdict: Option<Verdict>) -> String {
    verdict.map_or_else(
        || "-".to_owned(),
        |verdict| pen.verdict(verdict.as_str(), verdict),
    )
}

/// What is different from the baseline.
fn one(pen: &mut Pen, comparison: &Comparison, found: &Against) {
    for note in &found.notes {
        let note = format!("note: {}", pen.foreign(note));
        pen.paragraph("", &note, Paint::new());
    }
    for run in &found.runs {
        let was = |outcome: &Option<String>| match outcome {
            Some(outcome) => pen.short(outcome),
            None => "not in it".to_owned(),
        };
        let line = format!(
            "run {}: {}, in the baseline {}",
            pen.foreign(&run.run),
            was(&run.this),
            was(&run.baseline)
        );
        pen.line(&line);
    }
    checks(pen, comparison.kind, found);
    if !found.latencies.is_empty() || !found.counts.is_empty() || comparison.sliced.is_some() {
        pen.heading("Load");
    }
    if let Some(sliced) = &comparison.sliced {
        how(pen, sliced);
    }
    latencies(pen, comparison, &found.latencies);
    if let Some(sliced) = &comparison.sliced {
        ledger(pen, "target", sliced.deliveries(Side::Target));
        ledger(pen, "reference", sliced.deliveries(Side::Reference));
    } else {
        for change in &found.counts {
            count(pen, change);
        }
    }
    for change in &found.thresholds {
        let said = |verdict: Option<ThresholdVerdict>| match verdict {
            Some(ThresholdVerdict::Pass) => "held",
            Some(ThresholdVerdict::Fail) => "missed",
            Some(ThresholdVerdict::NotExercised) => "not measured",
            None => "not given",
        };
        let observed = change.observed.as_ref();
        let observed = observed.map_or_else(String::new, |it| format!(" ({})", pen.foreign(it)));
        let line = format!(
            "  threshold {}: {}{observed}, in the baseline {}",
            pen.foreign(&change.expression),
            said(change.this),
            said(change.baseline)
        );
        pen.line(&line);
    }
    if found.died {
        pen.line("  the target died, and had not in the baseline");
    }
}

/// Checks by how they changed, the worst first. Beside the reference server only what is red there is told by name.
fn checks(pen: &mut Pen, kind: Kind, found: &Against) {
    if found.verdicts.is_empty() && found.unchanged == 0 {
        return;
    }
    pen.heading("Checks");
    for group in found
        .verdicts
        .chunk_by(|one, other| one.change == other.change)
    {
        let Some(first) = group.first() else { continue };
        let is_red = first.change == Change::NewRed;
        let title = match (kind, first.change) {
            (Kind::Reference, Change::NewRed) => "worse than the reference server",
            (Kind::Reference, Change::NoLongerExercised) => {
                "exercised at the reference server only"
            }
            (Kind::Reference, Change::Fixed) => "better than the reference server",
            (Kind::Reference, Change::NewlyExercised) => "exercised at the target only",
            (Kind::Reference, Change::OnlyHere) => "judged at the target only",
            (Kind::Reference, Change::OnlyInBaseline) => "judged at the reference server only",
            (Kind::Saved, change) => change.as_str(),
        };
        pen.line(&format!("  {title}: {}", group.len()));
        if kind == Kind::Saved || is_red {
            listed(pen, group);
        }
    }
    pen.line(&format!("  the same verdict: {}", found.unchanged));
}

fn listed(pen: &mut Pen, group: &[VerdictChange]) {
    for change in group.iter().take(LISTED_MAX) {
        let now = change.this.or(change.baseline).unwrap_or(Verdict::Skip);
        let before = change.baseline.map_or("absent", Verdict::as_str);
        let this = change.this.map_or("absent", Verdict::as_str);
        let arrow = if pen.style.unicode { "→" } else { "->" };
        let moved = pen.verdict(&format!("{before} {arrow} {this}"), now);
        let line = format!(
            "    {moved}  {}  {}",
            pen.foreign(&change.check),
            pen.paint(&pen.foreign(&change.run), dim())
        );
        pen.line(&line);
    }
    let left_out = group.len().saturating_sub(LISTED_MAX);
    if left_out > 0 {
        pen.line(&format!("    and {left_out} more; the JSON report has all"));
    }
}

fn how(pen: &mut Pen, sliced: &Sliced) {
    let line = format!(
        "  {} of {} pairs of slices of {} s, in turn (A B B A ...): {} streams, {} publishes per second",
        sliced.pairs(),
        sliced.pairs_asked,
        units::three_digits(sliced.slice_s),
        sliced.streams,
        units::three_digits(sliced.rate),
    );
    pen.line(&line);
    if let Some(why) = &sliced.not_exercised {
        let line = format!(
            "deliveries of the target were not measured: {}",
            pen.foreign(why)
        );
        pen.paragraph("  ", &line, Paint::new());
    }
    if sliced.target_call != sliced.reference_call {
        let said = |call: &Option<String>| pen.foreign(call.as_deref().unwrap_or("nothing"));
        let line = format!(
            "calls are {} at the target, {} at the reference server",
            said(&sliced.target_call),
            said(&sliced.reference_call)
        );
        pen.paragraph("  ", &line, Paint::new());
    }
    if sliced.pairs() < PAIRS_MIN {
        let line = format!("no confidence interval: it takes {PAIRS_MIN} pairs");
        pen.paragraph("  ", &line, Paint::new());
    }
    let saturated = sliced.saturated();
    if saturated > 0 {
        let line = format!(
            "generator saturated in {saturated} of {} slices: latencies are upper bounds, and ratios nearer to 1 than they would be",
            sliced.slices.len()
        );
        pen.paragraph("  ", &line, Paint::new());
    }
}

fn latencies(pen: &mut Pen, comparison: &Comparison, changes: &[LatencyChange]) {
    if changes.is_empty() {
        return;
    }
    let of_slices = comparison.kind == Kind::Reference;
    let mut table = Builder::default();
    table.push_record(if of_slices {
        [
            "latency",
            "target",
            "reference",
            "ratio",
            "95 % interval",
            "judged",
        ]
    } else {
        ["latency", "this", "baseline", "ratio", "machine", "judged"]
    });
    let times = if pen.style.unicode { "×" } else { "x" };
    let shown = |us| units::micros(us, pen.style.unicode);
    let three = units::three_digits;
    for change in changes {
        let fifth = match (change.interval, change.machine) {
            (Some(it), _) => format!("{} to {}", three(it.low), three(it.high)),
            (None, Some(machine)) => format!("{}{times}", three(machine)),
            (None, None) => "-".to_owned(),
        };
        table.push_record([
            change.metric.clone(),
            shown(change.this_us),
            shown(change.baseline_us),
            format!("{}{times}", three(change.ratio)),
            fifth,
            judged(pen, change.judgement),
        ]);
    }
    write_table(pen, table);
    let mut reasons: Vec<&str> = changes.iter().filter_map(|it| it.why.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let line = format!("unclear: {}", pen.foreign(reason));
        pen.paragraph("  ", &line, Paint::new());
    }
}

fn judged(pen: &Pen, judgement: Judgement) -> String {
    let verdict = match judgement {
        Judgement::Better | Judgement::Same => Verdict::Pass,
        Judgement::Worse => Verdict::Warn,
        Judgement::Unclear => Verdict::Skip,
    };
    pen.verdict(judgement.as_str(), verdict)
}

fn ledger(pen: &mut Pen, name: &str, owed: Deliveries) {
    let line = format!(
        "  {name:10} {} expected, {} received, {} lost, {} duplicate, {} reordered, {} foreign",
        owed.expected, owed.received, owed.lost, owed.duplicate, owed.reordered, owed.foreign
    );
    pen.line(&line);
}

fn count(pen: &mut Pen, change: &CountChange) {
    let line = format!(
        "  {:10} {} of {}, in the baseline {} of {}: {}",
        change.count,
        change.this,
        change.this_of,
        change.baseline,
        change.baseline_of,
        judged(pen, change.judgement)
    );
    pen.line(&line);
}

/// The last line.
fn verdict(pen: &mut Pen, comparison: &Comparison) {
    pen.gap();
    if comparison.interrupted {
        let line = "interrupted: what is above was known by then";
        pen.paragraph("", line, Paint::new());
    }
    let (text, verdict) = if !comparison.has_compared() {
        ("NOTHING TO COMPARE".to_owned(), Verdict::Skip)
    } else if comparison.is_no_change() {
        (no_change(comparison), Verdict::Pass)
    } else {
        (changed(comparison), Verdict::Warn)
    };
    let text = pen.verdict(&text, verdict);
    pen.line(&format!(
        "{text} (tolerance {}, exit {})",
        comparison.tolerance, comparison.exit_code
    ));
}

fn no_change(comparison: &Comparison) -> String {
    let unclear = latencies_judged(comparison, Judgement::Unclear);
    let said = match comparison.kind {
        Kind::Saved => "no change",
        Kind::Reference => "no difference from the reference server",
    };
    match unclear {
        0 => said.to_owned(),
        count => format!(
            "{said}; {}",
            counted(count, "latency unclear", "latencies unclear")
        ),
    }
}

fn latencies_judged(comparison: &Comparison, judgement: Judgement) -> usize {
    let all = comparison.against.iter().flat_map(|it| &it.latencies);
    all.filter(|it| it.judgement == judgement).count()
}

/// What changed, the worst first.
fn changed(comparison: &Comparison) -> String {
    let verdicts = |change| {
        let all = comparison.against.iter().flat_map(|it| &it.verdicts);
        all.filter(|it| it.change == change).count()
    };
    let counts = |judgement| {
        let all = comparison.against.iter().flat_map(|it| &it.counts);
        all.filter(|it| it.judgement == judgement).count()
    };
    let sum = |of: fn(&Against) -> usize| comparison.against.iter().map(of).sum::<usize>();
    let (word, red) = match comparison.kind {
        Kind::Saved => ("CHANGED", "new red"),
        Kind::Reference => ("DIFFERENT", "red beside the reference server"),
    };
    let parts = [
        (verdicts(Change::NewRed), red),
        (
            verdicts(Change::NoLongerExercised),
            "not exercised any more",
        ),
        (verdicts(Change::Fixed), "fixed"),
        (verdicts(Change::NewlyExercised), "newly exercised"),
        (
            verdicts(Change::OnlyHere) + verdicts(Change::OnlyInBaseline),
            "only in one",
        ),
        (sum(|it| it.runs.len()), "runs not alike"),
        (sum(|it| it.thresholds.len()), "thresholds not alike"),
        (sum(|it| usize::from(it.died)), "died"),
        (counts(Judgement::Worse), "counts worse"),
        (counts(Judgement::Better), "counts better"),
        (
            latencies_judged(comparison, Judgement::Worse),
            "latencies longer",
        ),
        (
            latencies_judged(comparison, Judgement::Better),
            "latencies shorter",
        ),
        (
            latencies_judged(comparison, Judgement::Unclear),
            "latencies unclear",
        ),
    ];
    let is_beside = comparison.kind == Kind::Reference;
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| match *what {
            "not exercised any more" if is_beside => format!("{count} not exercised at the target"),
            "newly exercised" if is_beside => format!("{count} exercised at the target only"),
            what => format!("{count} {what}"),
        })
        .collect();
    format!("{word}: {}", told.join(", "))
}
