/* Translations: page table entries, regions, insertion and purge. */
#ifndef TLB_H
#define TLB_H

#include "machine.h"

/* A translation's first word (SDM 2:53): present, write-back, accessed, dirty, privilege level and access rights. */
#define PTE_P BIT(0)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_NATPAGE (7UL << 2)
#define PTE_PL(level) ((u64)(level) << 7)
#define PTE_AR(rights) ((u64)(rights) << 9)
#define PTE_ED BIT(52)

enum { READ = 0, READ_EXECUTE = 1, READ_WRITE = 2, READ_WRITE_EXECUTE = 3 };

/* A page with everything allowed to everybody. */
#define PTE(physical) ((u64)(physical) | PTE_P | PTE_A | PTE_D | PTE_PL(3) | PTE_AR(READ_WRITE_EXECUTE))

#define ITIR(page_shift, key) ((u64)(page_shift) << 2 | (u64)(key) << 8)
#define RR(rid, page_shift, walker) ((u64)(rid) << 8 | (u64)(page_shift) << 2 | (walker))
#define REGION(n) ((u64)(n) << 61)

#define PAGE_SHIFT 14
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define IMAGE_BASE 0x1000000
#define IMAGE_SHIFT 24			/* the guest's 16 MiB, mapped where they are */

/* PSR.ic must be 0 for itc and itr. */
#define INSERT(instruction, address, itir, pte) \
	do { \
		u64 psr_ = get("psr"); \
		__asm__ volatile("rsm psr.ic | psr.i;; srlz.i;; mov cr.ifa=%0;; mov cr.itir=%1;; " instruction ";; srlz.i;;" \
				 : : "r"((u64)(address)), "r"((u64)(itir)), "r"((u64)(pte)), "r"(0UL) : "memory"); \
		__asm__ volatile("mov psr.l=%0;; srlz.i;;" : : "r"(psr_) : "memory"); \
	} while (0)

static inline void insert_data(u64 address, u64 itir, u64 pte)
{
	INSERT("itc.d %2", address, itir, pte);
}

static inline void insert_instruction(u64 address, u64 itir, u64 pte)
{
	INSERT("itc.i %2", address, itir, pte);
}

/* Region 0: the image at its physical addresses, in translation registers 0, key 0. */
static inline void map_image(void)
{
	set_at("rr", REGION(0), RR(0x10, PAGE_SHIFT, 0));
	INSERT("itr.i itr[%3]=%2", IMAGE_BASE, ITIR(IMAGE_SHIFT, 0), PTE(IMAGE_BASE));
	INSERT("itr.d dtr[%3]=%2", IMAGE_BASE, ITIR(IMAGE_SHIFT, 0), PTE(IMAGE_BASE));
}

/* Both the data and the instruction entries of one page. */
static inline void purge(u64 address, u64 page_shift)
{
	__asm__ volatile("ptc.l %0,%1;; srlz.i;;" : : "r"(address), "r"(page_shift << 2) : "memory");
}

#endif
