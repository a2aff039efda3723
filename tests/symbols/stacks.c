/*
 * stacks - prints the source frames of every node of a capture: `stacks CAPTURE`.
 *
 * Per node its frames as "FUNCTION\tFILE\tLINE" (full names), most recent first, then an
 * empty line.
 */
#include <stdio.h>

#include "symbols/stack.h"

int main(int argc, char **argv)
{
	struct capture *c = NULL;
	struct stacks *s = NULL;
	struct trk_fault fault = { 0 };

	if (argc != 2)
		return 2;
	if (capture_open(&c, argv[1], &fault) != 0 || stacks_new(&s, c, NULL) != 0) {
		fprintf(stderr, "%s: %s\n", argv[1], fault.why);
		return 1;
	}
	printf("complete %d\n\n", c->complete);
	for (uint32_t node = 1; node < c->node_count; node++) {
		size_t n;
		const struct source_frame *const f = stacks_frames(s, node, &n);

		for (size_t i = 0; i < n; i++)
			printf("%s\t%s\t%u\n", f[i].full_function, f[i].file, f[i].line);
		printf("\n");
	}
	stacks_free(s);
	capture_close(c);
	return 0;
}
