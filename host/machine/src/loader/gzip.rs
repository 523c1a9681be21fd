//! Files that may be compressed with gzip.

use std::io::{ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::LoadError;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a file's bytes are when uncompressed; bytes that are not compressed stay as they are.
///
/// # Errors
/// If they are damaged, or more than `limit` bytes.
pub fn expand(path: &Path, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, LoadError> {
    if !bytes.starts_with(&MAGIC) {
        return Ok(bytes);
    }
    let mut expanded = Vec::new();
    let read = MultiGzDecoder::new(bytes.as_slice()).take(limit.saturating_add(1)).read_to_end(&mut expanded);
    read.map_err(|error| {
        let truncated = error.kind() == ErrorKind::UnexpectedEof;
        let error = if truncated { std::io::Error::new(error.kind(), "it ends too early") } else { error };
        LoadError::Gzip(path.to_owned(), error)
    })?;
    if expanded.len() as u64 > limit {
        return Err(LoadError::TooLarge(path.to_owned(), limit));
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed() -> (Vec<u8>, Vec<u8>) {
        let text: Vec<u8> = (0..100_000_u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&text).unwrap();
        (encoder.finish().unwrap(), text)
    }

    fn expand(bytes: Vec<u8>) -> Result<Vec<u8>, LoadError> {
        super::expand(Path::new("vmlinux.gz"), bytes, 1 << 20)
    }

    #[test]
    fn gzip_is_expanded_and_anything_else_is_kept() {
        let (bytes, text) = compressed();
        assert!(expand(bytes).unwrap() == text);
        assert_eq!(expand(b"plain".to_vec()).unwrap(), b"plain");
    }

    #[test]
    fn damage_and_truncation_are_errors() {
        let (bytes, _) = compressed();
        for length in [2, 9, bytes.len() / 2, bytes.len() - 1] {
            assert!(matches!(expand(bytes[..length].to_vec()), Err(LoadError::Gzip(..))), "{length}");
        }
        let mut damaged = bytes;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(matches!(expand(damaged), Err(LoadError::Gzip(..))));
    }

    #[test]
    fn expansion_is_bounded() {
        let (bytes, _) = compressed();
        assert!(matches!(super::expand(Path::new("x"), bytes, 1000), Err(LoadError::TooLarge(_, 1000))));
    }
}
