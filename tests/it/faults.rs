//! Each deliberate fault of the reference server turns exactly its checks red, and without a fault none is.

use futures_util::StreamExt;
use mcp_plumb::catalog::Catalog;
use mcp_plumb::engine::{probes, traffic_checks};
use mcp_plumb::scenario::Library;
use mcp_plumb_reference_server::{Config, Fault, FaultInfo};

use super::fault_table::{ALSO_SPOKEN, BATCH, HYBRID, SSE, STATELESS, STREAMABLE, TABLES, Table};
use super::support::{Spoken, check_url, red, server};

/// How many servers are checked beside each other.
const SIDE_BY_SIDE: usize = 4;

/// What the suite says of a server with these faults.
async fn red_with(faults: &[Fault], spoken: Spoken) -> Vec<String> {
    let config = Config {
        faults: faults.iter().copied().collect(),
        revision: alone(spoken),
        ..Config::default()
    };
    let (server, url) = server(config, spoken.transport).await;
    let outcome = check_url(&url, spoken).await;
    server.shutdown().await;
    red(&outcome)
}

/// The one revision that the server speaks: what answers without a handshake may take more liberties where it also speaks the
/// revisions with one.
fn alone(spoken: Spoken) -> Option<mcp_plumb_reference_server::Revision> {
    let revision = spoken.revision.as_str().parse().ok();
    revision.filter(|_| !spoken.revision.has_handshake())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_nothing_is_red() {
    for spoken in TABLES.iter().map(|table| table.spoken).chain(ALSO_SPOKEN) {
        assert_eq!(red_with(&[], spoken).await, [""; 0], "{spoken}");
    }
}

/// Whether a fault breaks a rule that holds here and is not tried elsewhere. One that breaks rules of other dialects only is
/// not tried.
fn concerns(info: &FaultInfo, table: &Table) -> bool {
    let catalog = Catalog::embedded();
    let holds = |id: &str, spoken: &Spoken| {
        let entry = catalog.get(id);
        entry.is_some_and(|entry| entry.applies(spoken.transport, spoken.revision))
    };
    info.breaks
        .iter()
        .any(|id| holds(id, &table.spoken) && !table.beyond.iter().any(|other| holds(id, other)))
}

/// Whether a fault shows to clients of 2026-07-28 alone.
fn is_stateless(info: &FaultInfo) -> bool {
    let stateless = |id: &&str| id.starts_with("stateless.");
    !info.breaks.is_empty() && info.breaks.iter().all(stateless)
}

/// All of them at once, since one server for each would take minutes to say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_stateless_dialect_are_not_seen_over_the_others() {
    let stateless = Fault::ALL.iter().filter(|info| is_stateless(info));
    let faults: Vec<Fault> = stateless.map(|info| info.fault).collect();
    let with_sessions = TABLES.iter().map(|table| table.spoken);
    for spoken in with_sessions.filter(|spoken| spoken.revision.has_handshake()) {
        assert_eq!(red_with(&faults, spoken).await, [""; 0], "{spoken}");
    }
}

async fn table_holds(table: &Table) {
    let spoken = table.spoken;
    let wrong: Vec<String> = futures_util::stream::iter(Fault::ALL)
        .filter(|info| std::future::ready(concerns(info, table) || table.row(info.id).is_some()))
        .map(|info| async move {
            let expected = table.row(info.id).unwrap_or_default();
            let got = red_with(&[info.fault], spoken).await;
            (got != expected).then(|| format!("(\"{}\", &{got:#?}),\n", info.id))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "over {spoken} the table should say:\n{}",
        wrong.concat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_over_streamable_http() {
    table_holds(&STREAMABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_over_hybrid() {
    table_holds(&HYBRID).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_without_sessions() {
    table_holds(&STATELESS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_over_http_with_sse() {
    table_holds(&SSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_where_there_are_batches() {
    table_holds(&BATCH).await;
}

#[test]
fn the_table_names_faults_that_there_are() {
    for (id, expected) in TABLES.iter().flat_map(|table| table.rows) {
        assert!(Fault::ALL.iter().any(|info| info.id == *id), "{id}");
        assert!(
            !expected.is_empty(),
            "{id} stands in the table without a check"
        );
    }
}

/// Checks that no fault turns red, and why not.
const UNSEEN: [(&str, &str); 4] = [
    (
        "initialize/second-client#first-client-still-served",
        "a server that ends the first session when a second begins also ends those of the scenarios beside it",
    ),
    (
        "initialize/second-client#both-clients-served",
        "as the one before",
    ),
    (
        "cleanup/abrupt#next-client-served",
        "a server that a vanished client harms is harmed by those of the scenarios beside it too",
    ),
    (
        "cleanup/abrupt#served-without-a-stream",
        "as the one before",
    ),
];

#[test]
fn every_check_is_seen_red_under_some_fault() {
    let library = Library::embedded(&probes::names()).unwrap();
    let of_scenarios = library.iter().flat_map(|loaded| {
        loaded
            .scenario
            .checks()
            .map(|check| loaded.scenario.check_id(check))
    });
    let of_traffic = traffic_checks().map(|(id, ..)| id);
    let never: Vec<String> = of_scenarios
        .chain(of_traffic)
        .filter(|id| {
            let seen = TABLES
                .iter()
                .flat_map(|table| table.rows)
                .flat_map(|(_, red)| red.iter())
                .any(|red| red.split_once(' ').is_some_and(|(_, red)| red == id));
            seen == UNSEEN.iter().any(|(unseen, _)| unseen == id)
        })
        .collect();
    assert!(
        never.is_empty(),
        "no fault turns these red (or they are listed as unseen and are not): {never:#?}"
    );
}
