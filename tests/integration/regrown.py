#!/usr/bin/env python3
"""regrown - blocks that grow by realloc in four threads: how often, what was copied, and which first size would avoid it; what each function held at
most. The program counts for itself.

usage: regrown.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import subprocess

import harness
from harness import equal, need

# Of 1,000 vectors of each thread, all grow to 96 bytes in five steps, one in ten to 192. Half of each thread's are freed before the others begin.
SOURCE = """#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
enum { THREADS = 4, VECTORS = 1000 };
static const size_t sizes[] = { 8, 16, 32, 48, 64, 96, 192 };
struct counts { unsigned long steps, moved, copied, held, most; } counts[THREADS];
static void *push(void *p, size_t from, size_t to, struct counts *c)
{
	char *const next = realloc(p, to);
	if (p) { c->steps++; c->moved += next != p; c->copied += next != p ? from : 0; }
	c->held += to - from;
	if (c->held > c->most) c->most = c->held;
	return next;
}
static void *fill(void *of)
{
	static void *kept[THREADS][VECTORS];
	static size_t size[THREADS][VECTORS];
	struct counts *const c = of;
	const long t = c - counts;
	for (int half = 0; half < 2; half++) {
		for (int step = 0; step < 7; step++)
			for (int i = half * VECTORS / 2; i < (half + 1) * VECTORS / 2; i++)
				if (step < 6 || i % 10 == 0) {
					kept[t][i] = push(kept[t][i], size[t][i], sizes[step], c);
					size[t][i] = sizes[step];
				}
		for (int i = 0; !half && i < VECTORS / 2; i++) { c->held -= size[t][i]; free(kept[t][i]); }
	}
	return NULL;
}
int main(void)
{
	pthread_t t[THREADS];
	struct counts all = { 0 };
	for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, fill, &counts[i]);
	for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++) { all.steps += counts[i].steps; all.moved += counts[i].moved; all.copied += counts[i].copied; }
	printf("{\\"steps\\": %lu, \\"moved\\": %lu, \\"copied\\": %lu, \\"most\\": [%lu, %lu, %lu, %lu]}\\n", all.steps, all.moved, all.copied, counts[0].most, counts[1].most, counts[2].most, counts[3].most);
	return 0;
}
"""
BLOCKS, GROW_ON = 4 * 1000, 4 * 100


class Regrown:
    def __init__(self, tracker):
        self.t = tracker
        source, program = self.t.file(".c"), self.t.file(".program")
        with open(source, "w", encoding="ascii") as f:
            f.write(SOURCE)
        subprocess.run([need("gcc"), "-g", "-O0", "-fno-builtin", source, "-o", program, "-pthread"], check=True)
        r = self.t.record([program])
        self.capture, self.truth = r.capture, json.loads(r.stdout)

    def advice(self):
        report = self.t.json("summary", "--reallocs", self.capture)
        rows = [r for r in report["reallocs"] if r["location"].startswith("push:")]
        equal("the program's own count", self.truth["steps"], 5 * BLOCKS + GROW_ON)
        equal("places", len(rows), 1)
        row = rows[0]
        equal("steps", [row[k] for k in ("reallocs", "moved", "copied", "blocks")], [self.truth["steps"], self.truth["moved"], self.truth["copied"], BLOCKS])
        # 64 bytes avoid 4 of 5 steps, which is too few; 96 all but those to 192
        equal("advice", [row[k] for k in ("first_size", "avoided", "wasted")], [96, 5 * BLOCKS, 0])

    def peaks_of_threads(self):
        rows = self.t.json("summary", "--peaks", "thread", "--filter", "+*.c:9", self.capture)["peaks"]
        equal("most", sorted(r["peak_size"] for r in rows), sorted(self.truth["most"]))


def make_cases(t):
    r = Regrown(t)
    return [("advice", r.advice), ("peaks of threads", r.peaks_of_threads)]


if __name__ == "__main__":
    harness.main(make_cases)
