//! A library that is no plugin.

/// What it exports instead.
#[unsafe(no_mangle)]
pub extern "C" fn patchbay_no_entry() -> u32 {
    0
}
