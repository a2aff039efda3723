#!/usr/bin/env python3
"""torture - programs that do what heap profilers break on (docs/RELIABILITY.md): recorded
they behave as alone, and what they say they did is what was recorded.

usage: torture.py [-h] [--traced] BUILD_DIR [PART_OF_A_NAME]...
--traced: every program traces itself from its start on, too, as if its first constructor called tracker_start(1); and by a
library that undefined behaviour ends with SIGILL.
"""
import collections
import contextlib
import functools
import os
import re
import resource
import signal
import subprocess
import sys
import time

import harness
import run
from harness import Replay, check, check_truth, equal, execute, need

# Programs and their truths: (fixture, its modes).
TRUTHS = [
    ("torture_start", "lookup much handlers quick thread_at_exit environment footprint"),
    ("torture_process", "bare_fork storm atfork thread_fork thread_exec chain exec_fails spawn clone killed_child "
                        "namespace daemon stripped"),
    ("torture_threads", "cancel_deferred cancel_pending cancel_async tiny_stacks own_stacks detached setxid keys "
                        "main_ends"),
    ("torture_signals", "timer timer_threads segv_jump tiny_altstack nested blocked dispositions queued"),
    ("torture_limits", "processes stack data core exhausted exhausted_data removed_cwd seccomp_errno seccomp_kill "
                       "dispatch no_proc low_descriptors locked_memory"),
    ("torture_heap", "too_much nothing large alignments heap_as_it_is machine strings handed_reallocs peak"),
    ("torture_maps", "over partial refused moved left_behind random sbrk"),
    ("torture_loader", "lock namespace deepbind origin errors"),
    ("torture_objects", ""), ("own_new", ""), ("pooled_new", ""), ("pooled_new_own", ""),
]
CASES = [(fixture, mode) for fixture, modes in TRUTHS for mode in modes.split() or [""]]
OTHER_SCOPES = {("torture_loader", "namespace"), ("torture_loader", "deepbind")}
ENVIRONMENT = {
    "handed_reallocs": {"MALLOC_ARENA_MAX": "1"},
    "large": {"MALLOC_PERTURB_": "0"},  # set by meson: 750 GB would be written
}
PLUGINS = ("first.so", "second.so")
FX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx")
STACK_BYTES = 2048  # that hooks may take
TRACED = {"TRACKER_TRACE": "1"}
# Left out with --traced: libtracker is in none of these programs, or the variable changes nothing.
NEVER_TRACED = ("traces itself", "unseen", "linked in", "go", "children of other kinds", "sanitizers")

# A preloaded library is not in these, or must not be: compiler, flags, a word that says why.
SEVEN = "#include <stdlib.h>\nint main(void) { void *volatile p = malloc(10); free(p); return 7; }\n"
FOREIGN = {
    "static": ("gcc", ["-static"], "static"),
    "static and position-independent": ("gcc", ["-static-pie"], "static"),
    "musl": ("musl-gcc", [], "musl"),
    "static musl": ("musl-gcc", ["-static"], "static"),
    "ASan of gcc": ("gcc", ["-fsanitize=address"], "sanitizer"),
    "ASan of clang": ("clang", ["-fsanitize=address"], "malloc"),
    "TSan of gcc": ("gcc", ["-fsanitize=thread"], "sanitizer"),
    "TSan of clang": ("clang", ["-fsanitize=thread"], "malloc"),
    "LSan of gcc": ("gcc", ["-fsanitize=leak"], "sanitizer"),
}

THEIRS = {"brk", "getrandom", "write", "exit_group"}  # of the program's system calls, when ours are over
FAULTS = {"openat": "EMFILE", "madvise": "EINVAL", "membarrier": "ENOSYS", "readlinkat": "EACCES", "close": "EINTR"}

# What a sanitizer finds, by argument, and what it must not take for a leak: the loader's blocks.
MISTAKES = r'''
#include <dlfcn.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
struct alignas(64) Wide { char bytes[64]; };
int main(int argc, char **argv)
{
	const std::string is = argv[1];
	volatile char *p = (char *)malloc(10), *q = (char *)p;
	std::thread([] { for (int i = 0; i < 1000; i++) { std::string s(100 + i, 'x'); delete new Wide; } }).join();
	if (dlopen("libm.so.6", RTLD_NOW) && dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL)) puts("loaded");
	if (is == "overflow") p[12] = 1;
	if (is == "after free") { free((void *)p); q[2] = 1; }
	if (is == "mismatch") free(new int);
	if (is == "size") operator delete(new long, (size_t)1);
	if (is == "twice") { free((void *)p); free((void *)q); }
	if (is == "leak") { p = (char *)malloc(44); p = NULL; malloc(45); }
	if (is == "race") { int n = 0; std::thread a([&n] { for (int i = 0; i < 100000; i++) n++; }); for (int i = 0; i < 100000; i++) n++; a.join(); }
	free((void *)q);
	return 7;
}
'''
MISTAKEN = ("none", "overflow", "after free", "mismatch", "size", "twice", "leak", "race")


