//! The fields of an instruction that differ from one occurrence to the next: operands and completers
//! (SDM 3, sections 4.1 and 4.8).

/// A run of bits. Bits 64 and up are those of the L slot, bit 64 being its bit 0.
#[derive(Clone, Copy, Debug)]
pub struct Bits {
    /// The highest bit.
    pub high: u32,
    /// The lowest bit.
    pub low: u32,
}

/// How the bits of a field, taken together, become its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An unsigned number.
    Unsigned,
    /// A two's complement number.
    Signed,
    /// A two's complement number of units of `1 << shift`.
    SignedShifted(u32),
    /// An unsigned number of units of `1 << shift`.
    UnsignedShifted(u32),
    /// One more than the bits say.
    PlusOne,
    /// 32 more than the bits say.
    Plus32,
    /// The bits subtracted from this.
    Complement(i64),
    /// One of these values, by the bits; an encoding beyond them is reserved.
    Table(&'static [i64]),
}

/// What the value of a field denotes, and how assembly writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A general register.
    Gr,
    /// A floating-point register.
    Fr,
    /// A predicate register.
    Pr,
    /// A branch register.
    Br,
    /// An application register.
    Ar,
    /// A control register.
    Cr,
    /// A data access hint register (disassembled only).
    Dahr,
    /// A number written in decimal.
    Decimal,
    /// A number written in hexadecimal.
    Hexadecimal,
    /// A bundle address relative to that of the instruction.
    Target,
    /// One of these texts, by value. An empty one writes nothing; `None` has no syntax and is no hint.
    Completer(&'static [Option<&'static str>]),
}

macro_rules! fields {
    ($($name:ident $text:literal $kind:expr, $form:expr, [$($high:literal : $low:literal),*];)*) => {
        /// A field, named as in the SDM's instruction formats.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "the SDM's names")]
        pub enum Field { $($name,)* }

        impl Field {
            /// Every field.
            pub const ALL: &[Field] = &[$(Field::$name,)*];

            /// The name that the syntax of rows uses.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Field::$name => $text,)* }
            }

            /// Its bits, from the most significant run of the value to the least.
            #[must_use]
            pub const fn bits(self) -> &'static [Bits] {
                match self { $(Field::$name => &[$(Bits { high: $high, low: $low }),*],)* }
            }

            /// See [`Kind`].
            #[must_use]
            pub const fn kind(self) -> Kind {
                use Kind::*;
                match self { $(Field::$name => $kind,)* }
            }

            /// See [`Form`].
            #[must_use]
            pub const fn form(self) -> Form {
                use Form::*;
                match self { $(Field::$name => $form,)* }
            }
        }
    };
}

const LOAD_HINTS: &[Option<&str>] =
    &[Some(""), Some(".nt1"), Some(".d2"), Some(".nta"), Some(".d4"), Some(".d5"), Some(".d6"), Some(".d7")];
const LOAD_UPDATE_HINTS: &[Option<&str>] = &[Some(""), Some(".nt1"), None, Some(".nta")];
const STORE_HINTS: &[Option<&str>] =
    &[Some(""), Some(".d1"), Some(".d2"), Some(".nta"), Some(".d4"), Some(".d5"), Some(".d6"), Some(".d7")];
const STORE_UPDATE_HINTS: &[Option<&str>] = &[Some(""), None, None, Some(".nta")];
const LINE_PREFETCH_HINTS: &[Option<&str>] =
    &[Some(""), Some(".nt1"), Some(".nt2"), Some(".nta"), Some(".d4"), Some(".d5"), Some(".d6"), Some(".d7")];
