#!/usr/bin/env python3
"""alike - what a program allocates on two paths that print alike is one row of the sum; the line of the source stands below a leak
where it may be shown.

usage: alike.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import subprocess
import time

import harness
from harness import check, equal, need

# Two calls of one line, from two calls of one line: four paths, which nobody can tell apart. Another line is another row.
SOURCE = """#include <stdlib.h>
static void *kept[1000];
static int count;
static void keep(void *p) { kept[count++] = p; }
static void pair(int n) { keep(malloc(n)); keep(malloc(2 * n)); }
static void other(int n) { keep(malloc(n)); }
static void deep(int level) { if (level) deep(level - 1); else keep(malloc(7)); }
int main(void)
{
	for (int i = 0; i < 10; i++) { pair(100); pair(1000); }
	other(50);
	for (int i = 0; i < 5; i++)
		deep(60 + i);
	return 0;
}
"""
PAIRS = 10 * (100 + 200 + 1000 + 2000)


class Alike:
    def __init__(self, tracker):
        self.t = tracker
        self.source = os.path.abspath(self.t.file(".folder"))
        os.mkdir(self.source)
        self.source = os.path.join(self.source, "paths.c")
        with open(self.source, "w", encoding="ascii") as f:
            f.write(SOURCE)
        before = time.time() - 10
        os.utime(self.source, (before, before))
        os.chmod(self.source, 0o644)
        self.program = self.t.file(".program")
        subprocess.run([need("gcc"), "-g", "-O0", "-fno-builtin", self.source, "-o", self.program], check=True)
        self.capture = self.t.record([self.program]).capture

    def one_row(self):
        rows = [(r["size"], r["count"], r["stack"][0]["function"], len(r["stack"])) for r in self.t.json("leaks", self.capture)["rows"]]
        equal("pair", [r[:3] for r in rows if r[2] == "pair"], [(PAIRS, 40, "pair")])
        equal("other", [r[:3] for r in rows if r[2] == "other"], [(50, 1, "other")])
        depths = sorted(r[3] for r in rows if r[2] == "deep")
        equal("deep", [n - depths[0] for n in depths], [0, 1, 2, 3, 4])
        # by their first 20 frames the five are one
        text = self.t.text("leaks", self.capture, "--depth", "20").splitlines()
        at = next(i for i, line in enumerate(text) if line.startswith("   at deep "))
        equal("deep, folded", text[at - 1], "35 B in 5 blocks")
        check(re.fullmatch(rf"   \.\.\. {depths[0] - 20} to {depths[-1] - 20} more frames \(--depth 0 shows all\)", text[at + 21]), text[at + 21])

    def shown(self, *options):
        text = self.t.text("leaks", *options, self.capture).splitlines()
        at = next(i for i, line in enumerate(text) if line.startswith("   at pair "))
        return text[at + 1] == "      | " + SOURCE.splitlines()[4]

    def source_line(self):
        equal("as it was compiled", (self.shown(), self.shown("--confidential-files", "none")), (True, False))
        os.chmod(self.source, 0o600)
        equal("of a file that not everybody may read", (self.shown(), self.shown("--confidential-files", "all")), (False, True))
        os.chmod(self.source, 0o644)
        later = time.time() + 100
        os.utime(self.source, (later, later))
        equal("changed since", self.shown(), False)
        os.unlink(self.source)
        equal("gone", self.shown(), False)


def make_cases(t):
    a = Alike(t)
    return [("one row", a.one_row), ("source line", a.source_line)]


if __name__ == "__main__":
    harness.main(make_cases)
