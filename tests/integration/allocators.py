#!/usr/bin/env python3
"""allocators - programs with another malloc than the C library's: their own, in the executable
or in a library, glibc's checking one, or the C library's by its inner names. They run as they
do alone, and what goes past the preloaded library is told of.

usage: allocators.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import glob
import os
import re
import shutil

import harness
from harness import check, check_truth, equal, execute, need

OWN_MALLOC = "has its own malloc"
FAULTS = ("overflow", "underflow", "twice", "foreign", "none", "resized", "probed")


class Allocators:
    def __init__(self, tracker):
        self.t = tracker

    def same(self, argv, env=None, options=()):
        """Recorded as alone; the recording."""
        bare, r = execute(argv, env), self.t.record(argv, options, env)
        equal("status, output", (r.status, r.stdout), (bare.status, bare.stdout))
        return r

    def announced(self, capture):
        return any(OWN_MALLOC in n for n in self.notices(capture))

    def notices(self, capture):
        return re.findall("pid .*", self.t.text("info", capture).split("Notices:")[-1])

    def own(self, *argv, options=()):
        """In the executable: it goes past us, and is announced."""
        r = self.same([self.t.fixture(argv[0]), *argv[1:]], options=options)
        equal("status", r.status, 0)
        check(self.announced(r.capture), f"not announced: {self.notices(r.capture)}")
        equal("complete", self.t.json("info", r.capture)["complete"], False)

    def passing(self, argv, env=None):
        """All of it comes to us: complete, and nothing is announced."""
        r = self.same(argv, env)
        equal("status", r.status, 0)
        check(check_truth(self.t.replay(r.capture), r.stdout) > 0, "the program said nothing")
        equal("notices", self.announced(r.capture), False)
        equal("complete", self.t.json("info", r.capture)["complete"], True)

    def malloc_debug(self):
        libraries = [p for d in ("/lib/*-linux-gnu", "/lib64", "/usr/lib64")
                     for p in glob.glob(d + "/libc_malloc_debug.so.0")]
        need(libraries[0] if libraries else "libc_malloc_debug.so.0")
        return {"LD_PRELOAD": libraries[0]}

    def checking(self, argv, env):
        """libc_malloc_debug: what it finds it finds recorded, too."""
        env = self.malloc_debug() | env
        program = [self.t.fixture("checked"), *argv]
        unchecked = execute([self.t.fixture("checked"), argv[0]])
        bare, r = execute(program, env), self.t.record(program, env=env)
        equal("status, output", (r.status, r.stdout), (bare.status, bare.stdout))
        check(bare.stdout != unchecked.stdout, "it does not check anything here")

    def mtrace(self):
        """The trace that glibc writes has the same calls, whoever records them as well."""
        def calls(run):
            path = self.t.file(".mtrace")
            run({"MALLOC_TRACE": path})
            with open(path) as f:
                lines = [re.match(r"@ \S+ ([+<>-]) 0x[0-9a-f]+ ?(\S*)", line) for line in f]
            return [m.groups() for m in lines if m]
        program = [self.t.fixture("checked"), "none", "mtrace"]
        preload = self.malloc_debug()
        bare = calls(lambda env: execute(program, env | preload))
        equal("trace", calls(lambda env: self.t.record(program, env=env | preload)), bare)
        check(("+", "0x7") in bare, f"nothing is traced here: {bare[:5]}")

    def thread_tables(self, threads, libraries):
        """
        The bytes of the loader's tables, one a thread, against a count without us: our own
        thread-local variables are an entry of each. The counter's are one in both runs.
        """
        plugins = [self.t.file(".so") for _ in range(libraries)]
        for path in plugins:
            shutil.copy(self.t.fixture("tls_plugin.so"), path)
        program, folder = [self.t.fixture("thread_tables"), str(threads), *plugins], self.t.file(".counts")
        env = {"LD_PRELOAD": self.t.find("counter.so"), "COUNTER_DIR": folder}
        os.mkdir(folder)
        equal("status", execute(program, env).status, 0)
        (counts,), = harness.read_counters(folder).values()
        r = self.t.record(program, env=env)
        replay = self.t.replay(r.capture)
        check_truth(replay, r.stdout)
        equal("allocations, frees, bytes", (replay.allocations, replay.frees, replay.bytes),
              tuple(counts[k] for k in ("allocations", "frees", "bytes")))

    def rustc(self):
        rustc = need("rustc")
        source = self.t.file(".rs")
        with open(source, "w") as f:
            f.write('fn main() { println!("{}", (1..5).map(|n| n * n).sum::<i32>()); }\n')
        r = self.t.record([rustc, source, "-o", source + ".out"])
        equal("status, output", (r.status, r.stdout), (0, b""))
        equal("what it made", execute([source + ".out"]).stdout, b"30\n")

    def chromium(self):
        chromium = need("chromium")
        page = self.t.file(".html")
        with open(page, "w") as f:
            f.write("<p>a</p><script>document.write(6 * 7)</script>\n")
        r = self.same([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "file://" + page])
        equal("status", r.status, 0)
        check(b"42" in r.stdout, f"the page was not read: {r.stdout[:100]}")


def make_cases(t):
    a = Allocators(t)
    plain, arena = t.fixture("own_malloc_plain"), {"LD_PRELOAD": t.fixture("arena.so")}
    cases = []
    for mode in ("early", "late", "threads"):
        cases += [
            (f"own malloc, {mode}", lambda m=mode: a.own("own_malloc", m)),
            (f"own malloc that forwards, {mode}",
             lambda m=mode: a.passing([t.fixture("own_malloc_forwards"), m])),
            (f"glibc's checking malloc, {mode}",
             lambda m=mode: a.passing([plain, m], a.malloc_debug() | {"MALLOC_CHECK_": "3"})),
            (f"malloc of a library, {mode}", lambda m=mode: a.passing([t.fixture("own_malloc_linked"), m])),
            (f"malloc of a preloaded library, {mode}", lambda m=mode: a.passing([plain, m], arena)),
        ]
    cases += [(f"MALLOC_CHECK_=3, {f}", lambda f=f: a.checking([f], {"MALLOC_CHECK_": "3"})) for f in FAULTS]
    cases += [(f"mcheck, {f}", lambda f=f: a.checking([f, "mcheck"], {})) for f in FAULTS]
    return cases + [
        *((f"own malloc, {' '.join(o)}", lambda o=o: a.own("own_malloc", "early", options=o))
          for o in (("--unwind", "verify"), ("--unwind", "libunwind"), ("--sample", "4K"), ("--aggregate",))),
        ("own malloc and new", lambda: a.own("own_malloc_new")),
        ("the C library's inner names", lambda: a.passing([t.fixture("libc_names")])),
        ("its inner names behind its checking malloc", lambda: a.passing([t.fixture("own_malloc_forwards"), "late"],
                                                                         a.malloc_debug())),
        ("mtrace", a.mtrace),
        ("tables of 50 threads", lambda: a.thread_tables(50, 0)),
        ("tables that grow", lambda: a.thread_tables(20, 30)),
        ("rustc", a.rustc),
        ("chromium", a.chromium),
    ]


if __name__ == "__main__":
    harness.main(make_cases)
