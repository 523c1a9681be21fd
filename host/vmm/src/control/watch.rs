//! Swaps plugins when their files change, such as when they are built again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::{Control, LIMIT, Target};
use crate::plugins::deadline::{self, NothingGiven};
use crate::plugins::{Kind, Library, hash};
use crate::swap::Order;

/// How often files are looked at. A file is stable if its size and its hash are the same twice in a row.
const INTERVAL: Duration = Duration::from_millis(250);

/// Why a directory is not watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {source}", folder.display())]
pub struct WatchError {
    folder: PathBuf,
    source: io::Error,
}

/// A directory that is watched, until this is dropped.
#[derive(Debug)]
pub struct Watch(#[expect(dead_code, reason = "dropping it is its use")] Sender<()>);

/// What a file was when it was looked at: changes of its content change this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    size: u64,
    modified: Option<SystemTime>,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    look: Option<Look>,
    hash: Option<u64>,
    /// Whether it is the same as before.
    stable: bool,
    /// The content that was swapped in, or that was there at first.
    used: Option<u64>,
}

/// Watches the shared libraries of a directory. What is there already is not swapped in until it changes.
///
/// # Errors
/// If the directory cannot be read, or the host gives no thread.
pub fn watch(folder: &Path, control: Arc<Control>) -> Result<Watch, WatchError> {
    let failed = |source| WatchError { folder: folder.to_owned(), source };
    let folder = std::path::absolute(folder).map_err(failed)?;
    let mut files = Files::default();
    files.look(&folder).map_err(failed)?;
    for known in files.0.values_mut() {
        known.used = known.hash;
    }
    let (watches, done) = bounded::<()>(0);
    let work = move || {
        while done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            // A directory that is gone may come back.
            for file in files.look(&folder).unwrap_or_default() {
                changed(&control, &file);
            }
        }
    };
    thread::Builder::new().name("watch".to_owned()).spawn(work).map_err(failed)?;
    Ok(Watch(watches))
}

#[derive(Debug, Default)]
struct Files(HashMap<PathBuf, Known>);

impl Files {
    /// Looks at all files; returns those with a new content that is stable now.
    fn look(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut changed = Vec::new();
        for entry in fs::read_dir(folder)? {
            let file = entry?.path();
            if file.extension().is_none_or(|extension| extension != "so") {
                continue;
            }
            let Ok(metadata) = fs::metadata(&file) else { continue };
            if !metadata.is_file() {
                continue;
            }
            let look = Look { size: metadata.len(), modified: metadata.modified().ok() };
            let known = self.0.entry(file.clone()).or_default();
            if known.stable && known.look == Some(look) {
                continue;
            }
            let hash = fs::read(&file).ok().map(|content| hash(&content));
            known.stable = known.look == Some(look) && known.hash == hash;
            known.look = Some(look);
            known.hash = hash;
            if known.stable && hash.is_some() && known.used != hash {
                known.used = hash;
                changed.push(file);
            }
        }
        Ok(changed)
    }
}

/// Swaps the plugins that a file has now for those that serve under the same names, or were loaded from it.
fn changed(control: &Control, file: &Path) {
    let loading = file.to_owned();
    let library = match deadline::within(LIMIT, move || Library::load(&loading)) {
        Ok(Ok(library)) => library,
        Ok(Err(error)) => return control.events.add(None, "ignored", error.to_string()),
        Err(NothingGiven::Late(limit)) => {
            let text = format!("{} is not loaded within {limit:?}", file.display());
            return control.events.add(None, "ignored", text);
        }
        Err(error) => {
            return control.events.add(None, "ignored", format!("{} is not loaded: {error}", file.display()));
        }
    };
    let swaps: usize = control.targets().iter().map(|target| swap_in(control, target, file, &library)).sum();
    if swaps == 0 {
        let text = format!("{} changed, and none of its plugins serves", file.display());
        control.events.add(None, "ignored", text);
    }
}

/// Swaps those that serve in a virtual machine; how many.
fn swap_in(control: &Control, target: &Target, file: &Path, library: &Library) -> usize {
    let Some(plugins) = target.vm.as_ref().and_then(|vm| vm.plugins()) else { return 0 };
    let mut serving = vec![
        (Kind::Classifier, plugins.classifier.descriptor().name.clone(), None),
        (Kind::PatchManager, plugins.patch_manager.descriptor().name.clone(), None),
    ];
    let routines: Vec<_> = plugins.routines.iter().map(|routines| routines.descriptor().name.clone()).collect();
    let all_the_same = routines.windows(2).all(|two| two[0] == two[1]);
    let routines = routines.into_iter().enumerate().take(if all_the_same { 1 } else { usize::MAX });
    serving.extend(routines.map(|(vp, name)| (Kind::Routines, name, (!all_the_same).then_some(vp))));
    // Who serves is not kept by who replaces it.
    drop(plugins);
    let new = library.descriptors();
    serving.retain(|(kind, name, _)| new.iter().any(|new| new.kind == *kind && new.name == *name));
    let swaps = serving.len();
    for (kind, name, vp) in serving {
        let plugin = format!("{}#{name}", file.display());
        let (library, base) = (Some(library.clone()), PathBuf::new());
        let (repatch, discard_state) = (false, false);
        let order = Order { kind, plugin, library, base, config: None, vp, repatch, discard_state, limit: LIMIT };
        let _events_say_what_became_of_it = control.swap(Some(target.number), &order);
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_when_it_is_stable_and_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("plugin.so");
        let mut files = Files::default();
        let mut look = || files.look(folder.path()).expect("it can be read");
        fs::write(&file, "one").expect("written");
        fs::write(folder.path().join("plugin.d"), "no plugin").expect("written");
        assert!(look().is_empty());
        assert_eq!(look(), std::slice::from_ref(&file));
        assert!(look().is_empty());
        for half in ["two, ", "two, that "] {
            fs::write(&file, half).expect("written");
            assert!(look().is_empty());
        }
        fs::write(&file, "two, that grows").expect("written");
        assert!(look().is_empty());
        assert_eq!(look(), std::slice::from_ref(&file));
        // Written again with the same content.
        fs::write(&file, "two, that grows").expect("written");
        assert!((0..3).all(|_| look().is_empty()));
        fs::remove_file(&file).expect("removed");
        assert!(look().is_empty());
    }
}
