//! The files of results.

use std::path::{Path, PathBuf};

use super::BenchError;

/// Where results go: the file given, or one named after what is measured. What is there is not touched, unless it is to be
/// gone on with.
pub(super) fn results(given: Option<&Path>, subject: &str, resume: bool) -> Result<PathBuf, BenchError> {
    if let Some(given) = given {
        return if given.exists() && !resume {
            Err(BenchError::Exists(given.to_owned()))
        } else {
            Ok(given.to_owned())
        };
    }
    let word: String = subject.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = |number: usize| match number {
        1 => PathBuf::from(format!("bench-{word}.jsonl")),
        number => PathBuf::from(format!("bench-{word}-{number}.jsonl")),
    };
    let free = (1..).find(|number| !name(*number).exists()).unwrap_or(1);
    Ok(name(if resume { free.saturating_sub(1).max(1) } else { free }))
}

/// A word as a shell reads it.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(["run=smoke", "a b", "it's", ""].map(quote), ["run=smoke", "'a b'", "'it'\\''s'", "''"]);
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.jsonl");
        assert!(results(Some(&file), "x", false).is_ok());
        std::fs::write(&file, "").unwrap();
        assert!(matches!(results(Some(&file), "x", false), Err(BenchError::Exists(_))));
        assert_eq!(results(Some(&file), "x", true).unwrap(), file);
    }
}
