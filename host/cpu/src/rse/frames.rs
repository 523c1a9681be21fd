//! The register stack as instructions, debuggers, firmware and the VMM see it.

use super::{STACKED, registers_in, set_stacked_nat};
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::Cfm;

impl Processor {
    /// `ar.bsp`: the backing store address of r32.
    #[must_use]
    pub fn bsp(&self) -> u64 {
        self.rse.bsp()
    }

    /// `ar.bspstore`: where the next register or NaT collection will be stored.
    #[must_use]
    pub fn bspstore(&self) -> u64 {
        self.rse.bspstore()
    }

    /// Moves the backing store. The current frame and the dirty registers of its callers stay, so that `ar.bsp`
    /// moves along (SDM 2:141).
    pub fn set_bspstore(&mut self, address: u64) {
        self.rse.set_bspstore(address);
        // Its tags are places on the backing store.
        self.alat.clear();
    }

    /// Sets the current frame marker. The registers that it newly covers keep what they last held. Returns false,
    /// and does nothing, if the marker is illegal or its frame does not fit beside the dirty registers.
    pub fn set_cfm(&mut self, marker: Cfm) -> bool {
        let fits = usize::from(marker.sof()) + self.rse.dirty <= STACKED;
        if !marker.is_legal() || !fits {
            return false;
        }
        self.registers.clear_rotation(false);
        self.set_frame(marker);
        true
    }

    /// Sets CFM to a legal marker, from a frame whose rotation bases are zero.
    #[inline]
    fn set_frame(&mut self, marker: Cfm) {
        if marker.rotated() {
            self.registers.cfm = marker.unrotated();
            self.registers.apply_rotation(marker);
        } else {
            self.registers.cfm = marker;
        }
    }

    /// What `br.call` does to the register stack.
    #[inline]
    pub fn call_frame(&mut self) {
        if self.registers.cfm.rotated() {
            self.registers.clear_rotation(false);
        }
        let cfm = self.registers.cfm;
        self.rse.preserve(&mut self.registers, usize::from(cfm.sol()), usize::from(cfm.sof()));
        self.registers.cfm = Cfm::new().with_sof(cfm.sof() - cfm.sol());
    }

    /// What `br.ret` does to the register stack. What is no longer on the processor is loaded by
    /// [`Processor::complete_frame`].
    #[inline]
    pub fn return_frame(&mut self, marker: Cfm) {
        if self.rse.missing > 0 {
            self.rse.abandon();
        }
        if self.registers.cfm.rotated() {
            self.registers.clear_rotation(false);
        }
        let locals = usize::from(marker.sol());
        let outputs = usize::from(marker.sof()).wrapping_sub(locals);
        if !marker.is_legal() || outputs + self.rse.dirty > STACKED {
            self.lose_frame(locals);
            return;
        }
        self.rse.restore(&mut self.registers, locals, outputs);
        self.rse.current_frame_load = true;
        self.set_frame(marker);
    }

    /// `br.ret` with a marker that leaves more registers than there are: the frame becomes empty, and the registers
    /// it would have had are lost (SDM 2:143).
    #[cold]
    fn lose_frame(&mut self, locals: usize) {
        let lost = locals.min(self.rse.dirty);
        self.rse.restore(&mut self.registers, lost, 0);
        self.registers.cfm = Cfm::new();
        set_stacked_nat(&mut self.registers, 0);
    }

    /// What `cover` does to the register stack. Returns the marker of the frame covered.
    pub fn cover_frame(&mut self) -> Cfm {
        let cfm = self.registers.cfm;
        self.registers.clear_rotation(false);
        self.rse.preserve(&mut self.registers, usize::from(cfm.sof()), usize::from(cfm.sof()));
        self.registers.cfm = Cfm::new();
        cfm
    }

    /// What `rfi` with a valid IFS does to the register stack: undoes `cover`. What is no longer on the processor is
    /// loaded by [`Processor::complete_frame`].
    pub fn uncover_frame(&mut self, marker: Cfm) {
        if self.rse.missing > 0 {
            self.rse.abandon();
        }
        self.registers.clear_rotation(false);
        let frame = usize::from(marker.sof());
        if !marker.is_legal() {
            self.lose_frame(frame);
            return;
        }
        self.rse.restore(&mut self.registers, frame, 0);
        self.set_frame(marker);
    }

