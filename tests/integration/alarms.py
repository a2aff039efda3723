#!/usr/bin/env python3
"""alarms - tracker.h's alarms, sizes and asserted blocks: fixtures that say what became of each, with the library
preloaded and nothing else, recorded, and without the library.

usage: alarms.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import re
import signal
import subprocess

import harness
from harness import Failure, check, equal

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx")
# A name, the program and its case, and what it prints.
PRINTED = [
    ("a02_min0", "alarm min0", "enter: -3\nminimum_block_count is 0: it must be 1 or more"),
    ("a04_edge", "alarm edge", "16:quiet 17:fired"),
    ("a06_scope", "alarm scope", "inside:fired exit:1 after:quiet again:-3"),
    ("a06_left", "alarm left", "left left left left fired=0"),
    ("a06_jumped", "alarm jumped", "fired=0 enter=0 fired=1 exit=1"),
    ("a07_twice", "alarm twice", "-4 Already running"),
    ("a08_oneshot", "alarm oneshot", "fired=1 fired=1 exit=1 enter=0 exit=0"),
    ("a08_repeat", "alarm repeat", "fired=2"),
    ("a08_callback", "alarm callback", "20 bytes 2 blocks malloc calls=1 fired=1"),
    ("a09_a10_ignore", "alarm ignore", "0001 again:fired all:0 null:1"),
    ("a11_nested", "alarm nested", "outer:quiet inner:fired both:11 block:0"),
    ("a12_realloc", "alarm realloc", "made:1 20-24:quiet 24-64:fired 64-20:quiet 20-33:fired 33-33:quiet 33-0:quiet "
                                     "10-17:fired before 16-64:fired 64-16:quiet NULL-20:fired"),
    ("a13_fail", "alarm fail", "malloc:0 errno:1 calloc:0 errno:1 realloc:0 kept posix_memalign:1 1 aligned_alloc:0 "
                               "mmap:0 fired:6 counted:0"),
    ("a14_fork", "alarm_threads fork", "child:fired parent:fired other:fired"),
    ("a14_thread_end", "alarm_threads thread_end", "more=0 enter=0"),
    ("a15_threads", "alarm_threads threads", "thread:0 other:-3 process:fired"),
    ("a15_crowd", "alarm_threads crowd", "touched=0"),
    ("misuse", "alarm misuse", "-3 -3 -3 -3 -3 -3 -3 0 -4 Already running; runs; 0 -1"),
    ("signals", "alarm_threads signals", "handler:2 inside:1"),
    ("a01_cpp", "alarm_cpp cpp", "caught: Attempt to allocate 2 blocks (20 bytes) by operator new[]\nleft=1"),
    ("a01_library", "alarm_cpp in_library", "128 blocks at 256 elements"),
    ("a01_forms", "alarm_cpp forms", "nothrow:0 caught:3 fired:4 deeper:5"),
    ("a13_cpp_fail", "alarm_cpp fail", "caught:1 nothrow:0 handled:2 retried:1"),
    ("cpp_sizes", "alarm_cpp sizes", "status:0 buckets:16 [2]:1 sum:1"),
    ("cpp_asserted", "alarm_cpp asserted", "left"),
    ("a17_good", "noalloc good", "done"),
    ("a17_no_leak", "noalloc no_leak", "done"),
    ("a17_jumped", "noalloc jumped", "done"),
    ("a20_a24_len", "sizes len", "16 16"),
    ("a21_many", "sizes many", "0:70000"),
    ("a21_full", "sizes full", "18446744073709551615 9223372036854775807"),
    ("a22_free", "sizes free", "0:10"),
    ("a23_realloc", "sizes realloc", "0:1 2:1"),
    ("a25_golden", "sizes golden", "0->0 1->0 16->0 17->1 32->1 33->2 48->2 64->2 65->3 128->3 129->4 256->4 "
                                   "262144->14 262145->15 524288->15 600000->15"),
    ("a26_reenter", "sizes reenter", "2:1"),
    ("a27_misuse", "sizes misuse", "-3 0 -4 Already running; 0 -3 -3 -3"),
    ("a28_nested", "sizes nested", "0:3 \n0:1"),
    ("a29_get", "sizes get", "1 -17:-3 -16:11 0:11 15:7 16:-3 NULL:-3"),
]
# ... how it ends, and the first line that it says, with the line of its source that has the comment.
SAID = [
    ("a03_a05_abort", "alarm abort", signal.SIGABRT, "here",
     "tracker: allocation alarm: Attempt to allocate 2 blocks (20 bytes) by malloc"),
    ("a03_warn", "alarm warn", 0, "here", "tracker: allocation alarm: Attempt to allocate 2 blocks (20 bytes) by malloc"),
    ("a16_trap", "alarm trap", signal.SIGTRAP, "here",
     "tracker: allocation alarm: Attempt to allocate 2 blocks (20 bytes) by malloc"),
    ("a01_throw_from_c", "alarm throw", signal.SIGABRT, "here",
     "tracker: allocation alarm: Attempt to allocate 2 blocks (20 bytes) by malloc"),
    ("a17_bad", "noalloc bad", signal.SIGABRT, "guilty", "tracker: SOURCE:asserted: no more than 0 allocations of 0 bytes in "
     "all are allowed here: Attempt to allocate 1 blocks (10 bytes) by malloc"),
    ("a17_too_many", "noalloc too_many", signal.SIGABRT, "guilty", "tracker: SOURCE:too_many: no more than 2 allocations of "
     "1000 bytes in all are allowed here: Attempt to allocate 1 blocks (10 bytes) by malloc"),
    ("a17_too_large", "noalloc too_large", signal.SIGABRT, "guilty", "tracker: SOURCE:too_large: no more than 5 allocations "
     "of 30 bytes in all are allowed here: Attempt to allocate 1 blocks (11 bytes) by malloc"),
    ("a17_leak", "noalloc leak", signal.SIGABRT, "guilty",
     "tracker: SOURCE:leak: 1 blocks (24 bytes) that were allocated here are still there"),
    ("a17_leak_outside", "noalloc leak_outside", signal.SIGABRT, "guilty",
     "tracker: SOURCE:outside: 1 blocks (24 bytes) that were allocated here are still there"),
]


def line_of(source, comment):
    with open(source, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if f"/* {comment} */" in line:
                return number
    raise Failure(f"{source} has no comment {comment}")


class Alarms:
    def __init__(self, t):
        self.t = t
        self.libtracker = t.find("libtracker.so")

    def preloaded(self, program, **more):
        name, *args = program.split()
        return harness.execute([self.t.fixture(name), *args], {"LD_PRELOAD": self.libtracker}, **more)

    def recorded(self, program):
        name, *args = program.split()
        return self.t.record([self.t.fixture(name), *args])

    def prints(self, program, wanted):
        for run in (self.preloaded, self.recorded):
            r = run(program)
            equal(f"{run.__name__}: what it prints", (r.stdout.decode().strip(), r.stderr.decode()), (wanted, ""))

    def says(self, program, status, comment, wanted):
        source = os.path.join(SOURCES, program.split()[0] + ".c")
        for run in (self.preloaded, self.recorded):
            r = run(program)
            text = r.stderr.decode()
            first = re.sub(r"^tracker: .*/(\w+\.c):(\d+): (?=no more|\d)", self.where(source), text.splitlines()[0])
            equal(f"{run.__name__}: how it ends", r.status, -status)
            equal(f"{run.__name__}: what it says", first, wanted)
            self.first_line(text, source, comment)

    @staticmethod
    def where(source):
        def name(match):
            equal("file", match[1], os.path.basename(source))
            with open(source, encoding="utf-8") as f:
                line = f.read().splitlines()[int(match[2]) - 1]
            comment = re.search(r"/\* (\w+) \*/", line)
            check(comment, f"it names {match[0]}: {line}")
            return f"tracker: SOURCE:{comment[1]}: "
        return name

    @staticmethod
    def first_line(text, source, comment):
        """The command that the message gives names the line of the allocating call."""
        harness.need("addr2line")
        command = re.search(r"source line of #0: (.*)", text)
        check(command, text)
        found = harness.execute(command[1].split()).stdout.decode().strip()
        found = re.sub(r" \(discriminator \d+\)$", "", found)
        check(found.endswith(f"{os.path.basename(source)}:{line_of(source, comment)}"), f"{found}: {comment}")
        check(re.search(r"^  in thread \d+ \(fx_\w+\)$", text, re.M), text)
        check(re.search(r"^   #0 \w+\+0x[0-9a-f]+ /.*fx_\w+\(\+0x[0-9a-f]+\)$", text, re.M), text)

    def trap_in_debugger(self):
        gdb = harness.need("gdb")
        r = harness.execute([gdb, "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex", "set confirm off",
                             "-ex", f"set environment LD_PRELOAD {self.libtracker}", "-ex", "run", "-ex", "bt",
                             "--args", self.t.fixture("alarm"), "trap"])
        text = r.stdout.decode()
        if "ptrace" in r.stderr.decode():
            raise harness.Skip("gdb may not trace here")
        check("SIGTRAP" in text, text)
        where = f"alarm.c:{line_of(os.path.join(SOURCES, 'alarm.c'), 'here')}"
        check(re.search(rf"#\d+ .*malloc.*\n#\d+ .*with_action.*{where}", text.replace("\n    ", " ")), text)

    def without(self):
        """They are plain blocks, and calls say that nobody is there."""
        for program, wanted in (("noalloc bad", "skipped"), ("noalloc leak", "skipped"), ("alarm min0", "enter: -2")):
            name, *args = program.split()
            r = harness.execute([self.t.fixture(name), *args])
            equal(program, (r.status, r.stdout.decode().splitlines()[0]), (0, wanted))

    def asked(self, program, *options, status=0):
        name, *args = program.split()
        r = self.t.record([self.t.fixture(name), *args], options)
        equal("how it ends", r.status, status)
        return r

    def run_alarm(self):
        """What --alarm says, without a change of the program: which line, how often, of which thread."""
        wanted = "tracker: allocation alarm: Attempt to allocate 313 blocks (5000 bytes) by malloc"
        for options, count in (("min=4096,action=warn", 1), ("min=4K,repeat", 4), ("min=4K,repeat,ignore=1", 3),
                               ("min=4K,repeat,scope=thread", 2), ("min=1M,repeat", 0), ("min=5000,ignore=10", 0)):
            text = self.asked("failing large", "--alarm", options).stderr.decode()
            equal(options, text.splitlines().count(wanted), count)
            equal(f"{options}: all alarms", text.count("allocation alarm:"), count)
            if count:
                self.first_line(text, os.path.join(SOURCES, "failing.c"), "large")
        equal("abort", self.asked("failing large", "--alarm", "min=4096,action=abort", status=-signal.SIGABRT).stdout, b"")
        r = self.asked("failing calls 3", "--alarm", "action=fail,repeat,min=100")
        equal("fail", r.stdout.decode().split(), ["1", "2", "3", "failed:3"])
        for wrong in ("min=x", "action=count", "scope=all", "min=1,,", "repeat=1", "ignore=-1", "ignore="):
            r = self.t.record(["true"], ["--alarm", wrong])
            equal(wrong, (r.status, r.stderr.decode().startswith("tracker-run: argument --alarm: '")), (2, True))

    def fail_after(self):
        """N and no more succeed, in each program anew, and in a child what its parent had left."""
        def failed(program, *options):
            return [[int(w) for w in line.split()[:-1]] for line in
                    self.asked(program, *options).stdout.decode().splitlines()]
        for n in (0, 1, 7, 20):
            equal(f"after {n}", failed("failing calls 20", "--fail-after", str(n)), [list(range(n + 1, 21))])
        equal("in both", failed("failing fork 9", "--fail-after", "5"), [list(range(6, 10))] * 2)
        r = self.t.record(["sh", "-c", f"exec {self.t.fixture('failing')} calls 4"], ["--fail-after", "1000000"])
        equal("executed", r.stdout, b"failed:0\n")
        equal("operator new", self.asked("alarm_cpp memory", "--fail-after", "500").stdout,
              b"caught:1 nothrow:0 handled:1\n")

    def fail_random(self):
        """The same places for the same seed; as often as asked, within what happens less than once in a million times."""
        def failed(*options):
            return self.asked("failing calls 2000", "--fail-random", *options).stdout
        first = failed("1,0.1")
        equal("again", failed("1,0.1"), first)
        check(failed("2,0.1") != first, "another seed fails at the same places")
        for options, rate in (("1,0.1", 0.1), ("9", 0.01), ("3,1", 1)):
            count = int(failed(options).rsplit(b":", 1)[1])
            check(abs(count - 2000 * rate) <= 5 * (2000 * rate * (1 - rate)) ** 0.5, f"{options}: {count}")
        for wrong in ("", "x", "1,", "1,0", "1,2", "1,0.5x", "-1"):
            r = self.t.record(["true"], ["--fail-random", wrong])
            equal(wrong, (r.status, r.stderr.decode().startswith("tracker-run: argument --fail-random: ")), (2, True))

    def buckets(self):
        """`tracker stats --buckets` counts as the program's own sizes do, and its lines add up."""
        r = self.t.record([self.t.fixture("sizes"), "region"])
        own = dict(map(int, pair.split(":")) for pair in r.stdout.decode().split())
        text = self.t.text("stats", "--buckets", "--region", "counted", r.capture)
        lines = [line.rsplit(": ", 1) for line in text.splitlines() if line]
        equal("labels", [label for label, _ in lines],
              [f"<= {n} B" for n in (16, 32, 64, 128, 256, 512)] +
              [f"<= {n} KiB" for n in (1, 2, 4, 8, 16, 32, 64, 128, 256)] + ["> 256 KiB"])
        equal("buckets", [int(count.replace(",", "")) for _, count in lines], [own.get(b, 0) for b in range(16)])
        for options in ((), ("--region", "counted")):
            text = self.t.text("stats", "--buckets", *options, r.capture)
            total = self.t.json("stats", *options, r.capture)["total_num_allocations"]
            equal("sum", sum(int(line.rsplit(": ", 1)[1].replace(",", "")) for line in text.splitlines() if line), total)

    def example(self):
        """examples/unit-tests as a user has it: by meson, by CMake, and without the library."""
        meson, cmake, ctest, cc = harness.need("meson", "cmake", "ctest", "cc")
        source = os.path.join(SOURCES, "..", "..", "..", "examples", "unit-tests")
        env = {"PKG_CONFIG_PATH": os.path.join(self.t.build, "meson-uninstalled"), "DESTDIR": ""}
        first, second, alone = (self.t.file(".build") for _ in range(3))
        for command, wanted in (([meson, "setup", first, source], ""), ([meson, "test", "-C", first], r"Ok: +8\b"),
                                ([cmake, "-S", source, "-B", second], ""), ([cmake, "--build", second], ""),
                                ([ctest, "--test-dir", second], "0 tests failed out of 8"),
                                ([cc, "-I", os.path.join(source, "..", "..", "libtracker"), "-o", alone,
                                  os.path.join(source, "test_ring.c"), os.path.join(source, "ring.c")], "")):
            r = harness.execute(command, env)
            text = (r.stdout + r.stderr).decode()
            equal(" ".join(command), r.status, 0)
            check(re.search(wanted, text) and "Skipped" not in text.replace("Skipped:            0", ""), text)
        equal("without the library", harness.execute([alone, "bad_push"]).status, 77)

    def check_no_alloc(self):
        """Afterwards: any allocation below the function, with its stacks; a name that nothing has is refused."""
        program = self.t.fixture("budget")
        bad, good = (self.t.record([program, *more]).capture for more in (["x"], []))
        r = subprocess.run([self.t.reporter("check"), "--json", "--no-alloc-under", "process_block", bad], capture_output=True)
        (row,) = json.loads(r.stdout)["checks"]
        equal("bad", (r.returncode, row["found"], row["found_bytes"], row["passed"]), (3, 3, 307, False))
        equal("its stacks", [(s["size"], [f["function"] for f in s["stack"]][:2]) for s in row["stacks"] if s["size"] != 7],
              [(200, ["helper", "process_block"]), (100, ["process_block", "main"])])
        text = subprocess.run([self.t.reporter("check"), "--no-alloc-under", "process_block", bad], capture_output=True).stdout.decode()
        check("by process_block (" in text, f"text: {text}")
        for name in "process_block", "only_inlined", "process*":
            r = subprocess.run([self.t.reporter("check"), "-q", "--no-alloc-under", name, good], capture_output=True)
            equal(f"good: {name}", (r.returncode, r.stdout, r.stderr), (0, b"", b""))
        r = subprocess.run([self.t.reporter("check"), "--no-alloc-under", "no_such_function", good], capture_output=True)
        equal("no such function", (r.returncode, r.stdout, b"no function has that name" in r.stderr), (1, b"", True))

    def check_whole(self):
        """A capture that was cut is no proof."""
        path, cut = self.t.record([self.t.fixture("budget")]).capture, self.t.file(".bin")
        with open(path, "rb") as whole, open(cut, "wb") as f:
            f.write(whole.read()[:-30])
        for options, status in ([], 1), (["--allow-truncated"], 0):
            r = subprocess.run([self.t.reporter("check"), "-q", "--max-peak", "1M", *options, cut], capture_output=True)
            equal(f"{options}", r.returncode, status)

    def unrecorded(self):
        """What alarms let through is recorded, what they make fail is not: a recording of the program counts the same
        as its own sizes."""
        r = self.t.record([self.t.fixture("sizes"), "many"])
        equal("8 bytes", sum(e["kind"] == "malloc" and e["size"] == 8 for e in self.t.events(r.capture)), 70000)
        r = self.t.record([self.t.fixture("alarm"), "fail"])
        kinds = [e["kind"] for e in self.t.events(r.capture) if e.get("stack")]
        equal("failed", [kinds.count(k) for k in ("calloc", "realloc", "posix_memalign", "aligned_alloc", "mmap")], [0] * 5)
        return json.dumps(kinds)


def make_cases(t):
    a = Alarms(t)
    cases = [(name, lambda p=program, w=wanted: a.prints(p, w)) for name, program, wanted in PRINTED]
    cases += [(name, lambda p=program, s=status, c=comment, w=wanted: a.says(p, s, c, w))
              for name, program, status, comment, wanted in SAID]
    return cases + [("a16_trap_in_debugger", a.trap_in_debugger), ("a17_without", a.without),
                    ("a18_run_alarm", a.run_alarm), ("a18_d71_no_alloc_under", a.check_no_alloc), ("d71_cut_capture", a.check_whole), ("fail_after", a.fail_after), ("fail_random", a.fail_random),
                    ("a30_buckets", a.buckets),
                    ("a17_example", a.example), ("recorded too", a.unrecorded)]


if __name__ == "__main__":
    harness.main(make_cases)
