//! Each deliberate fault of the reference server turns exactly its checks red, and without a fault none is.

use futures_util::StreamExt;
use mcp_plumb::engine::{probes, traffic_checks};
use mcp_plumb::protocol::Transport;
use mcp_plumb::scenario::Library;
use mcp_plumb_reference_server::{Config, Fault};

use super::fault_table::{HYBRID, STREAMABLE};
use super::support::{check_url, red, server};

/// How many servers are checked beside each other.
const SIDE_BY_SIDE: usize = 4;

/// What the suite says of a server with these faults.
async fn red_with(faults: &[Fault], transport: Transport) -> Vec<String> {
    let config = Config {
        faults: faults.iter().copied().collect(),
        ..Config::default()
    };
    let (server, url) = server(config, transport).await;
    let outcome = check_url(&url, transport).await;
    server.shutdown().await;
    red(&outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_nothing_is_red() {
    for transport in Transport::ALL {
        assert_eq!(red_with(&[], transport).await, [""; 0], "{transport}");
    }
}

async fn table_holds(transport: Transport, table: &[(&str, &[&str])]) {
    let wrong: Vec<String> = futures_util::stream::iter(Fault::ALL)
        .map(|info| async move {
            let expected = table
                .iter()
                .find(|(id, _)| *id == info.id)
                .map_or(&[][..], |(_, expected)| *expected);
            let got = red_with(&[info.fault], transport).await;
            (got != expected).then(|| format!("(\"{}\", &{got:#?}),\n", info.id))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "over {transport} the table should say:\n{}",
        wrong.concat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_over_streamable_http() {
    table_holds(Transport::StreamableHttp, STREAMABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_turns_exactly_its_checks_red_over_hybrid() {
    table_holds(Transport::Hybrid, HYBRID).await;
}

#[test]
fn the_table_names_faults_that_there_are() {
    for (id, expected) in STREAMABLE.iter().chain(HYBRID) {
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
            let seen = STREAMABLE
                .iter()
                .chain(HYBRID)
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
