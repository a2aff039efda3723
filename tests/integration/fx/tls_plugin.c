/* tls_plugin - a library with a thread-local variable. */
static __thread int variable = 1;

int *tls_plugin_variable(void) { return &variable; }

static __thread void *pointer[1000];

void **tls_plugin_pointer(void) { return &pointer[500]; }
