//! A guest that executes one instruction: alone on the machine, or under the monitor.

use std::sync::Arc;

use patchbay_cpu::coherence_domain::CoherenceDomain;
use patchbay_cpu::engine::{Engine, Interpreter};
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::{FlatMemory, StoppedClock};
use patchbay_cpu::processor::{Configuration, Processor};
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::{ar, cr};
use patchbay_isa::{Bundle, Template};
use patchbay_plugin_api::vpd::Vpd;
use patchbay_vmm::guest::take_over;
use patchbay_vmm::vm::Vm;
use patchbay_vmm::vp::VirtualProcessor;

/// The size of memory: bundles that branch to themselves, so that the guest stays wherever it goes.
pub(crate) const MEMORY: u64 = 0x2_0000;
/// The bundle that holds the instruction, the last of its page.
pub(crate) const CODE: u64 = 0x1_4ff0;

/// `nop.m 0; nop.i 0; br.cond.sptk.few .;;`
const LOOP: Bundle = Bundle::new(Template::new(0x11), [1 << 27, 1 << 27, 4 << 37]);
/// More blocks than it takes to come to rest.
const BLOCKS: usize = 12;

/// A guest on the only processor of two that executes anything.
pub(crate) struct Subject {
    pub(crate) p: Processor,
    pub(crate) memory: Arc<FlatMemory>,
    engine: Interpreter,
}

/// What became of it.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    /// It goes round.
    Rests,
    /// Its interruption handler cannot be executed.
    Stuck,
}

impl Subject {
    /// A guest with this code.
    pub(crate) fn new(code: Bundle) -> Subject {
        let memory = Arc::new(FlatMemory::new(MEMORY));
        memory.write_bytes(CODE, &code.to_bytes()).expect("RAM");
        Subject::on(memory)
    }

    /// A guest whose code is in memory already.
    pub(crate) fn on(memory: Arc<FlatMemory>) -> Subject {
        let mut code = [0; 16];
        memory.read_bytes(CODE, &mut code).expect("RAM");
        let page: Vec<u8> = LOOP.to_bytes().repeat(MEMORY as usize / 16);
        memory.write_bytes(0, &page).expect("RAM");
        memory.write_bytes(CODE, &code).expect("RAM");
        let domain = Arc::new(CoherenceDomain::new(2, false));
        domain.mailbox(1).set_parked(true);
        let (bus, clock) = (Arc::clone(&memory), Arc::new(StoppedClock));
        let p = Processor::new(Configuration { domain, index: 0, bus, clock });
        Subject { p, memory, engine: Interpreter::default() }
    }

    /// Executes it as the owner of the machine.
    pub(crate) fn run(&mut self) -> Ended {
        for _ in 0..BLOCKS {
            match self.engine.run(&mut self.p, 1) {
                Exit::Budget => {}
                Exit::Stuck(_) => return Ended::Stuck,
                exit => panic!("{exit:?}"),
            }
        }
        Ended::Rests
    }

    /// Executes it under the monitor, maybe as a virtual processor that has executed it before.
    pub(crate) fn run_virtual(
        &mut self,
        vm: &Arc<Vm>,
        vp: Option<Box<VirtualProcessor>>,
    ) -> (Ended, Box<VirtualProcessor>) {
        let vp = match vp {
            Some(mut vp) => {
                vp.vpd = take_over(&mut self.p);
                self.p.code_view = Some(vm.view.clone());
                vp
            }
            None => Box::new(VirtualProcessor::new(Arc::clone(vm), 0, &mut self.p)),
        };
        self.p.hook = Some(vp);
        let mut ended = Ended::Rests;
        // Each fault, interrupt and interruption is an exit.
        for _ in 0..2 * BLOCKS {
            let exit = self.engine.run(&mut self.p, 1);
            let mut vp = self.p.take_hook::<VirtualProcessor>().expect("the hook");
            let left = vp.react(&mut self.p, exit);
            assert!(left.is_none() && vp.failure.is_none(), "{left:?} {:?}", vp.failure);
            if vp.is_stuck() {
                ended = Ended::Stuck;
            }
            self.p.hook = Some(vp);
        }
        (ended, self.p.take_hook().expect("the hook"))
    }

