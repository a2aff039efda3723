/* print - see print.h. */
#include "print.h"

#include "raw.h"

void print_flush(struct print *p)
{
	size_t from = 0;

	while (from < p->used) {
		const long n = arch_syscall(SYS_write, p->fd, (long)(p->bytes + from), (long)(p->used - from), 0, 0, 0);

		if (n <= 0)
			break;
		from += (size_t)n;
	}
	p->used = 0;
}

void print(struct print *p, const char *text)
{
	for (; *text; text++) {
		if (p->used == sizeof(p->bytes))
			print_flush(p);
		p->bytes[p->used++] = *text;
	}
}

static void digits(struct print *p, uint64_t n, unsigned base)
{
	char text[24], *at = text + sizeof(text);

	*--at = 0;
	do
		*--at = "0123456789abcdef"[n % base];
	while (n /= base);
	print(p, at);
}

void print_hex(struct print *p, uint64_t n)
{
	print(p, "0x");
	digits(p, n, 16);
}

void print_number(struct print *p, uint64_t n)
{
	digits(p, n, 10);
}
