/* The machine the bare-metal guests run on, in one place: addresses, PSR bits, vectors, the interruption frame. */
#ifndef MACHINE_H
#define MACHINE_H

#ifdef __ASSEMBLER__
#define U64(number) number
#else
#define U64(number) number##UL
#endif

#define UNCACHED U64(0x8000000000000000)	/* physical mode: bit 63 chooses the uncacheable attribute (SDM 2:77) */
#define UART_BASE U64(0xff5e0000)		/* 16550, one byte a register */
#define INTERRUPT_BLOCK U64(0xfee00000)	/* processor interrupt block */

#define MAX_PROCESSORS 16
#define STACK_SHIFT 16			/* a processor's 64 KiB: backing store upwards, memory stack downwards */

#define PSR_AC (U64(1) << 3)
#define PSR_IC (U64(1) << 13)
#define PSR_I (U64(1) << 14)
#define PSR_PK (U64(1) << 15)
#define PSR_DT (U64(1) << 17)
#define PSR_DFL (U64(1) << 18)
#define PSR_DFH (U64(1) << 19)
#define PSR_DI (U64(1) << 22)
#define PSR_SI (U64(1) << 23)
#define PSR_DB (U64(1) << 24)
#define PSR_LP (U64(1) << 25)
#define PSR_TB (U64(1) << 26)
#define PSR_RT (U64(1) << 27)
#define PSR_CPL3 (U64(3) << 32)
#define PSR_IT (U64(1) << 36)
#define PSR_ID (U64(1) << 37)
#define PSR_DA (U64(1) << 38)
#define PSR_DD (U64(1) << 39)
#define PSR_SS (U64(1) << 40)
#define PSR_ED (U64(1) << 43)
#define PSR_BN (U64(1) << 44)
#define PSR_IA (U64(1) << 45)

/* Where everything but a test itself runs. */
#define PSR_PHYSICAL (PSR_AC | PSR_IC | PSR_BN)
#define PSR_VIRTUAL (PSR_PHYSICAL | PSR_IT | PSR_DT | PSR_RT)

#define FPSR U64(0x0009804c0270033f)		/* all traps masked, sf0 double-extended, sf1 for division sequences */

/* The interruption frame: offsets for ivt.S, fields for C. */
#define FRAME_VECTOR 16
#define FRAME_PR 96
#define FRAME_GR2 152
#define FRAME_SPILLED 344
#define FRAME_GR1 352
#define FRAME_F6 368
#define FRAME_SIZE 464

#ifdef __ASSEMBLER__
#define sp r12
#define gp r1
#define rp b0
#else

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define BIT(n) (1UL << (n))

/* What an interruption saves; what a handler changes takes effect when it returns. */
struct frame {
	u64 scratch[2];
	u64 vector, iip, ipsr, ifs, isr, ifa, itir, iha, iim, iipa;
	u64 pr, b0, b6, b7, pfs, ccv, unat;
	u64 gr2, gr3, gr8, gr9, gr10, gr11, gr14, gr15, gr16_31[16];
	u64 spilled;	/* NaT bits of the registers above, by bits 8:3 of their addresses */
	u64 gr1, unused;
	u64 f6_f11[12];
};

_Static_assert(__builtin_offsetof(struct frame, vector) == FRAME_VECTOR, "FRAME_VECTOR");
_Static_assert(__builtin_offsetof(struct frame, pr) == FRAME_PR, "FRAME_PR");
_Static_assert(__builtin_offsetof(struct frame, gr2) == FRAME_GR2, "FRAME_GR2");
_Static_assert(__builtin_offsetof(struct frame, spilled) == FRAME_SPILLED, "FRAME_SPILLED");
_Static_assert(__builtin_offsetof(struct frame, gr1) == FRAME_GR1, "FRAME_GR1");
_Static_assert(__builtin_offsetof(struct frame, f6_f11) == FRAME_F6, "FRAME_F6");
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "FRAME_SIZE");

