/* Fibonacci numbers by double recursion: calls, returns and the register stack. */

static volatile unsigned int depth = 30;

static __attribute__((noinline)) unsigned long fib(unsigned int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* `n` units of four times fib(30) = 832040; `depth` is volatile so that no compiler merges them. */
unsigned long kernel(unsigned long n)
{
	unsigned long sum = 0;

	for (unsigned long pass = 0; pass < n * 4; pass++)
		sum += fib(depth);
	return sum;
}
