#!/usr/bin/env python3
"""run - the fixture programs, recorded: each states its own truth (fx/truth.h),
behaves as if it were alone, and reports say what arithmetic says.

usage: run.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import random
import subprocess

import harness
from harness import Failure, Replay, check, check_stats, check_truth, equal, execute, need

LIBRARY = "/usr/lib/x86_64-linux-gnu/"

# Programs whose lines are compared with their capture; (name, arguments) or (name, arguments, how).
TRUTHS = [
    ("leak",), ("kinds",), ("pages",), ("operators",), ("early",), ("exceptions",), ("exceptions", "200"), ("frames",),
    ("reallocs", "grow"), ("reallocs", "zero"), ("reallocs", "fail"), ("reallocs", "race"),
    ("threads", "short"), ("threads", "many"), ("threads", "churn"), ("threads", "crowd"),
    ("process", "fork"), ("process", "raw_fork"), ("process", "threaded_fork"),
    ("process", "vfork"), ("process", "spawn"), ("process", "exec"), ("process", "daemon"),
    ("process", "orphan"),
    ("limits", "clean"), ("limits", "address_space"), ("limits", "open_files"),
    ("limits", "file_size"), ("limits", "nobody"), ("limits", "umask"),
    ("limits", "undumpable"), ("limits", "seccomp"), ("limits", "chroot"),
    ("stacks", "signal"), ("stacks", "altstack"), ("stacks", "longjmp"),
    ("stacks", "coroutines"), ("stacks", "heap_coroutines"), ("stacks", "deep"), ("stacks", "branches"), ("stacks", "abandoned"),
]
DOORS = ("exit", "_exit", "_Exit", "quick_exit", "abort", "segv", "term", "kill", "fpe",
         "exit_group", "main_pthread_exit", "stack_overflow", "thread_exit")
ALLOCATORS = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2.0")
ROOT_ONLY = {("limits", "chroot"), ("limits", "nobody")}
ENVIRONMENT = {("reallocs", "race"): {"MALLOC_ARENA_MAX": "1"}}


def less(stderr):
    """All but what fx/truth.h says of what was not permitted here: this test then shows less, and says so."""
    lines = stderr.splitlines(keepends=True)
    for line in dict.fromkeys(lines):
        if line.startswith(b"# without "):
            print(line.decode().strip())
    return [line for line in lines if not line.startswith(b"# without ")]


class Cases:
    def __init__(self, tracker):
        self.t = tracker

    # ---- a program and its truth ----

    def same_as_bare(self, argv, env=None, **more):
        """Recorded and alone: same status, same output. Returns the recording."""
        bare = execute(argv, env, **more)
        recorded = self.t.record(argv, env=env, **more)
        equal("exit status", recorded.status, bare.status)
        equal("standard output", recorded.stdout, bare.stdout)
        equal("standard error", less(recorded.stderr), less(bare.stderr))
        return recorded

    def truth(self, argv, env=None, **more):
        r = self.same_as_bare(argv, env, **more)
        replay = self.t.replay(r.capture)
        check(check_truth(replay, r.stdout) > 0, "the program said nothing")
        check_stats(self.t, r.capture, replay)
        return r, replay

    def fixture_truth(self, words):
        if words in ROOT_ONLY and os.geteuid() != 0:
            raise harness.Skip("needs root")
        argv = [self.t.fixture(words[0]), *words[1:]]
        with_threads = words == ("process", "threaded_fork")
        if with_threads:
            return self.threaded_fork(argv)
        return self.truth(argv, ENVIRONMENT.get(words))

    def threaded_fork(self, argv):
        """The parent's threads allocate as often as they get to: only the children's part is fixed."""
        r = self.same_as_bare(argv)
        replay = Replay(self.t.events(r.capture))
        check_truth(replay, r.stdout)
        made, freed = replay.kinds["malloc", 1002], replay.kinds["free", 1002]
        check(made > 0 and made == freed, f"the parent's threads: {made} malloc, {freed} free")

    def door(self, door):
        r, _ = self.truth([self.t.fixture("doors"), door])
        info = self.t.json("info", r.capture)["processes"][0]
        want = ("signal", -r.status) if r.status < 0 else ("status", r.status)
        equal(f"info's {want[0]}", info[want[0]], want[1])

    def allocator(self, library, words):
        path = need(LIBRARY + library)
        argv = [self.t.fixture(words[0]), *words[1:]]
        self.truth(argv, {"LD_PRELOAD": path})

    def sized(self):
        """free_sized and free_aligned_sized are there when recorded, whatever the C library has."""
        r = self.t.record([self.t.fixture("kinds"), "sized"])
        equal("exit status", (r.status, r.stderr), (0, b""))
        check_truth(Replay(self.t.events(r.capture)), r.stdout)

    def user_file(self, mode):
        argv = [self.t.fixture("limits"), mode, self.t.file(".user")]
        self.truth(argv)

    def in_valgrind(self):
        """tracker run itself in valgrind, which knows no process that begins in another's memory. The program is outside of it."""
        capture = self.t.file(".bin")
        r = execute([need("valgrind"), "-q", self.t.tracker, "run", "-q", "-o", capture, "--", self.t.fixture("kinds")])
        equal("exit status", r.status, 0)
        check_truth(Replay(self.t.events(capture)), r.stdout)

    def no_std(self):
        """0, 1 and 2 closed in the program: its first file is descriptor 0."""
        path, capture = self.t.file(".user"), self.t.file(".bin")
        r = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", self.t.tracker, "run", "-q", "-o",
                            capture, "--", self.t.fixture("limits"), "no_std", path], timeout=300)
        equal("exit status", r.returncode, 0)
        with open(path, "rb") as f:
            told = f.read()
        equal("the user's file", told, b"T malloc 1001 5000\nT free 1001 5000\n")
        check_truth(Replay(self.t.events(capture)), told)

    def plugins(self):
        """Two libraries at one address: the stacks name the one that was loaded."""
        argv = [self.t.fixture("plugins"), self.t.fixture("first.so"), self.t.fixture("second.so")]
        r, _ = self.truth(argv)
        for e in self.t.events(r.capture, "--stacks"):
            function = {1001: "plugin_first", 1002: "plugin_second"}.get(e.get("size"))
            if function and e["kind"] == "malloc":
                equal(f"top of the stack of event {e['seq']}", top(e), function)

    def private_plugins(self):
        """A C host and C++ that only its plugins see: operators, exceptions, a thread under the loader's lock."""
        self.truth([self.t.fixture("host"), self.t.fixture("private.so"), self.t.fixture("pool.so")])

    def jumping_stacks(self, mode, caller):
        """The stack of every block names the function that is named after its size."""
        r = self.t.record([self.t.fixture("stacks"), mode])
        seen = 0
        for e in self.t.events(r.capture, "--stacks"):
            if e["kind"] != "malloc" or e["size"] not in (1001, 1002):
                continue
            names = functions(e)
            wanted = f"allocate_{e['size']}"
            check(wanted in names, f"event {e['seq']}: {wanted} is not in {names[:8]}")
            if e["size"] == 1001 and caller:
                check(caller in names, f"event {e['seq']}: {caller} is not in {names[:12]}")
            seen += 1
        check(seen > 0, "no event")

    def deep(self):
        """100,000 frames: the most recent 1024 are kept; with --nframe they are all there."""
        argv = [self.t.fixture("stacks"), "deep"]
        r = self.t.record(argv)
        depths = [len(e["frames"]) for e in self.t.events(r.capture, "--stacks")
                  if e["kind"] == "malloc" and e["size"] == 1001]
        equal("events", len(depths), 100)
        equal("stacks that were not cut", sum(d < 1024 for d in depths), 1)
        equal("frames of the others, with the mark of the cut", {d for d in depths if d >= 1024}, {1025})
        r = self.t.record(argv, ["--nframe", "200000"])
        equal("stacks that were cut", self.t.json("info", r.capture)["truncated_stacks"], [])
        folded = self.t.text("flamegraph", "--allocations", "--metric", "count", "--format", "folded", r.capture)
        stacks = [line.split(" ")[0].split(";") for line in folded.splitlines() if "allocate_1001" in line]
        equal("frames of recursion", sorted(s.count("recurse") for s in stacks), [1000 * i for i in range(1, 101)])

    def branches(self):
        """A deep recursion of which no two levels are alike: each level adds a few nodes, not a stack of them."""
        r = self.t.record([self.t.fixture("stacks"), "branches"])
        info = self.t.json("info", r.capture)
        check(info["health"]["truncated_by_depth"] > 10000, "the stacks were not deep enough to be cut")
        check(info["nodes"] < 30 * 10000, f"{info['nodes']} nodes for 10000 levels")

    def cuts(self):
        """Each reason why a stack lacks its oldest frames: counted, and told in words."""
        why = ("depth", "no_unwind_info", "unknown_rule", "off_stack")
        for reason in why:
            r = self.t.record([self.t.fixture("cuts"), reason], ["--nframe", "50"])
            equal("exit status", r.status, 0)
            info = self.t.json("info", r.capture)
            key = {"depth": "truncated_by_depth"}.get(reason, "truncated_" + reason)
            equal(f"reasons of {reason}", [(c["reason"], c["count"]) for c in info["truncated_stacks"]], [(key, 100)])
            equal("truncated stacks", info["health"]["truncated_stacks"], 100)
            meaning = info["truncated_stacks"][0]["meaning"]
            check(f"  {key}: 100 ({meaning})\n" in self.t.text("info", r.capture), "the text does not say so")
            ends = {functions(e)[-1] for e in self.t.events(r.capture, "--stacks")
                    if e["kind"] == "malloc" and e["size"] == 1001}
            equal("the oldest frame", ends, {"<truncated stack>"})

    # ---- reports against arithmetic ----

    def lists(self):
        r = self.same_as_bare([self.t.fixture("lists")])
        equal("table @one", self.t.text("table", "-n", "0", r.capture + "@one"),
              "/src/tracSix.c:7: size=583 KiB, count=14994, average=40 B\n"
              "/src/tracSix.c:6: size=528 KiB, count=14984, average=36 B\n"
              "/src/tracSix.c:5: size=522 KiB, count=14745, average=36 B\n")
        equal("diff @one @two", self.t.text("diff", "-n", "0", r.capture + "@one", r.capture + "@two"),
              "/src/tracSix.c:17: size=645 KiB (+645 KiB), count=14998 (+14998), average=44 B\n"
              "/src/tracSix.c:16: size=642 KiB (+642 KiB), count=14998 (+14998), average=44 B\n"
              "/src/tracSix.c:7: size=583 KiB (+0 B), count=14994 (+0), average=40 B\n"
              "/src/tracSix.c:6: size=528 KiB (+0 B), count=14984 (+0), average=36 B\n"
              "/src/tracSix.c:5: size=522 KiB (+0 B), count=14745 (+0), average=36 B\n")

    def flame(self):
        r = self.same_as_bare([self.t.fixture("flame")])
        s = self.t.json("stats", r.capture)
        equal("stats", (s["total_num_allocations"], s["total_bytes_allocated"],
                        s["metadata"]["peak_memory"]), (5, 550000, 450000))
        nodes = by_name(self.t.json("flamegraph", r.capture))
        equal("values", {n: nodes.get(n, {}).get("value") for n in "abdeghi"} | {
            "missing": nodes.get("missing")},
              {"a": 450000, "b": 350000, "d": 350000, "g": 200000, "e": 100000, "h": 100000,
               "i": 100000, "missing": None})
        equal("own of d", nodes["d"]["own"], 50000)
        folded = self.t.text("flamegraph", "--format", "folded", r.capture)
        equal("sum of the folded stacks", sum(int(x.rsplit(" ", 1)[1]) for x in folded.splitlines()), 450000)

    def inverted(self):
        r = self.same_as_bare([self.t.fixture("inverted")])
        root = self.t.json("flamegraph", "--inverted", r.capture)
        root = root.get("root", root)
        equal("children of the root", {c["name"]: c["value"] for c in root["children"]},
              {"a": 3000000, "a1": 1000000})

    def temporary(self, argv, wanted):
        r = self.same_as_bare([self.t.fixture(argv[0]), *argv[1:]])
        for threshold, want in wanted.items():
            s = self.t.json("temporary", "-n", str(threshold), r.capture)
            equal(f"threshold {threshold}", (s["total_count"], s["total_bytes"]), want)

    def mapped(self, number, pages):
        r = self.same_as_bare([self.t.fixture("mapped"), str(number)])
        equal("peak", self.t.json("stats", r.capture)["metadata"]["peak_memory"], pages * 4096)

    def peak(self):
        r = self.same_as_bare([self.t.fixture("peak")])
        equal("table", self.t.text("table", r.capture), "/src/peak.c:20: size=5000 B, count=1, average=5000 B\n")

    def leaks(self):
        r = self.same_as_bare([self.t.fixture("leak")])
        s = self.t.json("leaks", r.capture)
        equal("leaks", (s["total_count"], s["total_bytes"]), (5, 3 * 1001 + 2 * 1002))
        s = self.t.json("stats", r.capture)
        equal("stats", (s["leaked_allocations"], s["leaked_bytes"]), (5, 3 * 1001 + 2 * 1002))

    def remaps(self):
        """
        No range is live twice, whoever is given what an mremap leaves. One that fails after a
        long time was told as a munmap already: its mapping is made anew.
        """
        r = self.same_as_bare([self.t.fixture("remaps")])
        told = int(r.stdout.split()[3])
        replay = self.t.replay(r.capture)
        made = sum(n for (kind, _), n in replay.kinds.items() if kind in ("mmap", "mremap"))
        check(told <= made <= told * 1.01, f"{made} events that map, {told} mappings")
        equal("lost events", replay.lost, 0)
        check_stats(self.t, r.capture, replay)
        equal("frees without a block", self.t.json("stats", r.capture)["unmatched_frees"], 0)

    # ---- processes ----

    def fork_processes(self):
        """Each child's events are its own: pids and parents in info, counts by pid."""
        r = self.t.record([self.t.fixture("process"), "fork"])
        processes = self.t.json("info", r.capture)["processes"]
        equal("processes", len(processes), 4)
        equal("parents", {p["ppid"] for p in processes[1:]}, {processes[0]["pid"]})
        replay = Replay(self.t.events(r.capture))
        for i, p in enumerate(processes[1:], 1):
            equal(f"child {i}", replay.by_pid[p["pid"]]["malloc", 2000 + i], 10 * i)
            s = self.t.json("stats", "--pid", str(p["pid"]), r.capture)
            equal(f"stats --pid of child {i}", s["total_num_allocations"],
                  sum(n for (k, _), n in replay.by_pid[p["pid"]].items()
                      if k in harness.ALLOCATES or k in ("mmap", "mremap")))

    def where(self):
        """The machine and the C library, as Python knows them; a child says them, too."""
        r = self.t.record([self.t.fixture("process"), "fork"])
        u = os.uname()
        want = (u.nodename, f"{u.sysname} {u.release} {u.machine}", os.confstr("CS_GNU_LIBC_VERSION"))
        for p in self.t.json("info", r.capture)["processes"]:
            equal(p["origin"], (p["hostname"], p["system"], p["libc"]), want)

    def orphan(self):
        """Its parent ended, and others came, before it allocated: it is still known what it runs."""
        program = self.t.fixture("process")
        r = self.t.record([program, "orphan"])
        first, parent, *others = self.t.json("info", r.capture)["processes"]
        orphan = [p for p in others if p["name"] != "true"]
        equal("others", len(orphan), 1)
        for key in ("name", "executable", "command_line"):
            equal(key, orphan[0][key], first[key])
        equal("its parent", orphan[0]["parent_pid"], parent["pid"])

    def handler_fork(self, how):
        """Forks out of the middle of our hooks: the parent's events are all there, and so are each child's."""
        r = self.t.record([self.t.fixture("handler_fork"), how])
        equal("exit status", (r.status, r.stderr), (0, b""))
        info = self.t.json("info", r.capture)
        for key in ("lost", "corrupt_records", "late_events"):
            equal(key, info["health"][key], 0)
        parent, *children = info["processes"]
        equal("children", len(children), 300)
        replay = Replay(self.t.events(r.capture))
        told = {(w[1], int(w[2])): int(w[3]) for w in (line.split() for line in r.stdout.decode().splitlines())}
        counts = replay.by_pid[parent["pid"]]
        equal("the parent", {k: counts[k] for k in told}, told)
        for p in children:
            counts = replay.by_pid[p["pid"]]
            equal(f"child {p['pid']}", (counts["malloc", 2001], counts["free", 2001]), (10, 10))

    def no_follow_fork(self):
        r = self.t.record([self.t.fixture("process"), "fork"], ["--no-follow-fork"])
        equal("exit status", r.status, 0)
        sizes = {size for _, size in Replay(self.t.events(r.capture)).kinds}
        check(1001 in sizes and not sizes & {2001, 2002, 2003}, "the children's events are recorded")

    def shell(self):
        """sh -c 'a & b; wait': one capture, three processes, each with its own totals."""
        a, b = self.t.fixture("leak"), self.t.fixture("reallocs")
        r = self.t.record(["sh", "-c", f"{a} & {b} zero; wait"])
        equal("exit status", r.status, 0)
        processes = self.t.json("info", r.capture)["processes"]
        equal("processes", sorted(p["name"] for p in processes), ["fx_leak", "fx_reallocs", "sh"])
        replay = self.t.replay(r.capture)
        pids = {p["name"]: p["pid"] for p in processes}
        equal("leak", replay.by_pid[pids["fx_leak"]]["free", 1003], 7)
        equal("reallocs", replay.by_pid[pids["fx_reallocs"]]["free", 1001], 500)
        check_stats(self.t, r.capture, replay)

    def thread_names(self):
        r = self.t.record([self.t.fixture("threads"), "churn"])
        folded = self.t.text("flamegraph", "--allocations", "--split-threads", "--metric", "count",
                             "--format", "folded", r.capture)
        counts = [int(line.rsplit(" ", 1)[1]) for line in folded.splitlines() if "churner" in line.split(";")[0]]
        equal("allocations of threads of that name", sum(counts), 4 * 20000)

    def thread_memory(self, mode, private_kib, shared_kib):
        """What threads cost at most: private memory added, the segment, the recorder."""
        argv, path, told = [self.t.fixture("threads"), mode], self.t.file(".memory"), []
        for run in (execute, self.t.record):
            r = run(argv, env={"MEMORY_FILE": path})
            equal("exit status", r.status, 0)
            with open(path, encoding="ascii") as f:
                told.append([int(x) for x in f.read().split()])
            os.unlink(path)
        (bare, _), (private, shared) = told
        health = self.t.json("info", r.capture)["health"]
        equal("lost", health["lost"], 0)
        check(private - bare <= private_kib, f"{private - bare} KiB of private memory for threads")
        check(0 < shared <= shared_kib, f"{shared} KiB of the segment")
        check(health["recorder_max_rss_bytes"] <= 64 << 20, f"the recorder took {health['recorder_max_rss_bytes']} bytes")

    def output_untouched(self):
        data = random.randbytes(300000)
        path = self.t.file(".data")
        with open(path, "wb") as f:
            f.write(data)
        r = execute([self.t.tracker, "run", "-o", self.t.file(".bin"), "--", "cat", path])
        equal("exit status", r.status, 0)
        check(r.stdout == data, "cat's output changed")
        check(1 <= len(r.stderr.splitlines()) <= 6, f"what tracker says: {r.stderr!r}")

    def without_library(self):
        """A program with tracker.h runs alone."""
        equal("exit status", execute([self.t.fixture("lists")]).status, 0)


