//! How often a library is mapped. This is a process of its own, in which nothing else is loaded.

use std::path::Path;

use patchbay_vmm::plugins::{Library, Registry};

/// The parts of libraries that this process has mapped. It may have some 65,000, and a library takes four or five.
fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("patchbay-plugin-")).count()
}

#[test]
fn a_library_without_statics_is_mapped_once_and_others_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.so");
    let built = |name: &str| std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"));
    let mut content = std::fs::read(built("patchbay_patch_adaptive")).unwrap();
    std::fs::write(&file, &content).unwrap();
    let first = Library::load(&file).unwrap();
    let one = mappings();
    let loads = 20;
    let again: Vec<Library> = (0..loads).map(|_| Library::load(&file).unwrap()).collect();
    assert_eq!((mappings(), again[0].descriptors()), (one, first.descriptors()));
    // Built again: debuggers might tell the difference, so it is another library.
    content.push(0);
    std::fs::write(&file, &content).unwrap();
    let other = Library::load(&file).unwrap();
    assert_eq!(mappings(), 2 * one);
    assert_eq!(other.descriptors(), first.descriptors());
    // When nobody has a plugin of it, it is forgotten: its bytes are not kept for ever.
    drop((first, again, other));
    assert!(Library::load(&file).is_ok());
    assert_eq!(mappings(), 3 * one);

    let before = mappings();
    let counting = built("unreliable_plugins");
    for _ in 0..loads {
        let mut registry = Registry::default();
        registry.add(&counting);
        assert!(registry.find::<patchbay_plugin_api::classifier::ClassifierRef>("counting", Path::new("")).is_ok());
    }
    assert!(mappings() >= before + 4 * loads);
}
