//! How lines are written: colour, indentation and foreign text.

use anstyle::{AnsiColor, Style as Paint};

use super::Style;
use crate::engine::Verdict;
use crate::report::text::{self, Shown};

/// How far the fields of a failure are set in.
const INDENT: &str = "      ";
/// How wide the names of fields are, with the space behind them.
const NAME_WIDTH: usize = 10;
/// The most characters of one line of foreign text.
const LINE_CHARS_MAX: usize = 500;
/// The most characters of a word in a cell of a table or in a list.
const WORD_CHARS_MAX: usize = 16;
/// The most characters of a command that a person may want to run.
const COMMAND_CHARS_MAX: usize = 4000;

/// Writes text in one style.
#[derive(Debug)]
pub(super) struct Pen {
    pub(super) style: Style,
    pub(super) text: String,
}

impl Pen {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// Writes a line, without spaces at its end.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end_matches(' '));
        self.text.push('\n');
    }

    /// Leaves a line empty, unless nothing is written yet.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Writes a heading.
    pub(super) fn heading(&mut self, text: &str) {
        self.gap();
        let line = self.paint(text, Paint::new().bold());
        self.line(&line);
    }

    /// Text from outside, on one line.
    pub(super) fn foreign(&self, text: &str) -> String {
        self.shown(LINE_CHARS_MAX).line(text)
    }

    /// Text from outside in a cell of a table or in a list: one short word.
    pub(super) fn short(&self, text: &str) -> String {
        let whole = self.foreign(text);
        if whole.chars().count() <= WORD_CHARS_MAX {
            return whole;
        }
        let mark = if self.style.unicode { "…" } else { "..." };
        let kept = WORD_CHARS_MAX - mark.chars().count();
        whole.chars().take(kept).chain(mark.chars()).collect()
    }

    fn shown(&self, max_chars: usize) -> Shown {
        Shown {
            max_chars,
            unicode: self.style.unicode,
        }
    }

    /// Writes a named field of a failure, broken at the width of the terminal.
    pub(super) fn field(&mut self, name: &str, text: &str) {
        let set_in = INDENT.len() + NAME_WIDTH;
        let width = self.style.width.saturating_sub(set_in);
        let text = self.foreign(text);
        let mut label = name;
        for part in text::wrap(&text, width) {
            self.line(&format!("{INDENT}{label:NAME_WIDTH$}{part}"));
            label = "";
        }
    }

    /// Writes a command as a field, in one line so that it can be copied.
    pub(super) fn command(&mut self, command: &str) {
        let command = self.shown(COMMAND_CHARS_MAX).line(command);
        self.line(&format!("{INDENT}{:NAME_WIDTH$}{command}", "curl"));
    }

    /// Writes text that is set in, broken at the width of the terminal.
    pub(super) fn paragraph(&mut self, indent: &str, text: &str, paint: Paint) {
        let width = self.style.width.saturating_sub(indent.len());
        for part in text::wrap(text, width) {
            let part = self.paint(&part, paint);
            self.line(&format!("{indent}{part}"));
        }
    }

    /// `text` in colour, where colour is on.
    pub(super) fn paint(&self, text: &str, paint: Paint) -> String {
        if self.style.colour && !paint.is_plain() {
            format!("{paint}{text}{paint:#}")
        } else {
            text.to_owned()
        }
    }

    /// `text` in the colour of `verdict`. The word itself says the verdict; the colour only helps to find it.
    pub(super) fn verdict(&self, text: &str, verdict: Verdict) -> String {
        self.paint(text, colour(verdict))
    }
}

/// The paint of what matters less.
pub(super) fn dim() -> Paint {
    Paint::new().dimmed()
}

fn colour(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Warn => AnsiColor::Yellow.on_default(),
        Verdict::Fail => AnsiColor::Red.on_default().bold(),
        Verdict::Skip => dim(),
        Verdict::Error => AnsiColor::Magenta.on_default().bold(),
    }
}