def functions(e):
    return [f.get("function") or "" for f in e["frames"]]


def top(e):
    """The most recent frame that is no allocator's."""
    return next((f for f in functions(e) if f not in ("malloc", "")), None)


def by_name(node, found=None):
    found = {} if found is None else found
    node = node.get("root", node)
    found[node["name"]] = node
    for child in node.get("children", ()):
        by_name(child, found)
    return found


def make_cases(t):
    c = Cases(t)
    cases = [("truth: " + " ".join(w), lambda w=w: c.fixture_truth(w)) for w in TRUTHS]
    cases += [(f"door: {d}", lambda d=d: c.door(d)) for d in DOORS]
    cases += [(f"allocator: {a} {' '.join(w)}", lambda a=a, w=w: c.allocator(a, w))
              for a in ALLOCATORS for w in (("reallocs", "grow"), ("threads", "short"), ("operators", "plain"))]
    cases += [(f"user's file: {m}", lambda m=m: c.user_file(m)) for m in ("closefrom", "close_each")]
    cases += [(f"peak of mappings {n}", lambda n=n, p=p: c.mapped(n, p))
              for n, p in enumerate((11, 12, 10, 13, 17), 1)]
    cases += [(f"temporary: lifo {n}", lambda n=n: c.temporary(
        ("temporary", "lifo", str(n)), {n - 1: (n, n * 1024), n: (n + 1, (n + 1) * 1024)}))
        for n in (1, 2, 5, 10)]
    cases += [
        # eight at a time: their memory is used again; 500 alive: 40 KiB and two pages of the segment each
        # a chunk goes back when the recorder gets to it: half of what all of them would take
        ("memory: 10000 threads", lambda: c.thread_memory("many", 1024, 5000 * 4)),
        ("memory: 500 threads alive", lambda: c.thread_memory("crowd", 500 * 44, 500 * 8)),
        ("temporary: ring", lambda: c.temporary(("temporary", "ring"), {0: (0, 0), 1: (0, 0), 6: (0, 0), 7: (992, 992 * 1001)})),
        ("temporary: vector", lambda: c.temporary(
            ("vector",), {0: (1, 2048), 1: (10, 4092), 2: (10, 4092)})),
        ("stacks: signal", lambda: c.jumping_stacks("signal", "mode_signal")),
        ("stacks: altstack", lambda: c.jumping_stacks("altstack", "mode_altstack")),
        ("stacks: longjmp", lambda: c.jumping_stacks("longjmp", "dive")),
        ("stacks: coroutines", lambda: c.jumping_stacks("coroutines", "coroutine")),
    ]
    cases += [(f"handler fork: {how}", lambda how=how: c.handler_fork(how)) for how in ("fork", "_Fork")]
    cases += [(name.replace("_", " "), getattr(c, name)) for name in (
        "sized", "in_valgrind", "no_std", "plugins", "private_plugins", "deep", "branches", "cuts", "lists", "flame", "inverted", "peak", "leaks",
        "remaps", "fork_processes", "where", "orphan", "no_follow_fork", "shell", "thread_names", "output_untouched",
        "without_library")]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