    /// What the guest sees of its processor.
    pub(crate) fn observe(&mut self, vpd: Option<&mut Vpd>, addresses: &[u64]) -> Vec<(String, u64)> {
        let mut seen = Vec::new();
        let mut see = |name: String, value: u64| seen.push((name, value));
        let p = &mut self.p;
        let r = &p.registers;
        let frame = 32 + usize::from(r.cfm.sof());
        for (number, value) in r.gr[..frame].iter().enumerate() {
            let nat = r.gr_nat(number as u8);
            see(format!("r{number}"), if nat { 0 } else { *value });
            see(format!("r{number}.nat"), nat.into());
        }
        let (bank, bank_nat) = vpd.as_ref().map_or((r.bank, r.bank_nat.into()), |vpd| (vpd.vbank, vpd.vbank_nat));
        for (number, value) in bank.iter().enumerate() {
            let nat = bank_nat >> number & 1;
            see(format!("other r{}", 16 + number), if nat == 0 { *value } else { 0 });
            see(format!("other r{}.nat", 16 + number), nat);
        }
        see("pr".into(), r.physical_predicates());
        see("ip".into(), r.ip);
        let psr = u64::from(r.psr);
        see("psr".into(), vpd.as_ref().map_or(psr, |vpd| psr & !patchbay_plugin_api::vpd::vpsr::ALL | vpd.vpsr));
        see("cfm".into(), r.cfm.into());
        see("last ip".into(), p.last_ip);
        let files = [("b", &r.br[..]), ("rr", &r.rr), ("pkr", &r.pkr), ("dbr", &r.dbr), ("ibr", &r.ibr)];
        for (name, file) in files.into_iter().chain([("pmc", &r.pmc[..]), ("pmd", &r.pmd)]) {
            file.iter().enumerate().for_each(|(number, value)| see(format!("{name}{number}"), *value));
        }
        for number in (0..128).filter(|number| *number != ar::ITC) {
            see(format!("ar{number}"), p.ar(number));
        }
        see("dirty".into(), p.bsp().wrapping_sub(p.bspstore()));
        let named = [cr::DCR, cr::ITM, cr::IVA, cr::IPSR, cr::ISR, cr::IIP, cr::IFA, cr::ITIR, cr::IIPA, cr::IFS];
        let more = [cr::IIM, cr::IHA, cr::LID, cr::TPR, cr::ITV, cr::PMV, cr::CMCV, cr::LRR0, cr::LRR1];
        for number in named.into_iter().chain(more) {
            see(format!("cr{number}"), vpd.as_ref().map_or(r.cr[number], |vpd| vpd.vcr[number]));
        }
        see("pta".into(), r.cr[cr::PTA]);
        let mut vpd = vpd;
        see("itc".into(), p.itc().wrapping_add(vpd.as_ref().map_or(0, |vpd| vpd.vitc_offset)));
        for _ in 0..3 {
            let vector = match &mut vpd {
                None => p.read_ivr(),
                Some(vpd) => patchbay_vmm::guest::Guest { p, vpd, frame: None }.read_ivr(),
            };
            see("ivr".into(), vector.into());
        }
        p.set_psr(Psr::from(u64::from(p.registers.psr)).with_cpl(0).with_it(true).with_pk(false));
        for address in addresses {
            see(format!("data {address:#x}"), p.tpa(*address).map_or(u64::MAX, |physical| physical.0));
            see(
                format!("code {address:#x}"),
                p.translate_instruction(*address).map_or(u64::MAX, |physical| physical.0),
            );
        }
        seen
    }
}
