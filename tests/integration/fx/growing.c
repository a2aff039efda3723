/*
 * growing - programs whose growth is known, one a mode. Each makes ROUNDS rounds of noise, on which all of the modes
 * depend: so what grows is told by the rounds, as long as the machine does not stop the program for a large part of its run.
 *
 * A mode prints what grows: the function that allocates it, how many blocks of it are live at the end, and how many
 * bytes, or nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modes.h"

enum { ROUNDS = 4000,
       NOISE = 64,
       SLOTS = 256,
       STEPS = 20 };

static void *noise_slots[NOISE], *slots[ROUNDS];
static uint32_t seed = 1;

static uint32_t random_number(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

__attribute__((noinline)) static void *noise(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *leak(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *quiet_leak(void) { return malloc(16); }
__attribute__((noinline)) static void *fill(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *enlarge(void *old, size_t bytes) { return realloc(old, bytes); }

/* Blocks that come and go, most of them soon; and, through the same calls, one of 16 bytes that stays. */
static void make_noise_and(size_t bytes, bool and_one)
{
	for (int i = 0; i < 8 + and_one; i++) {
		void **const slot = &noise_slots[random_number() % NOISE];

		if (i < 8)
			free(*slot);
		*slot = noise(i < 8 ? 1 + random_number() % bytes : 16);
	}
}

static void make_noise(size_t bytes)
{
	make_noise_and(bytes, false);
}

static void grows(const char *function, size_t count, size_t bytes)
{
	printf("%s %zu %zu\n", function, count, bytes);
}

static void leak_in_a_loop(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		leak(48);
	}
	grows("leak", ROUNDS, 48 * ROUNDS);
}

static void cache(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		if (i < ROUNDS * 4 / 10)
			slots[i] = fill(100);
	}
}

static void sawtooth(void)
{
	const int period = ROUNDS * 2 / 7;

	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		for (int k = 0; i % period == 0 && k < period; k++) {
			free(slots[k]);
			slots[k] = NULL;
		}
		slots[i % period] = fill(500);
	}
}

static void ring(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		free(slots[i % SLOTS]);
		slots[i % SLOTS] = fill(64 + random_number() % 64);
	}
}

/* Ten processes at one time, of which the fourth grows. */
static void one_of_ten(void)
{
	int gates[2];
	char byte;

	if (pipe(gates) < 0)
		exit(2);
	for (int k = 0; k < 10; k++) {
		if (fork() != 0)
			continue;
		close(gates[1]);
		if (read(gates[0], &byte, 1) != 0)
			_exit(2);
		for (int i = 0; i < ROUNDS; i++) {
			make_noise(200);
			if (k == 3 && i % 10 == 0)
				leak(1000);
		}
		_exit(0);
	}
	close(gates[0]);
	close(gates[1]);
	while (wait(NULL) > 0)
		;
	grows("leak", ROUNDS / 10, 1000 * ROUNDS / 10);
}

/* 40 blocks of 16 bytes, and noise whose live bytes go up and down by a hundred times as much. */
static void under_noise(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(4000);
		if (i % 100 == 50)
			quiet_leak();
	}
	grows("quiet_leak", ROUNDS / 100, 16 * ROUNDS / 100);
}

/*
 * The same through one call: a block that was allocated for a slot that holds one already takes its place, so that the
 * old one is lost. Those have the sizes of noise.
 */
static void lost_in_noise(void)
{
	for (int i = 0; i < ROUNDS; i++)
		make_noise_and(4000, i % 50 == 25);
	grows("noise", ROUNDS / 50, 0);
}

static void start_up(void)
{
	for (int i = 0; i < 1000; i++)
		slots[i] = fill(300);
	for (int i = 0; i < ROUNDS; i++)
		make_noise(200);
}

static void in_steps(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		if (i % (ROUNDS / STEPS) == ROUNDS / STEPS / 2)
			leak(5000);
	}
	grows("leak", STEPS, STEPS * 5000);
}

/* A vector to which every round adds 40 bytes. Its last doubling is at 0.82 of the run. */
static void vector(void)
{
	size_t room = 0, used = 0;
	char *all = NULL;

	for (int i = 0; i < ROUNDS; i++, used += 40) {
		make_noise(200);
		if (used + 40 > room) {
			room = room ? 2 * room : 64;
			all = enlarge(all, room);
		}
	}
	memset(all, 0, used);
	grows("enlarge", 1, room);
}

/* A table that is enlarged by as much every time. */
static void by_pieces(void)
{
	size_t room = 0;
	char *all = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		if (i % 40 == 0)
			all = enlarge(all, room += 1024);
	}
	memset(all, 0, room);
	grows("enlarge", 1, room);
}

static void burst(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		if (i > ROUNDS * 95 / 100)
			for (int k = 0; k < 20; k++)
				fill(100);
	}
}

/* A full cache that replaces a block at random in every n-th round: one lives for n quarters of the run on average. */
static void replace(int n)
{
	for (int i = 0; i < 1000; i++)
		slots[i] = fill(300);
	for (int i = 0; i < ROUNDS; i++) {
		void **const slot = &slots[random_number() % 1000];

		make_noise(200);
		if (i % n)
			continue;
		free(*slot);
		*slot = fill(300);
	}
}

static void replacing(void) { replace(1); }
static void replacing_seldom(void) { replace(5); }

/* It grows, and frees everything before it ends. */
static void cleaned_up(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		make_noise(200);
		if (i % 10 == 0)
			slots[i] = leak(100);
	}
	for (int i = 0; i < ROUNDS; i += 10)
		free(slots[i]);
	grows("leak", ROUNDS / 10, 100 * ROUNDS / 10);
}

static void nothing(void)
{
	for (int i = 0; i < ROUNDS; i++)
		make_noise(200);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{ "leak", leak_in_a_loop },
		{ "cache", cache },
		{ "sawtooth", sawtooth },
		{ "ring", ring },
		{ "ten", one_of_ten },
		{ "noise", under_noise },
		{ "lost", lost_in_noise },
		{ "start", start_up },
		{ "steps", in_steps },
		{ "vector", vector },
		{ "pieces", by_pieces },
		{ "burst", burst },
		{ "replacing", replacing },
		{ "seldom", replacing_seldom },
		{ "cleaned", cleaned_up },
		{ "nothing", nothing },
	};

	return RUN_MODE(argc, argv, modes);
}
