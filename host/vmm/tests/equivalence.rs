//! The bundled routines do what the conventional path does, for all mnemonics and so for all virtualization causes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::routines::RoutinesRef;
use patchbay_vmm::equivalence::{Comparison, Trial, compare};
use patchbay_vmm::plugins::{Instance, Library, Plugin as Found, Routines as Set};

const STATES: u32 = 200;

fn linked<T: Routines>() -> Set {
    Instance::create(&Found::<RoutinesRef>::linked::<T>(), "", None).unwrap()
}

/// The set of routines of a library that Cargo built for this package.
fn loaded(name: &str) -> Set {
    let file = std::env::current_exe().unwrap().with_file_name(format!("lib{name}.so"));
    let library = Library::load(&file).unwrap();
    Instance::create(&library.plugins::<RoutinesRef>().next().unwrap(), "", None).unwrap()
}

/// All differences at once, a line each.
fn compare_all(routines: &Set, seed: u64) {
    let mut bad = Vec::new();
    for &mnemonic in Mnemonic::ALL {
        match compare(routines, mnemonic, Trial::new(STATES, seed)) {
            Ok(Comparison { states, faults, left, unbuilt }) => {
                assert_eq!((states, left, unbuilt), (STATES, 0, 0));
                // A virtual processor has no virtual machines.
                let always_faults = matches!(mnemonic, Mnemonic::Vmsw0 | Mnemonic::Vmsw1);
                assert!(faults < STATES * 9 / 10 || always_faults, "{} faults in {faults} states", mnemonic.name());
            }
            Err(difference) => bad.push(difference.to_string()),
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_standard_routines_are_equivalent() {
    compare_all(&loaded("patchbay_routines_standard"), 1);
}

#[test]
fn the_tracing_routines_are_equivalent() {
    compare_all(&loaded("patchbay_routines_tracing"), 2);
}

/// What the comparison is there for: sets of routines that have one mistake each.
macro_rules! mistaken {
    ($type:ident, $class:ident => $build:expr) => {
        struct $type;

        impl Plugin for $type {
            const NAME: &'static str = "mistaken";
            const VERSION: &'static str = "0.0.0";
            const DESCRIPTION: &'static str = "wrong";
            fn create(_: &str, _: &Host) -> Result<Self, String> {
                Ok($type)
            }
        }

        impl Routines for $type {
            fn templates(&self) -> Vec<Template> {
                Vec::new()
            }
            fn build(&self, $class: &ClassKey) -> Option<Routine> {
                $build
            }
        }
    };
}

fn found<T: Routines>(mnemonic: Mnemonic) -> String {
    compare(&linked::<T>(), mnemonic, Trial::new(STATES, 3)).unwrap_err().to_string()
}

const READABLE: u64 = 0x18_ffff_ffff;

fn right(vp: &mut Vp, r1: u8) -> Emulated {
    vp.check_target(r1)?;
    vp.check_privilege()?;
    vp.set_gr(r1, vp.psr() & READABLE);
    Ok(())
}

mistaken! { BuildsInTheFirst, class => {
    // Any class is taken for one that fixes r1.
    let r1 = class.r1().unwrap_or(8);
    Some(Routine::new(|vp, fixups, _| right(vp, fixups.0[0] as u8), Fixups([r1.into(), 0, 0, 0])))
}}
mistaken! { ForgetsTheSite, _class => Some(Routine::new(|vp, _, any| right(vp, any.r1), Fixups::default())) }
mistaken! { ForgetsPrivilege, _class => Some(Routine::new(
    |vp, _, at_site| {
        vp.check_target(at_site.r1)?;
        vp.set_gr(at_site.r1, vp.psr() & READABLE);
        Ok(())
    },
    Fixups::default(),
).with_site()) }
mistaken! { ForgetsTheFrame, _class => Some(Routine::new(
    |vp, _, at_site| {
        vp.check_privilege()?;
        vp.set_gr(at_site.r1, vp.psr() & READABLE);
        Ok(())
    },
    Fixups::default(),
).with_site()) }
mistaken! { TakesTheMachines, _class => Some(Routine::new(
    |vp, _, at_site| {
        vp.check_target(at_site.r1)?;
        vp.check_privilege()?;
        vp.set_gr(at_site.r1, vp.machine_psr() & READABLE);
        Ok(())
    },
    Fixups::default(),
).with_site()) }
mistaken! { ForgetsTheBanks, _class => Some(Routine::new(
    |vp, _, _| {
        vp.check_privilege()?;
        vp.vpd_mut().vpsr |= 1 << 44;
        Ok(())
    },
    Fixups::default(),
)) }
mistaken! { LeavesTooLate, _class => Some(Routine::new(
    |vp, _, _| {
        vp.set_gr(9, 9);
        Err(Outcome::CONVENTIONAL)
    },
    Fixups::default(),
)) }
mistaken! { ReturnsNonsense, _class => Some(Routine::new(|_, _, _| Err(Outcome(77)), Fixups::default())) }
mistaken! { Panics, _class => Some(Routine::new(|_, _, _| panic!("no"), Fixups::default())) }
mistaken! { Leaves, _class => Some(Routine::new(|_, _, _| Err(Outcome::CONVENTIONAL), Fixups::default())) }
mistaken! { BuildsNothing, _class => None }

#[test]
fn mistakes_are_found() {
    let mov = Mnemonic::MovFromPsr;
    for text in [found::<BuildsInTheFirst>(mov), found::<ForgetsTheSite>(mov)] {
        assert!(text.contains("=psr in slot ") && text.contains("class \"mov r=psr"), "{text}");
    }
    let text = found::<ForgetsPrivilege>(mov);
    assert!(text.contains("it goes on, not: raises GeneralException with ISR.code 0x10"), "{text}");
    let text = found::<ForgetsTheFrame>(mov);
    assert!(text.contains("raises GeneralException with ISR.code 0x0"), "{text}");
    let text = found::<TakesTheMachines>(mov);
    assert!(text.contains(": r"), "{text}");
    let text = found::<ForgetsTheBanks>(Mnemonic::Bsw1);
    assert!(text.contains(": r16 is "), "{text}");
    let text = found::<LeavesTooLate>(mov);
    assert!(text.contains("it is left to the conventional path, but r9 is 0x9, not "), "{text}");
    let text = found::<ReturnsNonsense>(mov);
    assert!(text.ends_with("the routine returns the outcome 77"), "{text}");
    let text = found::<Panics>(mov);
    assert!(text.contains("panicked: no"), "{text}");
}

#[test]
fn what_is_left_is_counted() {
    let compare = |set: &Set| compare(set, Mnemonic::Rfi, Trial::new(50, 4)).unwrap();
    let left = compare(&linked::<Leaves>());
    assert_eq!((left.states, left.left, left.unbuilt), (50, 50, 0));
    assert_eq!(compare(&linked::<BuildsNothing>()), Comparison { unbuilt: 50, ..Comparison::default() });
}
