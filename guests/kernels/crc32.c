/* CRC-32 (IEEE 802.3), a byte at a time from a table, over one buffer again and again. */

static unsigned int table[256];
static unsigned char buffer[65536];

static void fill(void)
{
	unsigned int value = 1;

	for (unsigned int i = 0; i < 256; i++) {
		unsigned int crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
		table[i] = crc;
	}
	for (unsigned int i = 0; i < sizeof buffer; i++) {
		value = value * 1103515245u + 12345u;
		buffer[i] = value >> 16;
	}
}

/* `n` units of 64 passes over 64 KiB. */
unsigned long kernel(unsigned long n)
{
	unsigned int crc = 0xffffffffu;

	fill();
	for (unsigned long pass = 0; pass < n * 64; pass++)
		for (unsigned int i = 0; i < sizeof buffer; i++)
			crc = crc >> 8 ^ table[(crc ^ buffer[i]) & 0xff];
	return crc ^ 0xffffffffu;
}
