//! `explain`: one requirement, check or fault, in full.

use std::fmt::Write;

use clap::Args;
use mcp_plumb_reference_server::Fault;

use super::check::library;
use super::list::{ListedCheck, all_checks, faults_of};
use super::{Exit, Refusal, print};
use crate::catalog::{Catalog, Requirement};
use crate::suggest;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The id of a requirement, a check (<scenario>#<slug>) or a fault.
    id: String,
}

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Refusal> {
    let library = library(&[])?;
    let checks = all_checks(&library);
    let text = if let Some(entry) = Catalog::embedded().get(&args.id) {
        requirement(entry, &checks)
    } else if let Some(check) = checks.iter().find(|check| check.id == args.id) {
        let rules = check
            .requirements
            .iter()
            .filter_map(|id| Catalog::embedded().get(id));
        let file = library
            .get(check.id.split('#').next().unwrap_or_default())
            .map_or("the engine, which judges all traffic", |loaded| {
                loaded.file.as_str()
            });
        let mut text = format!(
            "{} ({})\n\n  expects      {}\n  where        {file}\n\n",
            check.id, check.level, check.expects
        );
        for entry in rules {
            text.push_str(&requirement(entry, &checks));
        }
        text
    } else if let Some(info) = Fault::ALL.iter().find(|info| info.id == args.id) {
        format!(
            "{}\n\n  {}\n  breaks       {}\n  try          mcp-plumb serve --fault {}\n",
            info.id,
            info.summary,
            info.breaks.join(", "),
            info.id
        )
    } else {
        let known = Catalog::embedded()
            .iter()
            .map(|entry| entry.id.as_str())
            .chain(checks.iter().map(|check| check.id.as_str()))
            .chain(Fault::ALL.iter().map(|info| info.id));
        let hint = suggest::hint(&args.id, known);
        return Err(Refusal::usage(format!(
            "no requirement, check or fault has the id '{}'{hint}",
            args.id
        )));
    };
    print(&text);
    Ok(Exit::Ok)
}

fn requirement(entry: &Requirement, checks: &[ListedCheck]) -> String {
    let of_entry: Vec<&str> = checks
        .iter()
        .filter(|check| check.requirements.contains(&entry.id))
        .map(|check| check.id.as_str())
        .collect();
    let faults = faults_of(&entry.id);
    let mut text = format!("{} ({})\n\n  {}\n\n", entry.id, entry.level, entry.summary);
    let or_none = |list: &[&str], none: &str| {
        if list.is_empty() {
            none.to_owned()
        } else {
            list.join("\n               ")
        }
    };
    let rows = [
        ("source", entry.source.clone()),
        ("revisions", entry.revisions.join(", ")),
        ("visible", format!("{:?}", entry.observable).to_lowercase()),
        (
            "needs",
            entry.needs.clone().unwrap_or_else(|| "nothing".to_owned()),
        ),
        ("probe", entry.probe.clone()),
        ("verdict", entry.verdict.clone()),
        (
            "traps",
            entry
                .pitfalls
                .clone()
                .unwrap_or_else(|| "none known".to_owned()),
        ),
        ("checks", or_none(&of_entry, "none in this version")),
        ("faults", or_none(&faults, "none in this version")),
    ];
    for (name, value) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<12} {value}");
    }
    text
}
