/* tls_plugin - a library with a thread-local variable. */
static __thread int variable = 1;

int *tls_plugin_variable(void) { return &variable; }
