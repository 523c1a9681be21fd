/* From the vector table to the guest's handlers. */
#include "guest.h"

static void (*handlers[128])(struct frame *);
static struct frame unexpected;

/* Runs in physical mode, wherever the interruption came from. */
static void report(void)
{
	print("%s: unexpected interruption %x: iip %x ipsr %x isr %x ifa %x iim %x itir %x\n", guest_name, unexpected.vector,
	      unexpected.iip, unexpected.ipsr, unexpected.isr, unexpected.ifa, unexpected.iim, unexpected.itir);
	power_off(2);
}

void set_handler(u64 vector, void (*handle)(struct frame *))
{
	handlers[vector >> 8] = handle;
}

/* Called by ivt.S. */
void interruption(struct frame *frame)
{
	void (*handle)(struct frame *) = handlers[frame->vector >> 8];

	if (handle) {
		handle(frame);
		return;
	}
	unexpected = *frame;
	frame->iip = *(u64 *)report;	/* its descriptor's entry point */
	frame->ipsr = PSR_PHYSICAL;
}
