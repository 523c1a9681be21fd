//! What API 1.1 has appended, through the tables as a host uses them.

use patchbay_plugin_api::host::Functions;
use patchbay_plugin_api::patch_manager::patch_manager;
use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::testing::{self, TestVp};

/// A patch manager as one is written for API 1.0.
struct Old(Host);

impl Plugin for Old {
    const NAME: &'static str = "old";
    const VERSION: &'static str = "1.0.0";
    const DESCRIPTION: &'static str = "has what API 1.0 has";

    fn create(_: &str, host: &Host) -> Result<Self, String> {
        Ok(Old(*host))
    }
}

impl PatchManager for Old {
    fn decide(&self, fault: &SiteFault) -> Decision {
        if fault.faults < 2 { Decision::LEAVE } else { Decision::patch(Trigger::BREAK) }
    }

    fn review(&self, _: &SiteStatistics) -> Review {
        Review::UNPATCH
    }
}

/// One that looks at conditions.
struct New;

impl Plugin for New {
    const NAME: &'static str = "new";
    const VERSION: &'static str = "1.0.0";
    const DESCRIPTION: &'static str = "has what API 1.1 has";

    fn create(_: &str, _: &Host) -> Result<Self, String> {
        Ok(New)
    }

    fn tunables() -> Vec<Tunable> {
        [Tunable::new("threshold", [1, 4])].into_iter().chain(Tunable::decision()).collect()
    }
}

impl PatchManager for New {
    fn decide(&self, _: &SiteFault) -> Decision {
        Decision::LEAVE
    }

    fn decide_under(&self, _: &SiteFault, conditions: &Conditions) -> Decision {
        if conditions.site_rate > 10 { Decision::patch(Trigger::JMP) } else { Decision::LEAVE }
    }

    fn review_under(&self, _: &SiteStatistics, conditions: &Conditions) -> Review {
        if conditions.window_left == 0 { Review::UNPATCH } else { Review::KEEP }
    }

    fn survey(&self, _: &SiteFault, conditions: &Conditions) -> Option<Decision> {
        Some(if conditions.is_static() { Decision::patch(Trigger::CHECK) } else { Decision::LEAVE })
    }
}

fn fault(faults: u64) -> SiteFault {
    let instruction = testing::instruction(Mnemonic::MovFromPsr);
    let site = Site { bundle: 0x1000, ip: 0x1000, rid: 0, vm: 0, vp: 0, reserved: 0 };
    SiteFault { site, class: ClassKey::new(&instruction, Attributes::NONE), instruction, faults }
}

fn statistics() -> SiteStatistics {
    let SiteFault { site, class, instruction, .. } = fault(1);
    SiteStatistics { site, class, instruction, trigger: Trigger::BREAK, reserved: 0, faults: 1, triggers: 1 }
}

#[test]
fn what_a_plugin_does_not_write_asks_what_it_does_write() {
    let table = patch_manager::<Old>();
    let host = testing::host();
    let instance = table.plugin().create()("".into(), &host).unwrap();
    let conditions = Conditions { before_start: 1, site_rate: 1000, ..Conditions::default() };
    // SAFETY: the instance is of this table, and destroyed last.
    unsafe {
        let decide = |faults| table.decide_under().unwrap()(instance, &fault(faults), &conditions).unwrap();
        assert_eq!((decide(1), decide(2)), (Decision::LEAVE, Decision::patch(Trigger::BREAK)));
        assert_eq!(table.review_under().unwrap()(instance, &statistics(), &conditions).unwrap(), Review::UNPATCH);
        assert!(table.survey().unwrap()(instance, &fault(0), &conditions).unwrap().is_none());
        assert!(table.plugin().tunables().unwrap()().unwrap().is_empty());
        table.plugin().destroy()(instance).unwrap();
    }
}

#[test]
fn conditions_and_tunables_cross_the_boundary() {
    let table = patch_manager::<New>();
    let host = testing::host();
    let instance = table.plugin().create()("".into(), &host).unwrap();
    // SAFETY: the instance is of this table, and destroyed last.
    unsafe {
        let decide = |site_rate| {
            let conditions = Conditions { site_rate, ..Conditions::default() };
            table.decide_under().unwrap()(instance, &fault(1), &conditions).unwrap()
        };
        assert_eq!((decide(10), decide(11)), (Decision::LEAVE, Decision::patch(Trigger::JMP)));
        let review = |window_left| {
            let conditions = Conditions { window_left, ..Conditions::default() };
            table.review_under().unwrap()(instance, &statistics(), &conditions).unwrap()
        };
        assert_eq!((review(0), review(16)), (Review::UNPATCH, Review::KEEP));
        let survey = |before_start| {
            let conditions = Conditions { before_start, ..Conditions::default() };
            table.survey().unwrap()(instance, &fault(0), &conditions).unwrap().into_option()
        };
        assert_eq!((survey(1), survey(0)), (Some(Decision::patch(Trigger::CHECK)), Some(Decision::LEAVE)));
        table.plugin().destroy()(instance).unwrap();
    }
    let tunables = table.plugin().tunables().unwrap()().unwrap();
    let of = |index: usize| (tunables[index].name(), tunables[index].values().collect::<Vec<_>>());
    assert_eq!(of(0), ("threshold", vec!["1", "4"]));
    assert_eq!(of(1), ("trigger", vec!["break", "pseudo", "branch", "jmp", "check"]));
    assert_eq!(of(2), ("then", vec!["resume", "run"]));
}

/// A host that knows one symbol.
struct OneSymbol;

impl Functions for OneSymbol {
    fn log(_: u64, _: Level, _: &str) {}

    fn symbol(instance: u64, address: u64) -> Option<String> {
        address.checked_sub(0x100).map(|offset| format!("symbol_of_{instance}+{offset:#x}"))
    }

    fn address(instance: u64, name: &str) -> Option<u64> {
        (name == format!("symbol_of_{instance}")).then_some(0x100)
    }
}

#[test]
fn a_plugin_asks_for_symbols_as_its_instance() {
    let old = Old::create("", &Host::of::<OneSymbol>(7)).unwrap();
    assert_eq!(old.0.symbol(0x110).as_deref(), Some("symbol_of_7+0x10"));
    assert_eq!(old.0.symbol(0), None);
    assert_eq!(old.0.address("symbol_of_7"), Some(0x100));
    assert_eq!(old.0.address("symbol_of_8"), None);
    let host = testing::host();
    assert_eq!((host.symbol(0x110), host.address("symbol_of_7")), (None, None));
}

#[test]
fn a_routine_knows_where_it_runs() {
    let routine = Routine::new(
        |vp, _, _| {
            vp.set_gr(10, u64::from(vp.vm()) << 32 | u64::from(vp.number()));
            Ok(())
        },
        Fixups::default(),
    );
    let mut vp = TestVp { vm: 3, number: 0x8000_0005, ..TestVp::new() };
    assert_eq!(vp.run(&routine, &testing::instruction(Mnemonic::Cover)), Outcome::NEXT);
    assert_eq!(vp.gr[10], 3 << 32 | 0x8000_0005);
}
