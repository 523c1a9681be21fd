//! A root module of what is said to be this version of the plugin API, with other contents.

#![expect(missing_docs, reason = "the macro makes a static without")]

use abi_stable::StableAbi;
use abi_stable::export_root_module;
use abi_stable::library::RootModule;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_types::VersionStrings;

/// Has nothing that this version has.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = LibraryRef)))]
#[sabi(missing_field(panic))]
pub struct Library {
    /// Something else.
    #[sabi(last_prefix_field)]
    pub something_else: extern "C" fn() -> u64,
}

impl RootModule for LibraryRef {
    abi_stable::declare_root_module_statics! {LibraryRef}
    const BASE_NAME: &'static str = "patchbay_plugin";
    const NAME: &'static str = "patchbay plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

extern "C" fn something_else() -> u64 {
    0
}

/// The root module.
#[export_root_module]
pub fn library() -> LibraryRef {
    Library { something_else }.leak_into_prefix()
}
