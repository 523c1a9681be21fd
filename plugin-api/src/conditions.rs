//! Operating conditions: what a decision may depend on besides its site.

use abi_stable::StableAbi;

use crate::instruction::Unit;

/// The operating conditions of a virtual machine at a decision about one of its sites. Since API 1.1.
///
/// They come beside [`SiteFault`](crate::site::SiteFault) and [`SiteStatistics`](crate::site::SiteStatistics) and not in
/// them: libraries of API 1.0 know the sizes of those two structures, which therefore never change.
///
/// A rate is the number of virtualization events, faults and triggers together, in a second of the guest's clock: that of
/// the last whole period of [`RATE_PERIOD`] nanoseconds or more, or what the period under way has reached already, whichever
/// is higher. Other processors' events count as of the last time they left their guest, some milliseconds ago at most while
/// they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, StableAbi)]
#[repr(C)]
pub struct Conditions {
    /// The virtual processors of the virtual machine.
    pub processors: u32,
    /// 1 before the guest executes its first instruction, else 0: [`Conditions::is_static`].
    pub before_start: u32,
    /// How long the virtual machine has run, in nanoseconds of the guest's clock.
    pub uptime: u64,
    /// The events of the virtual machine in a second.
    pub vm_rate: u64,
    /// The events of the site in a second.
    pub site_rate: u64,
    /// The class ids that are left for classes that have none yet.
    pub classes_left: u32,
    /// The number of the site's [`Unit`].
    pub site_unit: u32,
    /// The bytes that are left of the window, where stubs lie.
    pub window_left: u64,
    /// Keeps the size of the structure fixed; 0.
    pub reserved: [u64; 3],
}

/// The shortest period in which events are counted for a rate, in nanoseconds of the guest's clock.
pub const RATE_PERIOD: u64 = 100_000_000;

impl Conditions {
    /// Whether the decision is made before the guest executes its first instruction.
    #[must_use]
    pub const fn is_static(&self) -> bool {
        self.before_start != 0
    }

    /// The unit of the site; `None` for one that is newer than this version of the plugin API.
    #[must_use]
    pub const fn unit(&self) -> Option<Unit> {
        Some(match self.site_unit {
            0 => Unit::M,
            1 => Unit::I,
            2 => Unit::F,
            3 => Unit::B,
            4 => Unit::X,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_the_numbers_of_instructions() {
        for unit in [Unit::M, Unit::I, Unit::F, Unit::B, Unit::X] {
            assert_eq!(Conditions { site_unit: unit as u32, ..Conditions::default() }.unit(), Some(unit));
        }
        assert_eq!(Conditions { site_unit: 5, ..Conditions::default() }.unit(), None);
    }
}