const RESERVED_IF_SET: &[Option<&str>] = &[Some(""), None];
const INCREMENTS: &[i64] = &[16, 8, 4, 1, -16, -8, -4, -1];
const STATUS_FIELDS: &[Option<&str>] = &[Some(".s0"), Some(".s1"), Some(".s2"), Some(".s3")];
const WHETHER: &[Option<&str>] = &[Some(".sptk"), Some(".spnt"), Some(".dptk"), Some(".dpnt")];
const PREFETCH: &[Option<&str>] = &[Some(".few"), Some(".many")];
const DEALLOCATION: &[Option<&str>] = &[Some(""), Some(".clr")];
const CALL_WHETHER: &[Option<&str>] =
    &[None, Some(".sptk"), None, Some(".spnt"), None, Some(".dptk"), None, Some(".dpnt")];
const PREDICT_WHETHER: &[Option<&str>] = &[Some(".sptk"), Some(".loop"), Some(".dptk"), Some(".exit")];
const PREDICT_INDIRECT_WHETHER: &[Option<&str>] = &[Some(".sptk"), None, Some(".dptk"), None];
const MOVE_WHETHER: &[Option<&str>] = &[Some(".sptk"), Some(""), Some(".dptk"), None];
const IMPORTANCE: &[Option<&str>] = &[Some(""), Some(".imp")];

