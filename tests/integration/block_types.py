#!/usr/bin/env python3
"""block_types - what tracker types says of programs that hold 1,000 objects of each of their classes (fx/types_plain.cc), or say what they hold (fx/types.cc).

usage: block_types.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import subprocess

import harness
from harness import check, equal, need

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 1000
# What each block holds: its type as the source says it, how many blocks, bytes of each, by the sizes that the program prints.
NODES = [("std::_List_node<geo::Node>", COUNT, "node", 16), ("geo::Shape", COUNT, "shape", 16), ("geo::Both", COUNT, "both", 0), ("geo::Own", COUNT, "own", 0)]
ARRAYS = [("geo::Box<long>", "box", COUNT), ("std::shared_ptr<geo::Shape>", 16, COUNT), ("geo::Own*", 8, COUNT), ("void*", 8, COUNT)]
UNIQUE = ("std::unique_ptr<geo::Both, std::default_delete<geo::Both> >", 8 * COUNT)
TREE = "std::_Rb_tree_node<std::pair<int const, std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > > >"


class Cases:
    def __init__(self, t):
        self.t = t

    def make(self, compiler, *options, source="types_plain.cc"):
        program = self.t.file(".program")
        subprocess.run([need(compiler), *options, "-o", program, os.path.join(HERE, "fx", source)], check=True)
        return program

    def virtual(self, *how):
        """What virtual tables say when the memory is looked at, whoever has allocated the block. No name is needed for that."""
        def run():
            r = self.t.record([self.make(*how, source="types_virtual.cc")], ["--leak-check"])
            equal("status", r.status, 0)
            want = {}
            for line in r.stdout.decode().splitlines():
                count, size, name = line.split(" ", 2)
                had = want.get(name, (0, 0))
                want[name] = (had[0] + int(count), had[1] + int(size))
            found = self.t.json("types", r.capture)
            equal("all", sum(x["size"] for x in found["rows"]), found["total_size"])
            by_rule = {}
            for x in found["rows"]:
                by_rule.setdefault(x["rule"], {})[x["type"]] = (x["count"], x["size"])
            equal("known", found["typed_count"], sum(c for rule in by_rule if rule != "site" for c, _ in by_rule[rule].values()))
            if "-s" in how:
                equal(" ".join(how), by_rule["vtable"], want)
            else:  # what allocating frames say comes first: nodes of containers, what is shared
                typed = dict(by_rule["vtable"])
                check(all(want.get(name) == figures for name, figures in typed.items() if name != "geo::Node[]") and len(typed) >= 9, f"{typed}")
        return run

    def types(self, program):
        r = self.t.record([program])
        equal("status", r.status, 0)
        words = r.stdout.decode().split()
        found = self.t.json("types", r.capture)
        equal("all blocks", (sum(x["count"] for x in found["rows"]), sum(x["size"] for x in found["rows"])), (found["total_count"], found["total_size"]))
        typed = {x["type"]: (x["count"], x["size"]) for x in found["rows"] if x["rule"] == "frames"}
        equal("known types", (found["typed_count"], found["typed_size"]), (sum(c for c, _ in typed.values()), sum(s for _, s in typed.values())))
        return typed, dict(zip(words[::2], map(int, words[1::2]))), found

    def truth(self, sizes):
        want = {name: (count, count * (sizes[size] + more)) for name, count, size, more in NODES}
        want.update({name: (1, count * sizes.get(size, size)) for name, size, count in ARRAYS})
        want[UNIQUE[0]] = (1, UNIQUE[1])
        want[TREE] = (COUNT, COUNT * 72)
        return want

    def named(self, *how):
        def run():
            typed, sizes, found = self.types(self.make(*how))
            equal(" ".join(how), typed, self.truth(sizes))
            plain = [x for x in found["rows"] if x["rule"] == "site" and x["type"].startswith("make")]
            equal("malloc has no type", [(x["count"], x["size"]) for x in plain], [(COUNT, COUNT * 72)])
        return run

    def inlined(self, *how):
        """Nobody names what was inlined: some types are not known, but none is wrong."""
        def run():
            typed, sizes, _ = self.types(self.make(*how))
            truth = self.truth(sizes)
            check(all(truth.get(name) == figures for name, figures in typed.items()), f"{typed}")
        return run

    def stripped(self, *how):
        def run():
            typed, _, found = self.types(self.make(*how, "-s"))
            equal("types of a program without names", typed, {})
            check(found["total_count"] >= 5 * COUNT, f"{found['total_count']} blocks")
        return run

    def variables(self, *how):
        """Of a C program, the pointers that allocating lines declare; what is not unambiguous, or does not fit, has no type."""
        def run():
            r = self.t.record([self.make(*how, source="types_c.c")])
            plain = {"long int": "long"} if how[0] == "clang" else {}  # compilers give types of the language names of their own
            want = {plain.get(name, name): (int(count), int(size)) for count, size, name in (line.split(" ", 2) for line in r.stdout.decode().splitlines())}
            found = self.t.json("types", r.capture)
            equal(" ".join(how), {x["type"]: (x["count"], x["size"]) for x in found["rows"] if x["rule"] == "variable"}, want)
            equal("known", found["typed_count"], sum(c for c, _ in want.values()))
        return run

    def annotated(self):
        """What the program says, at the peak (the moment before the last annotation), at the end, and of each process."""
        r = self.t.record([self.t.fixture("types")])
        equal("status", r.status, 0)
        want = {"plain": (COUNT, 40 * COUNT), "second": (COUNT, 50 * COUNT), "struct point": (COUNT, 12 * COUNT), "geo::Box<int>": (COUNT, 12 * COUNT),
                "geo::Node": (COUNT * 2 + COUNT // 10, 40 * (COUNT * 2 + COUNT))}
        for at in ("", "@end", "@100%"):
            found = self.t.json("types", r.capture + at)
            equal(f"types{at}", {x["type"]: (x["count"], x["size"]) for x in found["rows"] if x["rule"] == "annotation"}, want)
            equal(f"all{at}", sum(x["count"] for x in found["rows"]), found["total_count"])
        equal("other reports", self.t.json("table", r.capture)["total_size"], found["total_size"])
        events = [json.loads(line) for line in self.t.run("dump", "--json", r.capture).splitlines()]
        equal("events", sum(e["kind"] == "annotate" for e in events), COUNT * 9 + COUNT // 10 + 1)
        equal("alone", subprocess.run([self.t.fixture("types")], check=False).returncode, 0)

    def points(self):
        """A range, filters, and sums."""
        r = self.t.record([self.make("g++", "-g")])
        whole = self.t.json("types", r.capture + "@end")
        half = self.t.json("types", r.capture + "@50%..end")
        check(0 < half["typed_count"] < whole["typed_count"], f"{half['typed_count']} of {whole['typed_count']}")
        equal("a filter", self.t.json("types", "--filter", "-*types_plain.cc", r.capture)["typed_count"], 0)
        equal("no sites", {x["rule"] for x in self.t.json("types", "--no-sites", r.capture)["rows"]}, {"frames"})
        sums = self.t.file(".bin")
        subprocess.run([self.t.find("tracker-aggregate"), "-o", sums, r.capture], check=True)
        equal("sums", self.t.json("types", sums)["rows"], self.t.json("types", r.capture)["rows"])


def make_cases(t):
    c = Cases(t)
    cases = [("annotated", c.annotated), ("points", c.points)]
    for compiler in ("g++", "clang++"):
        cases += [(f"{compiler} -O0 -g", c.named(compiler, "-O0", "-g")), (f"{compiler} -O2 -g", c.named(compiler, "-O2", "-g")),
                  (f"{compiler} -O0", c.named(compiler, "-O0")), (f"{compiler} -O2", c.inlined(compiler, "-O2")), (f"{compiler} stripped", c.stripped(compiler, "-O2"))]
    ways = [("g++", "-O0"), ("g++", "-O2", "-s"), ("g++", "-O0", "-no-pie", "-s"), ("g++", "-O2", "-static-libstdc++", "-static-libgcc", "-s"),
            ("clang++", "-O0"), ("clang++", "-O2", "-s")]
    cases += [(f"variables, {' '.join(how)}", c.variables(*how)) for how in (("gcc", "-O0", "-g"), ("clang", "-O0", "-g", "-gdwarf-4"))]
    return cases + [(f"virtual tables, {' '.join(how)}", c.virtual(*how)) for how in ways]


if __name__ == "__main__":
    harness.main(make_cases)