/* Interruption vectors (SDM 2:165), by offset from the IVA. */
enum {
	VHPT_TRANSLATION = 0x0000,
	INSTRUCTION_TLB = 0x0400,
	DATA_TLB = 0x0800,
	ALTERNATE_INSTRUCTION_TLB = 0x0c00,
	ALTERNATE_DATA_TLB = 0x1000,
	DATA_NESTED_TLB = 0x1400,
	INSTRUCTION_KEY_MISS = 0x1800,
	DATA_KEY_MISS = 0x1c00,
	DIRTY_BIT = 0x2000,
	INSTRUCTION_ACCESS_BIT = 0x2400,
	DATA_ACCESS_BIT = 0x2800,
	BREAK = 0x2c00,
	EXTERNAL_INTERRUPT = 0x3000,
	PAGE_NOT_PRESENT = 0x5000,
	KEY_PERMISSION = 0x5100,
	INSTRUCTION_ACCESS_RIGHTS = 0x5200,
	DATA_ACCESS_RIGHTS = 0x5300,
	GENERAL_EXCEPTION = 0x5400,
	DISABLED_FP = 0x5500,
	NAT_CONSUMPTION = 0x5600,
	SPECULATION = 0x5700,
	DEBUG = 0x5900,
	UNALIGNED = 0x5a00,
	UNSUPPORTED_DATA_REFERENCE = 0x5b00,
	FP_FAULT = 0x5c00,
	FP_TRAP = 0x5d00,
	LOWER_PRIVILEGE_TRANSFER = 0x5e00,
	TAKEN_BRANCH = 0x5f00,
	SINGLE_STEP = 0x6000,
};

/* `handle` runs for the vector with PSR.ic = 1, PSR.i = 0, in the translation modes of what was interrupted. */
void set_handler(u64 vector, void (*handle)(struct frame *));

/* Runs `function(argument)` with this PSR; data and code of the guest must be mapped at their physical addresses. */
u64 call_with_psr(u64 (*function)(u64), u64 argument, u64 psr);

/* `get("cr.lid")`, `set("cr.tpr", 0)`: any register that `mov` reaches by name; a write is data-serialized. */
#define get(name) ({ u64 value_; __asm__ volatile("mov %0=" name ";;" : "=r"(value_) : : "memory"); value_; })
#define set(name, value) __asm__ volatile("mov " name "=%0;; srlz.d;;" : : "r"((u64)(value)) : "memory")

/* `get_at("rr", index)`, `set_at("dbr", index, value)`: registers of a file. */
#define get_at(file, index) \
	({ u64 value_; __asm__ volatile("mov %0=" file "[%1];;" : "=r"(value_) : "r"((u64)(index)) : "memory"); value_; })
#define set_at(file, index, value) \
	__asm__ volatile("mov " file "[%0]=%1;; srlz.i;;" : : "r"((u64)(index)), "r"((u64)(value)) : "memory")

/* Calls code by its address: a function pointer is the address of a descriptor. */
static inline u64 call_code(const void *code)
{
	u64 descriptor[2] = { (u64)code, get("r1") };
	u64 (*function)(void) = (u64 (*)(void))descriptor;

	__asm__ volatile("" : "+r"(function) : : "memory");
	return function();
}

static inline void interrupts_on(void)
{
	__asm__ volatile("ssm psr.i;; srlz.d;;" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("rsm psr.i;;" : : : "memory");
}

/* The highest pending vector goes into service; 15 if there is none. */
static inline u64 read_ivr(void)
{
	u64 vector;

	__asm__ volatile("mov %0=cr.ivr;; srlz.d;;" : "=r"(vector) : : "memory");
	return vector;
}

static inline void pause(void)
{
	__asm__ volatile("hint @pause" : : : "memory");
}

/* Makes code that was written to memory visible to the instruction fetch of this processor. */
static inline void flush_code(const void *start, u64 length)
{
	for (u64 line = (u64)start & ~31UL; line < (u64)start + length; line += 32)
		__asm__ volatile("fc.i %0" : : "r"(line) : "memory");
	__asm__ volatile(";; sync.i;; srlz.i;;" : : : "memory");
}

#endif
#endif
