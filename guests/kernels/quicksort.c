/* Quicksort of pseudo-random integers, median of three, the smaller part by recursion. */

enum { COUNT = 65536 };

static int numbers[COUNT];

static void swap(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

static void quicksort(int *low, int *high)
{
	while (low < high) {
		int *middle = low + (high - low) / 2, *left = low, *right = high;
		int pivot;

		if (*middle < *low)
			swap(middle, low);
		if (*high < *low)
			swap(high, low);
		if (*high < *middle)
			swap(high, middle);
		pivot = *middle;
		while (left <= right) {
			while (*left < pivot)
				left++;
			while (pivot < *right)
				right--;
			if (left <= right)
				swap(left++, right--);
		}
		if (right - low < high - left) {
			quicksort(low, right);
			low = left;
		} else {
			quicksort(left, high);
			high = right;
		}
	}
}

/* `n` units of two sorts. The checksum counts pairs in the wrong order in its top half. */
unsigned long kernel(unsigned long n)
{
	unsigned int value = 1, sum = 0;
	unsigned long wrong = 0;

	for (unsigned long pass = 0; pass < n * 2; pass++) {
		for (int i = 0; i < COUNT; i++) {
			value = value * 1664525u + 1013904223u;
			numbers[i] = (int)value;
		}
		quicksort(numbers, numbers + COUNT - 1);
		for (int i = 1; i < COUNT; i++) {
			wrong += numbers[i] < numbers[i - 1];
			sum = sum * 31 + (unsigned int)numbers[i];
		}
	}
	return wrong << 32 | sum;
}
