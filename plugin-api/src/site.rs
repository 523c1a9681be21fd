//! Where instructions stand in guest memory.

use abi_stable::StableAbi;

use crate::class::ClassKey;
use crate::instruction::Instruction;
use crate::patch_manager::Trigger;

/// A place in guest memory as one virtual processor met it. Its slot is the instruction's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
#[repr(C)]
pub struct Site {
    /// The guest-physical address of the bundle. It and the slot identify the site.
    pub bundle: u64,
    /// The guest's IP, virtual or physical as PSR.it says. One site may be met under several.
    pub ip: u64,
    /// The region identifier of the IP; 0 while PSR.it is 0.
    pub rid: u32,
    /// The number of the virtual machine.
    pub vm: u32,
    /// The number of its virtual processor.
    pub vp: u32,
    /// Keeps the size of the structure fixed; 0.
    pub reserved: u32,
}

/// A virtualization fault at a site that the classifier gave a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct SiteFault {
    /// The site.
    pub site: Site,
    /// The class.
    pub class: ClassKey,
    /// The instruction that stands there.
    pub instruction: Instruction,
    /// The virtualization faults at the site so far, on all virtual processors, this one included.
    pub faults: u64,
}

/// What happened at a site since it was reviewed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct SiteStatistics {
    /// The site, as it was met first.
    pub site: Site,
    /// Its class.
    pub class: ClassKey,
    /// The instruction that stands there or is patched.
    pub instruction: Instruction,
    /// The trigger that stands there, or [`Trigger::NONE`].
    pub trigger: Trigger,
    /// Keeps the size of the structure fixed; 0.
    pub reserved: u32,
    /// Virtualization faults since then.
    pub faults: u64,
    /// Executions of its trigger since then.
    pub triggers: u64,
}
