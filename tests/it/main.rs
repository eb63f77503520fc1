//! Tests of the whole: the library and the binary against the reference server and against peers that misbehave.
//! One binary, because each links everything.

mod cli;
mod fault_table;
mod faults;
mod load;
mod peers;
mod program;
mod recording;
mod support;
