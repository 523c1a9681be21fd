//! Branches to known places.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use patchbay_isa::rows::B;

use super::{Cold, Condition, Emitter, Home, LOOP_COUNT, RAX};
use crate::engine::interpreter::Op;
use crate::engine::translator::region::target;
use crate::engine::translator::stubs::asm;

impl Emitter<'_> {
    /// `br.cond` and `br.cloop`. Says whether nothing follows it in the block.
    pub(super) fn branch(&mut self, index: usize, number: usize, op: &Op, b: B) -> bool {
        let block = &self.region.blocks[index];
        let (to, last) = (block.taken[number], block.ip + (u64::from(op.bundle) << 4));
        let Some(ip) = target(&block.prepared, number, block.ip) else { return false };
        let next = self.code.new_dynamic_label();
        let mut keeps_flags = false;
        if b == B::Cloop {
            match self.home_of(LOOP_COUNT) {
                Home::Host(host) => {
                    asm!(self.code ; test Rq(host), Rq(host) ; jz =>next ; sub Rq(host), BYTE 1);
                }
                Home::Memory(at) => {
                    self.load(RAX, at);
                    asm!(self.code ; sub rax, BYTE 1 ; jb =>next);
                    self.store(RAX, at);
                }
                Home::Zero => {}
            }
        } else if op.qp != 0 {
            let fused = self.fused.and_then(|fused| match op.qp {
                p if p == fused.p1 => Some(fused.condition),
                p if p == fused.p2 => Some(fused.condition.inverse()),
                _ => None,
            });
            if fused.is_none() {
                self.fused = None;
            }
            let condition = fused.unwrap_or_else(|| {
                self.test_predicate(op.qp);
                Condition::NotEqual
            });
            if to.is_none() {
                // Out of the region: not on the way of what goes on in it.
                let at = self.code.new_dynamic_label();
                self.jump_if(condition, at);
                self.cold.push(Cold::Branch { at, last, ip, instructions: op.preceding + 1 });
                return false;
            }
            self.jump_if(condition.inverse(), next);
            keeps_flags = fused.is_some();
        }
        self.edge(index, last, to, ip, op.preceding + 1);
        asm!(self.code ; =>next);
        if !keeps_flags {
            self.fused = None;
        }
        b == B::Cond && op.qp == 0
    }
}
