/*
 * Product of two matrices of doubles. Every element and every partial sum is an integer below 2^53, so the checksum is the
 * same with and without fused multiply-add and in any order.
 */

enum { SIZE = 96 };

static double a[SIZE][SIZE], b[SIZE][SIZE], product[SIZE][SIZE];

static void multiply(void)
{
	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++) {
			double sum = 0;

			for (int k = 0; k < SIZE; k++)
				sum += a[i][k] * b[k][j];
			product[i][j] = sum;
		}
}

/* `n` units of 24 products; the first row of each feeds the next. */
unsigned long kernel(unsigned long n)
{
	unsigned long sum = 0;

	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++) {
			a[i][j] = (i * 7 + j * 13) % 1009;
			b[i][j] = (i * 11 + j * 5) % 1013;
		}
	for (unsigned long pass = 0; pass < n * 24; pass++) {
		multiply();
		for (int i = 0; i < SIZE; i++) {
			for (int j = 0; j < SIZE; j++)
				sum = sum * 31 + (unsigned long)(long)product[i][j];
			a[0][i] = (double)((long)product[0][i] & 1023);
		}
	}
	return sum;
}
