//! What holds for every stream.

use std::convert::Infallible;

use eventsource_stream::EventStream;
use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

use super::decoder::read_event;
use super::*;

/// Bytes that look enough like an event stream to reach the corners of the grammar.
fn stream_bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"data".to_vec()),
        Just(b"data: x".to_vec()),
        Just(b"event: e".to_vec()),
        Just(b"id: 1".to_vec()),
        Just(b"id".to_vec()),
        Just(b"retry: 12".to_vec()),
        Just(b"retry: +5".to_vec()),
        Just(b":".to_vec()),
        Just(b" ".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\xEF\xBB\xBF".to_vec()),
        Just("é👍".as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

/// A stream in which every block is an event and `eventsource-stream` is known to be right about the whole.
fn valid_stream() -> impl Strategy<Value = String> {
    let text = "[^\\r\\n\\x00]{0,12}";
    let line = prop_oneof![
        4 => text.prop_map(|value| format!("data:{value}")),
        1 => text.prop_map(|value| format!(": {value}")),
        1 => text.prop_map(|value| format!("event: {value}")),
        1 => text.prop_map(|value| format!("id: {value}")),
        1 => (0_u64..100_000).prop_map(|value| format!("retry: {value}")),
        1 => text.prop_map(|value| format!("other{value}")),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    let block = (prop::collection::vec(line, 0..6), end).prop_map(|(mut lines, end)| {
        lines.push("data: last".to_owned());
        lines
            .iter()
            .map(|line| format!("{line}{end}"))
            .collect::<String>()
            + end
    });
    prop::collection::vec(block, 0..6).prop_map(|blocks| blocks.concat())
}

fn read_in_chunks(
    bytes: &[u8],
    cuts: &[usize],
    limits: Limits,
) -> (Vec<Item>, Option<Tail>, String, u64) {
    let mut reader = SseReader::new(limits, "");
    let mut items = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle().take_while(|_| !cuts.is_empty()) {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*cut).min(rest.len()));
        items.extend(reader.push(chunk, 0));
        rest = after;
    }
    items.extend(reader.push(rest, 0));
    let tail = reader.finish();
    let last_event_id = reader.last_event_id().to_owned();
    (
        items,
        tail,
        last_event_id,
        reader.framer().extra_blank_lines(),
    )
}

proptest! {
    #[test]
    fn chunking_changes_nothing(
        bytes in stream_bytes(),
        cuts in prop::collection::vec(1_usize..9, 1..8),
        line_bytes in prop_oneof![Just(1_000_usize), 1_usize..20],
        block_bytes in prop_oneof![Just(1_000_usize), 1_usize..40],
    ) {
        let limits = Limits { line_bytes, block_bytes };
        let whole = read_in_chunks(&bytes, &[], limits);
        prop_assert_eq!(read_in_chunks(&bytes, &cuts, limits), whole.clone());
        prop_assert_eq!(read_in_chunks(&bytes, &[1], limits), whole);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (items, ..) = read_in_chunks(&bytes, &[], Limits::default());
        let all_blocks = items.iter().all(|item| matches!(item, Item::Block { .. }));
        prop_assert!(all_blocks);
    }

    #[test]
    fn the_decoder_agrees_with_our_own_reading(bytes in stream_bytes()) {
        for item in read_in_chunks(&bytes, &[], Limits::default()).0 {
            let Item::Block { block, decoded } = item else {
                return Err(TestCaseError::fail("no limit is near"));
            };
            let decoded = match decoded {
                Decoded::Event(event) => Some((event.event, event.data)),
                Decoded::NoEvent { .. } => None,
            };
            prop_assert_eq!(decoded, read_event(&block));
        }
    }

    #[test]
    fn a_valid_stream_reads_as_eventsource_stream_alone_reads_it(text in valid_stream()) {
        let alone: Vec<_> = EventStream::new(stream::iter([Ok::<_, Infallible>(&text)]))
            .collect::<Vec<_>>()
            .now_or_never()
            .expect("nothing is pending")
            .into_iter()
            .map(|event| event.expect("the stream is valid"))
            .collect();
        let mut reader = SseReader::default();
        let mut ours = Vec::new();
        for item in reader.push(text.as_bytes(), 0) {
            if let Item::Block { decoded: Decoded::Event(event), .. } = item {
                ours.push(event);
            }
        }
        prop_assert_eq!(reader.finish(), None);
        prop_assert_eq!(ours.len(), alone.len());
        for (ours, alone) in ours.iter().zip(&alone) {
            prop_assert_eq!(&ours.event, &alone.event);
            prop_assert_eq!(&ours.data, &alone.data);
            prop_assert_eq!(ours.retry_ms, alone.retry.map(|retry| retry.as_millis() as u64));
            if let Some(id) = &ours.id {
                prop_assert_eq!(id, &alone.id);
            }
        }
        prop_assert_eq!(reader.last_event_id(), alone.last().map_or("", |event| event.id.as_str()));
    }
}
