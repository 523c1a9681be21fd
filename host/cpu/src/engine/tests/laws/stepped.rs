//! Blocks do what their instructions do one by one: random programs at PSR.db = 0, and at PSR.db = 1 without a
//! breakpoint, where the engine decodes and counts each instruction by itself and data accesses take no short cut.

use std::sync::Arc;

use patchbay_isa::rows::M;
use patchbay_isa::{Bundle, Field, Opcode, Slot, Unit, decode};

use super::random::{MEMORY, Random, rows_of_units};
use super::*;
use crate::registers::Registers;

/// A bundle without what shows PSR.db to the program.
fn blind(bundle: Bundle) -> Bundle {
    let Some(units) = bundle.template().units() else { return bundle };
    Slot::ALL.into_iter().fold(bundle, |bundle, slot| {
        let shows = units[slot as usize] == Unit::M
            && decode(Unit::M, bundle.slot(slot), 0).is_ok_and(|instruction| match instruction.opcode {
                Opcode::M(M::MovFromPsr) => true,
                Opcode::M(M::MovFromCr) => instruction.field(Field::Cr3) == cr::IPSR as i64,
                _ => false,
            });
        if shows { bundle.with_slot(slot, nop('m').slot()) } else { bundle }
    })
}

struct Runner {
    p: Processor,
    memory: Arc<FlatMemory>,
    engine: Box<dyn Engine + Send>,
}

impl Runner {
    fn new() -> Runner {
        let memory = Arc::new(FlatMemory::new(MEMORY));
        Runner { p: flat_machine::processor(memory.clone()), memory, engine: engine() }
    }

    fn start(&mut self, mut random: Random, db: bool) -> Random {
        random.state(&mut self.p);
        self.p.registers.ibr.fill(0);
        self.p.registers.dbr.fill(0);
        self.p.set_psr(self.p.registers.psr.with_db(db));
        random
    }

    /// All that a program could see but PSR.db.
    fn seen(&self) -> (Registers, [u64; 5], [u64; 98]) {
        const DB: u64 = 1 << 24;
        let p = &self.p;
        let mut registers = p.registers.clone();
        registers.psr.set_db(false);
        registers.cr[cr::IPSR] &= !DB;
        (registers, [p.instructions, p.last_ip, p.bsp(), p.bspstore(), p.itc()], p.delivered)
    }
}

/// Executes a block on one side, and as many instructions on the other, which must leave in the same way.
fn follow(blocks: &mut Runner, steps: &mut Runner) -> Exit {
    let exit = blocks.engine.run(&mut blocks.p, 1);
    let left = blocks.p.instructions - steps.p.instructions;
    // One more, so that what leaves before it completes does.
    let budget = if exit == Exit::Budget { left } else { left + 1 };
    assert_eq!(steps.engine.run(&mut steps.p, budget), exit, "at {:#x}", blocks.p.registers.ip);
    exit
}

/// Compares at every block's end, over about `count` instructions.
fn compare(seed: u64, count: u64) {
    let mut random = Random::new(seed);
    let rows = rows_of_units();
    let (mut blocks, mut steps) = (Runner::new(), Runner::new());
    while blocks.p.instructions < count {
        for address in (0..MEMORY).step_by(16) {
            let bytes = blind(random.bundle(&rows)).to_bytes();
            blocks.memory.write_bytes(address, &bytes).expect("RAM");
            steps.memory.write_bytes(address, &bytes).expect("RAM");
        }
        for _ in 0..64 {
            steps.start(random.clone(), true);
            random = blocks.start(random, false);
            let from = (blocks.p.registers.ip, blocks.p.registers.psr);
            let exit = loop {
                let mut exit = follow(&mut blocks, &mut steps);
                if exit == Exit::Budget && blocks.p.delivered != steps.p.delivered {
                    // The block ended with an interruption, which the other side has still to meet.
                    exit = follow(&mut blocks, &mut steps);
                }
                assert!(blocks.seen() == steps.seen(), "{seed} {from:x?} {:#x}", blocks.p.registers.ip);
                if exit != Exit::Budget || random.once_in(100) {
                    break exit;
                }
            };
            let mut bytes = [vec![0; MEMORY as usize], vec![0; MEMORY as usize]];
            blocks.memory.read_bytes(0, &mut bytes[0]).expect("RAM");
            steps.memory.read_bytes(0, &mut bytes[1]).expect("RAM");
            assert!(bytes[0] == bytes[1], "{seed} {from:x?} {exit:?}");
        }
    }
}

#[test]
fn blocks_do_what_their_instructions_do() {
    compare(1, 20_000);
}

/// Long because every instruction is to meet many states.
#[test]
#[ignore = "a minute"]
fn blocks_do_what_their_instructions_do_in_many_states() {
    for seed in 2..52 {
        compare(seed, 50_000);
    }
}
