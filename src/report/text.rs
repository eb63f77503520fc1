//! Text from a target, made safe to show: nothing in it steers a terminal, reorders a line or ends an XML document.

use std::fmt::Write as _;

/// Whether `c` is shown by its number, because it has no shape of its own or changes how others are shown.
///
/// Controls (C0, DEL, C1), line and paragraph separators, marks and overrides of writing direction, characters of no
/// width, tags, and the two that XML 1.0 forbids (<https://www.w3.org/TR/xml/#charsets>).
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// How foreign text is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The most characters that are shown; how many are left out is said.
    pub(super) max_chars: usize,
    /// Whether characters beyond ASCII are shown as they are.
    pub(super) unicode: bool,
}

impl Shown {
    /// `text` on one line: unsafe characters as `\u{..}` (line feed and tab as `\n` and `\t`), cut after
    /// `max_chars`.
    pub(super) fn line(self, text: &str) -> String {
        let mut shown = String::new();
        let mut chars = text.chars();
        for c in chars.by_ref().take(self.max_chars) {
            match c {
                '\n' => shown.push_str("\\n"),
                '\t' => shown.push_str("\\t"),
                _ if is_unsafe(c) || (!self.unicode && !c.is_ascii()) => {
                    // Writing to a string cannot fail.
                    let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
                }
                _ => shown.push(c),
            }
        }
        let left_out = chars.count();
        if left_out > 0 {
            let mark = if self.unicode { "…" } else { "..." };
            let _ = write!(shown, "{mark} ({left_out} more characters)");
        }
        shown
    }
}

/// Breaks `text` at spaces so that no line is longer than `width` characters, unless a single word is. With a width of
/// 0 it stays on one line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    if width == 0 {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        } else if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_by_its_number() {
        let shown = Shown {
            max_chars: 40,
            unicode: true,
        };
        let cases = [
            ("plain", "plain"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\0\r\u{7f}", "\\u{0}\\u{d}\\u{7f}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}txt\u{2066}", "\\u{202e}txt\\u{2066}"),
            ("\u{feff}\u{ffff}\u{2028}", "\\u{feff}\\u{ffff}\\u{2028}"),
            ("naïve 工具 🦀", "naïve 工具 🦀"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown.line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_text_is_cut_and_says_by_how_much() {
        let shown = Shown {
            max_chars: 3,
            unicode: true,
        };
        assert_eq!(shown.line("abc"), "abc");
        assert_eq!(shown.line("äbcde"), "äbc… (2 more characters)");
        let ascii = Shown {
            unicode: false,
            ..shown
        };
        assert_eq!(ascii.line("äbcde"), "\\u{e4}bc... (2 more characters)");
    }

    #[test]
    fn lines_break_at_spaces_and_words_stay_whole() {
        let cases = [
            ("a b c", 3, vec!["a b", "c"]),
            ("abcdef g", 3, vec!["abcdef", "g"]),
            ("a b c", 0, vec!["a b c"]),
            ("", 5, vec![""]),
        ];
        for (text, width, expected) in cases {
            assert_eq!(wrap(text, width), expected, "{text:?} at {width}");
        }
    }
}