fields! {
    Qp "qp" Pr, Unsigned, [5:0];
    R1 "r1" Gr, Unsigned, [12:6];
    R2 "r2" Gr, Unsigned, [19:13];
    R3 "r3" Gr, Unsigned, [26:20];
    R3Short "r3s" Gr, Unsigned, [21:20];
    F1 "f1" Fr, Unsigned, [12:6];
    F2 "f2" Fr, Unsigned, [19:13];
    F3 "f3" Fr, Unsigned, [26:20];
    F4 "f4" Fr, Unsigned, [33:27];
    P1 "p1" Pr, Unsigned, [11:6];
    P2 "p2" Pr, Unsigned, [32:27];
    B1 "b1" Br, Unsigned, [8:6];
    B2 "b2" Br, Unsigned, [15:13];
    Ar3 "ar3" Ar, Unsigned, [26:20];
    Cr3 "cr3" Cr, Unsigned, [26:20];
    Imm8 "imm8" Decimal, Signed, [36:36, 19:13];
    Imm14 "imm14" Decimal, Signed, [36:36, 32:27, 19:13];
    Imm22 "imm22" Decimal, Signed, [36:36, 26:22, 35:27, 19:13];
    Imm1 "imm1" Decimal, Signed, [36:36];
    Imm5 "imm5" Decimal, Plus32, [18:14];
    Imm21 "imm21" Hexadecimal, Unsigned, [36:36, 25:6];
    Imm44 "imm44" Hexadecimal, SignedShifted(16), [36:36, 32:6];
    Imm62 "imm62" Hexadecimal, Unsigned, [104:64, 36:36, 25:6];
    Imm64 "imm64" Hexadecimal, Unsigned, [36:36, 104:64, 21:21, 26:22, 35:27, 19:13];
    Mask17 "mask17" Hexadecimal, SignedShifted(1), [36:36, 31:24, 12:6];
    Count2 "count2" Decimal, PlusOne, [28:27];
    Count2b "count2b" Decimal, Table(&[1, 2, 3]), [28:27];
    Count2c "count2c" Decimal, Table(&[0, 7, 15, 16]), [31:30];
    Count5 "count5" Decimal, Unsigned, [18:14];
    Ccount5 "ccount5" Decimal, Complement(31), [24:20];
    Count6 "count6" Decimal, Unsigned, [32:27];
    Len4 "len4" Decimal, PlusOne, [30:27];
    Len6 "len6" Decimal, PlusOne, [32:27];
    Pos6 "pos6" Decimal, Unsigned, [19:14];
    Cpos6 "cpos6" Decimal, Complement(63), [25:20];
    Cpos6b "cpos6b" Decimal, Complement(63), [19:14];
    Cpos6d "cpos6d" Decimal, Complement(63), [36:31];
    Mhtype8 "mhtype8" Hexadecimal, Unsigned, [27:20];
    StatusField "sf" Completer(STATUS_FIELDS), Unsigned, [35:34];
    Whether "bwh" Completer(WHETHER), Unsigned, [34:33];
    Prefetch "ph" Completer(PREFETCH), Unsigned, [12:12];
    Deallocation "dh" Completer(DEALLOCATION), Unsigned, [35:35];
    CallWhether "cwh" Completer(CALL_WHETHER), Unsigned, [34:32];
    PredictWhether "ipwh" Completer(PREDICT_WHETHER), Unsigned, [4:3];
    PredictIndirectWhether "indwh" Completer(PREDICT_INDIRECT_WHETHER), Unsigned, [4:3];
    MoveWhether "mwh" Completer(MOVE_WHETHER), Unsigned, [21:20];
    PredictImportance "bih" Completer(IMPORTANCE), Unsigned, [35:35];
    MoveImportance "ih" Completer(IMPORTANCE), Unsigned, [23:23];
    Target25 "target25" Target, SignedShifted(4), [36:36, 32:13];
    Target25Check "target25c" Target, SignedShifted(4), [36:36, 32:20, 12:6];
    Target64 "target64" Target, SignedShifted(4), [36:36, 104:66, 32:13];
    Tag13 "tag13" Target, SignedShifted(4), [32:24];
    Tag13Predict "tag13p" Target, SignedShifted(4), [34:33, 12:6];

    // M and F units
    LoadHint "ldhint" Completer(LOAD_HINTS), Unsigned, [19:19, 29:28];
    LoadUpdateHint "ldhintu" Completer(LOAD_UPDATE_HINTS), Unsigned, [29:28];
    StoreHint "sthint" Completer(STORE_HINTS), Unsigned, [12:12, 29:28];
    StoreUpdateHint "sthintu" Completer(STORE_UPDATE_HINTS), Unsigned, [29:28];
    LinePrefetchHint "lfhint" Completer(LINE_PREFETCH_HINTS), Unsigned, [12:12, 29:28];
    LinePrefetchCount "cnt6" Decimal, PlusOne, [11:6];
    LinePrefetchStride "strd5" Decimal, SignedShifted(6), [17:13];
    Imm9Store "imm9a" Decimal, Signed, [36:36, 27:27, 12:6];
    Imm9Load "imm9b" Decimal, Signed, [36:36, 27:27, 19:13];
    Increment3 "inc3" Decimal, Table(INCREMENTS), [15:13];
    SizeOfFrame "sof" Decimal, Unsigned, [19:13];
    SizeOfLocals "sol" Decimal, Unsigned, [26:20];
    SizeOfRotating "sor" Decimal, UnsignedShifted(3), [30:27];
    Imm2 "imm2" Decimal, Unsigned, [14:13];
    Imm24 "imm24" Hexadecimal, Unsigned, [36:36, 32:31, 26:6];
    HintBit11 "hint11" Completer(RESERVED_IF_SET), Unsigned, [11:11];
    Imm19 "imm19" Decimal, Unsigned, [36:36, 25:12, 9:6];
    Dahr3 "dahr3" Dahr, Unsigned, [25:23];
    Imm16Dahr "imm16d" Decimal, Unsigned, [36:36, 22:12, 9:6];
    Fclass9 "fclass9" Hexadecimal, Unsigned, [26:20, 34:33];
    AndMask7 "amask7" Hexadecimal, Unsigned, [19:13];
    OrMask7 "omask7" Hexadecimal, Unsigned, [26:20];
    Target25Fchkf "target25f" Target, SignedShifted(4), [36:36, 25:6];
}

/// A value that a field cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: i64,
}

impl Field {
    /// The field of this name.
    #[must_use]
    pub const fn named(name: &str) -> Option<Field> {
        let mut index = 0;
        while index < Field::ALL.len() {
            if same(name.as_bytes(), Field::ALL[index].name().as_bytes()) {
                return Some(Field::ALL[index]);
            }
            index += 1;
        }
        None
    }

