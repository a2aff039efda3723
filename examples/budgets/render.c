/* render - see render.h. */
#include "render.h"

#include <stdlib.h>
#include <string.h>

#define BYTES 65536

static unsigned char *draw(unsigned char *buffer, int frame)
{
	return memset(buffer, frame, BYTES);
}

unsigned long render(int frames, int forget)
{
	unsigned char *const buffer = malloc(BYTES);
	unsigned long sum = 0;

	for (int i = 0; buffer && i < frames; i++)
		sum += draw(buffer, i)[BYTES - 1];
	if (!forget)
		free(buffer);
	return sum;
}
