/* versions - functions of several versions, for test_symbol.c: of `two` the second is the default, `old` has none. */
int two_first(void);
int two_second(void);
int old_first(void);
int plain(void);

__asm__(".symver two_first, two@VERSION_1\n\t.symver two_second, two@@VERSION_2\n\t.symver old_first, old@VERSION_1");

int two_first(void) { return 1; }
int two_second(void) { return 2; }
int old_first(void) { return 3; }
int plain(void) { return 4; }
