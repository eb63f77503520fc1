//! Many streams, slow readers and the end of the server.

use futures_util::future::join_all;
use mcp_plumb_reference_server::{Config, Fault, start};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, DEADLINE, Events, call, only, server, server_with};

#[tokio::test]
async fn every_stream_gets_each_payload_once_and_in_order() {
    const STREAMS: u64 = 100;
    const PUBLISHES: u64 = 50;
    let server = server().await;
    let caller = Client::session(&server).await;
    let hybrid = Client::hybrid(&server);
    let sessions = join_all((0..STREAMS / 2).map(|_| Client::session(&server))).await;
    let mut streams = join_all(sessions.iter().map(Client::stream)).await;
    let clients: Vec<String> = (0..STREAMS / 2)
        .map(|n| format!("?client_id={n}"))
        .collect();
    streams.extend(join_all(clients.iter().map(|query| hybrid.client_stream(query))).await);

    for number in 0..PUBLISHES {
        assert_eq!(caller.publish(json!({"number": number})).await, STREAMS);
    }
    for stream in &mut streams {
        for number in 0..PUBLISHES {
            assert_eq!(stream.payload().await["number"], number);
        }
        assert_eq!(stream.rest, "", "nothing follows");
    }
    let counters = server.counters();
    assert_eq!(counters.deliveries, STREAMS * PUBLISHES);
    assert_eq!(
        (counters.streams_open, counters.streams_total),
        (STREAMS, STREAMS)
    );
}

/// Opens a stream by hand and reads only its headers.
async fn silent_reader(client: &Client) -> TcpStream {
    let address = client.url.strip_prefix("http://").unwrap();
    let address = address.split('/').next().unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let session = client.session.as_deref().unwrap();
    let head = format!(
        "GET /mcp HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\nmcp-session-id: {session}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 16];
    socket.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200 OK"));
    socket
}

#[tokio::test]
async fn a_reader_that_never_reads_stalls_nobody_and_loses_its_stream() {
    let config = Config {
        queue_per_stream: 8,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let caller = Client::session(&server).await;
    let mut reading = caller.stream().await;
    let slow = Client::session(&server).await;
    let mut socket = silent_reader(&slow).await;
    let payload = "x".repeat(100_000);
    let mut published = 0_u64;
    while server.counters().dropped_slow_reader == 0 {
        assert!(published < 1000, "socket buffers end somewhere");
        caller
            .publish(json!({"n": published, "payload": payload}))
            .await;
        assert_eq!(reading.payload().await["n"], published);
        published += 1;
    }
    assert_eq!(server.counters().streams_open, 1);
    assert_eq!(caller.publish(json!({"n": "after"})).await, 1);
    assert_eq!(reading.payload().await["n"], "after");

    // What the slow reader finds is a whole prefix of the events, and then the end.
    let mut found = Vec::new();
    tokio::time::timeout(DEADLINE, async {
        while !found.ends_with(b"0\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut found).await.unwrap(), 0);
        }
    })
    .await
    .expect("the end in time");
    let text = String::from_utf8(found).unwrap();
    assert_eq!(text.matches("\"n\":").count() as u64, published - 1);
}

#[tokio::test]
async fn a_closed_stream_is_forgotten_however_it_was_closed() {
    let server = server().await;
    let client = Client::session(&server).await;
    let stream = client.stream().await;
    let socket = silent_reader(&client).await;
    client.until_connected(2).await;
    drop(stream);
    client.until_connected(1).await;
    drop(socket);
    client.until_connected(0).await;
    assert_eq!(client.publish(json!(1)).await, 0);
}

#[tokio::test]
async fn shutdown_ends_streams_calls_and_silent_readers_in_time() {
    let server = server().await;
    let client = Client::session(&server).await;
    let mut stream = client.stream().await;
    let mut of_client = Client::hybrid(&server).client_stream("?client_id=a").await;
    let long = call("progress", json!({"steps": 100, "delay_ms": 5000}));
    let mut running = Events::open(client.request(Method::POST).json(&long)).await;
    running.block().await;
    let silent = Client::session(&server).await;
    let mut socket = silent_reader(&silent).await;
    let payload = "x".repeat(1_000_000);
    for _ in 0..20 {
        // More than socket buffers hold, so that the connection cannot be written to its end.
        silent.publish(json!(payload)).await;
        for reader in [&mut stream, &mut of_client] {
            assert_eq!(reader.payload().await, payload);
        }
    }
    let address = server.addr();
    // Clients that read find the ends of their streams although another does not read.
    let ends = async {
        while stream.message().await.is_some() {}
        while of_client.message().await.is_some() {}
    };
    let both = futures_util::future::join(server.shutdown(), ends);
    tokio::time::timeout(DEADLINE, both)
        .await
        .expect("shutdown in time");
    assert_eq!(running.block().await, None);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(DEADLINE, socket.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection is closed");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_the_server_frees_its_port() {
    let server = server().await;
    let client = Client::session(&server).await;
    let mut stream = client.stream().await;
    assert_eq!(stream.block().await.as_deref(), Some(": open"));
    let address = server.addr();
    drop(server);
    let broken_off = async { while let Ok(Some(_)) = stream.response.chunk().await {} };
    tokio::time::timeout(DEADLINE, broken_off)
        .await
        .expect("the end in time");
    let config = Config {
        port: address.port(),
        ..Config::default()
    };
    let again = async {
        while start(config.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, again)
        .await
        .expect("the port in time");
}

/// Publishes numbers one by one to one stream and returns what arrived.
async fn arrivals(fault: Fault, publishes: u64, expected: u64) -> (Vec<u64>, [u64; 2]) {
    let server = server_with(only(fault)).await;
    let client = Client::session(&server).await;
    let mut stream = client.stream().await;
    for number in 1..=publishes {
        assert_eq!(client.publish(json!(number)).await, 1);
    }
    let mut arrived = Vec::new();
    for _ in 0..expected {
        let payload: Value = stream.payload().await;
        arrived.push(payload.as_u64().unwrap());
    }
    assert_eq!(stream.rest, "");
    let counters = server.counters();
    (
        arrived,
        [counters.dropped_by_fault, counters.doubled_by_fault],
    )
}

#[tokio::test]
async fn delivery_faults_hit_exactly_every_hundredth() {
    let (arrived, counts) = arrivals(Fault::FanoutDrop1In100, 250, 248).await;
    let expected: Vec<u64> = (1..=250)
        .filter(|number: &u64| !number.is_multiple_of(100))
        .collect();
    assert_eq!((arrived, counts), (expected, [2, 0]));

    let (arrived, counts) = arrivals(Fault::FanoutDouble1In100, 250, 252).await;
    let twice = |number: u64| if number.is_multiple_of(100) { 2 } else { 1 };
    let expected: Vec<u64> = (1..=250)
        .flat_map(|number| (0..twice(number)).map(move |_| number))
        .collect();
    assert_eq!((arrived, counts), (expected, [0, 2]));

    let (mut arrived, counts) = arrivals(Fault::FanoutSwap1In100, 250, 250).await;
    assert_eq!(arrived[98..102], [99, 101, 100, 102]);
    assert_eq!(arrived[198..202], [199, 201, 200, 202]);
    arrived.sort_unstable();
    assert_eq!((arrived, counts), ((1..=250).collect(), [0, 0]));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let server = server().await;
    let port = server.addr().port();
    let config = Config {
        port,
        ..Config::default()
    };
    let error = start(config).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")),
        "{text}"
    );
}
