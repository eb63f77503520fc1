//! Text from a target, cut to what a person reads.

/// The first `chars` characters of `text`, with an ellipsis where something was cut.
pub fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text from a target in quotes, cut, with control characters escaped.
pub fn quote(text: &str) -> String {
    format!("{:?}", clip(text, 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_characters_and_control_characters_are_shown() {
        assert_eq!(clip("größe", 3), "grö…");
        assert_eq!(clip("größe", 5), "größe");
        assert_eq!(quote("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
    }
}
