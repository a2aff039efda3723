/*
 * scribble - a program that writes over the memory that it shares with the recorder.
 *
 * scribble sound COUNT              allocates and frees blocks of its own sizes, and says so
 * scribble PLACE SEED ROUNDS BYTES  in every round allocates, then writes BYTES random bytes somewhere into PLACE:
 *     header, process (its own slot), threads (its own), chunks (its own), all (anywhere)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/shm.h"
#include "truth.h"

static uint64_t seed;

static uint64_t random_next(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* We have mapped parts of it only; the first one leads to all of it. */
static struct shm *find_segment(void)
{
	FILE *const f = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long start = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "memfd:tracker") && sscanf(line, "%lx", &start) == 1)
			break;
	if (f)
		fclose(f);
	if (!start)
		return NULL;
	void *const all = mremap((void *)start, 0, sizeof(struct shm), MREMAP_MAYMOVE);

	return all == MAP_FAILED ? NULL : all;
}

struct place {
	uint8_t *at;
	size_t bytes;
};

/*
 * The slot of the shell that became this program has the same pid. It stays until the recorder sees the execution, and may be the sound
 * program's after that. The last one to come is this program's.
 */
static uint32_t own_process(const struct shm *shm)
{
	uint32_t found = SHM_PROCESSES;

	for (uint32_t i = 0; i < SHM_PROCESSES; i++)
		if (shm->process_states[i] == SHM_LIVE && shm->processes[i].pid == (uint32_t)getpid() &&
		    (found == SHM_PROCESSES || shm->processes[i].number > shm->processes[found].number))
			found = i;
	return found;
}

/* Found once, before anything is written. */
static uint32_t own_threads(const struct shm *shm, uint32_t process, uint32_t *threads, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SHM_THREADS && n < max; i++)
		if (shm->thread_states[i] == SHM_LIVE && shm->threads[i].process == process)
			threads[n++] = i;
	return n;
}

static struct place chunk_of(struct shm *shm, const uint32_t *threads, uint32_t count)
{
	uint32_t found = SHM_CHUNKS;

	for (uint32_t i = 0; i < SHM_CHUNKS; i++)
		if (shm->chunk_bitmap[i / 64] >> i % 64 & 1)
			for (uint32_t t = 0; t < count; t++)
				if (shm->chunks[i].thread == threads[t] && (found == SHM_CHUNKS || random_next() % 2))
					found = i;
	return found < SHM_CHUNKS ? (struct place){ (uint8_t *)&shm->chunks[found], sizeof(struct shm_chunk) } :
				    (struct place){ NULL, 0 };
}

static struct place choose(struct shm *shm, const char *name, uint32_t process, const uint32_t *threads,
			   uint32_t count)
{
	if (strcmp(name, "header") == 0)
		return (struct place){ (uint8_t *)&shm->header + 64, sizeof(shm->header) - 64 };
	if (strcmp(name, "process") == 0)
		return (struct place){ (uint8_t *)&shm->processes[process], sizeof(struct shm_process) };
	if (strcmp(name, "threads") == 0)
		return (struct place){ (uint8_t *)&shm->threads[threads[random_next() % count]],
				       sizeof(struct shm_thread) };
	if (strcmp(name, "chunks") == 0)
		return chunk_of(shm, threads, count);
	return (struct place){ (uint8_t *)shm, sizeof(*shm) };
}

static void write_over(struct place p, size_t bytes)
{
	if (!p.at)
		return;
	if (bytes > p.bytes)
		bytes = p.bytes;
	/* whole words, so that a number is not just a little wrong */
	uint8_t *const at = p.at + random_next() % (p.bytes - bytes + 1) / 8 * 8;

	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		const uint64_t word = random_next();

		memcpy(at + i, &word, sizeof(word));
	}
}

static void scribble(const char *name, unsigned rounds, size_t bytes)
{
	struct shm *const shm = find_segment();
	const uint32_t process = shm ? own_process(shm) : SHM_PROCESSES;
	uint32_t threads[8], count = process < SHM_PROCESSES ? own_threads(shm, process, threads, 8) : 0;

	if (!count) {
		fprintf(stderr, "not recorded\n");
		exit(3);
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned j = 0; j < 20; j++)
			free(malloc(777));
		write_over(choose(shm, name, process, threads, count), bytes);
		usleep(300);
	}
}

static void be_sound(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		free(malloc(1301));
		if (i % 64 == 0)
			usleep(500);
	}
	truth("malloc", 1301, count);
	truth("free", 1301, count);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		be_sound(strtoul(argv[2], NULL, 10));
	if (argc != 5)
		return argc == 3 ? 0 : 2;
	seed = strtoul(argv[2], NULL, 10);
	scribble(argv[1], (unsigned)atoi(argv[3]), (size_t)atoi(argv[4]));
	return 0;
}
