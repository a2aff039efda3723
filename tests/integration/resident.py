#!/usr/bin/env python3
"""resident - what tracker memory says of programs of which it is known what their memory consists of (fx/resident.c), and of others.

usage: resident.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os

import harness
import run
from harness import check, equal, execute, need

os.environ["MALLOC_PERTURB_"] = "0"  # set by meson: then malloc writes to what the program does not touch

BLOCKS, BYTES, THREADS = 8000, 400, 4  # of fx/resident.c
FREE = ["free_top", "free_unsorted", "free_large", "free_small", "free_tcache", "free_fastbins"]
MIB = 1 << 20


def near(what, got, want, share=0.02):
    check(abs(got - want) <= share * want, f"{what}: {got}, but it is {want}")


class Resident:
    def __init__(self, t):
        self.t = t
        self.program = t.fixture("resident")

    def memory(self, capture, *options):
        d = self.t.json("memory", *options, capture)
        d["size"] = {row["row"]: row["size"] for row in d["rows"]} if "rows" in d else {}
        if "rows" in d:
            equal("rows", sum(d["size"].values()), d["sum"])
            near("rows against VmRSS", d["sum"], d["resident"])
        return d

    def look(self, kind, options=("--memory",), allocator=None):
        """What it says of the program, and what the program says."""
        argv = [self.program, kind]
        r = self.t.record((["env", "LD_PRELOAD=" + allocator] if allocator else []) + argv, options)
        equal("status", (r.status, r.stderr), (0, b""))
        said = dict((w[0], int(w[1])) for w in map(str.split, r.stdout.decode().splitlines()))
        d = self.memory(r.capture)
        near("rows against the program's own smaps_rollup", d["sum"], said["resident"])
        return d, said, r.capture

    def free(self, d):
        return sum(d["size"].get(key, 0) for key in FREE)

    # ---- glibc ----

    def pinned_by(self, d, blocks, share=0.02):
        """The blocks that keep pages are those of keep(), and what is free is what drop() had."""
        top = d["pinning"][0]
        equal("who keeps the pages", [f["function"] for f in top["stack"]][:2], ["keep", "make_holes"])
        near("blocks that keep pages", top["count"], blocks, share)
        near("what they keep", top["size"], blocks * 9 * (BYTES + 16), 0.1)

    def holes(self):
        d, _, _ = self.look("holes")
        near("live", d["size"]["live"], BLOCKS * BYTES, 0.01)
        equal("headers", d["size"]["headers"], d["size"]["slack"])  # 8 bytes each: 400 are 416 in a chunk
        near("free between blocks", d["size"]["free_large"], BLOCKS * 9 * (BYTES + 16), 0.01)
        check(d["size"].get("held", 0) < 4096, f"held for unknown reasons: {d['size']}")
        self.pinned_by(d, BLOCKS)

    def threads(self):
        d, _, _ = self.look("threads")
        near("live", d["size"]["live"], THREADS * BLOCKS * BYTES, 0.01)
        near("free", self.free(d), THREADS * BLOCKS * 9 * (BYTES + 16), 0.02)
        check(d["size"]["stacks"] >= THREADS * (256 << 10), f"stacks: {d['size']['stacks']}")
        check(d["size"].get("held", 0) < 4096 * THREADS, f"held for unknown reasons: {d['size']}")
        self.pinned_by(d, THREADS * BLOCKS)

    def untouched(self):
        d, _, _ = self.look("untouched")
        check(d["untouched"] >= 0.98 * 55 * MIB, f"untouched: {d['untouched']}")  # not all kernels count pages that were only read
        near("live", d["size"]["live"] + d["untouched"], 64 * MIB + 100 * 10000)

    def mapped(self):
        d, _, _ = self.look("mapped")
        equal("mapped and shared", (d["size"]["mapped"], d["size"]["shared"]), (7 * MIB, 6 * MIB))

    def forked(self):
        r = self.t.record([self.program, "forked"], ["--memory"])
        both = [self.memory(r.capture, "--pid", str(look["pid"])) for look in self.memory(r.capture)["looks"]]
        parent, child = sorted(both, key=lambda d: "unrecorded" in d["size"])
        for d in (parent, child):
            near("live", d["size"]["live"], BLOCKS * BYTES, 0.01)
        near("what the child has from its parent", child["size"]["unrecorded"], BLOCKS * (BYTES + 16))

    def trim(self):
        """The estimate is what malloc_trim then gives back."""
        r = self.t.record([self.program, "trim"], ["--memory", "--look-at-marks"])
        said = dict((w[0], int(w[1])) for w in map(str.split, r.stdout.decode().splitlines()))
        before = self.memory(r.capture + "@before")
        equal("the mark", before["label"], "before")
        check(said["trimmed"] > 8 * MIB, f"it gave back nothing: {said}")
        near("malloc_trim", before["trim"], said["trimmed"])
        after = self.memory(r.capture)
        check(after["trim"] < 65536, f"and then again: {after['trim']}")
        near("what it had before", before["resident"] - said["trimmed"], after["resident"])

    def equal(self):
        d, _, capture = self.look("equal", ("--look-contents",))
        near("untouched", d["untouched"], 40 * MIB)
        d = self.memory(capture, "--duplicates")
        equal("copies", (d["copy_count"], d["copy_size"], d["original_count"]), (9 * 99 + 1, 9 * 99 * 3000 + 500000, 10))
        equal("zeros", (d["zero_count"], d["zero_size"]), (101, 100 * 3000 + 40 * MIB))
        check(d["zero_resident"] < 100 * 3000 + 8192, f"zeros that nobody touched are in memory: {d['zero_resident']}")
        equal("sites", sorted((row["kind"], row["size"], row["count"]) for row in d["duplicates"]),
              [("copies", 500000, 1), ("copies", 9 * 99 * 3000, 9 * 99), ("zeros", 100 * 3000, 100), ("zeros", 40 * MIB, 1)])

    def beside_leaks(self):
        """A look that asks both; and one that asks only for the memory says nothing of lost blocks."""
        _, _, capture = self.look("holes", ("--leak-check",))
        check(self.t.json("leaks", capture)["verdicts"], "no verdicts")
        _, _, capture = self.look("holes", ("--memory",))
        equal("verdicts", self.t.json("leaks", capture).get("verdicts"), None)

    # ---- others ----

    def other(self, library):
        """Of another allocator it is only known what lives."""
        d, _, _ = self.look("holes", allocator=need(run.LIBRARY + library))
        near("live", d["size"]["live"], BLOCKS * BYTES, 0.05)
        equal("what malloc_trim would give back", d["trim"], None)
        self.pinned_by(d, BLOCKS, 0.1)

    def program_of_others(self, *argv):
        """Rows of any program add up to what the kernel says; its last look is that of the process itself."""
        bare, r = execute(argv), self.t.record(argv, ["--memory"])
        equal("the end", (r.status, r.stdout), (bare.status, bare.stdout))
        d = self.memory(r.capture)
        check(d["size"]["files"] > 65536 and d["size"]["tracker"] > 65536, f"{d['size']}")

    def refused(self):
        """Where there is no copy of the program, the report says why."""
        for option in ("--memory", "--leak-check"):
            r = self.t.record([self.t.fixture("hindered"), "seccomp"], [option])
            check("not found out: the program has forbidden itself system calls" in self.t.text("memory", r.capture), f"no reason with {option}")

    def without(self):
        r = self.t.record(["true"])
        check("tracker run --memory" in self.t.text("memory", r.capture), "it does not say how to get one")


def make_cases(t):
    r = Resident(t)
    return [(name, getattr(r, name)) for name in ("holes", "threads", "untouched", "mapped", "forked", "trim", "equal", "beside_leaks", "refused", "without")] + [
        (f"allocator: {library}", lambda library=library: r.other(library)) for library in run.ALLOCATORS] + [
        (f"program: {argv[0]}", lambda argv=argv: r.program_of_others(*argv))
        for argv in (("git", "--version"), ("sqlite3", ":memory:", "select 1"), ("/usr/bin/python3", "-c", "print(len([str(i) for i in range(100000)]))"),
                     ("sort", "/usr/include/stdio.h"))]


if __name__ == "__main__":
    harness.main(make_cases)
