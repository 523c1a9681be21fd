//! Text of others on its way to a terminal: names, messages and reports of plugins, symbols of guests.
//!
//! A terminal executes what it is sent: escape sequences, C1 controls, characters that change the direction of writing. And
//! what is megabytes long hides all else. So whatever comes from a plugin or a guest passes through here first.

use std::fmt::Write;

/// A message is cut at so many bytes.
pub const MESSAGE: usize = 2000;
/// A name, such as that of a counter or a symbol, is cut at so many bytes.
pub const NAME: usize = 200;
/// A report is cut at so many bytes.
pub const REPORT: usize = 1 << 20;

/// Whether a terminal shows a character and does nothing else with it.
#[must_use]
pub fn is_plain(c: char) -> bool {
    let changes_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    let is_invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !(c.is_control() || changes_direction || is_invisible)
}

/// A text in one line without anything that a terminal would execute: such characters are written as in Rust, `\u{1b}`.
/// What is longer than `longest` bytes is cut, and says so.
#[must_use]
pub fn line(text: &str, longest: usize) -> String {
    clean(text, longest, |_| false)
}

/// The same, of a text of several lines: ends of lines and tabs stay.
#[must_use]
pub fn lines(text: &str, longest: usize) -> String {
    clean(text, longest, |c| matches!(c, '\n' | '\t'))
}

fn clean(text: &str, longest: usize, stays: impl Fn(char) -> bool) -> String {
    if text.len() <= longest && text.chars().all(|c| is_plain(c) || stays(c)) {
        return text.to_owned();
    }
    let mut cleaned = String::new();
    for (place, c) in text.char_indices() {
        if cleaned.len() >= longest {
            let _never_fails = write!(cleaned, "… ({} more bytes)", text.len() - place);
            break;
        }
        if is_plain(c) || stays(c) {
            cleaned.push(c);
        } else {
            cleaned.extend(c.escape_default());
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_executes_passes() {
        assert_eq!(line("ordinary – ünïcode 語", 100), "ordinary – ünïcode 語");
        assert_eq!(line("\u{1b}[2Jgone\r\nrow", 100), "\\u{1b}[2Jgone\\r\\nrow");
        assert_eq!(line("\u{9b}31m \u{202e}txt\u{2028}", 100), "\\u{9b}31m \\u{202e}txt\\u{2028}");
        assert_eq!(lines("one\n\ttwo\u{7}", 100), "one\n\ttwo\\u{7}");
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        assert_eq!(line(&"x".repeat(1000), 4), "xxxx… (996 more bytes)");
        assert_eq!(line("语语语", 4), "语语… (3 more bytes)");
        assert_eq!(line("four", 4), "four");
        // What is written for a character counts, too: a text does not grow beyond what it may be.
        assert!(line(&"\u{1b}".repeat(1000), 100).len() < 140);
    }
}
