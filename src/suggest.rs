//! The nearest right word, for messages about a wrong one.

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `, did you mean 'X'?` for the nearest candidate, or an empty string.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!(", did you mean '{near}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["streamable-http", "http+sse", "hybrid"];
        assert_eq!(nearest("streamble-http", words), Some("streamable-http"));
        assert_eq!(nearest("hibrid", words), Some("hybrid"));
        assert_eq!(nearest("zzz", words), None);
        assert_eq!(hint("zzz", words), "");
    }
}
