/*
 * grower - a program whose heap grows as it is told: for each letter on stdin one of its functions allocates 100,000 bytes, or
 * releases its last block. It answers each line, and ends with its input.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 100000u
#define BLOCKS 1000

struct stack {
	char *blocks[BLOCKS];
	int count;
};

static struct stack of_a, of_b;

static void grow_a(void)
{
	if (of_a.count < BLOCKS && (of_a.blocks[of_a.count] = malloc(BYTES)))
		memset(of_a.blocks[of_a.count++], 'a', BYTES);
}

static void grow_b(void)
{
	if (of_b.count < BLOCKS && (of_b.blocks[of_b.count] = malloc(BYTES)))
		memset(of_b.blocks[of_b.count++], 'b', BYTES);
}

static void shrink(struct stack *s)
{
	if (s->count)
		free(s->blocks[--s->count]);
}

static void obey(char order)
{
	switch (order) {
	case 'a':
		grow_a();
		break;
	case 'b':
		grow_b();
		break;
	case 'A':
		shrink(&of_a);
		break;
	case 'B':
		shrink(&of_b);
		break;
	case '\n':
		(void)!write(1, "done\n", 5);
		break;
	}
}

int main(void)
{
	char order;

	while (read(0, &order, 1) == 1)
		obey(order);
	return 7;
}
