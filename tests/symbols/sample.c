/*
 * sample - C: static and inlined functions of the same name as others', a
 * switch, and code that optimisers split and clone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sample_c(int n);

static inline __attribute__((always_inline)) char *copy(const char *s, int times)
{
	char *const p = malloc(strlen(s) * times + 1);

	if (!p)
		abort();
	*p = '\0';
	for (int i = 0; i < times; i++)
		strcat(p, s);
	return p;
}

static __attribute__((noinline)) int helper(const char *s, int n)
{
	char *const p = copy(s, n);
	int sum = 0;

	for (char *q = p; *q; q++) {
		switch (*q % 5) {
		case 0:
			sum += 3;
			break;
		case 1:
			sum ^= *q;
			break;
		case 2:
			sum -= n;
			break;
		default:
			sum *= 7;
		}
	}
	free(p);
	return sum;
}

#ifdef __clang__
static __attribute__((noinline)) int nested_sum(int n)
{
	return n * 3;
}
#else
/* GNU C: a function within a function, which only a walk through the outer one finds. */
static __attribute__((noinline)) int nested_sum(int n)
{
	int sum = 0;
	__attribute__((noinline)) void add(int i)
	{
		sum += i * n;
		sum ^= n >> (i & 3);
	}

	for (int i = 0; i < n; i++)
		add(i);
	return sum;
}
#endif

int sample_c(int n)
{
	if (__builtin_expect(n > 1000, 0)) {
		fprintf(stderr, "%d is too much\n", n);
		exit(3);
	}
	return helper("abcdef", n) + helper("xyz", n * 2) + nested_sum(n);
}
