//! The export of a plugin library: its root module, and how panics stay inside.

use core::any::Any;
use core::cell::RefCell;
use core::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RSlice, RString};

use crate::classifier::ClassifierRef;
use crate::patch_manager::PatchManagerRef;
use crate::plugin::Failure;
use crate::routines::RoutinesRef;

/// What a plugin library exports.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = LibraryRef)))]
pub struct Library {
    /// Its classifiers.
    pub classifiers: RSlice<'static, ClassifierRef>,
    /// Its patch managers.
    pub patch_managers: RSlice<'static, PatchManagerRef>,
    /// Its sets of routines.
    pub routines: RSlice<'static, RoutinesRef>,
    /// The message of the last panic of a routine on this thread.
    #[sabi(last_prefix_field)]
    pub take_panic: extern "C" fn() -> RString,
}

impl RootModule for LibraryRef {
    abi_stable::declare_root_module_statics! {LibraryRef}
    const BASE_NAME: &'static str = "patchbay_plugin";
    const NAME: &'static str = "patchbay plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new(crate::API_VERSION);
}

/// Where the tables of a type stand.
pub(crate) struct Of<T>(PhantomData<T>);

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the message of a panic for those who catch it, instead of writing it: the host says what happened.
pub fn keep_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
        let message = format!("{}{}", text(panic.payload()), place.unwrap_or_default());
        let _ = PANIC.try_with(|kept| kept.replace(Some(message)));
    }));
}

fn text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}

/// Notes a panic that was caught.
#[cold]
pub(crate) fn panicked(payload: Box<dyn Any + Send>) {
    PANIC.with(|kept| {
        kept.borrow_mut().get_or_insert_with(|| text(&*payload).to_owned());
    });
    // Dropping it might panic again.
    core::mem::forget(payload);
}

/// The message of the last panic on this thread.
#[must_use]
pub extern "C" fn take_panic() -> RString {
    PANIC.with(RefCell::take).unwrap_or_default().into()
}

pub(crate) fn guard<T>(function: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        panicked(payload);
        Failure::panic(take_panic().into())
    })
}

pub(crate) fn guard_result<T>(function: impl FnOnce() -> Result<T, String>) -> Result<T, Failure> {
    guard(function)?.map_err(Failure::error)
}

/// Exports the plugins of a library. One line for each kind that it has, in the order below. `statics: none` comes first, if
/// at all, and says that the library has no static whose value changes: then a host maps it once, however often it swaps it
/// in, as long as its file is the same.
///
/// ```
/// # use patchbay_plugin_api::prelude::*;
/// struct Everything;
/// # impl Plugin for Everything {
/// #     const NAME: &'static str = "everything";
/// #     const VERSION: &'static str = "1.0.0";
/// #     const DESCRIPTION: &'static str = "one class";
/// #     fn create(_: &str, _: &Host) -> Result<Self, String> { Ok(Everything) }
/// # }
/// # impl Classifier for Everything {
/// #     fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
/// #         Some(ClassKey::new(instruction, Attributes::NONE))
/// #     }
/// # }
/// patchbay_plugin_api::export_plugins! {
///     classifiers: [Everything],
///     patch_managers: [],
///     routines: [],
/// }
/// ```
#[macro_export]
macro_rules! export_plugins {
    (
        statics: none, $($kinds:tt)*
    ) => {
        const _: () = {
            #[unsafe(export_name = "patchbay_plugin_has_no_statics")]
            static HAS_NO_STATICS: u8 = 1;
        };

        $crate::export_plugins! { $($kinds)* }
    };
    (
        $(classifiers: [$($classifier:ty),* $(,)?] $(,)?)?
        $(patch_managers: [$($patch_manager:ty),* $(,)?] $(,)?)?
        $(routines: [$($routines:ty),* $(,)?] $(,)?)?
    ) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin must unwind: with panic = \"abort\", a panic of its would end the host");

        const _: () = {
            use $crate::__private as private;

            static CLASSIFIERS: &[$crate::classifier::ClassifierRef] =
                &[$($($crate::classifier::classifier::<$classifier>()),*)?];
            static PATCH_MANAGERS: &[$crate::patch_manager::PatchManagerRef] =
                &[$($($crate::patch_manager::patch_manager::<$patch_manager>()),*)?];
            static ROUTINES: &[$crate::routines::RoutinesRef] =
                &[$($($crate::routines::routines::<$routines>()),*)?];

            fn library() -> $crate::export::LibraryRef {
                private::library(CLASSIFIERS, PATCH_MANAGERS, ROUTINES)
            }

            extern "C" fn root_module() -> private::RootModuleResult {
                private::call_root_module_loader(library)
            }

            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            // SAFETY: `root_module` returns a `LibraryRef`.
            static ROOT_MODULE: private::LibHeader = unsafe {
                private::LibHeader::from_constructor::<$crate::export::LibraryRef>(
                    root_module,
                    private::CheckTypeLayout::Yes,
                )
            };
        };
    };
}

#[doc(hidden)]
pub mod private {
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };
    use abi_stable::prefix_type::PrefixTypeTrait;

    use super::{ClassifierRef, Library, LibraryRef, PatchManagerRef, RSlice, RoutinesRef};

    #[must_use]
    pub fn library(
        classifiers: &'static [ClassifierRef],
        patch_managers: &'static [PatchManagerRef],
        routines: &'static [RoutinesRef],
    ) -> LibraryRef {
        super::keep_panic_messages();
        Library {
            classifiers: RSlice::from_slice(classifiers),
            patch_managers: RSlice::from_slice(patch_managers),
            routines: RSlice::from_slice(routines),
            take_panic: super::take_panic,
        }
        .leak_into_prefix()
    }
}
