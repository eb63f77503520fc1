//! Tests of the whole: the library and the binary against the reference server and against peers that misbehave.
//! One binary, because each links everything.

mod browser;
mod ci;
mod cli;
mod compare;
mod config;
mod credentials;
mod detection;
mod dialect_peers;
mod fault_table;
mod faults;
mod front;
mod load;
mod on_the_wire;
mod peer;
mod peers;
mod program;
mod recording;
mod reports;
mod revisions;
mod support;
mod tls;
