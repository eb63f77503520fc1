//! One line of an event stream.

/// A non-empty line, split as the WHATWG standard says (server-sent-events.html#event-stream-interpretation):
/// at the first colon, with one space after it dropped. Values are the bytes as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line that starts with a colon; the bytes after it.
    Comment(&'a [u8]),
    /// `data`: one line of the payload.
    Data(&'a [u8]),
    /// `event`: the name of the event.
    Event(&'a [u8]),
    /// `id`: what a client sends back as `Last-Event-ID`.
    Id(&'a [u8]),
    /// `retry`: the reconnection time in milliseconds.
    Retry(&'a [u8]),
    /// Any other field name; receivers ignore it.
    Unknown {
        /// The name, compared literally: `Data` and ` data` are unknown.
        name: &'a [u8],
        /// What follows the colon.
        value: &'a [u8],
    },
}

impl<'a> Line<'a> {
    /// Reads one line given without its line end.
    pub(super) fn parse(line: &'a [u8]) -> Self {
        let (name, value) =
            match memchr::memchr(b':', line).and_then(|at| line.split_at_checked(at)) {
                Some((name, colon_and_value)) => {
                    let value = colon_and_value.get(1..).unwrap_or_default();
                    if name.is_empty() {
                        return Line::Comment(value);
                    }
                    (name, value.strip_prefix(b" ").unwrap_or(value))
                }
                None => (line, &[][..]),
            };
        match name {
            b"data" => Line::Data(value),
            b"event" => Line::Event(value),
            b"id" => Line::Id(value),
            b"retry" => Line::Retry(value),
            _ => Line::Unknown { name, value },
        }
    }
}

/// The lines of a block in which every line ends with LF.
pub(super) fn lines(raw: &[u8]) -> impl Iterator<Item = Line<'_>> {
    LineSlices { rest: raw }.map(|line| Line::parse(line.strip_suffix(b"\n").unwrap_or(line)))
}

/// The lines of a block, each with its LF.
pub(super) struct LineSlices<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for LineSlices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(line)
    }
}

/// The value of a `retry` field in milliseconds: ASCII digits only. None where the standard has the field ignored,
/// and where the number does not fit 64 bits.
pub(super) fn retry_ms(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // An empty value fails here.
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Whether an `id` value counts; one that holds NUL is ignored.
pub(super) fn id_counts(value: &[u8]) -> bool {
    memchr::memchr(0, value).is_none()
}
