//! Words of messages that quote what somebody wrote: safe to show on a terminal, short enough to read.

/// The longest quotation, in characters.
const LONGEST: usize = 60;

/// `text` in backticks, cut where it is long, with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect::<String>().chars().flat_map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A character as it can be shown: what would move the cursor, or hide, is escaped.
pub(super) fn visible(letter: char) -> impl Iterator<Item = char> {
    let hidden = letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let escaped = hidden.then(|| letter.escape_unicode());
    let plain = (!hidden).then_some(letter);
    escaped.into_iter().flatten().chain(plain)
}

/// `a`, `b`, `c`: every name in backticks.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// What comes between a message and its hint where only one text can be passed on, as through serde.
const HINT: &str = "\nhint: ";

/// Message and hint of a text that may have both.
pub(super) fn split_hint(text: &str) -> (String, Option<String>) {
    match text.split_once(HINT) {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// The known name that `name` is most likely meant to be, if any is near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '.', ' '], "_");
    let name = plain(name);
    // A third of the letters may be wrong: `topic` finds `topics`, `queue` does not find `table`.
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_short_and_cannot_move_the_cursor() {
        assert_eq!(quoted("alerts"), "`alerts`");
        assert_eq!(quoted("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\u{a}b`");
        assert_eq!(quoted(&"x".repeat(61)), format!("`{}…`", "x".repeat(60)));
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let known = ["queue", "topics", "table", "max_concurrency"];
        assert_eq!(nearest("topic", known), Some("topics"));
        assert_eq!(nearest("maxConcurrency", known), Some("max_concurrency"));
        assert_eq!(nearest("max-concurrency", known), Some("max_concurrency"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest("", known), None);
    }
}