    /// What `rfi` does after it has set the frame: from now on registers of the frame that are missing are loaded
    /// before the next instruction.
    pub fn enable_frame_load(&mut self) {
        self.rse.current_frame_load = true;
    }

    /// Whether a fault has left registers of the current frame on the backing store (SDM 2:146).
    #[must_use]
    pub fn frame_is_incomplete(&self) -> bool {
        self.rse.is_incomplete()
    }

    /// What the delivery of an interruption does to an incomplete frame: the handler runs without the registers that
    /// are missing.
    pub fn suspend_frame_load(&mut self) {
        self.rse.suspend();
    }

    /// Performs the mandatory loads of the current frame, if they are enabled. Of a fault, the frame stays
    /// incomplete.
    ///
    /// # Errors
    /// Every fault of a load, with ISR.rs.
    #[inline]
    pub fn complete_frame(&mut self) -> Outcome {
        if self.rse.missing > 0 && self.rse.current_frame_load { self.load_frame() } else { Ok(()) }
    }

    #[cold]
    fn load_frame(&mut self) -> Outcome {
        while self.rse.missing > 0 {
            let address = self.rse.bspstore.wrapping_sub(8);
            match self.rse_load(address) {
                Ok(value) => {
                    self.rse.loaded_for_frame(&mut self.registers, value);
                    self.mandatory_reference_done();
                }
                Err(Leave::Fault) => return Err(Leave::IncompleteFrame),
                Err(leave) => return Err(leave),
            }
        }
        Ok(())
    }

    /// PSR.da and PSR.dd hold for one mandatory reference of the register stack engine (SDM 2:26, 2:152).
    #[inline]
    fn mandatory_reference_done(&mut self) {
        let psr = self.registers.psr;
        if psr.da() || psr.dd() {
            self.set_psr(psr.with_da(false).with_dd(false));
        }
    }

    /// Stores dirty registers until a frame of `sof` registers fits beside those left.
    ///
    /// # Errors
    /// Every fault of a store, with ISR.rs.
    #[inline]
    pub(crate) fn make_room_for_frame(&mut self, sof: usize) -> Outcome {
        if self.rse.missing > 0 {
            self.rse.abandon();
        }
        while self.rse.dirty + sof > STACKED {
            self.store_word()?;
        }
        Ok(())
    }

    fn store_word(&mut self) -> Outcome {
        let (address, value) = self.rse.next_store(&self.registers);
        self.rse_store(address, value)?;
        self.rse.stored(&mut self.registers);
        self.mandatory_reference_done();
        Ok(())
    }

    /// `flushrs`: stores all dirty registers, so that `ar.bspstore` is `ar.bsp`.
    ///
    /// # Errors
    /// Every fault of a store, with ISR.rs.
    pub fn flush_register_stack(&mut self) -> Outcome {
        if self.rse.missing > 0 {
            self.rse.abandon();
        }
        let bsp = self.rse.bsp();
        while self.rse.bspstore != bsp {
            self.store_word()?;
        }
        Ok(())
    }

    /// `loadrs`: makes the registers in the `bytes` bytes of backing store below `ar.bsp`, and no others, dirty
    /// (SDM 2:142). Returns false, and does nothing, if there are not as many registers.
    ///
    /// # Errors
    /// Every fault of a load, with ISR.rs.
    pub(crate) fn load_register_stack(&mut self, bytes: u64) -> Result<bool, Leave> {
        if self.rse.missing > 0 {
            self.rse.abandon();
        }
        let words = bytes >> 3;
        let tear_point = self.rse.bsp().wrapping_sub(words << 3);
        let count = registers_in(tear_point, words) as usize;
        if count + usize::from(self.registers.cfm.sof()) > STACKED {
            return Ok(false);
        }
        while self.rse.bspstore.wrapping_sub(tear_point) as i64 > 0 {
            let value = self.rse_load(self.rse.bspstore.wrapping_sub(8))?;
            self.rse.loaded_for_parents(&mut self.registers, value);
            self.mandatory_reference_done();
        }
        self.rse.truncate(count);
        self.rse.bspstore = tear_point;
        Ok(true)
    }
}
