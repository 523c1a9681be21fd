//! Results of several machines or attempts as one file.

use std::path::{Path, PathBuf};

use crate::record::{RecordError, Results, read, read_all};

/// Merges files into one, which must not be there yet. Returns how many records it has, and how many were doubles.
///
/// # Errors
/// If a file cannot be read or written.
pub fn merge(files: &[PathBuf], into: &Path) -> Result<(usize, usize), RecordError> {
    let mut count = 0;
    for file in files {
        count += read(file)?.len();
    }
    let records = read_all(files)?;
    if into.exists() {
        let there = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(RecordError::Write(into.to_owned(), there));
    }
    let mut results = Results::append(into)?;
    for record in &records {
        results.add(record)?;
    }
    Ok((records.len(), count - records.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn order_and_doubles_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let runs = [record("trap", 0, 1.0), record("break", 0, 2.0), record("trap", 1, 1.0)];
        for (name, which) in [("a", &[0, 1][..]), ("b", &[1, 2])] {
            let mut results = Results::append(&file(name)).unwrap();
            which.iter().for_each(|index| results.add(&runs[*index]).unwrap());
        }
        assert_eq!(merge(&[file("a"), file("b")], &file("ab")).unwrap(), (3, 1));
        assert_eq!(merge(&[file("b"), file("a")], &file("ba")).unwrap(), (3, 1));
        assert_eq!(std::fs::read(file("ab")).unwrap(), std::fs::read(file("ba")).unwrap());
        assert!(merge(&[file("a")], &file("ab")).is_err());
    }
}
