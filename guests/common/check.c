#include "guest.h"

#include <stdarg.h>

static u64 checks, failed;

static void put(char c)
{
	volatile u8 *uart = (volatile u8 *)(UNCACHED | UART_BASE);

	while (!(uart[5] & 0x20))	/* line status: transmit holding register empty */
		continue;
	uart[0] = c;
}

static void put_number(u64 value, u64 base)
{
	char digits[20];
	int count = 0;

	do {
		u64 rest = base == 16 ? value >> 4 : value / 10;

		digits[count++] = "0123456789abcdef"[value - rest * base];
		value = rest;
	} while (value);
	while (count)
		put(digits[--count]);
}

void print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	for (; *format; format++) {
		if (*format == '\n')
			put('\r');
		if (*format != '%') {
			put(*format);
			continue;
		}
		switch (*++format) {
		case 's':
			for (const char *s = va_arg(arguments, const char *); *s; s++)
				put(*s);
			break;
		case 'u':
			put_number(va_arg(arguments, u64), 10);
			break;
		case 'x':
			put('0');
			put('x');
			put_number(va_arg(arguments, u64), 16);
			break;
		}
	}
	va_end(arguments);
}

void check(const char *what, int holds)
{
	checks++;
	failed += !holds;
	print("%s: %s %s\n", guest_name, what, holds ? "ok" : "FAILED");
}

void check_equal(const char *what, u64 value, u64 expected)
{
	if (value != expected)
		print("%s: %s: %x instead of %x\n", guest_name, what, value, expected);
	check(what, value == expected);
}

void finish(void)
{
	print("%s: %u checks, %u failed\n", guest_name, checks, failed);
	power_off(failed ? 1 : 0);
}
