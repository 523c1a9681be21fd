//! Emulation routines: the code template map, and the customization program that builds a routine from a template.

use core::ffi::c_void;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult, RStr, RVec};

use crate::class::ClassKey;
use crate::export::{Of, guard, panicked};
use crate::instruction::{Instruction, Mnemonic};
use crate::plugin::{Failure, Plugin, PluginRef};
use crate::vp::{Emulated, Outcome, RawVp, Vp};

/// A code template: a kind of instruction that a plugin can build routines for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Template {
    description: RStr<'static>,
    mnemonic: u16,
}

impl Template {
    /// The template for a mnemonic, and what its routines do, in a few words.
    #[must_use]
    pub const fn new(mnemonic: Mnemonic, description: &'static str) -> Template {
        Template { description: RStr::from_str(description), mnemonic: mnemonic as u16 }
    }

    /// The mnemonic; `None` for one that is newer than this version of the plugin API.
    #[must_use]
    pub const fn mnemonic(&self) -> Option<Mnemonic> {
        Mnemonic::new(self.mnemonic)
    }

    /// What its routines do.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description.as_str()
    }
}

/// The values that specialise a routine to its class: register numbers, immediates, masks, the address of something
/// that the plugin's instance owns. They are copied into the host's routine map, and handed to the routine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Fixups(pub [u64; 4]);

/// An emulation routine.
#[derive(Clone, Copy, Debug, StableAbi)]
#[repr(C)]
pub struct Routine {
    function: unsafe extern "C" fn(*mut RawVp, *const Fixups, *const Instruction) -> Outcome,
    fixups: Fixups,
    needs_site: u32,
    reserved: u32,
}

impl Routine {
    /// A routine: a function or a closure that captures nothing, and its fix-up values.
    ///
    /// The function emulates an instruction whose qualifying predicate is true, with all its checks, and leaves IP
    /// alone: the host goes on after the instruction. The arguments are the virtual processor, the fix-up values and an
    /// instruction of the class; with [`Routine::with_site`], the one that stood at the site.
    ///
    /// It runs on the thread of the virtual processor, on several at once. It must not allocate, take a lock, log, or
    /// wait; a routine that does not return stops its virtual processor. A panic stops the virtual machine.
    #[must_use]
    pub const fn new<F>(function: F, fixups: Fixups) -> Routine
    where
        F: Fn(&mut Vp<'_>, &Fixups, &Instruction) -> Emulated + Copy + Send + Sync + 'static,
    {
        const { assert!(size_of::<F>() == 0, "a routine must not capture anything: use fix-up values") };
        let _ = function;
        Routine { function: run::<F>, fixups, needs_site: 0, reserved: 0 }
    }

    /// The same routine; it reads operands that its class does not fix from the instruction at the site.
    #[must_use]
    pub const fn with_site(self) -> Routine {
        Routine { needs_site: 1, ..self }
    }

    /// Its fix-up values.
    #[must_use]
    pub const fn fixups(&self) -> &Fixups {
        &self.fixups
    }

    /// The same routine with other fix-up values.
    #[must_use]
    pub const fn with_fixups(self, fixups: Fixups) -> Routine {
        Routine { fixups, ..self }
    }

    /// Whether it must be given the instruction at the site, not just any of the class.
    #[must_use]
    pub const fn needs_site(&self) -> bool {
        self.needs_site != 0
    }

    /// Runs it with these fix-up values, which may be a copy of its own elsewhere.
    ///
    /// # Safety
    /// What [`RawVp`] says of its pointers holds, and the plugin's instance is alive.
    #[inline]
    pub unsafe fn call(&self, vp: *mut RawVp, fixups: &Fixups, instruction: &Instruction) -> Outcome {
        // SAFETY: the caller vouches for `vp`; the function is of a library that stays mapped.
        unsafe { (self.function)(vp, fixups, instruction) }
    }

    /// Runs it as a part of another routine, on the same virtual processor.
    ///
    /// # Errors
    /// Whatever the routine does but go on with the next instruction.
    #[inline]
    pub fn run(&self, vp: &mut Vp<'_>, instruction: &Instruction) -> Emulated {
        // SAFETY: a `Vp` is a view of a valid `RawVp`, which nothing else uses meanwhile.
        match unsafe { (self.function)(vp.raw(), &self.fixups, instruction) } {
            Outcome::NEXT => Ok(()),
            outcome => Err(outcome),
        }
    }
}

unsafe extern "C" fn run<F>(vp: *mut RawVp, fixups: *const Fixups, instruction: *const Instruction) -> Outcome
where
    F: Fn(&mut Vp<'_>, &Fixups, &Instruction) -> Emulated + Copy,
{
    // SAFETY: `F` has no size, and `Routine::new` was given a value of it.
    let function: F = unsafe { core::ptr::NonNull::<F>::dangling().read() };
    // SAFETY: the host vouches for all three, for the length of the call.
    let (vp, fixups, instruction) = unsafe { (Vp::new(vp), &*fixups, &*instruction) };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| function(vp, fixups, instruction))) {
        Ok(Ok(())) => Outcome::NEXT,
        Ok(Err(outcome)) => outcome,
        Err(payload) => {
            panicked(payload);
            Outcome::PANICKED
        }
    }
}

/// Builds emulation routines.
pub trait Routines: Plugin {
    /// The code template map: what it can build routines for, as `build` would answer.
    ///
    /// Called after `create`, on any thread. May allocate; must not wait. The host owns the result.
    fn templates(&self) -> Vec<Template>;

    /// The customization program: the routine for a class, or `None` if it has none; the conventional path then
    /// emulates the instruction.
    ///
    /// A class says which attributes its instructions have in common. Those may be built into the routine; others it
    /// must read from the instruction at the site ([`Routine::with_site`]).
    ///
    /// Called when a class is met first and after a swap, on any thread, on several at once. May allocate; must not
    /// wait. `class` is the host's, for the length of the call; the routine is copied, and used until the instance is
    /// dropped.
    fn build(&self, class: &ClassKey) -> Option<Routine>;
}

/// A set of emulation routines as it crosses the boundary.
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = RoutinesRef)))]
pub struct RoutinesTable {
    /// What it has in common with other plugins.
    pub plugin: PluginRef,
    /// [`Routines::templates`].
    pub templates: unsafe extern "C" fn(*const c_void) -> RResult<RVec<Template>, Failure>,
    /// [`Routines::build`].
    #[sabi(last_prefix_field)]
    pub build: unsafe extern "C" fn(*const c_void, &ClassKey) -> RResult<ROption<Routine>, Failure>,
}

impl<T: Routines> Of<T> {
    abi_stable::staticref! {
        const ROUTINES: abi_stable::prefix_type::WithMetadata<RoutinesTable> =
            abi_stable::prefix_type::WithMetadata::new(
                RoutinesTable { plugin: Of::<T>::PLUGIN_REF, templates: templates::<T>, build: build::<T> }
            )
    }
}

/// The table of a set of routines.
#[must_use]
pub const fn routines<T: Routines>() -> RoutinesRef {
    RoutinesRef(Of::<T>::ROUTINES.as_prefix())
}

unsafe extern "C" fn templates<T: Routines>(instance: *const c_void) -> RResult<RVec<Template>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.templates().into()).into()
}

unsafe extern "C" fn build<T: Routines>(
    instance: *const c_void,
    class: &ClassKey,
) -> RResult<ROption<Routine>, Failure> {
    // SAFETY: `instance` came from this type's `create`.
    let plugin = unsafe { &*instance.cast::<T>() };
    guard(|| plugin.build(class).into()).into()
}
