//! Classifiers: which instructions share an emulation routine.

use core::ffi::c_void;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult};

use crate::class::ClassKey;
use crate::export::{Of, guard};
use crate::instruction::Instruction;
use crate::plugin::{Failure, Plugin, PluginRef};
use crate::site::Site;

/// Says which instructions share an emulation routine, and which are not to be patched at all.
pub trait Classifier: Plugin {
    /// The class of an instruction, or `None` to leave it to the conventional path at every fault.
    ///
    /// The answer should depend on the instruction alone as far as possible: every class takes one of the ids that the
    /// virtual machine monitor has.
    ///
    /// Called at virtualization faults on the thread of the virtual processor, on several at once; there, too, at every
    /// review that the patch manager asks for, for the sites that are not patched; and when it takes over from another
    /// classifier, for the sites that are patched, on a thread of the host. May allocate; must not wait. Both arguments
    /// are the host's, for the length of the call.
    fn classify(&self, instruction: &Instruction, site: &Site) -> Option<ClassKey>;
}

/// A classifier as it crosses the boundary.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = ClassifierRef)))]
pub struct ClassifierTable {
    /// What it has in common with other plugins.
    pub plugin: PluginRef,
    /// [`Classifier::classify`].
    #[sabi(last_prefix_field)]
    pub classify: unsafe extern "C" fn(*const c_void, &Instruction, &Site) -> RResult<ROption<ClassKey>, Failure>,
}

impl<T: Classifier> Of<T> {
    abi_stable::staticref! {
        const CLASSIFIER: abi_stable::prefix_type::WithMetadata<ClassifierTable> =
            abi_stable::prefix_type::WithMetadata::new(
                ClassifierTable { plugin: Of::<T>::PLUGIN_REF, classify: classify::<T> }
            )
    }
}

/// The table of a classifier.
#[must_use]
pub const fn classifier<T: Classifier>() -> ClassifierRef {
    ClassifierRef(Of::<T>::CLASSIFIER.as_prefix())
}

unsafe extern "C" fn classify<T: Classifier>(
    instance: *const c_void,
    instruction: &Instruction,
    site: &Site,
) -> RResult<ROption<ClassKey>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.classify(instruction, site).into()).into()
}
