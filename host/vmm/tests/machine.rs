//! A virtual machine on a machine: processors that start again, and reports.

use std::sync::Arc;
use std::time::Duration;

use patchbay_cpu::engine::EngineChoice;
use patchbay_cpu::exit::Exit;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::Psr;
use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Instruction, Opcode, Template};
use patchbay_machine::loader::Source;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::machine::{Configuration, Machine, Timing};
use patchbay_machine::outcome::Outcome;
use patchbay_machine::platform::Platform;
use patchbay_machine::supervisor::{Executor, Reaction, Supervisor};
use patchbay_vmm::conventional::fetch::Fetch;
use patchbay_vmm::vm::{Scope, Vm, Vmm};
use patchbay_vmm::vp::VirtualProcessor;
use patchbay_vmm::vp::supervisor::Virtual;

const NOP: u64 = 1 << 27;
/// `br.cond.sptk.few b0`
const RETURN: u64 = 0x20 << 27;

fn vm() -> Arc<Vm> {
    Arc::new(Vm::new(Arc::new(Vmm::new()), 0, 1, None, Scope::Vm, Fetch::Translated).expect("a virtual machine"))
}

fn run(code: &[Bundle], supervisor: impl Fn(usize) -> Box<dyn Supervisor>) -> Outcome {
    let directory = tempfile::tempdir().expect("a directory");
    let image = directory.path().join("code");
    std::fs::write(&image, code.iter().flat_map(|bundle| bundle.to_bytes()).collect::<Vec<u8>>()).expect("a file");
    let configuration = Configuration {
        memory: 64 << 20,
        processors: 1,
        engine: EngineChoice::default(),
        timing: Timing::Deterministic,
        instruction_limit: Some(1000),
        time_limit: Some(Duration::from_secs(60)),
        symbols: Symbols::default(),
    };
    let source = Source { image, load_address: Some(0x10_0000), ..Source::default() };
    Machine::new(&configuration, &source).expect("a machine").run(supervisor).expect("threads").outcome
}

/// Starts its processor a second time, as the firmware does after a rendezvous.
struct Twice(Virtual);

impl Supervisor for Twice {
    fn start(&mut self, p: &mut Processor, platform: &Platform) {
        self.0.start(p, platform);
        let mut vp = p.take_hook::<VirtualProcessor>().expect("the hook");
        vp.counters.faults[1] = 5;
        vp.vpd.vitc_offset = 77;
        vp.vpd.virr[3] = 1;
        p.hook = Some(vp);
        p.set_psr(Psr::new().with_bn(true).with_ic(true));
        self.0.start(p, platform);
        let vp = p.take_hook::<VirtualProcessor>().expect("the hook");
        assert_eq!((vp.vpd.vitc_offset, vp.vpd.virr[3]), (77, 1));
        p.hook = Some(vp);
    }

    fn react(&mut self, executor: &mut Executor, exit: Exit, platform: &Platform) -> Reaction {
        self.0.react(executor, exit, platform)
    }
}

#[test]
fn a_processor_that_starts_again_keeps_its_counts_time_and_interrupts() {
    let vm = vm();
    let code = [Bundle::new(Template::new(0x11), [NOP, NOP, RETURN])];
    let outcome = run(&code, |index| Box::new(Twice(Virtual::new(Arc::clone(&vm), index))));
    assert!(matches!(outcome, Outcome::PowerOff(_)), "{outcome:?}");
    assert_eq!(vm.statistics(|_| None).total.faults, 5);
}

#[test]
fn a_report_shows_the_guests_psr() {
    let vm = vm();
    let clear = Instruction::encode(Opcode::M(M::Rsm), 0, &[1 << 13]).expect("operands that fit").slot();
    // What is at address 0 is a break that no handler takes: cr.iva is 0, too.
    let code = [Bundle::new(Template::new(0x0b), [clear, NOP, NOP]), Bundle(0)];
    let outcome = run(&code, |index| Box::new(Virtual::new(Arc::clone(&vm), index)));
    let Outcome::Crash(report) = outcome else { panic!("{outcome:?}") };
    let psr = report.registers.psr;
    assert!(!psr.ic() && !psr.i(), "{report}");
}