    /// The number of its bits.
    #[must_use]
    pub const fn width(self) -> u32 {
        let bits = self.bits();
        let (mut width, mut index) = (0, 0);
        while index < bits.len() {
            width += bits[index].high - bits[index].low + 1;
            index += 1;
        }
        width
    }

    /// Its bits in an instruction, taken together.
    const fn raw(self, instruction: u128) -> u64 {
        let bits = self.bits();
        let (mut raw, mut index) = (0u64, 0);
        while index < bits.len() {
            let width = bits[index].high - bits[index].low + 1;
            let run = (instruction >> bits[index].low) as u64 & (u64::MAX >> (64 - width));
            raw = if width == 64 { run } else { raw << width | run };
            index += 1;
        }
        raw
    }

    /// Its value in an instruction: the slot in bits 0-40, the L slot in bits 64-104. 0 if it is reserved.
    #[must_use]
    pub const fn extract(self, instruction: u128) -> i64 {
        let raw = self.raw(instruction);
        let signed = (raw << (64 - self.width())) as i64 >> (64 - self.width());
        match self.form() {
            Form::Unsigned => raw as i64,
            Form::Signed => signed,
            Form::SignedShifted(shift) => signed << shift,
            Form::UnsignedShifted(shift) => (raw << shift) as i64,
            Form::PlusOne => raw as i64 + 1,
            Form::Plus32 => raw as i64 + 32,
            Form::Complement(from) => from - raw as i64,
            Form::Table(values) if raw < values.len() as u64 => values[raw as usize],
            Form::Table(_) => 0,
        }
    }

    /// Whether some of its encodings are reserved.
    #[must_use]
    pub const fn has_reserved(self) -> bool {
        matches!(self.form(), Form::Table(values) if values.len() < 1 << self.width())
    }

    /// Whether its encoding in an instruction is reserved.
    #[must_use]
    pub const fn is_reserved(self, instruction: u128) -> bool {
        self.has_reserved()
            && matches!(self.form(), Form::Table(values) if self.raw(instruction) >= values.len() as u64)
    }

    /// Puts a value into an instruction in place of the one that it has.
    ///
    /// # Errors
    /// If the field cannot hold the value; the instruction is as it was.
    pub fn replace(self, instruction: &mut u128, value: i64) -> Result<(), OutOfRange> {
        let mut with = *instruction;
        for bits in self.bits() {
            with &= !(((1 << (bits.high - bits.low + 1)) - 1) << bits.low);
        }
        self.insert(&mut with, value)?;
        *instruction = with;
        Ok(())
    }

    /// Puts a value into an instruction whose bits of this field are zero.
    ///
    /// # Errors
    /// If the field cannot hold the value.
    pub fn insert(self, instruction: &mut u128, value: i64) -> Result<(), OutOfRange> {
        let raw = match self.form() {
            Form::Unsigned | Form::Signed => Some(value),
            Form::SignedShifted(shift) | Form::UnsignedShifted(shift) => Some(value >> shift),
            Form::PlusOne => value.checked_sub(1),
            Form::Plus32 => value.checked_sub(32),
            Form::Complement(from) => from.checked_sub(value),
            Form::Table(values) => values.iter().position(|&v| v == value).map(|raw| raw as i64),
        };
        let mut raw = raw.ok_or(OutOfRange { field: self, value })? as u64;
        let mut with = *instruction;
        for bits in self.bits().iter().rev() {
            let width = bits.high - bits.low + 1;
            with |= u128::from(raw & (u64::MAX >> (64 - width))) << bits.low;
            raw = raw.checked_shr(width).unwrap_or(0);
        }
        if self.extract(with) != value {
            return Err(OutOfRange { field: self, value });
        }
        *instruction = with;
        Ok(())
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}
