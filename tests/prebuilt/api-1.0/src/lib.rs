//! A plugin of each kind that uses what API 1.0 has.

use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_plugin_api::prelude::*;

/// What all three have in common.
struct Common {
    host: Host,
    calls: AtomicU64,
}

impl Common {
    fn create(config: &str, host: &Host) -> Result<Common, String> {
        let mut settings = Settings::new(config)?;
        let calls: u64 = settings.get("calls", 0)?;
        settings.done()?;
        host.log(Level::INFO, "an old plugin is created");
        Ok(Common { host: *host, calls: AtomicU64::new(calls) })
    }

    fn count(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

macro_rules! plugin {
    ($type:ident, $name:literal) => {
        struct $type(Common);

        impl Plugin for $type {
            const NAME: &'static str = $name;
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
            const DESCRIPTION: &'static str = "of API 1.0";

            fn create(config: &str, host: &Host) -> Result<Self, String> {
                Ok($type(Common::create(config, host)?))
            }

            fn import_state(&mut self, state: &State) -> Result<(), String> {
                let bytes = state.bytes().try_into().map_err(|_| "the state is not of 8 bytes".to_owned())?;
                self.0.calls = u64::from_le_bytes(bytes).into();
                Ok(())
            }

            fn export_state(&self) -> Option<State> {
                Some(State::new(1, self.0.calls.load(Ordering::Relaxed).to_le_bytes().to_vec()))
            }

            fn self_test(&self) -> Result<(), String> {
                self.0.host.log(Level::DEBUG, "an old plugin tests itself");
                Ok(())
            }

            fn counters(&self) -> Vec<Counter> {
                vec![Counter::new("calls", self.0.calls.load(Ordering::Relaxed))]
            }

            fn report(&self) -> String {
                "nothing to report".to_owned()
            }
        }
    };
}

plugin!(OldClassifier, "old-classifier");

impl Classifier for OldClassifier {
    fn classify(&self, instruction: &Instruction, _: &Site) -> Option<ClassKey> {
        self.0.count();
        Some(ClassKey::new(instruction, instruction.mnemonic()?.operands().and(Attributes::BANKED)))
    }
}

plugin!(OldPatchManager, "old-patch-manager");

impl PatchManager for OldPatchManager {
    fn decide(&self, fault: &SiteFault) -> Decision {
        self.0.count();
        if fault.faults < 3 { Decision::LEAVE } else { Decision::patch(Trigger::BREAK).run_on_behalf() }
    }

    fn review_period(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_millis(250))
    }

    fn review(&self, site: &SiteStatistics) -> Review {
        if site.trigger != Trigger::NONE && site.triggers == 0 { Review::UNPATCH } else { Review::KEEP }
    }
}

plugin!(OldRoutines, "old-routines");

const TEMPLATES: [Template; 8] = [
    Template::new(Mnemonic::MovFromPsr, "in the routine"),
    Template::new(Mnemonic::MovFromRr, "in the routine"),
    Template::new(Mnemonic::MovFromAr, "by the host"),
    Template::new(Mnemonic::MovToCr, "by a service"),
    Template::new(Mnemonic::Thash, "by a service"),
    Template::new(Mnemonic::Bsw0, "in the routine"),
    Template::new(Mnemonic::Cover, "by a service"),
    Template::new(Mnemonic::Rfi, "by a service"),
];

impl Routines for OldRoutines {
    fn templates(&self) -> Vec<Template> {
        TEMPLATES.to_vec()
    }

    fn build(&self, class: &ClassKey) -> Option<Routine> {
        self.0.count();
        let none = Fixups::default();
        Some(match (class.mnemonic()?, class.r1()) {
            (Mnemonic::MovFromPsr, Some(r1)) => {
                Routine::new(|vp, fixups, _| mov_from_psr(vp, fixups.0[0] as u8), Fixups([r1.into(), 0, 0, 0]))
            }
            (Mnemonic::MovFromPsr, None) => {
                Routine::new(|vp, _, at_site| mov_from_psr(vp, at_site.r1), none).with_site()
            }
            (Mnemonic::MovFromRr, _) => Routine::new(mov_from_rr, none).with_site(),
            (Mnemonic::MovFromAr, _) => Routine::new(|vp, _, at_site| vp.emulate(at_site), none).with_site(),
            (Mnemonic::MovToCr, _) => Routine::new(mov_to_cr, none).with_site(),
            (Mnemonic::Thash, _) => Routine::new(thash, none).with_site(),
            (Mnemonic::Bsw0, _) => Routine::new(bsw, none),
            (Mnemonic::Cover, _) => Routine::new(|vp, _, _| vp.cover(), none),
            (Mnemonic::Rfi, _) => Routine::new(|vp, _, _| vp.rfi(), none),
            _ => return None,
        })
    }
}

fn mov_from_psr(vp: &mut Vp, r1: u8) -> Emulated {
    vp.check_target(r1)?;
    vp.check_privilege()?;
    vp.set_gr(r1, vp.psr() & 0x18_ffff_ffff);
    Ok(())
}

fn mov_from_rr(vp: &mut Vp, _: &Fixups, at_site: &Instruction) -> Emulated {
    vp.check_target(at_site.r1)?;
    vp.check_privilege()?;
    let region = vp.source(at_site.r3)? >> 61;
    let value = vp.read_indexed(File::RR, region)?;
    vp.set_gr(at_site.r1, value);
    Ok(())
}

/// The conventional path knows which registers do not exist, which is a fault before any other.
fn mov_to_cr(vp: &mut Vp, _: &Fixups, at_site: &Instruction) -> Emulated {
    if vp.cpl() != 0 || vp.nat(at_site.r2) {
        return Err(Outcome::CONVENTIONAL);
    }
    let value = vp.gr(at_site.r2);
    vp.write_cr(at_site.register, value)
}

fn thash(vp: &mut Vp, _: &Fixups, at_site: &Instruction) -> Emulated {
    vp.check_target(at_site.r1)?;
    if vp.nat(at_site.r3) {
        vp.set_nat(at_site.r1);
    } else {
        let address = vp.gr(at_site.r3);
        let value = vp.thash(address);
        vp.set_gr(at_site.r1, value);
    }
    Ok(())
}

fn bsw(vp: &mut Vp, _: &Fixups, _: &Instruction) -> Emulated {
    vp.check_privilege()?;
    vp.select_bank(false);
    Ok(())
}

patchbay_plugin_api::export_plugins! {
    classifiers: [OldClassifier],
    patch_managers: [OldPatchManager],
    routines: [OldRoutines],
}