def sanitized(report):
    """What of a sanitizer's report is the same each time: the kind of error, and its stacks' functions, but not
    which thread of two came first."""
    return sorted(set(re.findall(r"SUMMARY: \w+: [\w-]+|#\d+ (?:0x[0-9a-f]+ in )?[A-Za-z_]\S*",
                                 re.sub(r"#\d+ (0x[0-9a-f]+ in )?", "#0 ", report.decode()))))


@contextlib.contextmanager
def cgroup(memory_bytes):
    """How to enter a group that has so much memory; None: there is none to be had."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = os.path.join(root, f"tracker-test.{os.getpid()}")
        try:
            os.mkdir(folder)
            with open(os.path.join(folder, limit), "w", encoding="ascii") as f:
                f.write(str(memory_bytes))
            enter = functools.partial(enter_group, folder)
            subprocess.run(["true"], check=True, preexec_fn=enter)
        except (OSError, subprocess.SubprocessError):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            continue
        try:
            yield enter
        finally:
            remove_when_empty(folder)
        return
    yield None


def enter_group(folder):
    with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as f:
        f.write("0")


def remove_when_empty(folder):
    while True:
        try:
            return os.rmdir(folder)
        except OSError:
            time.sleep(0.01)


def arguments(t, fixture, mode):
    argv = [t.fixture(fixture)] + ([mode] if mode else [])
    return argv + [t.fixture(p) for p in PLUGINS] if fixture == "torture_loader" else argv


class Torture:
    def __init__(self, tracker):
        self.t = tracker
        self.cases = run.Cases(tracker)
        self.does_trace = False

    def truth(self, fixture, mode):
        argv = arguments(self.t, fixture, mode)
        if (fixture, mode) in OTHER_SCOPES:
            self.other_scope(argv)
        else:
            self.cases.truth(argv, ENVIRONMENT.get(mode))

    def undefined_behaviour_traps(self):
        r = self.t.record(["cat", "/proc/self/maps"])
        equal("which is preloaded", (b"/traps.so" in r.stdout, b"/libtracker.so" in r.stdout), (True, False))

    def traces_itself(self, fixture, mode):
        """Nobody records it: the library is preloaded, and starts a recorder for it before main. It runs as alone."""
        argv = arguments(self.t, fixture, mode)
        env = {**TRACED, **ENVIRONMENT.get(mode, {})}
        bare = execute(argv, env)
        preloaded = {**env, "LD_PRELOAD": self.t.find("libtracker.so")}
        r = execute(argv, preloaded)
        if not self.does_trace:  # that is seen once: most of these programs do not ask
            asked = execute([self.t.fixture("traced")], {**TRACED, "LD_PRELOAD": preloaded["LD_PRELOAD"]})
            equal("a program that asks", asked.stdout, b"tracing 1 limit 1\n")
            self.does_trace = True
        equal("status and output", (r.status, r.stdout), (bare.status, bare.stdout))
        equal("standard error", run.less(r.stderr), run.less(bare.stderr))

    # ---- what a program finds when it begins ----

    def user_preload(self):
        """The user's own LD_PRELOAD stands behind ours, also for what is executed."""
        self.cases.truth([self.t.fixture("torture_start"), "wrapped"], {"LD_PRELOAD": self.t.fixture("wrapper.so")})

    def whole_environment(self):
        """With --no-follow-exec not a word of it differs."""
        argv = [self.t.fixture("torture_start"), "whole_environment"]
        for env in (None, {"LD_PRELOAD": self.t.fixture("wrapper.so")}):
            bare, recorded = execute(argv, env), self.t.record(argv, ["--no-follow-exec"], env)
            equal("environment", recorded.stdout, bare.stdout)
            check(b"PATH=" in bare.stdout, "the environment is empty")

    def closed_at_start(self):
        """Whichever of 0, 1 and 2 the program is started without, nothing of ours takes its place."""
        for script in ("<&-", "2>&-", "<&- 2>&-", "3<&0 <&-", "4>&1 5>&2 3<&-"):
            argv = ["sh", "-c", f'exec "$@" {script}', "sh"]
            for fixture, mode in (("torture_start", "footprint"), ("torture_heap", "peak")):
                inner = [self.t.fixture(fixture), mode]
                capture = self.t.file(".bin")
                bare = execute(argv + inner)
                r = execute([*argv, self.t.tracker, "run", "-q", "-o", capture, "--", *inner])
                equal(f"{script}: status and output", (r.status, r.stdout), (bare.status, bare.stdout))
                check(check_truth(self.t.replay(capture), r.stdout) > 0, "the program said nothing")

    def limited_at_start(self):
        """Limits that the user had set before."""
        argv = [self.t.fixture("torture_heap"), "peak"]
        limits = {"NOFILE": 16, "AS": 256 << 20, "DATA": 64 << 20, "STACK": 128 << 10, "FSIZE": 1 << 20, "MEMLOCK": 0,
                  "NPROC": 4096, "CORE": 0}
        for name, value in limits.items():
            which = getattr(resource, "RLIMIT_" + name)
            r = self.cases.truth(argv, preexec=lambda w=which, v=value: resource.setrlimit(w, (v, v)))[0]
            equal(f"status with a limit of {name}", r.status, 0)

    def faults_at_start(self):
        """
        Each system call of our start fails once: the program runs as ever, and is recorded
        whole, or it is said that it is not, or it is not there at all.
        """
        inner = [self.t.fixture("torture_start"), "handlers"]
        bare, log = execute(inner), self.t.file(".strace")
        calls, begun, seen = [], False, collections.Counter()
        self.t.record([need("strace"), "-o", log, *inner])
        with open(log, encoding="ascii", errors="replace") as f:
            for line in f:
                call = line.split("(")[0]
                seen[call] += 1
                begun |= call == "openat" and "/proc/" in line and "/fd/" in line
                if begun and "(" in line and call not in THEIRS:
                    calls.append((call, seen[call]))
        check(len(calls) > 10, f"only {calls}")
        for call, number in calls:
            fault = f"{call}:error={FAULTS.get(call, 'ENOMEM')}:when={number}"
            r = self.t.record([need("strace"), "-o", "/dev/null", "-e", "inject=" + fault, *inner])
            equal(f"{fault}: status and output", (r.status, r.stdout), (bare.status, bare.stdout))
            info = self.t.json("info", r.capture)
            if info["complete"] and self.name_of(inner) in [p["name"] for p in info["processes"]]:
                try:
                    check_truth(self.t.replay(r.capture), r.stdout)
                except harness.Failure as f:
                    raise harness.Failure(f"{fault}: {f}") from f

    @staticmethod
    def name_of(argv):
        return os.path.basename(argv[0])

    # ---- what it costs the program ----

    def system_calls(self):
        """Of 100,000 events as many as of 10: of each kind. How often a wait for the recorder begins anew is the machine's affair."""
        program, counted, waits = [self.t.fixture("torture_start"), "calls"], {}, {}
        for count in ("10", "100000"):
            log, capture = self.t.file(".strace"), self.t.file(".bin")
            r = execute([self.t.tracker, "run", "-q", "-o", capture, "--", need("strace"), "-o", log, *program],
                        {"COUNT": count})
            equal("exit status", (r.status, r.stderr), (0, b""))
            with open(log, encoding="ascii", errors="replace") as f:
                lines = f.readlines()
            counted[count] = sorted(line.split("(")[0] for line in lines if "FUTEX_WAIT" not in line)
            waits[count] = sum("FUTEX_WAIT" in line for line in lines)
            made = Replay(self.t.events(capture)).kinds["malloc", 1001]
            equal("events", made, int(count))
        equal("system calls", counted["100000"], counted["10"])
        check(waits["100000"] < 1000, f"it waited {waits} times")

    def stack_use(self):
        """malloc, realloc and free on a stack of their own: how much deeper they go. P12: 2 KiB."""
        argv, path, told = [self.t.fixture("torture_start"), "stack_use"], self.t.file(".used"), []
        for how in (execute, self.t.record):
            equal("exit status", how(argv, env={"USED_FILE": path}).status, 0)
            with open(path, encoding="ascii") as f:
                told.append([int(x) for x in f.read().split()])
        for what, bare, recorded in zip(("the first time", "later"), *told):
            check(recorded - bare <= STACK_BYTES, f"{what} {bare} bytes alone, {recorded} recorded")

    def out_of_memory(self):
        """
        Killed by the kernel, in a cgroup of its own: every block that it was given is in the
        capture. Where no group can be made, it kills itself.
        """
        shared = self.t.file(".shared")
        with cgroup(96 << 20) as enter:
            own_end = [] if enter else ["700"]
            if not enter:
                print("# without a cgroup")
            r = self.t.record([self.t.fixture("torture_limits"), "out_of_memory", shared, *own_end], preexec=enter)
        equal("status", r.status, -signal.SIGKILL)
        with open(shared, "rb") as f:
            counted = int.from_bytes(f.read(8), "little")
        made = Replay(self.t.events(r.capture)).kinds["malloc", 100001]
        check(counted > 500 and made - counted in (0, 1), f"{counted} blocks, {made} recorded")

    # ---- allocators and programs of other kinds ----

    def compiled(self, source, *flags, compiler="gcc", suffix=".c"):
        """A program from a fixture's file, or from text."""
        path, program = source, self.t.file(".program")
        if "\n" in source:
            path = self.t.file(suffix)
            with open(path, "w", encoding="ascii") as f:
                f.write(source)
        command = [need(compiler), "-w", "-O0", "-g", "-pthread", "-o", program, path, *flags]
        built = subprocess.run(command, capture_output=True, cwd=self.t.scratch)
        check(built.returncode == 0, f"{' '.join(command)}: {built.stderr.decode(errors='replace')[-500:]}")
        return program

    def linked(self, library):
        """The program's allocator is a library that it was linked with."""
        path = need(run.LIBRARY + library)
        for source, mode in (("reallocs.c", "grow"), ("reallocs.c", "race"), ("threads.c", "short")):
            self.cases.truth([self.compiled(os.path.join(FX, source), "-Wl,--no-as-needed", path), mode])

    def linked_in(self):
        """An allocator in the executable itself: nothing of it is seen, and that is said."""
        archive = need(run.LIBRARY + "libjemalloc.a")
        program = self.compiled(SEVEN, archive, "-lstdc++", "-lm", "-ldl")
        self.unseen([program], "malloc", said=False)

    def unseen(self, argv, word, said=True):
        """Runs as ever, with its own status; what cannot be recorded is said, in the capture, too."""
        capture = self.t.file(".bin")
        bare, r = execute(argv), execute([self.t.tracker, "run", "-o", capture, "--", *argv])
        equal("status and output", (r.status, r.stdout), (bare.status, bare.stdout))
        equal("status alone", bare.status, 7)
        check(not said or word in r.stderr.decode(), f"no {word!r} in {r.stderr!r}")
        notices = self.t.json("info", capture)["notices"]
        check(any(word in n for n in notices), f"no {word!r} in {notices}")

    def other_scope(self, argv):
        """As alone, but for one line: a library looks for its malloc past us."""
        bare, r = execute(argv), self.t.record(argv)
        equal("status and output", (r.status, r.stdout), (bare.status, bare.stdout))
        check_truth(self.t.replay(r.capture), r.stdout)
        for text in r.stderr.decode().splitlines(), self.t.json("info", r.capture)["notices"]:
            check(len(text) == 1 and "RTLD_DEEPBIND" in text[0], f"what is said: {text}")

    def foreign(self, kind):
        compiler, flags, word = FOREIGN[kind]
        self.unseen([self.compiled(SEVEN, *flags, compiler=compiler)], word)

    def go(self):
        need("go")
        source, program = self.t.file(".go"), self.t.file(".program")
        with open(source, "w", encoding="ascii") as f:
            f.write('package main\nimport "os"\nfunc main() { os.Exit(len(make([]byte, 7))) }\n')
        env = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "HOME": self.t.scratch, "GOCACHE": self.t.file(".cache")}
        subprocess.run(["go", "build", "-o", program, source], check=True, env=env, capture_output=True)
        self.unseen([program], "Go")

    def undefined_behaviour(self):
        """UBSan has no malloc of its own: exact."""
        self.cases.truth([self.compiled(os.path.join(FX, "reallocs.c"), "-fsanitize=undefined"), "grow"])

    def children_of_other_kinds(self):
        """What a recorded shell starts, though we cannot be in there: runs as alone."""
        differ = []
        for kind in FOREIGN:
            compiler, flags, _ = FOREIGN[kind]
            argv = ["sh", "-c", self.compiled(SEVEN, *flags, compiler=compiler) + "; echo $?"]
            bare, r = execute(argv), self.t.record(argv)
            said = [line for line in r.stderr.splitlines() if not line.startswith(b"tracker: ")]
            if (r.status, r.stdout, said) != (bare.status, bare.stdout, bare.stderr.splitlines()):
                differ.append((kind, r.status, r.stdout, said))
        equal("children that differ from bare ones", differ, [])

    def unseen_children(self):
        """What recorded programs start, or become, is recorded or told of, by name, whatever its environment."""
        folder = self.t.file(".programs")
        os.mkdir(folder)
        source = "#include <unistd.h>\nint main(void) { sleep(5); return 7; }\n"
        for name, compiler, *flags in (("static", "gcc", "-static"), ("musl", "musl-gcc"), ("cleared", "gcc"), ("inside", "gcc"),
                                       ("becomes", "gcc", "-static"), ("seen", "gcc")):
            os.rename(self.compiled(source, *flags, compiler=compiler), os.path.join(folder, name))
        script = "./static & ./musl & env -i ./cleared & ./seen & unshare -fp --mount-proc ./inside & exec ./becomes"
        r = self.t.record(["sh", "-c", f"cd '{folder}'; {script}"])
        info = self.t.json("info", r.capture)
        told = {os.path.basename(n.split(" (pid")[0]) for n in info["notices"]}
        namespaces = subprocess.run(["unshare", "-fp", "--mount-proc", "true"], capture_output=True, check=False).returncode == 0
        if not namespaces:
            print("# without a PID namespace")
        want = {"static", "musl", "becomes"}
        equal("status, told of", (r.status, told, [n for n in info["notices"] if "inside" in n]), (7, want, []))
        equal("unrecorded", info["health"]["unrecorded_processes"], len(want))
        recorded = {"cleared", "seen"} | ({"inside"} if namespaces else set())
        equal("recorded", recorded - {p["name"] for p in info["processes"]}, set())

    def sanitizers(self):
        """Started by a recorded shell they find the same mistakes, with the same stacks, and say so."""
        differ = []
        for flag in ("address", "leak", "thread"):
            program = self.compiled(MISTAKES, f"-fsanitize={flag}", compiler="g++", suffix=".cpp")
            for mistake in MISTAKEN:
                argv = ["sh", "-c", f"'{program}' '{mistake}'; exit $?"]
                bare, r = execute(argv), self.t.record(argv)
                one, other = ((x.status, x.stdout, sanitized(x.stderr)) for x in (bare, r))
                if one != other:
                    differ.append((flag, mistake, one, other))
                check(any("sanitizer" in n for n in self.t.json("info", r.capture)["notices"]), f"{flag}: it is not said")
        equal("programs that differ from bare ones", differ, [])

    # ---- processes ----

    def same_pid(self):
        """Five processes of one pid, each of them with a block that it never freed at one address."""
        r = self.cases.same_as_bare([self.t.fixture("torture_process"), "same_pid"])
        replay = Replay(self.t.events(r.capture))
        told = dict(((w[1], int(w[2])), int(w[3])) for w in map(str.split, r.stdout.decode().splitlines()) if w[0] == "T")
        equal("events", {k: replay.kinds[k] for k in told}, told)
        stats = self.t.json("stats", r.capture)
        equal("leaked", (stats["leaked_allocations"], stats["leaked_bytes"]), (5, 5 * 2010))
        equal("processes", len(self.t.json("info", r.capture)["processes"]), 6)


