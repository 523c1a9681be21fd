/* The sieve of Eratosthenes below a million. */

enum { LIMIT = 1000000 };

static unsigned char composite[LIMIT];

/* `n` units of four sieves; each finds 78498 primes. */
unsigned long kernel(unsigned long n)
{
	unsigned long primes = 0;

	for (unsigned long pass = 0; pass < n * 4; pass++) {
		for (unsigned int i = 0; i < LIMIT; i++)
			composite[i] = 0;
		for (unsigned int i = 2; i < LIMIT; i++) {
			if (composite[i])
				continue;
			primes++;
			for (unsigned long j = (unsigned long)i * i; j < LIMIT; j += i)
				composite[j] = 1;
		}
	}
	return primes;
}
