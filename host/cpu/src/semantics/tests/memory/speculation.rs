//! Control and data speculation.

use super::*;

#[test]
fn speculative_loads_defer_nat_addresses() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT, true);
    assert!(result(&mut p, M::Ld8S, &[]).1);
    assert!(result(&mut p, M::Ld2SaImm, &[4]).1);
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 4, true));
    execute(&mut p, M::LdfdS, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::NATVAL);
    execute(&mut p, M::LdfpsSaImm, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::NATVAL, Fr::NATVAL));
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 12, true));
    // So does PSR.ed, whatever the address.
    p.set_gr(R3, AT, false);
    p.set_psr(p.registers.psr.with_ed(true));
    assert!(result(&mut p, M::Ld8S, &[]).1);
}

#[test]
fn speculative_loads_defer_faults_where_the_sdm_says_so() {
    let (mut p, _) = machine();
    p.set_psr(p.registers.psr.with_dt(true).with_ic(true));
    // SDM 2:107: at PSR.ic = 1 and ITLB.ed = 0 a TLB miss is raised, at PSR.ic = 0 it is deferred.
    let isr = Isr::new().with_r(true).with_sp(true);
    assert_eq!(fault(&mut p, M::Ld4SImm, &[4]), (Vector::AlternateDataTlb, isr));
    assert_eq!((p.gr(R3), p.nat(R1)), (AT, false));
    p.set_psr(p.registers.psr.with_ic(false));
    assert!(result(&mut p, M::Ld4SImm, &[4]).1);
    assert_eq!((p.gr(R3), p.nat(R3)), (AT + 4, false));
    execute(&mut p, M::Ldfp8S, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::NATVAL, Fr::NATVAL));
    assert_eq!(fault(&mut p, M::Ld4A, &[]).0, Vector::DataNestedTlb);
}

#[test]
fn uncacheable_memory_is_not_loaded_speculatively() {
    let (mut p, _) = machine();
    p.set_gr(R3, AT | 1 << 63, false);
    assert!(result(&mut p, M::Ld4S, &[]).1);
    // SDM 3:154: an advanced load gives 0 and makes no entry.
    assert_eq!(result(&mut p, M::Ld4A, &[]), (0, false));
    assert!(!checks(&mut p, M::ChkANcGr));
    assert_eq!(result(&mut p, M::Ld4CNc, &[]), (0xb4a3_9281, false));
    execute(&mut p, M::Ldf8A, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::integer(0));
}

/// After an advanced load and a store of `size` bytes at `offset` from it, whether `ld.c` loaded again.
fn reloads_after_store(advanced: M, check: M, store: M, offset: i64) -> bool {
    let (mut p, _) = machine();
    execute(&mut p, advanced, &[]).expect("completes");
    p.set_gr(R3, AT.wrapping_add_signed(offset), false);
    execute(&mut p, store, &[]).expect("completes");
    p.set_gr(R3, AT, false);
    p.set_gr(R1, 0x5a5a, false);
    result(&mut p, check, &[]).0 != 0x5a5a
}

#[test]
fn stores_that_overlap_end_data_speculation() {
    for (store, offset, conflict) in
        [(M::St1, -1, false), (M::St2, -1, true), (M::St1, 3, true), (M::St1, 4, false), (M::St8, -8, false)]
    {
        for check in [M::Ld4CClr, M::Ld4CNc, M::Ld4CClrAcq] {
            assert_eq!(reloads_after_store(M::Ld4A, check, store, offset), conflict, "{store:?} at {offset}");
        }
    }
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::Xchg4, 4));
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::Stfs, 4));
    assert!(reloads_after_store(M::Ld8A, M::Ld8CNc, M::StfSpill, 0));
}

/// Whether chk.a goes on; otherwise it branches to the target.
fn checks(p: &mut Processor, row: M) -> bool {
    p.registers.ip = 0x4000;
    match execute(p, row, &[0x120]) {
        Ok(()) => true,
        leave => {
            assert_eq!((leave, p.registers.ip), (Err(Leave::Branch), 0x4120));
            false
        }
    }
}

#[test]
fn checks_of_data_speculation() {
    let (mut p, _) = machine();
    assert!(!checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcGr) && checks(&mut p, M::ChkAClrGr) && !checks(&mut p, M::ChkANcGr));
    // General and floating-point registers have entries of their own.
    let fr = |row| Op { r1: R1, ..op(row, &[0x120]) };
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    let chk = fr(M::ChkANcFr);
    assert_eq!((chk.execute)(&mut p, &chk), Err(Leave::Branch));
    execute(&mut p, M::LdfsA, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcFr));
    execute(&mut p, M::InvalaEFr, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcFr) && checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::InvalaEGr, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
    execute(&mut p, M::LdfpdA, &[]).expect("completes");
    assert!(checks(&mut p, M::ChkANcFr));
    execute(&mut p, M::Invala, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkAClrFr));
    // A deferred ld.sa leaves no entry.
    execute(&mut p, M::Ld8A, &[]).expect("completes");
    p.set_gr(R3, AT, true);
    execute(&mut p, M::Ld8Sa, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
}

#[test]
fn checks_of_control_speculation() {
    let (mut p, _) = machine();
    assert!(checks(&mut p, M::ChkSGr) && checks(&mut p, M::ChkSFr));
    p.set_gr(R2, 0, true);
    p.registers.fr[usize::from(F2)] = Fr::NATVAL;
    assert!(!checks(&mut p, M::ChkSGr) && !checks(&mut p, M::ChkSFr));
}

#[test]
fn entries_follow_registers_through_renaming() {
    let (mut p, _) = machine();
    let frame = Cfm::new().with_sof(24).with_sol(16).with_sor(2);
    assert!(p.set_cfm(frame));
    let on = |row: M, r: u8| Op { r1: r, ..op(row, if row == M::Ld8A { &[] } else { &[0x120] }) };
    let passes = |p: &mut Processor, row: M, r: u8| {
        let op = on(row, r);
        (op.execute)(p, &op).is_ok()
    };
    assert!(passes(&mut p, M::Ld8A, 32) && passes(&mut p, M::Ld8A, 50));
    p.registers.rotate();
    assert!(passes(&mut p, M::ChkANcGr, 33) && !passes(&mut p, M::ChkANcGr, 32));
    p.registers.clear_rotation(false);
    p.call_frame();
    // r50 is the third output register.
    assert!(!passes(&mut p, M::ChkANcGr, 32) && passes(&mut p, M::ChkANcGr, 34));
    p.return_frame(frame);
    assert!(passes(&mut p, M::ChkANcGr, 32) && passes(&mut p, M::ChkANcGr, 50));
}

#[test]
fn beside_other_processors_data_speculation_always_fails() {
    let (alone, _) = machine();
    let domain = Arc::new(CoherenceDomain::new(2, true));
    let mut p = Processor::new(Configuration { domain, ..alone.configuration.clone() });
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ld4A, &[]).expect("completes");
    assert!(!checks(&mut p, M::ChkANcGr));
    p.set_gr(R1, 0, false);
    assert_eq!(result(&mut p, M::Ld4CNc, &[]), (0xb4a3_9281, false));
}
