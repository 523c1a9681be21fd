//! Devices and firmware see a guest's memory without triggers.

use patchbay_cpu::bus::{Bus, PhysicalAddress, RamPage};
use patchbay_machine::memory::{Memory, Overlay};

use crate::sites::LINE;
use crate::vm::Vm;

/// Memory alone, as a bus.
struct Ram<'a>(&'a Memory);

impl Bus for Ram<'_> {
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        self.0.page(address)
    }
}

impl Overlay for Vm {
    fn show(&self, address: PhysicalAddress, bytes: &mut [u8]) {
        self.sites.show_originals(address, bytes);
    }

    fn written(&self, memory: &Memory, address: PhysicalAddress, length: u64) {
        let first = address.0 & !(LINE - 1);
        for line in (first..address.0.saturating_add(length)).step_by(LINE as usize) {
            self.count_forgotten(self.sites.compare(&Ram(memory), PhysicalAddress(line)));
        }
    }

    fn flushed(&self, memory: &Memory) {
        self.count_forgotten(self.sites.compare_all(&Ram(memory)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_isa::{Bundle, Slot, Template};
    use patchbay_plugin_api::site::Site as Place;

    use super::*;
    use crate::code;
    use crate::fetch::Fetch;
    use crate::ids::ClassId;
    use crate::instruction::of_slot;
    use crate::trigger::break_slot;
    use crate::vm::{Scope, Vmm};

    #[test]
    fn firmware_reads_what_the_guest_wrote_and_its_writes_count() {
        const MOV_PSR: u64 = 1 << 37 | 0x25 << 27 | 14 << 6;
        const NOP: u64 = 1 << 27;
        let memory = Memory::new(64 << 20).unwrap();
        let vm = Vm::new(Arc::new(Vmm::new()), 0, 1, None, Scope::Vmm, Fetch::Translated).unwrap();
        let vm: Arc<Vm> = Arc::new(vm);
        let overlay: Arc<dyn Overlay> = vm.clone();
        memory.set_overlay(Arc::downgrade(&overlay));
        let address = PhysicalAddress(0x20_0ff0);
        let bundle = Bundle::new(Template::new(8), [MOV_PSR, NOP, NOP]);
        memory.write(address, &bundle.to_bytes()).unwrap();
        let place = Place { bundle: address.0, ip: address.0, rid: 0, vm: 0, vp: 0, reserved: 0 };
        let site = vm.sites.meet(place, &of_slot(bundle, Slot::Zero).unwrap()).expect("room");
        vm.sites.patch(&Ram(&memory), &site, ClassId(0), break_slot(0, 0x10_0800));
        let mut read = [0; 64];
        memory.read(PhysicalAddress(0x20_0fe0), &mut read).unwrap();
        assert_eq!(read[16..32], bundle.to_bytes());
        assert!(site.is_patched());
        memory.write(address, &[0; 4]).unwrap();
        assert!(!site.is_patched());
        assert_eq!(vm.statistics(|_| None).sites_forgotten_by_others, 1);

        // What a processor has stored is compared when all caches are flushed.
        memory.write(address, &bundle.to_bytes()).unwrap();
        vm.sites.patch(&Ram(&memory), &site, ClassId(0), break_slot(0, 0x10_0800));
        code::exchange(&Ram(&memory), address, Slot::Zero, break_slot(0, 0x10_0800), NOP);
        assert!(site.is_patched());
        memory.flush();
        assert!(!site.is_patched());
        assert_eq!(vm.statistics(|_| None).sites_forgotten_by_others, 2);
    }
}
