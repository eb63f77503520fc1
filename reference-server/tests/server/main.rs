//! Behaviour over a real socket. One binary, since linking a client for each file takes longer than the tests.

mod client;
mod fan_out;
mod faults;
mod faults_http;
mod faults_messages;
mod faults_streams;
mod faults_tools;
mod hybrid;
mod streamable;
