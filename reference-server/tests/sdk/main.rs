//! A second opinion: clients that others wrote, the official SDKs, against this server.
//!
//! The tests beside these speak raw HTTP and share the reading of the specification with the server. An SDK has a reading
//! of its own, and it is what a user of the server runs. What the SDKs tolerate is not proven here: they skip
//! unknown members and fill in missing ones.
//!
//! | SDK | Streamable HTTP | HTTP+SSE | 2026-07-28 |
//! | --- | --- | --- | --- |
//! | Rust, `rmcp` 3 | all four revisions | has no such client | yes |
//! | TypeScript 1 (`sdk`) | all four | yes | has no such client |
//! | TypeScript 2 (`client`) | all four | yes | yes |
//! | Python 1 | all four | yes | has no such client |
//! | Python 2 | all four | yes | yes |
//!
//! No SDK sends batches or speaks hybrid, and which stream carries an answer is theirs to know.

#![expect(
    deprecated,
    reason = "2026-07-28 deprecates logging, sampling and roots; the server offers them and so they are tried"
)]

mod rust;
mod rust_features;
mod rust_sessions;
mod rust_stateless;
mod scripts;
