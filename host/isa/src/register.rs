//! Application and control registers: their names, and which are reserved or read-only (SDM 1:29, 2:29).

use crate::bundle::Unit;

/// The name of an application register that has one.
#[must_use]
pub const fn application(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "ar.k0",
        1 => "ar.k1",
        2 => "ar.k2",
        3 => "ar.k3",
        4 => "ar.k4",
        5 => "ar.k5",
        6 => "ar.k6",
        7 => "ar.k7",
        16 => "ar.rsc",
        17 => "ar.bsp",
        18 => "ar.bspstore",
        19 => "ar.rnat",
        21 => "ar.fcr",
        24 => "ar.eflag",
        25 => "ar.csd",
        26 => "ar.ssd",
        27 => "ar.cflg",
        28 => "ar.fsr",
        29 => "ar.fir",
        30 => "ar.fdr",
        32 => "ar.ccv",
        36 => "ar.unat",
        40 => "ar.fpsr",
        44 => "ar.itc",
        45 => "ar.ruc",
        64 => "ar.pfs",
        65 => "ar.lc",
        66 => "ar.ec",
        _ => return None,
    })
}

/// The name of a control register that has one.
#[must_use]
pub const fn control(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "cr.dcr",
        1 => "cr.itm",
        2 => "cr.iva",
        8 => "cr.pta",
        16 => "cr.ipsr",
        17 => "cr.isr",
        19 => "cr.iip",
        20 => "cr.ifa",
        21 => "cr.itir",
        22 => "cr.iipa",
        23 => "cr.ifs",
        24 => "cr.iim",
        25 => "cr.iha",
        26 => "cr.iib0",
        27 => "cr.iib1",
        64 => "cr.lid",
        65 => "cr.ivr",
        66 => "cr.tpr",
        67 => "cr.eoi",
        68 => "cr.irr0",
        69 => "cr.irr1",
        70 => "cr.irr2",
        71 => "cr.irr3",
        72 => "cr.itv",
        73 => "cr.pmv",
        74 => "cr.cmcv",
        80 => "cr.lrr0",
        81 => "cr.lrr1",
        _ => return None,
    })
}

/// Whether an application register is reserved or belongs to the other unit, so that `mov` in this unit is illegal.
/// Those of 48 to 63 and 112 to 127 are ignored and may be moved in both.
#[must_use]
pub const fn application_is_illegal(number: u8, unit: Unit) -> bool {
    let here = match number {
        0..48 => matches!(unit, Unit::M),
        48..64 | 112.. => return false,
        64..112 => matches!(unit, Unit::I),
    };
    !here || application(number).is_none()
}

/// Whether an application register cannot be written: ar.bsp.
#[must_use]
pub const fn application_is_read_only(number: u8) -> bool {
    number == 17
}

/// Whether a control register is reserved.
#[must_use]
pub const fn control_is_reserved(number: u8) -> bool {
    control(number).is_none()
}

/// Whether a control register cannot be written: cr.ivr and cr.irr0 to cr.irr3.
#[must_use]
pub const fn control_is_read_only(number: u8) -> bool {
    matches!(number, 65 | 68..=71)
}
