//! The grammar case by case, hostile input, bounds, and the amount of work.

use super::line::LineSlices;
use super::*;

fn read(bytes: &[u8]) -> (Vec<Item>, Option<Tail>, SseReader) {
    let mut reader = SseReader::default();
    let items = reader.push(bytes, 7);
    let tail = reader.finish();
    (items, tail, reader)
}

/// What the blocks come to, in short: `name|data|id|retry` for an event, `-|id|retry|comments` for none.
fn summary(items: &[Item]) -> Vec<String> {
    let shown = |id: &Option<String>, retry: &Option<u64>| {
        let retry = retry.map_or("none".to_owned(), |ms| ms.to_string());
        format!("{}|{retry}", id.as_deref().unwrap_or("none"))
    };
    items
        .iter()
        .map(|item| match item {
            Item::Block {
                decoded: Decoded::Event(e),
                ..
            } => {
                format!("{}|{}|{}", e.event, e.data, shown(&e.id, &e.retry_ms))
            }
            Item::Block {
                decoded:
                    Decoded::NoEvent {
                        id,
                        retry_ms,
                        comments,
                    },
                ..
            } => {
                format!("-|{}|{comments}", shown(id, retry_ms))
            }
            Item::Broken(error) => format!("broken: {error}"),
        })
        .collect()
}

fn findings(bytes: &[u8]) -> Vec<Findings> {
    let (items, ..) = read(bytes);
    items
        .iter()
        .filter_map(|item| match item {
            Item::Block { block, .. } => Some(block.findings),
            Item::Broken(_) => None,
        })
        .collect()
}

#[test]
fn blocks_decode_as_the_standard_says() {
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("one event", b"data: x\n\n", &["message|x|none|none"]),
        ("two lines of data", b"data: YHOO\ndata: +2\ndata: 10\n\n", &["message|YHOO\n+2\n10|none|none"]),
        (
            "comment, ids, id reset by an empty id, only one space dropped",
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            &["-|none|none|1", "message|first event|1|none", "message|second event||none", "message| third event|none|none"],
        ),
        (
            "data without colon; the unfinished third is no event",
            b"data\n\ndata\ndata\n\ndata:\n",
            &["message||none|none", "message|\n|none|none"],
        ),
        ("space after the colon", b"data:test\n\ndata: test\n\n", &["message|test|none|none", "message|test|none|none"]),
        ("named event", b"event: add\ndata: 1\n\n", &["add|1|none|none"]),
        ("last name wins", b"event: a\nevent: b\ndata: 1\n\n", &["b|1|none|none"]),
        ("empty name is message", b"event: a\nevent\ndata: 1\n\n", &["message|1|none|none"]),
        ("a name does not outlive its block", b"event: add\n\ndata: 1\n\n", &["-|none|none|0", "message|1|none|none"]),
        ("BOM", b"\xEF\xBB\xBFdata: x\n\n", &["message|x|none|none"]),
        ("only one BOM is dropped", b"\xEF\xBB\xBF\xEF\xBB\xBFdata: x\n\n", &["-|none|none|0"]),
        ("later BOM is part of a name", b"data: 1\n\n\xEF\xBB\xBFdata: x\n\n", &["message|1|none|none", "-|none|none|0"]),
        (
            "later BOM before a block with data",
            b"data: 1\n\n\xEF\xBB\xBFdata: x\ndata: y\n\n",
            &["message|1|none|none", "message|y|none|none"],
        ),
        ("CR", b"data: x\rid: 1\r\rdata: y\r\r", &["message|x|1|none", "message|y|none|none"]),
        ("CRLF", b"data: x\r\nid: 1\r\n\r\ndata: y\r\n\r\n", &["message|x|1|none", "message|y|none|none"]),
        ("CR LF LF", b"data: x\r\n\n", &["message|x|none|none"]),
        ("LF CR LF", b"data: x\n\r\ndata: y\n\r", &["message|x|none|none", "message|y|none|none"]),
        ("unknown fields", b"foo: 1\nDATA: 2\n data: 3\ndata : 4\n\n", &["-|none|none|0"]),
        ("colons in a value", b"data: a: b:c\n\n", &["message|a: b:c|none|none"]),
        ("lone id", b"id: 5\n\n", &["-|5|none|0"]),
        ("lone retry", b"retry: 100\n\n", &["-|none|100|0"]),
        ("retry takes digits only", b"retry: +5\n\nretry: -1\n\nretry: 1.5\n\nretry\n\nretry: 5 \n\n", &["-|none|none|0"; 5]),
        ("a bad retry does not undo a good one", b"retry: 7\nretry: x\ndata: 1\n\n", &["message|1|none|7"]),
        ("retry beyond 64 bits", b"retry: 99999999999999999999\n\n", &["-|none|none|0"]),
        ("id with NUL is ignored", b"id: 4\nid: a\0b\ndata: x\n\n", &["message|x|4|none"]),
        ("NUL in data stays", b"data: a\0b\n\n", &["message|a\0b|none|none"]),
        ("escape codes stay", b"event: \x1b[31m\ndata: \x1b[2J\n\n", &["\x1b[31m|\x1b[2J|none|none"]),
        ("bad UTF-8 is replaced", b"data: a\xFFb\n\n", &["message|a\u{FFFD}b|none|none"]),
        ("half a character at the end of a line", b"data: \xF0\x9F\ndata: \x91\n\n", &["message|\u{FFFD}\n\u{FFFD}|none|none"]),
        ("trailing line feeds of data stay", b"data: x\ndata\ndata\n\n", &["message|x\n\n|none|none"]),
        ("extra blank lines", b"\n\r\n\rdata: x\n\n\n\n", &["message|x|none|none"]),
        ("nothing", b"", &[]),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(summary(&read(bytes).0), *expected, "{name}");
    }
}

