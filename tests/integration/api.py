#!/usr/bin/env python3
"""api - what a program asks by tracker.h, a case for each row of the feature list, named by its id: with libtracker.so preloaded and
nobody else there (the program starts its recorder itself), and under tracker run. The truth is arithmetic in the program.

usage: api.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import subprocess
import tempfile

import harness
from harness import check, equal, execute, need

BESIDE = "forked few many crowd places killed unread unseen".split()  # modes of fx/traced_beside.c; the others are of fx/traced.c
# The codes of what fx/traced_misuse.c calls: while nobody traces, and while it is traced. One number: it makes no difference.
MISUSE = {
    "start_0": -3, "start_65536": -3, "limit": (-2, 5), "memory": 0, "memory_null": 0, "memory_in": 0, "reset_peak": 0,
    "track": (-2, 0), "track_twice": (-2, 0), "untrack": (-2, 0), "untrack_twice": (-2, 0), "untrack_range": (-2, 0),
    "dump_nowhere": (-2, -9), "dump_null": (-2, -9), "name_null": -3, "name_empty": -3, "name_reserved": -3,
    "mark_null": -3, "mark_empty": -3, "begin_null": -3, "end_null": -3,
    "alarm_null": -3, "alarm_exit_null": -3, "alarm_exit_early": -3, "alarm_of_0": -3, "alarm_action": -3, "alarm": 0, "alarm_twice": -4,
    "alarm_exit": 0, "alarm_exit_twice": -3, "sizes_null": -3, "sizes_exit_early": -3, "sizes": 0, "sizes_twice": -4, "sizes_exit": 0,
    "new_null": -3, "new_nameless": -3, "new_nowhere": -5, "enter_null": -3, "exit_null": -3, "free_null": 0,
}
MISUSED_CAPTURE = {"new": 0, "exit_early": -3, "enter": 0, "enter_twice": -7, "exit": 0, "exit_twice": -3, "enter_again": -7, "free": 0}
RANGE = "the number of frames must be in range [1; 65535]"


class Api:
    def __init__(self, tracker):
        self.t = tracker
        self.libtracker = tracker.find("libtracker.so")

    def ways(self, mode):
        """The program's output by each way to the library."""
        program = self.t.fixture("traced_beside" if mode in BESIDE else "traced")
        yield "preloaded", execute([program, mode], {"LD_PRELOAD": self.libtracker})
        yield "linked", execute([program + "_linked", mode])
        yield "tracker run", self.t.record([program, mode])

    def says(self, mode, want, recorded=None):
        for way, r in self.ways(mode):
            equal(f"{mode}, {way}: status", (r.status, r.stderr.decode()), (0, ""))
            equal(f"{mode}, {way}", r.stdout.decode(), recorded if recorded and way == "tracker run" else want)

    # ---- start, stop, limits ----

    def d05_without_the_library(self):
        """Built with the header and run without tracker."""
        r = execute([self.t.fixture("traced"), "limits"])
        equal("output", r.stdout.decode().splitlines()[0], "before: 0 -2")
        check(b"run the program with tracker run, or link it with -ltracker" in r.stdout, f"the sentence: {r.stdout}")
        equal("status", r.status, 0)

    def b06_b07_b09_b10_limits(self):
        """Out of range: -3 and tracemalloc's sentence; while it traces the limit stays; the limit of nothing is -2."""
        refused = f"start: -3 {RANGE}\n"
        self.says("limits", "before: 0 -2\n" + 4 * refused + "after: 1 3\n")

    def b08_stop(self):
        """Clears all traces; a second one does nothing; what was allocated before is unknown afterwards."""
        self.says("stopped", "traced: 1\nstop: 0, again 0\nnow: 0 0 tracing 0 limit -2 dump -1\nrestarted: 0 limit 2\n"
                             "freed: 0\npeak: 50\n")

    def traces(self, env, options=()):
        program = self.t.fixture("traced")
        r = self.t.record([program], options, env) if options is not None else \
            execute([program], {"LD_PRELOAD": self.libtracker, **env})
        return r.status, r.stdout.decode(), r.stderr.decode()

    def b02_b03_from_the_start(self):
        on = lambda n: (0, f"tracing 1 limit {n}\n", "")
        equal("TRACKER_TRACE=25", self.traces({"TRACKER_TRACE": "25"}, None), on(25))
        equal("TRACKER_TRACE=' 7'", self.traces({"TRACKER_TRACE": " 7"}, None), on(7))
        equal("--trace", self.traces({}, ["--trace"]), on(1))
        equal("--trace=25", self.traces({}, ["--trace=25"]), on(25))

    def b04_values(self):
        off = (0, "tracing 0 limit -2\n", "")
        for value in ("0", ""):
            equal(f"TRACKER_TRACE={value}", self.traces({"TRACKER_TRACE": value}, None), off)
        for value in ("abc", "-1", "65536", "5x", "99999999999999999999"):
            equal(f"TRACKER_TRACE={value}", self.traces({"TRACKER_TRACE": value}, None),
                  (1, "", "TRACKER_TRACE: invalid number of frames\n"))
        equal("the option wins", self.traces({"TRACKER_TRACE": "5"}, ["--trace=25"]), (0, "tracing 1 limit 25\n", ""))
        for value in ("abc", "65536", "-1"):
            r = execute([self.t.tracker, "run", f"--trace={value}", "-o", self.t.file(".bin"), "true"])
            check(r.status == 125 or r.status == 2, f"--trace={value}: {r.status}")
            check(b"argument --trace" in r.stderr, f"--trace={value}: {r.stderr}")

    def b05_secure(self):
        """A program with rights that its user does not have ignores the variable, whoever preloads the library into it."""
        if os.geteuid() != 0:
            raise harness.Skip("not root: cannot make a program that is")
        folder = os.path.dirname(self.t.for_others()("tracker"))
        path = os.path.join(folder, "secure")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx", "traced.c")
        subprocess.run([need("cc"), "-w", "-pthread", source, "-o", path, "-L", folder, "-Wl,--no-as-needed", "-ltracker",
                        f"-Wl,-rpath,{folder}"], check=True)
        os.chown(path, 0, 0)
        os.chmod(path, 0o4755)
        r = execute(["setpriv", "--reuid=65534", "--clear-groups", path], {"TRACKER_TRACE": "5"})
        equal("setuid", (r.status, r.stdout, r.stderr), (0, b"tracing 0 limit -2\n", b""))
        os.chmod(path, 0o755)
        r = execute(["setpriv", "--reuid=65534", "--clear-groups", path], {"TRACKER_TRACE": "5"})
        equal("the same without its rights", (r.status, r.stdout), (0, b"tracing 1 limit 5\n"))

    # ---- figures ----

    def b13_b19_traced_memory(self):
        """As asked for, not as malloc rounds it; a realloc is one block; a block of no bytes is one."""
        mib = 1 << 20
        self.says("figures", f"block: {mib}\nrealloc: {3 * mib}\nshrunk: {mib // 2}, peak {3 * mib}\nfreed: 0\n"
                             "empty: 0, frames 1\nno pointers: 0\n")

    def b14_reset_peak(self):
        self.says("reset", "1 1\n")

    def b12_clear_traces(self):
        self.says("cleared", "clear: 0\nnow: 0 0, frames -1\nbehind: 70, frames 5\n")

    def b11_b15_tracker_memory(self):
        self.says("cost", "1 1 1, lost 0\n")

    # ---- one block ----

    def b20_object_traceback(self):
        """Also by an address inside; none behind it, on the stack, or of what was freed."""
        missing = "missing: -9 no traced block is at that address\n"
        self.says("where", f"at 1 in 1 behind -1 stack -1 null -1\n{missing}freed: -1\n")

    def b22_limit(self):
        self.says("frames", "4 4 4\n")

    def b60_b61_b59_track(self):
        tail = ("track: 0 0, 123 123, all 143\nagain: 0, 200 200, all 220\nuntrack: 0 0 0, 0 200, all 20\nunknown: 0 0\n")
        self.says("domains", f"off: -2 -2\n{tail}stopped: -2 -2\n", recorded=f"off: 0 0\n{tail}stopped: 0 0\n")

    def b62_d15_pool(self):
        """An arena of a MiB is the heap's, the objects in it are its own domain's; neither counts in the other."""
        self.says("pool", f"heap {1 << 20}, pool 2400 of 4800, all {(1 << 20) + 2400}\nfreed: heap 0, all 2400\n")

    # ---- processes and threads ----

    def b18_fork(self):
        """The child is traced, with its parent's blocks, and neither sees what the other does from then on."""
        self.says("forked", "child 7, parent 6 1\n")

    def b16_threads(self):
        self.says("many" if self.t.many else "few", "left 0, lost 0\n")

    def q1_crowd(self):
        """Forty threads ask, of which sixteen can at once."""
        self.says("crowd", "failed 0\n")

    def q1_from_anywhere(self):
        """Four threads start at once; a handler, a key's destructor and atexit ask."""
        self.says("places", "started by 4, limit 9\nin a handler: 1\nin a destructor: 1\nat exit: 1\n")

    def b06_b10_b60_a07_d03_misuse(self):
        """Each wrong call has its code and its sentence, and leaves errno alone, wherever it is made."""
        program = self.t.fixture("traced_misuse")
        ways = {"preloaded": lambda folder: execute([program, folder], {"LD_PRELOAD": self.libtracker}),
                "linked": lambda folder: execute([program + "_linked", folder]),
                "tracker run": lambda folder: self.t.record([program, folder])}
        untraced, alone = ("before", "stopped"), ("before", "tracing", "child", "stopped", "exit")
        for way, run in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                r = run(folder)
            equal(f"{way}: status", (r.status, r.stderr.decode()), (0, ""))
            said = {(place, call): rest for place, call, rest in (line.split(" ", 2) for line in r.stdout.decode().splitlines())}
            for place in alone + ("handler", "destructor", "one", "other"):
                for call, codes in {**MISUSE, **(MISUSED_CAPTURE if place in alone else {})}.items():
                    # what is tracked is in the recording, too
                    known = place not in untraced or (way == "tracker run" and "track" in call)
                    want = codes if isinstance(codes, int) else codes[known]
                    equal(f"{way}: {call}, {place}", said.pop((place, call), None), str(want))
            equal(f"{way}: what else was said", said, {})

    def q1_recorder_killed(self):
        gone = "the recorder does not answer: it has ended, or stands still"
        for way, r in self.ways("killed"):
            equal(f"{way}: status", r.status, 0)
            equal(way, r.stdout.decode(), f"recorder: 1\ndump: -5 {gone}\nmemory: -5 0\nalive: 1\n")

    def b17_unread(self):
        """Traces that cannot be stored are counted; the program's allocations go on."""
        want = "recorder: 1, limit 0\nfailed 0, lost 1\n"
        for way, r in self.ways("unread"):
            equal(f"{way}: status", r.status, 0)
            equal(way, r.stdout.decode(), want)

    def q1_unseen(self):
        """The recorder that the program has started is no child of its, raises no signal and leaves no descriptor."""
        self.says("unseen", "signals 0, child -1 1, descriptors 0\n")

    # ---- what is freed wrongly ----

    def freed(self, mode):
        r = self.t.record([self.t.fixture("doublefree"), mode], ["--trace=8", "--check-free"])
        return r.status, r.stdout.decode(), r.stderr.decode()

    def functions(self, text, head):
        """Those of the frames below that line: addr2line's word for each."""
        at = text.index(head + " (most recent call first):\n")
        frames = []
        for line in text[at:].splitlines()[1:]:
            m = re.match(r'  File "([^"]+)", offset 0x([0-9a-f]+)$', line)
            if not m:
                break
            frames.append((m[1], int(m[2], 16) - 1))
        check(1 <= len(frames) <= 8, f"{head}: {frames}")
        own = [hex(offset) for path, offset in frames if os.path.basename(path) == "fx_doublefree"]
        names = subprocess.run([need("addr2line"), "-fe", self.t.fixture("doublefree"), *own], stdout=subprocess.PIPE, check=True)
        return names.stdout.decode().splitlines()[::2]

    def b25_check_free_good(self):
        equal("a program that does nothing wrong", self.freed("good"), (0, "survived\n", ""))

    def b25_double_free(self):
        """Both stacks, also where the C library would not notice."""
        for mode in ("twice", "late"):
            status, out, err = self.freed(mode)
            equal(f"{mode}: status, output", (status, out), (-6, ""))
            check(re.match(r"tracker: memory block 0x[0-9a-f]+ of 123 bytes is freed again: it was freed before\n", err), err)
            equal(f"{mode}: now", self.functions(err, "Freed now at")[:2], ["free_again", "main"])
            equal(f"{mode}: first", self.functions(err, "Memory block first freed at")[:2], ["free_first", "main"])
            equal(f"{mode}: allocated", self.functions(err, "Memory block allocated at")[:2], ["make_it", "main"])

    def b25_in_a_forked_child(self):
        """Also of a program with an alarm, of which the child has a copy."""
        status, out, err = self.freed("child")
        equal("the signal that ended the child", (status, out), (6, ""))
        check("of 123 bytes is freed again" in err, err)

    def b25_freed_wrongly(self):
        for mode, words in (("nothing", "is freed, and no allocation returned that address"), ("inside", "no allocation returned that address"),
                            ("realloc", "of 123 bytes is freed again"), ("delete", "of 123 bytes is freed by a call that does not fit")):
            status, out, err = self.freed(mode)
            equal(f"{mode}: status, output", (status, out), (-6, ""))
            check(words in err, f"{mode}: {err}")

    def q1_ends_with_it(self):
        """A pipe that the program writes to ends when the program does, and no recorder is left."""
        r = execute([self.t.fixture("traced_linked"), "figures"])
        equal("status", r.status, 0)


def make_cases(tracker):
    api = Api(tracker)
    names = [n for n in vars(Api) if n[0] in "abdq" and n[1:2].isdigit()]
    return [(n.replace("_", " "), getattr(api, n)) for n in names]


if __name__ == "__main__":
    harness.main(make_cases)
