//! Cuts the bytes of an event stream into blocks.
//!
//! `eventsource-stream` alone is not enough to test a server with: it panics on a leading byte order mark, says nothing
//! about comments, lone ids and unfinished ends, takes quadratic time for large events and large chunks, and has no
//! bounds. The framer deals with all of these, so that the decoder only ever sees whole, bounded, clean blocks.

use std::borrow::Cow;
use std::ops::Range;

use super::line::{self, Line};

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];
/// A buffer that one large block grew is given back down to this size, since a load run holds many framers.
const KEPT_CAPACITY_BYTES: usize = 64 * 1024;

/// What one stream may make us hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, without its line end, in bytes.
    pub line_bytes: usize,
    /// The largest block, in bytes, each line end counted as one.
    pub block_bytes: usize,
}

impl Default for Limits {
    /// 1 MiB a line, 4 MiB a block.
    fn default() -> Self {
        Self {
            line_bytes: 1024 * 1024,
            block_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Why a stream cannot be read on. The framer stays in this state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A line is longer than [`Limits::line_bytes`].
    #[error("read an event stream line of more than {limit} bytes (in the block at byte {offset})")]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the block with this line starts, in bytes from the start of the body.
        offset: u64,
    },
    /// A block is larger than [`Limits::block_bytes`].
    #[error("read an event stream block of more than {limit} bytes (at byte {offset})")]
    BlockTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the block starts, in bytes from the start of the body.
        offset: u64,
    },
}

/// How many lines of each kind a block has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that start with a colon.
    pub comments: u32,
    /// `data` fields.
    pub data: u32,
    /// `event` fields.
    pub event: u32,
    /// `id` fields, also those that are ignored.
    pub id: u32,
    /// `retry` fields, also those that are ignored.
    pub retry: u32,
    /// Fields with any other name.
    pub unknown: u32,
}

/// What is odd or easily overlooked about a block. Not all of it is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings {
    /// A byte order mark stood at the start of the stream; set on the first block only.
    pub leading_bom: bool,
    /// Some bytes are not UTF-8; decoding puts U+FFFD in their place.
    pub invalid_utf8: bool,
    /// A `retry` value is not ASCII digits only, or does not fit 64 bits; the field is ignored.
    pub bad_retry: bool,
    /// An `id` value holds NUL; the field is ignored.
    pub nul_in_id: bool,
    /// There are `data` fields and all are empty, so the event has only line feeds or nothing as its data.
    pub empty_data: bool,
    /// Nothing but comments: a keep-alive.
    pub comment_only: bool,
    /// No `data`, no `event`, but `id` or `retry`: no event, yet it changes how a client reconnects.
    pub only_id_or_retry: bool,
    /// An `event` field without `data`: a client drops the block.
    pub event_without_data: bool,
}

/// A run of lines up to a blank line. `R` owns or borrows the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<R = Vec<u8>> {
    /// The lines as received, each ended by one LF whatever ended it on the wire; without the blank line and
    /// without a leading byte order mark. (Only the unfinished last line of a [`Tail`] has no LF.)
    pub raw: R,
    /// When the chunk with the first byte arrived, in nanoseconds on the caller's clock.
    pub first_byte_at: u64,
    /// When the chunk that ended the blank line arrived, in nanoseconds on the caller's clock.
    pub ended_at: u64,
    /// Where the first byte is, counted from the start of the body.
    pub offset: u64,
    /// How many lines of each kind there are.
    pub lines: LineCounts,
    /// What is to be noted about it.
    pub findings: Findings,
    /// Where in `raw` the value of the first `data` field is.
    first_data: Range<usize>,
}

impl<R: AsRef<[u8]>> Block<R> {
    /// The lines in order, comments and ignored fields included.
    pub fn iter_lines(&self) -> impl Iterator<Item = Line<'_>> {
        line::lines(self.raw.as_ref())
    }

    /// The event's data as bytes: the `data` values joined by LF, not checked for UTF-8. None if the block has no
    /// `data` field and so is no event. Costs nothing if there is exactly one such field, as with most servers.
    pub fn data_bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self.lines.data {
            0 => None,
            1 => self
                .raw
                .as_ref()
                .get(self.first_data.clone())
                .map(Cow::Borrowed),
            _ => Some(Cow::Owned(self.joined_data())),
        }
    }

    fn joined_data(&self) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.raw.as_ref().len());
        for line in self.iter_lines() {
            if let Line::Data(value) = line {
                joined.extend_from_slice(value);
                joined.push(b'\n');
            }
        }
        joined.pop();
        joined
    }
}

impl Block<&[u8]> {
    /// The same block with its own copy of the bytes.
    pub fn to_owned_block(&self) -> Block {
        Block {
            raw: self.raw.to_vec(),
            first_byte_at: self.first_byte_at,
            ended_at: self.ended_at,
            offset: self.offset,
            lines: self.lines,
            findings: self.findings,
            first_data: self.first_data.clone(),
        }
    }
}

