/* plugin - built twice, as different libraries that the loader puts at one address in turn. */
#include <stdlib.h>

/* PADDING shifts the function, so that the two libraries differ at the same offset. */
#ifdef SECOND
int plugin_padding(int x) { return x * 3 + x / 7 + (x << 4); }
void plugin_second(void **out) { *out = malloc(1002); }
#else
void plugin_first(void **out) { *out = malloc(1001); }
#endif
