/* error - see error.h. */
#include "error.h"

/* Constants all: a thread that ends gives nothing back. */
static __thread const char *last __attribute__((tls_model("initial-exec")));

int error_set(int code, const char *sentence)
{
	last = sentence;
	return code;
}

const char *error_last(void)
{
	return last ? last : "";
}
