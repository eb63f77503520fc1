//! `mcp-plumb` tells whether a Model Context Protocol server reached over HTTP and Server-Sent Events is right, and what
//! it holds.
//!
//! The layers, each knowing only those to its right: `cli` → `report` → `engine`, `load` → `scenario`, `catalog` →
//! `transport` → `protocol`. `docs/ARCHITECTURE.md` has the map.

pub mod catalog;
pub mod cli;
pub mod compare;
pub mod detect;
pub mod engine;
pub mod excerpt;
pub mod load;
pub mod protocol;
pub mod report;
pub mod scenario;
pub mod suggest;
pub mod transport;
pub mod yaml;
