//! Behaviour over a real socket. One binary, since linking a client for each file takes longer than the tests.

mod asking;
mod auth;
mod batches;
mod client;
mod fan_out;
mod faults;
mod faults_http;
mod faults_messages;
mod faults_stateful;
mod faults_streams;
mod faults_tools;
mod http_sse;
mod hybrid;
mod offers;
mod resumption;
mod sse_client;
mod stateless;
mod streamable;
