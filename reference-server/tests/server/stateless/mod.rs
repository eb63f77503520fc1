//! The dialect of 2026-07-28 over a real socket.

mod client;
mod faults_liberties;
mod faults_messages;
mod faults_requests;
mod faults_streams;
mod hostile;
mod input;
mod listen;
mod rejections;
mod results;

use futures_util::StreamExt;
use mcp_plumb_reference_server::{Fault, FaultSet};

use crate::client::only;

/// How many faults are tried beside each other.
const SIDE_BY_SIDE: usize = 4;

/// Whether a fault is one of this dialect.
pub(crate) fn is_of_it(fault: Fault) -> bool {
    fault.id().starts_with("stateless-")
}

/// Whether a server with these faults behaves as the fault says.
async fn shows(fault: Fault, faults: FaultSet) -> bool {
    if let Some(verdict) = faults_requests::shows(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_liberties::shows(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_messages::shows(fault, faults).await {
        return verdict;
    }
    let verdict = faults_streams::shows(fault, faults).await;
    verdict.unwrap_or_else(|| panic!("{fault} has no test"))
}

/// The faults that do not show as they should.
async fn wrong(expected: bool, faults: fn(Fault) -> FaultSet) -> Vec<&'static str> {
    let here = Fault::ALL.iter().filter(|info| is_of_it(info.fault));
    futures_util::stream::iter(here)
        .map(|info| async move {
            let shown = shows(info.fault, faults(info.fault)).await;
            (shown != expected).then_some(info.id)
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|wrong| async move { wrong })
        .collect()
        .await
}

#[tokio::test]
async fn a_conforming_server_shows_no_fault() {
    assert_eq!(wrong(false, |_| FaultSet::default()).await, [""; 0]);
}

#[tokio::test]
async fn each_fault_shows() {
    assert_eq!(wrong(true, only).await, [""; 0]);
}
