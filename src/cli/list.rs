//! `list`: what there is, for people and for scripts.

use clap::{Args, ValueEnum};
use mcp_plumb_reference_server::Fault;
use serde_json::{Value, json};
use tabled::builder::Builder;
use tabled::settings::Style;

use super::check::library;
use super::{Exit, Refusal, print};
use crate::catalog::Catalog;
use crate::engine::{LIVENESS, traffic_checks};
use crate::scenario::{Library, Rule};

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of what.
    what: What,
    /// For a person, or for a script.
    #[arg(long, default_value = "text")]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The scenarios.
    Scenarios,
    /// The checks.
    Checks,
    /// The requirements of the catalogues.
    Requirements,
    /// The deliberate defects of the reference server.
    Faults,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ListFormat {
    /// A table.
    Text,
    /// A JSON array.
    Json,
}

/// A check as it is listed.
#[derive(Clone, Debug)]
pub(super) struct ListedCheck {
    pub(super) id: String,
    pub(super) requirements: Vec<String>,
    pub(super) level: String,
    pub(super) expects: String,
}

/// Every check: those of the scenarios, and those on all traffic.
pub(super) fn all_checks(library: &Library) -> Vec<ListedCheck> {
    let level_of = |requirement: &str| {
        Catalog::embedded()
            .get(requirement)
            .map_or(String::new(), |entry| entry.level.to_string())
    };
    let of_scenarios = library.iter().flat_map(|loaded| {
        loaded.scenario.checks().map(move |check| {
            let (requirements, level) = match &check.rule {
                Rule::Requirement(ids) => (
                    ids.iter().map(str::to_owned).collect(),
                    ids.iter().next().map_or(String::new(), level_of),
                ),
                Rule::Level(level) => (Vec::new(), level.to_string()),
            };
            ListedCheck {
                id: loaded.scenario.check_id(check),
                requirements,
                level,
                expects: check.that.to_string(),
            }
        })
    });
    let of_liveness = std::iter::once((LIVENESS.0.to_owned(), LIVENESS.1, LIVENESS.2));
    let of_traffic = traffic_checks()
        .chain(of_liveness)
        .map(|(id, requirements, expected)| ListedCheck {
            id,
            requirements: requirements.iter().map(|id| (*id).to_owned()).collect(),
            level: requirements
                .first()
                .map_or(String::new(), |id| level_of(id)),
            expects: expected.to_owned(),
        });
    of_scenarios.chain(of_traffic).collect()
}

/// Ids of the faults that break a requirement.
pub(super) fn faults_of(requirement: &str) -> Vec<&'static str> {
    Fault::ALL
        .iter()
        .filter(|info| info.breaks.contains(&requirement))
        .map(|info| info.id)
        .collect()
}

pub(super) fn run(args: &ListArgs) -> Result<Exit, Refusal> {
    let library = library(&[])?;
    let rows: Vec<Value> = match args.what {
        What::Scenarios => library
            .iter()
            .map(|loaded| {
                json!({
                    "id": loaded.scenario.scenario,
                    "checks": loaded.scenario.checks().count(),
                    "title": loaded.scenario.title,
                })
            })
            .collect(),
        What::Checks => all_checks(&library)
            .into_iter()
            .map(|check| json!({"id": check.id, "level": check.level, "requirements": check.requirements, "expects": check.expects}))
            .collect(),
        What::Requirements => requirements(&all_checks(&library)),
        What::Faults => Fault::ALL
            .iter()
            .map(|info| json!({"id": info.id, "summary": info.summary, "breaks": info.breaks}))
            .collect(),
    };
    match args.format {
        ListFormat::Json => print(&format!("{:#}\n", Value::Array(rows))),
        ListFormat::Text => print(&table(&rows)),
    }
    Ok(Exit::Ok)
}

fn requirements(checks: &[ListedCheck]) -> Vec<Value> {
    Catalog::embedded()
        .iter()
        .map(|entry| {
            let of_entry: Vec<&str> = checks
                .iter()
                .filter(|check| check.requirements.contains(&entry.id))
                .map(|check| check.id.as_str())
                .collect();
            json!({
                "id": entry.id,
                "level": entry.level,
                "revisions": entry.revisions,
                "observable": entry.observable,
                "checks": of_entry,
                "faults": faults_of(&entry.id),
                "summary": entry.summary,
            })
        })
        .collect()
}

/// A table with a column for each member; of lists only their length is shown.
fn table(rows: &[Value]) -> String {
    let mut builder = Builder::default();
    for (at, row) in rows.iter().filter_map(Value::as_object).enumerate() {
        if at == 0 {
            builder.push_record(row.keys());
        }
        builder.push_record(row.values().map(|value| match value {
            Value::String(text) => crate::excerpt::clip(text, 90),
            Value::Array(items) => items.len().to_string(),
            Value::Null => String::new(),
            other => other.to_string(),
        }));
    }
    let mut table = builder.build();
    table.with(Style::blank());
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}