/// What is left when a stream ends inside a block. A client drops it
/// (server-sent-events.html#event-stream-interpretation, end of file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The unfinished block. Its counts cover whole lines only; `ended_at` is when its last byte arrived.
    pub block: Block,
    /// The last line has no line end.
    pub mid_line: bool,
    /// It would have been an event: it has data, and only the blank line is missing.
    pub lacks_only_blank_line: bool,
}

/// Bytes in, blocks out. Reads every byte once and copies it once, however the stream is chunked; holds at most
/// [`Limits::block_bytes`].
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    /// The lines of the current block.
    buffer: Vec<u8>,
    /// Where in `buffer` the current line starts.
    line_start: usize,
    /// Bytes of the body seen.
    position: u64,
    block_offset: u64,
    first_byte_at: u64,
    last_byte_at: u64,
    lines: LineCounts,
    findings: Findings,
    first_data: Range<usize>,
    /// A CR ended the last line; a LF right after it belongs to it.
    after_cr: bool,
    /// How many bytes of a byte order mark the stream started with so far; None once that is decided.
    bom_bytes: Option<usize>,
    saw_bom: bool,
    extra_blank_lines: u64,
    failed: Option<FrameError>,
    /// Bytes scanned or copied, to prove that the work is linear.
    #[cfg(test)]
    pub(super) work: usize,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Framer {
    /// A framer at the start of a body.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            line_start: 0,
            position: 0,
            block_offset: 0,
            first_byte_at: 0,
            last_byte_at: 0,
            lines: LineCounts::default(),
            findings: Findings::default(),
            first_data: 0..0,
            after_cr: false,
            bom_bytes: Some(0),
            saw_bom: false,
            extra_blank_lines: 0,
            failed: None,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Takes the next bytes of the body, which arrived `at` (nanoseconds on the caller's clock), and hands over each
    /// block that they complete.
    ///
    /// # Errors
    /// A line or block over its limit; blocks before it have been handed over, nothing after it is read.
    pub fn push(
        &mut self,
        chunk: &[u8],
        at: u64,
        out: &mut impl FnMut(Block),
    ) -> Result<(), FrameError> {
        self.push_borrowed(chunk, at, &mut |block| out(block.to_owned_block()))
    }

    /// Like [`Framer::push`] without copying the blocks out: for load runs, which look at [`Block::data_bytes`] and
    /// let go.
    ///
    /// # Errors
    /// As [`Framer::push`].
    pub fn push_borrowed(
        &mut self,
        chunk: &[u8],
        at: u64,
        out: &mut impl FnMut(Block<&[u8]>),
    ) -> Result<(), FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self
            .pass_bom(chunk, at, out)
            .and_then(|rest| self.split_lines(rest, at, out));
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
            self.line_start = 0;
        }
        result
    }

    /// Ends the body. Gives what was left of an unfinished block, if anything.
    pub fn finish(&mut self) -> Option<Tail> {
        if self.failed.is_some() {
            return None;
        }
        if let Some(held) = self.bom_bytes.take() {
            // Part of a byte order mark is not one. It holds no line end, so it completes nothing.
            let held = BOM.get(..held).unwrap_or_default();
            self.split_lines(held, self.last_byte_at, &mut |_| ())
                .ok()?;
        }
        if self.buffer.is_empty() {
            return None;
        }
        let mid_line = self.buffer.len() > self.line_start;
        let lacks_only_blank_line = !mid_line && self.lines.data > 0;
        let mut findings = self.block_findings();
        if mid_line {
            // These depend on what the last line would have become.
            findings.empty_data = false;
            findings.comment_only = false;
            findings.only_id_or_retry = false;
            findings.event_without_data = false;
        }
        let block = self
            .current_block(self.last_byte_at, findings)
            .to_owned_block();
        self.reset_block();
        Some(Tail {
            block,
            mid_line,
            lacks_only_blank_line,
        })
    }

    /// Whether the stream started with a byte order mark.
    pub fn saw_bom(&self) -> bool {
        self.saw_bom
    }

    /// Blank lines that ended no block: harmless, but a sign of careless framing.
    pub fn extra_blank_lines(&self) -> u64 {
        self.extra_blank_lines
    }

    /// Bytes of the body read so far.
    pub fn bytes_read(&self) -> u64 {
        self.position + self.bom_bytes.unwrap_or(0) as u64
    }

    /// Drops one byte order mark at the very start, and gives the bytes that follow.
    fn pass_bom<'c>(
        &mut self,
        chunk: &'c [u8],
        at: u64,
        out: &mut impl FnMut(Block<&[u8]>),
    ) -> Result<&'c [u8], FrameError> {
        let mut rest = chunk;
        while let (Some(held), Some((first, after))) = (self.bom_bytes, rest.split_first()) {
            if BOM.get(held) == Some(first) {
                rest = after;
                self.last_byte_at = at;
                self.bom_bytes = Some(held + 1);
                if held + 1 == BOM.len() {
                    self.bom_bytes = None;
                    self.position = BOM.len() as u64;
                    self.saw_bom = true;
                    self.findings.leading_bom = true;
                }
            } else {
                self.bom_bytes = None;
                let held = BOM.get(..held).unwrap_or_default();
                self.split_lines(held, self.last_byte_at, out)?;
            }
        }
        Ok(rest)
    }

    fn split_lines(
        &mut self,
        bytes: &[u8],
        at: u64,
        out: &mut impl FnMut(Block<&[u8]>),
    ) -> Result<(), FrameError> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            self.last_byte_at = at;
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                self.position += 1;
                continue;
            }
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let (part, after) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, &[]));
            self.append(part, at)?;
            rest = after;
            if let Some((line_end, after)) = after.split_first() {
                self.position += 1;
                self.after_cr = *line_end == b'\r';
                self.end_line(at, out)?;
                rest = after;
            }
        }
        Ok(())
    }

    /// Adds part of a line to the block.
    fn append(&mut self, part: &[u8], at: u64) -> Result<(), FrameError> {
        if part.is_empty() {
            return Ok(());
        }
        if self.buffer.is_empty() {
            self.block_offset = self.position;
            self.first_byte_at = at;
        }
        // Whichever limit comes first in the stream decides, so that the error does not depend on the chunks.
        let line_room = self
            .limits
            .line_bytes
            .saturating_sub(self.buffer.len() - self.line_start);
        let block_room = self.limits.block_bytes.saturating_sub(self.buffer.len());
        if part.len() > line_room && line_room <= block_room {
            return Err(FrameError::LineTooLong {
                limit: self.limits.line_bytes,
                offset: self.block_offset,
            });
        }
        if part.len() > block_room {
            return Err(self.block_too_long());
        }
        self.buffer.extend_from_slice(part);
        self.position += part.len() as u64;
        #[cfg(test)]
        {
            self.work += part.len();
        }
        Ok(())
    }

    fn block_too_long(&self) -> FrameError {
        FrameError::BlockTooLong {
            limit: self.limits.block_bytes,
            offset: self.block_offset,
        }
    }

    fn end_line(&mut self, at: u64, out: &mut impl FnMut(Block<&[u8]>)) -> Result<(), FrameError> {
        if self.buffer.is_empty() {
            self.extra_blank_lines += 1;
        } else if self.buffer.len() == self.line_start {
            let findings = self.block_findings();
            out(self.current_block(at, findings));
            self.reset_block();
        } else {
            self.note_line();
            if self.buffer.len() >= self.limits.block_bytes {
                return Err(self.block_too_long());
            }
            self.buffer.push(b'\n');
            self.line_start = self.buffer.len();
        }
        Ok(())
    }

    /// Counts the line that has just ended, and notes what is odd about it.
    fn note_line(&mut self) {
        let line = self.buffer.get(self.line_start..).unwrap_or_default();
        #[cfg(test)]
        {
            self.work += line.len();
        }
        let lines = &mut self.lines;
        let findings = &mut self.findings;
        let count = match Line::parse(line) {
            Line::Comment(_) => &mut lines.comments,
            Line::Data(value) => {
                if lines.data == 0 {
                    self.first_data = self.buffer.len() - value.len()..self.buffer.len();
                    findings.empty_data = true;
                }
                findings.empty_data &= value.is_empty();
                &mut lines.data
            }
            Line::Event(_) => &mut lines.event,
            Line::Id(value) => {
                findings.nul_in_id |= !line::id_counts(value);
                &mut lines.id
            }
            Line::Retry(value) => {
                findings.bad_retry |= line::retry_ms(value).is_none();
                &mut lines.retry
            }
            Line::Unknown { .. } => &mut lines.unknown,
        };
        *count = count.saturating_add(1);
    }

    fn block_findings(&self) -> Findings {
        let LineCounts {
            comments,
            data,
            event,
            id,
            retry,
            unknown,
        } = self.lines;
        Findings {
            // Line ends are ASCII, so checking the whole block is the same as checking each line.
            invalid_utf8: std::str::from_utf8(&self.buffer).is_err(),
            comment_only: comments > 0 && [data, event, id, retry, unknown] == [0; 5],
            only_id_or_retry: data == 0 && event == 0 && (id > 0 || retry > 0),
            event_without_data: data == 0 && event > 0,
            ..self.findings
        }
    }

    fn current_block(&self, ended_at: u64, findings: Findings) -> Block<&[u8]> {
        Block {
            raw: &self.buffer,
            first_byte_at: self.first_byte_at,
            ended_at,
            offset: self.block_offset,
            lines: self.lines,
            findings,
            first_data: self.first_data.clone(),
        }
    }

    fn reset_block(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_CAPACITY_BYTES);
        self.line_start = 0;
        self.lines = LineCounts::default();
        self.findings = Findings::default();
        self.first_data = 0..0;
    }
}
