/* The console and the way out. */
#include "guest.h"

const char guest_name[] = "hello";

void main(void)
{
	print("Hello from IA-64.\n");
	check("entered with gp, stack and backing store of its own", (get("ar.bsp") & 7) == 0);
	check_equal("physical mode", get("psr") & (PSR_IT | PSR_DT | PSR_RT | PSR_CPL3), 0);
	check("boot processor has a local id", processor_id(0) == (get("cr.lid") >> 16 & 0xffff));
	finish();
}
