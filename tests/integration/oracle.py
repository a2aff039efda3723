#!/usr/bin/env python3
"""oracle - our stacks against libunwind's and libgcc's.

verify: the library walks every third stack (every 37th, as it is installed) again by
both oracles, in the same event, and counts what differs; so any program will do. Where libunwind is known
to be wrong, only libgcc's word counts, and that the two disagree is expected.
twice: a deterministic program is recorded once by each unwinder, and the stacks
that come out at the other end (encoded, interned, written, read) are compared.
mutant: a library with one line broken must be found out, or none of this counts.
older libc: the library as it is where the C library cannot be asked for modules.

usage: oracle.py [-h] BUILD_DIR [--many] [PART_OF_A_NAME]...
--many: millions of stacks of real programs, for a night.
"""
import itertools
import os
import subprocess
import sys

import harness
import run
import workloads
from harness import Failure, check, equal, need

STEP = 37
MANY = "--many" in sys.argv
SQL = ("create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) "
       "insert into t select i, 'x' || i from n; select count(distinct b || a) from t group by a % 7;")
BOTH, LIBGCC = "verify", "verify=libgcc"


class Oracle:
    def __init__(self, tracker):
        self.t = tracker

    def health(self, argv, how=BOTH, options=(), env=None, stdin=None):
        with open(stdin or os.devnull, "rb") as f:
            r = self.t.record(argv, ["--unwind", how, "--no-symbols", *options], env=env, stdin=f)
        equal("exit status", r.status, 0)
        return self.t.json("info", r.capture)["health"]

    def verify(self, argv, how=BOTH, least=10, stale=False, **more):
        """`stale`: the program unloads code, which libunwind does not notice."""
        h = self.health(argv, how, **{**more, "env": {**self.t.other_library("often.so"), **(more.get("env") or {})}})
        for library in ("libgcc",) if how == LIBGCC else ("libgcc", "libunwind"):
            compared, differing = h[f"compared_with_{library}"], h[f"differing_from_{library}"]
            if MANY:
                print(f"# {compared} stacks compared with {library}")
            check(compared >= least, f"only {compared} stacks compared with {library}")
            if library != "libunwind" or not stale:
                equal(f"of {compared} stacks, different from {library}", differing, 0)
        equal("stacks that equal no oracle's", h["differing_stacks"], 0)
        equal("truncated stacks but for deep ones", h["truncated_stacks"] - h["truncated_by_depth"], 0)
        equal("oracles that differ", h["oracles_differ"] > 0, stale)

    def compiled(self, compiler, options):
        """Programs with every kind of stack, by another compiler or with other options than those of the build."""
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx")
        for name, suffix, more, arguments in (("stacks", ".c", "", ("longjmp", "signal", "altstack", "heap_coroutines")),
                                              ("exceptions", ".cc", "++", ("9", "200"))):
            driver = need((compiler.removesuffix("cc") if more == "++" else compiler) + more)
            program = self.t.file("." + name)
            subprocess.run([driver, "-g", "-D_GNU_SOURCE", *options, os.path.join(source, name + suffix), "-o", program, "-lpthread"], check=True)
            for argument in arguments:
                self.verify([program, argument])

    def workload(self, make, scale, least):
        folder = self.t.file(".work")
        os.mkdir(folder)
        w = make(folder, scale)
        self.verify(w.argv, least=least, env=w.env, stdin=w.stdin)

    def many(self, make, scale):
        """Real programs; what cannot be walked to its end (code without unwind information) is not compared."""
        folder = self.t.file(".work")
        os.mkdir(folder)
        w = make(folder, scale)
        h = self.health(w.argv, env={**w.env, **self.t.other_library("often.so")}, stdin=w.stdin)
        print(f"# {h['verified_stacks']} stacks verified")
        check(h["verified_stacks"] > 50000, f"only {h['verified_stacks']}")
        # In a stack or two of node's, whose code is made while it runs, libunwind differs from libgcc as well.
        equal("different", (h["differing_stacks"], h["differing_from_libgcc"]), (0, 0))
        check(h["differing_from_libunwind"] <= h["oracles_differ"] < 10, f"{h['differing_from_libunwind']} differ from libunwind's")

    def mutant(self, name, argv, how=LIBGCC):
        """The same comparison, by a library that is wrong: it must say so."""
        h = self.health(argv, how, env=self.t.other_library(f"mutant_{name}.so"))
        check(h["compared_with_libgcc"] > 0, "nothing was compared")
        check(h["differing_from_libgcc"] > 0, f"{h['compared_with_libgcc']} stacks compared, no error found")

    def older_libc(self, make, scale):
        folder = self.t.file(".work")
        os.mkdir(folder)
        w = make(folder, scale)
        self.verify(w.argv, env={**(w.env or {}), **self.t.other_library("older_libc.so")}, stdin=w.stdin)

    def same_as_ours(self, argv, least=10):
        """Stacks are the same with a C library that can be asked for modules and without."""
        self.compare(self.sample(argv, "own"), self.sample(argv, "own", self.t.other_library("older_libc.so")), least)

    def whole(self, argv, least=10):
        """Stacks are the same when most pcs on the wire have no code against a base."""
        self.compare(self.sample(argv, "own"), self.sample(argv, "own", self.t.other_library("mutant_wide.so")), least)

    def executed(self, program):
        """Programs that are executed one after the other, by one process and by others, have other bases each."""
        command = f"{program}; {program} & wait; exec {program}"
        r = self.t.record([need("sh"), "-c", command], ["--no-symbols"])
        equal("exit status", r.status, 0)
        events = [e for e in self.t.events(r.capture, "--stacks") if e.get("frames")]
        check(len({e["pid"] for e in events}) >= 3, "fewer than three processes")
        nowhere = [f for e in events for f in e["frames"] if not f.get("module")]
        equal("frames that lie in no module", nowhere[:3], [])

    def sample(self, argv, backend, env=None):
        """(kind, size, frames) of every 37th event that has a stack, and how many events there are."""
        r = self.t.record([need("setarch"), "-R", *argv], ["--unwind", backend], env=env)
        equal("exit status", r.status, 0)
        events = [e for e in self.t.events(r.capture, "--stacks") if e.get("frames")]
        return [(e["kind"], e["size"], frames(e)) for e in events[::STEP]], len(events)

    def twice(self, argv, least=10):
        self.compare(self.sample(argv, "own"), self.sample(argv, "libunwind"), least)

    def compare(self, a, b, least):
        (ours, our_count), (theirs, their_count) = a, b
        equal("events", our_count, their_count)
        check(len(ours) >= least, f"only {len(ours)} events compared")
        check(sum(len(f) > 3 for _, _, f in ours) > len(ours) // 2, "most stacks have three frames or less")
        for i, (a, b) in enumerate(zip(ours, theirs)):
            equal(f"event {i * STEP}, kind and size", a[:2], b[:2])
            for k, (x, y) in enumerate(itertools.zip_longest(a[2], b[2])):
                if x != y:
                    raise Failure(f"event {i * STEP}: frame {k} of {len(a[2])}: {x}, by the other {y}")


def python3_malloc(folder, scale):
    return workloads.python3(folder, scale, malloc=True)


def frames(e):
    """What identifies a frame, as it is printed: module, function, file, line."""
    return [tuple(os.path.realpath(f.get(k) or "") for k in ("module", "file")) +
            tuple(f.get(k) for k in ("offset", "function", "line")) for f in e["frames"]]


def make_cases(t):
    o = Oracle(t)
    plugins = [t.fixture("plugins"), t.fixture("first.so"), t.fixture("second.so")]
    cases = [(f"verify: {f} {mode}", lambda f=f, mode=mode: o.verify([t.fixture(f), mode]))
             for f in ("stacks", "stacks_fast")
             for mode in ("longjmp", "signal", "altstack", "heap_coroutines", "stepped")]
    cases += [(f"verify: {f} thrown at depth {depth}", lambda f=f, depth=depth: o.verify([t.fixture(f), depth], least=100))
              for f in ("exceptions", "exceptions_fast") for depth in ("9", "200")]
    cases += [
        ("verify: 100000 frames", lambda: o.verify([t.fixture("stacks_fast"), "deep"], options=["--nframe", "200000"], least=3)),
        ("verify: deeper than what is kept", lambda: o.verify([t.fixture("stacks_fast"), "branches"], least=500)),
        ("verify: ... of few", lambda: o.verify([t.fixture("stacks_fast"), "branches"], options=["--nframe", "10"], least=500)),
        ("verify: two libraries at one address", lambda: o.verify(plugins, stale=True)),
        # More than the modules that are remembered at once: each that is unloaded must leave its place to another.
        ("verify: 4,400 libraries at one address", lambda: o.verify([*plugins, "2200"], LIBGCC, least=10000)),
        # libunwind knows neither of them: it crashes on return addresses that stand elsewhere.
        ("verify: unusual frames", lambda: o.verify([t.fixture("frames")], LIBGCC, least=500)),
        ("verify: threads", lambda: o.verify([t.fixture("threads"), "short"])),
        ("verify: sqlite3", lambda: o.workload(workloads.sqlite3, 5000, 1000)),
        ("verify: python3", lambda: o.workload(workloads.python3, 100, 100)),
        ("verify: python3 malloc", lambda: o.workload(python3_malloc, 20, 1000)),
        ("verify: cc1plus", lambda: o.workload(workloads.cc1plus_small, 1, 10000)),
        ("verify: clang", lambda: o.workload(workloads.clang, 1, 1000)),
        *((f"verify: {a}", lambda a=a: o.verify([t.fixture("threads"), "short"], env={"LD_PRELOAD": need(run.LIBRARY + a)}))
          for a in run.ALLOCATORS),
        ("mutant: remembered words are not checked", lambda: o.mutant("trusting", [need("sqlite3"), ":memory:", SQL])),
        ("mutant: other rules are taken for the remembered ones", lambda: o.mutant("alike", [need("sqlite3"), ":memory:", SQL])),
        ("mutant: unloaded code is not forgotten", lambda: o.mutant("stale", plugins)),
        ("mutant: known stacks are not compared", lambda: o.mutant("known", [need("sqlite3"), ":memory:", SQL])),
        ("mutant: known stacks of unloaded code are not forgotten", lambda: o.mutant("remembered", plugins)),
        ("mutant: the frame pointer is not restored", lambda: o.mutant("shifted", [t.fixture("stacks"), "signal"])),
        ("older libc: python3", lambda: o.older_libc(workloads.python3, 20)),
        ("older libc: plugins", lambda: o.same_as_ours(plugins)),
        ("older libc: exceptions", lambda: o.same_as_ours([t.fixture("exceptions")], 100)),
        ("wire: whole pcs, C++ with exceptions", lambda: o.whole([t.fixture("exceptions")], 100)),
        ("wire: whole pcs, handlers", lambda: o.whole([t.fixture("stacks"), "signal"])),
        ("wire: programs executed", lambda: o.executed(t.fixture("threads") + " short")),
        ("twice: C++ with exceptions", lambda: o.twice([t.fixture("exceptions")], 100)),
        ("twice: longjmp", lambda: o.twice([t.fixture("stacks"), "longjmp"])),
    ]
    if MANY:
        cases += [(f"many: {make.__name__}", lambda m=make, n=scale: o.many(m, n)) for make, scale in (
            (workloads.sqlite3, 220000), (python3_malloc, 700), (workloads.cc1plus, 1), (workloads.clang, 1), (workloads.node, 100000))]
        cases += [("many: exceptions", lambda: o.verify([t.fixture("exceptions_fast"), "1000"], least=10000)),
                  *((f"many: {c} {' '.join(options)}", lambda c=c, options=options: o.compiled(c, options)) for c in ("gcc", "clang")
                    for options in (["-O0"], ["-O2"], ["-O2", "-fno-omit-frame-pointer"])),
                  ("many: threads", lambda: o.verify([t.fixture("threads"), "churn"], least=10000))]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
