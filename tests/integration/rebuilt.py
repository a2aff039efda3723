#!/usr/bin/env python3
"""rebuilt - diff --group-by chain between builds of one program: other compilers, other optimisation, moved lines, renamed lambdas, no
debug information. No row differs that is the same; 1 % more of one function is found, to the byte.

usage: rebuilt.py BUILD_DIR [PART_OF_A_NAME]...
"""
import itertools
import os
import subprocess

import harness
from harness import check, equal, need

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx", "rebuilt.cc")
GROWN = 1000  # added to 200 times 500 bytes
BUILDS = {
    "gcc0": ["g++", "-g", "-O0"],
    "gcc2": ["g++", "-g", "-O2", "-DSHIFT"],
    "clang2": ["clang++", "-g", "-O2"],
    "bare": ["g++", "-O2"],  # no debug information: what was inlined has no name
}
ALL = os.environ.get("REBUILT") == "all"
if ALL:
    BUILDS |= {
        "gcc3": ["g++", "-g", "-O3", "-DSHIFT"],
        "size": ["g++", "-g", "-Os"],
        "clang0": ["clang++", "-g", "-O0", "-DSHIFT"],
        "clang3": ["clang++", "-g", "-O3", "-fno-optimize-sibling-calls"],
        "parts": ["g++", "-gsplit-dwarf", "-O2", "-fno-inline-functions-called-once", "-DSHIFT"],
        "whole": ["g++", "-g", "-O2", "-flto"],
    }


class Rebuilt:
    def __init__(self, tracker):
        self.t = tracker
        self.captures = {name: self.build(name, command) for name, command in BUILDS.items()}
        self.grown = {name: self.build(name + "_grown", command + ["-DGROWN"]) for name, command in BUILDS.items() if ALL or name in ("gcc2", "bare")}

    def build(self, name, command):
        program = self.t.file("." + name)
        subprocess.run([need(command[0]), *command[1:], SOURCE, "-o", program, "-pthread"], check=True)
        return self.t.record([program]).capture + "@end"

    def changed(self, old, new, *options):
        report = self.t.json("diff", "-g", "chain", *options, old, new)
        equal(f"{old} {new}: rows and total", sum(r["size_diff"] for r in report["rows"]), report["total_size_diff"])
        return [(r["key"], r["size_diff"], r["count_diff"]) for r in report["rows"] if r["size_diff"] or r["count_diff"]], report

    def no_false_rows(self):
        for (a, old), (b, new) in itertools.permutations(self.captures.items(), 2):
            rows, report = self.changed(old, new)
            equal(f"{a} {b}", rows, [])
            equal(f"{a} {b}", report["verdict"], "NEW holds as much as OLD.")

    def growth_is_found(self):
        for (a, old), (b, new) in itertools.product(self.captures.items(), self.grown.items()):
            for one, other, change in (old, new, 1), (new, old, -1):
                rows, _ = self.changed(one, other)
                equal(f"{a} {b} {change}", [r[1:] for r in rows], [(change * GROWN, change)])
                # where a compiler has left no trace of the function, its caller's
                check(rows[0][0].split(";")[0] == "main" and "lambda" not in rows[0][0], f"{a} {b}: {rows}")

    def by_lines_rows_differ(self):
        """What the key is for: by lines, the same two builds differ."""
        rows = self.t.json("diff", self.captures["gcc0"], self.captures["gcc2"])["rows"]
        check(sum(r["size_diff"] != 0 for r in rows) > 10, str(rows))

    def several(self):
        same = [self.captures["gcc2"], self.captures["clang2"]]
        more = [self.grown["bare"]]
        old, new = self.captures["gcc0"], self.grown["gcc2"]
        rows, report = self.changed(old, new, *(o for c in same for o in ("--old", c)), *(o for c in more for o in ("--new", c)))
        check("all of its captures" in report["verdict"] and "hold more than all of OLD's" in report["verdict"], report["verdict"])
        equal("total", report["total_size_diff"], GROWN)
        _, report = self.changed(old, old, "--old", new, "--new", new)
        check(report["verdict"].startswith("No difference is shown: NEW holds as much as OLD"), report["verdict"])
        self.t.run("diff", "-q", "-g", "chain", "--fail-above", str(GROWN - 1), old, new, status=3)
        self.t.run("diff", "-q", "-g", "chain", "--fail-above", str(GROWN), old, new)


def make_cases(t):
    r = Rebuilt(t)
    return [("no false rows", r.no_false_rows), ("growth is found", r.growth_is_found), ("by lines", r.by_lines_rows_differ),
            ("several captures", r.several)]


if __name__ == "__main__":
    harness.main(make_cases)
