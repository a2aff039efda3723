/* libc_names - the malloc family by the names that shims call the C library's by. */
#include "truth.h"

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t);
extern void __libc_free(void *);

int main(void)
{
	for (int i = 0; i < 10; i++)
		free(keep(__libc_malloc(1001)));
	for (int i = 0; i < 11; i++)
		__libc_free(keep(malloc(1002)));
	for (int i = 0; i < 12; i++)
		__libc_free(keep(__libc_calloc(1, 1003)));
	for (int i = 0; i < 13; i++)
		free(keep(__libc_memalign(64, 1004)));
	for (int i = 0; i < 14; i++)
		free(keep(__libc_valloc(1005)));
	for (int i = 0; i < 15; i++)
		free(keep(__libc_pvalloc(1006)));
	for (int i = 0; i < 16; i++)
		free(keep(__libc_realloc(keep(__libc_malloc(1007)), 1008)));
	(void)keep(__libc_malloc(1009));
	__libc_free(NULL);
	truth_churn(1001, 10);
	truth_churn(1002, 11);
	truth("calloc", 1003, 12), truth("free", 1003, 12);
	truth("memalign", 1004, 13), truth("free", 1004, 13);
	truth("valloc", 1005, 14), truth("free", 1005, 14);
	truth("pvalloc", 1006, 15), truth("free", 1006, 15);
	truth("malloc", 1007, 16), truth("realloc-old", 1007, 16);
	truth("realloc", 1008, 16), truth("free", 1008, 16);
	truth("malloc", 1009, 1);
	truth_leaked(1009, 1);
	return 0;
}
