//! Guests as they lie in a directory: `guest.toml` and what it names.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file that describes a guest.
pub const FILE: &str = "guest.toml";

/// A guest's description. Paths are as they are written until [`Guest::read`] has made them relative to the
/// directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Its name, that of its folder.
    pub name: String,
    /// One line.
    pub description: String,
    /// The image: ELF, or raw if there is a load address; gzip allowed.
    pub kernel: PathBuf,
    /// Where a raw image is put and entered.
    pub load_address: Option<u64>,
    /// The parts of the initial RAM disk, in order.
    #[serde(default)]
    pub initrd: Vec<PathBuf>,
    /// The command line.
    #[serde(default)]
    pub append: String,
    /// The size of its memory, in bytes.
    #[serde(default = "default_memory", deserialize_with = "deserialize_size")]
    pub memory: u64,
    /// The number of its processors.
    #[serde(default = "one")]
    pub processors: usize,
    /// The most processors that it can use.
    #[serde(default = "one")]
    pub max_processors: usize,
    /// `System.map`, gzip allowed.
    pub symbols: Option<PathBuf>,
}

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The description cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// The description is not what it must be.
    #[error("{0}: {1}")]
    Parse(PathBuf, String),
}

/// A size that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a size is a number of bytes, or a number with K, M or G, such as 512M")]
pub struct SizeError;

impl Guest {
    /// A guest that is an image alone.
    #[must_use]
    pub fn image(kernel: PathBuf) -> Guest {
        let name = kernel.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Guest {
            name,
            description: String::new(),
            kernel,
            load_address: None,
            initrd: Vec::new(),
            append: String::new(),
            memory: default_memory(),
            processors: 1,
            max_processors: crate::layout::PROCESSORS_MAX,
            symbols: None,
        }
    }

    /// The guest in a directory.
    ///
    /// # Errors
    /// If its description is unreadable or wrong.
    pub fn read(directory: &Path) -> Result<Guest, GuestError> {
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| GuestError::Read(path.clone(), error))?;
        let mut guest: Guest = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            GuestError::Parse(path, format!("line {line}: {}", error.message()))
        })?;
        let absolute = |path: &mut PathBuf| *path = directory.join(&path);
        absolute(&mut guest.kernel);
        guest.initrd.iter_mut().for_each(absolute);
        guest.symbols.iter_mut().for_each(absolute);
        Ok(guest)
    }
}

/// A size in bytes: a number, or a number with `K`, `M` or `G`.
///
/// # Errors
/// If it is no such thing.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let shift = match text.chars().last() {
        Some('K' | 'k') => 10,
        Some('M' | 'm') => 20,
        Some('G' | 'g') => 30,
        _ => 0,
    };
    let digits = if shift == 0 { text } else { &text[..text.len() - 1] };
    let number: u64 = digits.parse().map_err(|_| SizeError)?;
    number.checked_mul(1 << shift).ok_or(SizeError)
}

fn default_memory() -> u64 {
    1 << 30
}

fn one() -> usize {
    1
}

fn deserialize_size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_size(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Guest, GuestError> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), text).unwrap();
        let mut guest = Guest::read(directory.path())?;
        guest.kernel = guest.kernel.strip_prefix(directory.path()).unwrap().into();
        Ok(guest)
    }

    #[test]
    fn absent_keys_have_defaults() {
        let guest = read("name = 'x'\ndescription = 'y'\nkernel = 'x.elf'\n").unwrap();
        let image = Guest { max_processors: 1, description: "y".into(), ..Guest::image("x.elf".into()) };
        assert_eq!(guest, image);
        assert_eq!(guest.memory, 1 << 30);
    }

    #[test]
    fn mistakes_have_their_line() {
        let error = read("name = 'x'\ndescription = 'y'\nkernle = 'x.elf'\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("kernle"), "{error}");
        let error = read("name = 'x'\ndescription = 'y'\nkernel = 'x'\nmemory = '1X'").unwrap_err().to_string();
        assert!(error.contains("512M"), "{error}");
        assert!(matches!(Guest::read(Path::new("/nonexistent")), Err(GuestError::Read(..))));
    }

    #[test]
    fn sizes_have_units() {
        let sizes = ["4096", "64K", "512M", "2G", "1g"].map(|text| parse_size(text).unwrap());
        assert_eq!(sizes, [4096, 64 << 10, 512 << 20, 2 << 30, 1 << 30]);
        for bad in ["", "M", "1.5G", "-1", "1T", "99999999999G"] {
            assert_eq!(parse_size(bad), Err(SizeError), "{bad}");
        }
    }

    #[test]
    fn the_bundled_guests_are_readable() {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests");
        let mut count = 0;
        for entry in fs::read_dir(guests).unwrap() {
            let directory = entry.unwrap().path();
            if directory.join(FILE).exists() {
                let guest = Guest::read(&directory).unwrap();
                assert!(guest.kernel.exists(), "{guest:?}");
                assert_eq!(directory.file_name().unwrap(), guest.name.as_str());
                count += 1;
            }
        }
        assert!(count > 0);
    }
}
