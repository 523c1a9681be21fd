//! The host's side of the boundary: what a library that is mapped exports, if the host can use it.

use core::ffi::{CStr, c_void};
use core::fmt;
use core::str::FromStr;

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::library::AbiHeaderRef;
use abi_stable::type_layout::TypeLayout;

use crate::export::LibraryRef;

/// The symbol that a plugin library exports.
pub const ROOT_MODULE: &CStr = c"_1as_0lib_1header_0root_bmodule_bloader";

/// The symbol that a library exports whose statics never change.
pub const NO_STATICS: &CStr = c"patchbay_plugin_has_no_statics";

/// A version of the plugin API. The third number is not part of it: nothing depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Counts changes that no older plugin survives.
    pub major: u32,
    /// Counts additions.
    pub minor: u32,
}

impl ApiVersion {
    /// The host's.
    #[must_use]
    pub fn host() -> ApiVersion {
        crate::API_VERSION.parse().expect("the version of this crate")
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<ApiVersion, ()> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(drop));
        let mut next = || numbers.next().unwrap_or(Err(()));
        Ok(ApiVersion { major: next()?, minor: next()? })
    }
}

/// Why a library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incompatible {
    /// It was built with another abi_stable or another C calling convention.
    Foreign,
    /// It was built against a plugin API that this host does not have.
    Version(String),
    /// It was built against a plugin API with this host's version and other types; what differs, in many lines.
    Layout(String),
    /// Its root module could not be made; why.
    RootModule(String),
}

/// A sentence about "the plugin".
impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = ApiVersion::host();
        match self {
            Incompatible::Foreign => f.write_str("plugin was built with another version of the plugin boundary"),
            Incompatible::Version(version) if host.minor == 0 => {
                write!(f, "plugin requires API {version}, this host supports {host}")
            }
            Incompatible::Version(version) => {
                let first = ApiVersion { minor: 0, ..host };
                write!(f, "plugin requires API {version}, this host supports {first} to {host}")
            }
            Incompatible::Layout(_) => {
                write!(f, "plugin says it was built against API {host} or older, and has other types than that")
            }
            Incompatible::RootModule(why) => write!(f, "plugin does not say what it exports: {why}"),
        }
    }
}

impl core::error::Error for Incompatible {}

/// What a library exports, and the API version it was built against.
///
/// # Errors
/// Why it cannot be used.
///
/// # Safety
/// `root_module` is the address of the symbol [`ROOT_MODULE`] of a library that stays mapped for ever.
pub unsafe fn open(root_module: *const c_void) -> Result<(LibraryRef, ApiVersion), Incompatible> {
    if root_module.is_null() {
        return Err(Incompatible::Foreign);
    }
    // SAFETY: an `AbiHeaderRef` is a pointer to the static that the symbol names.
    let header = unsafe { core::mem::transmute::<*const c_void, AbiHeaderRef>(root_module) };
    let header = header.upgrade().map_err(|_| Incompatible::Foreign)?;
    let strings = header.version_strings();
    let text = strings.version.as_str();
    let host = ApiVersion::host();
    let version = match text.parse::<ApiVersion>() {
        Ok(version) if version.major == host.major && version.minor <= host.minor => version,
        Ok(version) => return Err(Incompatible::Version(version.to_string())),
        Err(()) => return Err(Incompatible::Version(format!("{text:?}"))),
    };
    let layout = header.layout().ok_or(Incompatible::Foreign)?;
    compare(layout, LibraryRef::LAYOUT)?;
    // SAFETY: the layouts have just been compared; accessors of what an older plugin lacks return `None`.
    let library = unsafe { header.init_root_module_with_unchecked_layout::<LibraryRef>() };
    Ok((library.map_err(|why| Incompatible::RootModule(why.to_string()))?, version))
}

/// Whether a plugin's types are what the host has, or less. abi_stable lets a library have more than its user knows. It is
/// the other way round here: the plugin's types are what is asked for, the host's are what there is.
fn compare(plugin: &'static TypeLayout, host: &'static TypeLayout) -> Result<(), Incompatible> {
    check_layout_compatibility(plugin, host).map_err(|why| Incompatible::Layout(why.to_string()))
}

#[cfg(test)]
mod tests {
    use abi_stable::prefix_type::PrefixTypeTrait;

    use super::*;

    /// A table in one version and in the next.
    mod first {
        #[derive(abi_stable::StableAbi)]
        #[repr(C)]
        #[sabi(kind(Prefix(prefix_ref = TableRef)))]
        pub(super) struct Table {
            #[sabi(last_prefix_field)]
            pub(super) old: extern "C" fn(u64) -> u64,
        }
    }

    mod next {
        #[derive(abi_stable::StableAbi)]
        #[repr(C)]
        #[sabi(kind(Prefix(prefix_ref = TableRef)))]
        #[sabi(missing_field(option))]
        pub(super) struct Table {
            #[sabi(last_prefix_field)]
            pub(super) old: extern "C" fn(u64) -> u64,
            pub(super) added: extern "C" fn(u64) -> u64,
        }
    }

    extern "C" fn double(value: u64) -> u64 {
        2 * value
    }

    #[test]
    fn a_table_may_have_less_than_the_hosts_and_nothing_else() {
        assert_eq!(compare(first::TableRef::LAYOUT, next::TableRef::LAYOUT), Ok(()));
        assert_eq!(compare(next::TableRef::LAYOUT, next::TableRef::LAYOUT), Ok(()));
        let refused = |plugin, host| matches!(compare(plugin, host), Err(Incompatible::Layout(_)));
        assert!(refused(next::TableRef::LAYOUT, first::TableRef::LAYOUT));
        assert!(refused(first::TableRef::LAYOUT, LibraryRef::LAYOUT));
    }

    #[test]
    fn what_an_older_table_lacks_is_none() {
        let old = first::Table { old: double }.leak_into_prefix();
        // SAFETY: the layouts are compatible in this direction, as the test above says.
        let table = unsafe { core::mem::transmute::<first::TableRef, next::TableRef>(old) };
        assert_eq!((old.old()(1), table.old()(21)), (2, 42));
        assert!(table.added().is_none());
        let new = next::Table { old: double, added: double }.leak_into_prefix();
        assert_eq!(new.added().map(|added| added(4)), Some(8));
    }

    #[test]
    fn the_macro_exports_the_symbol_that_the_host_looks_for() {
        assert_eq!(ROOT_MODULE.to_str(), Ok(abi_stable::library::ROOT_MODULE_LOADER_NAME));
        let macro_text = include_str!("export.rs");
        assert!(macro_text.contains(&format!("{:?}", NO_STATICS.to_str().expect("text"))));
        assert!(macro_text.contains(abi_stable::library::ROOT_MODULE_LOADER_NAME));
    }

    #[test]
    fn versions() {
        assert_eq!("1.2.3".parse(), Ok(ApiVersion { major: 1, minor: 2 }));
        assert_eq!("1".parse::<ApiVersion>(), Err(()));
        assert_eq!("one.two".parse::<ApiVersion>(), Err(()));
        let newer = Incompatible::Version("1.4".into()).to_string();
        assert_eq!(newer, "plugin requires API 1.4, this host supports 1.0 to 1.1");
    }
}
