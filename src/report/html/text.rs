//! Text from outside for the page: on one line, cut, and all of it together bounded.

use crate::report::text::Shown;

/// Names in cells and lists.
const NAME_CHARS_MAX: usize = 120;
/// One field.
const FIELD_CHARS_MAX: usize = 1_000;
/// A label of a column.
const LABEL_CHARS_MAX: usize = 24;
/// What all text from outside may come to in the page, in bytes as they are escaped. With our own markup the page stays
/// below 5 MB.
const BYTES_MAX: usize = 2_500_000;

/// Makes text fit for the page, and counts how much there is of it.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: usize,
    left_out: bool,
}

impl Text {
    /// A name.
    pub(super) fn name(&mut self, text: &str) -> String {
        self.shown(text, NAME_CHARS_MAX)
    }

    /// A field of a finding.
    pub(super) fn field(&mut self, text: &str) -> String {
        self.shown(text, FIELD_CHARS_MAX)
    }

    /// A command, or a line of a record.
    pub(super) fn long(&mut self, text: &str) -> String {
        self.shown(text, 4_000)
    }

    /// Text of several lines that was made safe to show, if there is room for it.
    pub(super) fn block(&mut self, text: String) -> Option<String> {
        self.takes(&text).then_some(text)
    }

    /// A label of a column; there are few.
    pub(super) fn label(text: &str) -> String {
        let shown = Shown {
            max_chars: LABEL_CHARS_MAX,
            unicode: true,
        };
        shown.line(text)
    }

    /// Whether the room is used up.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    /// Whether something was left out for lack of room.
    pub(super) fn is_cut(&self) -> bool {
        self.left_out
    }

    fn shown(&mut self, text: &str, max_chars: usize) -> String {
        let shown = Shown {
            max_chars,
            unicode: true,
        };
        let shown = shown.line(text);
        if self.takes(&shown) {
            return shown;
        }
        "…".to_owned()
    }

    fn takes(&mut self, text: &str) -> bool {
        let bytes = escaped_len(text);
        if self.bytes.saturating_add(bytes) > BYTES_MAX {
            self.left_out = true;
            // Whatever is smaller would fit in where something larger did not, and look as if it were all.
            self.bytes = BYTES_MAX;
            return false;
        }
        self.bytes += bytes;
        true
    }
}

/// The size of `text` once the template has escaped it.
fn escaped_len(text: &str) -> usize {
    let marks = text.bytes().filter(|c| b"<>&\"'".contains(c)).count();
    // Each becomes a reference such as `&#60;`.
    text.len() + marks * 4
}

/// Seconds since 1970 as `2025-11-24 16:00 UTC`, by the days of the civil calendar.
pub(super) fn utc(unix_s: u64) -> String {
    let (days, seconds) = (unix_s / 86_400, unix_s % 86_400);
    // Years begin in March here, so that the leap day is the last of its year; 146,097 days are 400 years.
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        seconds / 3_600,
        seconds % 3_600 / 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_764_000_000, "2025-11-24 16:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59 UTC"),
        ];
        for (unix_s, expected) in cases {
            assert_eq!(utc(unix_s), expected);
        }
    }

    #[test]
    fn when_the_room_is_used_up_nothing_more_is_shown() {
        let mut text = Text::default();
        assert_eq!(text.name("<a>"), "<a>");
        assert!(!text.is_cut());
        assert_eq!(text.block("x".repeat(BYTES_MAX)), None);
        assert_eq!(text.name("a"), "…");
        assert!(text.is_cut() && text.is_full());
    }
}