def make_cases(t):
    c = Torture(t)
    cases = [(f"{f.removeprefix('torture_')} {m}".strip(), lambda f=f, m=m: c.truth(f, m)) for f, m in CASES]
    cases += [(f"traces itself: {f.removeprefix('torture_')} {m}".strip(), lambda f=f, m=m: c.traces_itself(f, m)) for f, m in CASES]
    cases += [(f"linked: {a}", lambda a=a: c.linked(a)) for a in run.ALLOCATORS]
    cases += [(f"unseen: {k}", lambda k=k: c.foreign(k)) for k in FOREIGN]
    cases += [(name.replace("_", " "), getattr(c, name)) for name in (
        "user_preload", "whole_environment", "closed_at_start", "limited_at_start", "faults_at_start", "system_calls", "stack_use",
        "out_of_memory", "linked_in", "go", "undefined_behaviour", "children_of_other_kinds",
        "unseen_children", "sanitizers", "same_pid")]
    if not os.environ.get("TRACKER_TRACE"):
        return cases
    os.environ.update(t.other_library("traps.so"))
    return [("undefined behaviour traps", c.undefined_behaviour_traps)] + [c for c in cases if not c[0].startswith(NEVER_TRACED)]


if __name__ == "__main__":
    if "--traced" in sys.argv:
        sys.argv.remove("--traced")
        os.environ.update(TRACED)
    harness.main(make_cases)
