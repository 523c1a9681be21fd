//! Floating-point registers and memory.

use super::*;

#[test]
fn floating_point_loads_convert() {
    let (mut p, memory) = machine();
    memory.write_bytes(AT, &1.5f32.to_le_bytes()).expect("memory");
    memory.write_bytes(AT + 4, &(-0.25f32).to_le_bytes()).expect("memory");
    execute(&mut p, M::LdfsImm, &[4]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0xffff, 0xc000_0000_0000_0000));
    execute(&mut p, M::Ldfs, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(true, 0xfffd, 0x8000_0000_0000_0000));
    p.set_gr(R3, AT, false);
    execute(&mut p, M::LdfpsImm, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0xffff, 0xc000_0000_0000_0000));
    assert_eq!(p.fr(F2), Fr::new(true, 0xfffd, 0x8000_0000_0000_0000));
    assert_eq!(p.gr(R3), AT + 8);
    memory.write_bytes(AT, &3.0f64.to_be_bytes()).expect("memory");
    memory.write_bytes(AT + 8, &0x1234u64.to_be_bytes()).expect("memory");
    p.set_psr(p.registers.psr.with_be(true));
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ldfd, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(false, 0x1_0000, 0xc000_0000_0000_0000));
    // The first register takes the lower address in both byte orders.
    execute(&mut p, M::Ldfp8Imm, &[]).expect("completes");
    assert_eq!((p.fr(F1), p.fr(F2)), (Fr::integer(3.0f64.to_bits()), Fr::integer(0x1234)));
    assert_eq!(p.gr(R3), AT + 16);
    // 10 bytes, sign and exponent first in big-endian order.
    memory.write_bytes(AT, &[0xc0, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 1]).expect("memory");
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Ldfe, &[]).expect("completes");
    assert_eq!(p.fr(F1), Fr::new(true, 0x1_0000, 0x8000_0000_0000_0001));
}

#[test]
fn floating_point_registers_spill_and_fill() {
    let (mut p, memory) = machine();
    let value = Fr::new(true, 0x1_2345, 0x0123_4567_89ab_cdef);
    for big in [false, true] {
        p.set_psr(p.registers.psr.with_be(big));
        for value in [value, Fr::NATVAL, Fr::INDEFINITE] {
            p.registers.fr[usize::from(F2)] = value;
            p.set_gr(R3, AT, false);
            execute(&mut p, M::StfSpillImm, &[16]).expect("completes");
            assert_eq!(p.gr(R3), AT + 16);
            p.set_gr(R3, AT, false);
            execute(&mut p, M::LdfFillImm, &[32]).expect("completes");
            assert_eq!((p.fr(F1), p.gr(R3)), (value, AT + 32));
        }
    }
    p.set_gr(R3, AT, false);
    p.registers.fr[usize::from(F2)] = value;
    execute(&mut p, M::StfSpill, &[]).expect("completes");
    let image = [0, 0, 0, 0, 0, 3, 0x23, 0x45, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    assert_eq!(bytes(&memory, AT), image);
}

#[test]
fn floating_point_stores_convert() {
    let (mut p, memory) = machine();
    p.registers.fr[usize::from(F2)] = Fr::new(true, 0x1_0000, 0xc000_0000_0000_0000);
    execute(&mut p, M::StfsImm, &[8]).expect("completes");
    assert_eq!(bytes(&memory, AT), (-3.0f32).to_le_bytes());
    assert_eq!(p.gr(R3), AT + 8);
    execute(&mut p, M::Stfd, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT + 8), (-3.0f64).to_le_bytes());
    execute(&mut p, M::Stf8, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT + 8), 0xc000_0000_0000_0000u64.to_le_bytes());
    p.set_gr(R3, AT, false);
    execute(&mut p, M::Stfe, &[]).expect("completes");
    assert_eq!(bytes(&memory, AT), [0, 0, 0, 0, 0, 0, 0, 0xc0, 0x00, 0xc0]);
}

#[test]
fn written_floating_point_registers_set_the_modified_bits() {
    let (mut p, _) = machine();
    execute(&mut p, M::Ldf8, &[]).expect("completes");
    assert!(p.registers.psr.mfl() && !p.registers.psr.mfh());
    let (mut p, _) = machine();
    let op = Op { r1: 32, ..op(M::SetfSig, &[]) };
    (op.execute)(&mut p, &op).expect("completes");
    assert!(!p.registers.psr.mfl() && p.registers.psr.mfh());
}

#[test]
fn pairs_need_an_odd_and_an_even_physical_register() {
    let (mut p, _) = machine();
    let pair = |f1: u8, f2: u8| Op { r1: f1, r2: f2, ..op(M::Ldfp8, &[]) };
    let loads = |p: &mut Processor, f1: u8, f2: u8| {
        let op = pair(f1, f2);
        (op.execute)(p, &op).is_ok()
    };
    assert!(loads(&mut p, 6, 33) && !loads(&mut p, 6, 32));
    p.registers.cfm.set_rrb_fr(95);
    assert!(!loads(&mut p, 6, 33) && loads(&mut p, 6, 32) && loads(&mut p, 32, 33));
    assert_eq!(p.raised.vector, Vector::GeneralException);
}

#[test]
fn transfers_between_register_files() {
    let (mut p, _) = machine();
    let cases = [
        (M::SetfSig, M::GetfSig, 0xfedc_ba98_7654_3210, Fr::integer(0xfedc_ba98_7654_3210)),
        (M::SetfExp, M::GetfExp, 0x2_fffe, Fr::new(true, 0xfffe, 1 << 63)),
        (M::SetfS, M::GetfS, 0xc040_0000, Fr::new(true, 0x1_0000, 0xc000_0000_0000_0000)),
        (M::SetfD, M::GetfD, 0x4008_0000_0000_0000, Fr::new(false, 0x1_0000, 0xc000_0000_0000_0000)),
    ];
    for (set, get, gr, fr) in cases {
        p.set_gr(R2, gr, false);
        execute(&mut p, set, &[]).expect("completes");
        assert_eq!(p.fr(F1), fr);
        p.registers.fr[usize::from(F2)] = fr;
        assert_eq!(result(&mut p, get, &[]), (gr, false));
        p.set_gr(R2, gr, true);
        execute(&mut p, set, &[]).expect("completes");
        assert_eq!(p.fr(F1), Fr::NATVAL);
        p.registers.fr[usize::from(F2)] = Fr::NATVAL;
        assert!(result(&mut p, get, &[]).1);
    }
}