#[test]
fn findings_name_what_is_odd() {
    let none = Findings::default();
    let cases: &[(&[u8], Findings)] = &[
        (b"data: x\n\n", none),
        (
            b"\xEF\xBB\xBFdata: x\n\n",
            Findings {
                leading_bom: true,
                ..none
            },
        ),
        (
            b": ping\n:\n\n",
            Findings {
                comment_only: true,
                ..none
            },
        ),
        (b": ping\ndata: x\n\n", none),
        (
            b"id: 1\n: x\n\n",
            Findings {
                only_id_or_retry: true,
                ..none
            },
        ),
        (
            b"retry: 1\n\n",
            Findings {
                only_id_or_retry: true,
                ..none
            },
        ),
        (
            b"event: x\nid: 1\n\n",
            Findings {
                event_without_data: true,
                ..none
            },
        ),
        (
            b"id: 1\ndata:\n\n",
            Findings {
                empty_data: true,
                ..none
            },
        ),
        (
            b"data\ndata\n\n",
            Findings {
                empty_data: true,
                ..none
            },
        ),
        (b"data\ndata: x\ndata\n\n", none),
        (
            b"data: \xC3\x28\n\n",
            Findings {
                invalid_utf8: true,
                ..none
            },
        ),
        (
            b"data: \xED\xA0\x80\n\n",
            Findings {
                invalid_utf8: true,
                ..none
            },
        ),
        (
            b"data: x\nretry: +5\n\n",
            Findings {
                bad_retry: true,
                ..none
            },
        ),
        (
            b"data: x\nid: \0\n\n",
            Findings {
                nul_in_id: true,
                ..none
            },
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(findings(bytes), [*expected], "{}", bytes.escape_ascii());
    }
    assert_eq!(
        findings(b"\xEF\xBB\xBF\n\ndata: x\n\ndata: y\n\n")[1],
        none,
        "the mark is noted once"
    );
}

#[test]
fn an_unfinished_end_is_reported() {
    // Bytes, then: mid line, would have been an event, raw bytes left.
    type Expected = Option<(bool, bool, &'static [u8])>;
    let cases: &[(&[u8], Expected)] = &[
        (b"data: x\n\n", None),
        (b"data: x\r\r", None),
        (b"\n\n", None),
        (b"\xEF\xBB\xBF", None),
        (b"data: x\n", Some((false, true, b"data: x\n"))),
        (b"data: x\r", Some((false, true, b"data: x\n"))),
        (b"data: x", Some((true, false, b"data: x"))),
        (b"data: x\nid: 1", Some((true, false, b"data: x\nid: 1"))),
        (b": ping\n", Some((false, false, b": ping\n"))),
        (
            b"data: 1\n\ndata: \xF0\x9F",
            Some((true, false, b"data: \xF0\x9F")),
        ),
        (b"\xEF\xBB", Some((true, false, b"\xEF\xBB"))),
    ];
    for (bytes, expected) in cases {
        let (_, tail, _) = read(bytes);
        let got = tail.as_ref().map(|tail| {
            (
                tail.mid_line,
                tail.lacks_only_blank_line,
                tail.block.raw.as_slice(),
            )
        });
        assert_eq!(got, *expected, "{}", bytes.escape_ascii());
    }
    assert!(
        read(b"data: \xF0\x9F")
            .1
            .unwrap()
            .block
            .findings
            .invalid_utf8
    );
}

#[test]
fn an_unfinished_block_does_not_set_the_last_event_id() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "start"),
        (b"id: 1\n\n", "1"),
        (b"id: 1\ndata: x\n\ndata: y\n\n", "1"),
        (b"id: 1\n\nid: 2\ndata: x\n", "1"),
        (b"id: 1\n\nid\n\n", ""),
        (b"id: 1\n\nid: \0\n\n", "1"),
        (b"id: 1\nid: 2\n\n", "2"),
    ];
    for (bytes, expected) in cases {
        let mut reader = SseReader::new(Limits::default(), "start");
        reader.push(bytes, 0);
        reader.finish();
        assert_eq!(
            reader.last_event_id(),
            *expected,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn offsets_and_times_are_those_of_the_first_byte_and_the_blank_line() {
    let mut framer = Framer::default();
    let mut seen = Vec::new();
    let chunks: &[&[u8]] = &[
        b"\xEF",
        b"\xBB\xBF\nda",
        b"ta: 1\r\r",
        b"\n",
        b"data: 2\n",
        b"\n",
    ];
    for (at, chunk) in (10..).zip(chunks) {
        let mut note =
            |block: Block| seen.push((block.offset, block.first_byte_at, block.ended_at));
        framer.push(chunk, at, &mut note).unwrap();
    }
    assert_eq!(seen, [(4, 11, 12), (14, 14, 15)]);
    assert_eq!(framer.bytes_read(), 23);
    assert_eq!(framer.extra_blank_lines(), 1);
    assert!(framer.saw_bom());
}

#[test]
fn a_block_ended_by_two_carriage_returns_does_not_wait() {
    let mut reader = SseReader::default();
    assert_eq!(
        summary(&reader.push(b"data: x\r\r", 0)),
        ["message|x|none|none"]
    );
    assert_eq!(reader.push(b"\n", 0), []);
    assert_eq!(reader.framer().extra_blank_lines(), 0);
}

#[test]
fn limits_hold_while_reading() {
    let limits = Limits {
        line_bytes: 10,
        block_bytes: 25,
    };
    let line = Err(FrameError::LineTooLong {
        limit: 10,
        offset: 9,
    });
    let block = Err(FrameError::BlockTooLong {
        limit: 25,
        offset: 9,
    });
    let cases: &[(&str, &[u8], Result<(), FrameError>)] = &[
        ("line at the limit", b"data:12345\n\n", Ok(())),
        ("line over it", b"data:123456\n\n", line.clone()),
        (
            "line over it that never ends",
            b"data:123456789",
            line.clone(),
        ),
        (
            "both limits at once",
            b"data:1234\n:123\n:1234567890",
            line.clone(),
        ),
        ("comment over it", b":1234567890", line),
        (
            "block at the limit",
            b"data:12345\ndata:12345\n:1\n\n",
            Ok(()),
        ),
        (
            "block over it by a line end",
            b"data:12345\ndata:12345\n:12\n\n",
            block.clone(),
        ),
        ("block over it", b"data:12345\ndata:12345\n:123", block),
    ];
    for (name, bytes, expected) in cases {
        for chunk_bytes in [1, 2, 3, 1000] {
            let mut framer = Framer::new(limits);
            framer.push(b"data: x\n\n", 0, &mut |_| ()).unwrap();
            let mut pushes = bytes
                .chunks(chunk_bytes)
                .map(|chunk| framer.push(chunk, 0, &mut |_| ()));
            let result = pushes.find(Result::is_err).unwrap_or(Ok(()));
            assert_eq!(result, *expected, "{name} in chunks of {chunk_bytes}");
            assert_eq!(
                framer.push(b"", 0, &mut |_| ()),
                *expected,
                "{name}: the error stays"
            );
        }
    }
}

#[test]
fn a_broken_stream_keeps_what_came_before_and_ends_once() {
    let mut reader = SseReader::new(
        Limits {
            line_bytes: 8,
            block_bytes: 80,
        },
        "",
    );
    let items = reader.push(b"data: x\n\ndata: too long\n\ndata: y\n\n", 0);
    assert_eq!(items.len(), 2);
    assert!(matches!(
        items[1],
        Item::Broken(FrameError::LineTooLong {
            limit: 8,
            offset: 9
        })
    ));
    assert_eq!(reader.push(b"data: z\n\n", 0), []);
    assert_eq!(reader.finish(), None);
}

#[test]
fn data_bytes_borrows_a_single_line() {
    use std::borrow::Cow;
    let mut framer = Framer::default();
    let mut seen = Vec::new();
    let stream = b"event: a\ndata: {\"x\":1}\nid: 9\n\n:\n\ndata: 1\nfoo\ndata: 2\n\ndata\n\n";
    framer
        .push_borrowed(stream, 0, &mut |block| {
            let data = block.data_bytes();
            let borrowed = matches!(data, Some(Cow::Borrowed(_)));
            seen.push((borrowed, data.map(Cow::into_owned)));
        })
        .unwrap();
    assert_eq!(
        seen,
        [
            (true, Some(b"{\"x\":1}".to_vec())),
            (false, None),
            (false, Some(b"1\n2".to_vec())),
            (true, Some(Vec::new())),
        ]
    );
}

#[test]
fn work_is_linear_however_the_stream_is_cut() {
    let large = [b"data: ".as_slice(), &vec![b'x'; 1024 * 1024 - 6], b"\n\n"].concat();
    let many = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1}\n\n".repeat(20_000);
    let short_lines = [b"data\n".repeat(800_000), b"\n".to_vec()].concat();
    let cases = [
        (&large, 1024, 1),
        (&large, 1, 1),
        (&many, many.len(), 20_000),
        (&short_lines, 1024, 1),
    ];
    for (stream, chunk_bytes, blocks) in cases {
        let mut framer = Framer::default();
        let mut seen = 0;
        for chunk in stream.chunks(chunk_bytes) {
            framer.push_borrowed(chunk, 0, &mut |_| seen += 1).unwrap();
        }
        assert_eq!(seen, blocks);
        // Each byte is appended once and read once more when its line is judged.
        assert!(
            framer.work <= 2 * stream.len(),
            "{} for {}",
            framer.work,
            stream.len()
        );
    }
}

#[test]
fn the_decoder_is_fed_line_by_line() {
    // `eventsource-stream` moves all unread bytes after each line, so no more than a line may be unread.
    let raw = b"data\n".repeat(1000);
    let slices: Vec<_> = LineSlices { rest: &raw }.collect();
    assert_eq!(slices.len(), 1000);
    assert!(slices.iter().all(|slice| *slice == b"data\n"));

    let (items, ..) = read(&[b"data\n".repeat(200_000), b"\n".to_vec()].concat());
    let [
        Item::Block {
            decoded: Decoded::Event(event),
            ..
        },
    ] = items.as_slice()
    else {
        panic!("one event expected");
    };
    assert_eq!(event.data, "\n".repeat(199_999));
}
