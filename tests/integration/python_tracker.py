#!/usr/bin/env python3
"""python_tracker - memray's ways in: a program's own tracker.Tracker, and python3 -m tracker run. Named by the rows of the feature list. Once with libtracker
preloaded, which then makes the capture; once without, when tracker attach brings it in. The truth is arithmetic in the program.

usage: python_tracker.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import socket
import subprocess
import sys

import harness
from harness import check, equal, execute

ERRORS = """
import sys, tracker
file, there = sys.argv[1:]
def say(function, *args, **more):
    try:
        return function(*args, **more)
    except Exception as e:
        print(type(e).__mro__[-4].__name__ if isinstance(e, OSError) else type(e).__name__, e)
say(tracker.Tracker)
say(tracker.Tracker, file, destination=tracker.FileDestination(file))
say(tracker.Tracker, there)
say(tracker.Tracker, "/doesn/t/exist")
say(tracker.SocketDestination, 65536)
say(tracker.Tracker, destination=tracker.SocketDestination(1234), follow_fork=True)
say(tracker.Tracker, destination=tracker.SocketDestination(1234), file_format=tracker.FileFormat.AGGREGATED_ALLOCATIONS)
first, second = tracker.Tracker(file), tracker.Tracker("/dev/null")
with first:
    say(second.__enter__)
    say(first.get_surviving_objects)
say(first.__enter__)
say(first.get_surviving_objects)
"""
SAID = """TypeError Exactly one of 'file_name' or 'destination' argument must be specified
TypeError Exactly one of 'file_name' or 'destination' argument must be specified
OSError Output file {there} already exists; set overwrite to true to overwrite it
OSError {errno}Could not create output file /doesn/t/exist: No such file or directory
ValueError Invalid port: 65536
RuntimeError follow_fork requires an output file
RuntimeError AGGREGATED_ALLOCATIONS requires an output file
RuntimeError No more than one Tracker instance can be active at the same time
RuntimeError track_object_lifetimes was not true
RuntimeError Attempting to use stale output handle
RuntimeError track_object_lifetimes was not true
"""
BLOCKS = """
import sys, threading, tracker
def fill(n, size):
    return [bytearray(size) for _ in range(n)]
before = fill(5, 70001)
with tracker.Tracker(%s):
    kept = fill(3, 80001)
    fill(4, 90001)
    other = threading.Thread(target=lambda: kept.extend(fill(2, 60001)))
    other.start()
    other.join()
    del before
after = fill(7, 80001)
"""
FORKS = """
import os, sys, tracker
kept = []
with tracker.Tracker(sys.argv[1], follow_fork=True):
    kept.append(bytearray(80001))
    child = os.fork()
    if not child:
        kept.append(bytearray(90001))
        os._exit(0)
    os.waitpid(child, 0)
print(child)
"""
SURVIVORS = """
import sys, tracker
kept = []
with tracker.Tracker(sys.argv[1], track_object_lifetimes=True) as t:
    kept.append(bytearray(80001))
    kept.append(bytearray(90001))
    kept.pop()
print([b.size for b in t.get_surviving_objects() if b.size > 80000])
"""


TESTS = """
import pytest
kept = []
@pytest.mark.limit_memory("1 MB")
def test_small():
    bytearray(1000000)
@pytest.mark.limit_memory("1.5 MB")
def test_large():
    bytearray(1600000)
@pytest.mark.limit_leaks("100 KB")
def test_leaks():
    kept.append(bytearray(300000))
@pytest.mark.limit_leaks("100 KB")
def test_frees():
    bytearray(300000)
@pytest.mark.limit_memory("1 MB")
def test_fails():
    assert not bytearray(2000000)
@pytest.mark.limit_memory("1 XB")
def test_wrong():
    pass
def test_plain():
    bytearray(2000000)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class PythonTracker:
    def __init__(self, t):
        self.t = t
        self.env = {"PYTHONPATH": os.path.join(t.build, "reporters", "library"), "PYTHONDONTWRITEBYTECODE": "1"}

    def script(self, text, *args, preload, status=0):
        env = dict(self.env, LD_PRELOAD=self.t.find("libtracker.so")) if preload else self.env
        r = execute([sys.executable, "-c", text, *args], env)
        equal("status: " + r.stderr.decode(), r.status, status)
        return r.stdout.decode()

    def sizes(self, capture, least=60000):
        """How many blocks of each size were allocated, without a bytearray's byte for the end; and how many were freed again."""
        made, freed, sizes = {}, {}, {}
        for e in self.t.events(capture):
            if e["kind"] in ("malloc", "calloc") and least < e["size"] < 100000 and e["size"] % 10000 in (1, 2):
                sizes[e["address"]] = size = e["size"] // 10000
                made[size] = made.get(size, 0) + 1
            elif e["kind"] == "free" and e["address"] in sizes:
                size = sizes.pop(e["address"])
                freed[size] = freed.get(size, 0) + 1
        return made, freed

    def d01_d02_blocks(self):
        """What was allocated in the block, of all threads, and nothing else."""
        for preload in True, False:
            file = self.t.file(".bin")
            self.script(BLOCKS % "sys.argv[1]", file, preload=preload)
            equal("preloaded" if preload else "attached", self.sizes(file), ({8: 3, 9: 4, 6: 2}, {9: 4}))

    def d38_reader_there(self):
        """libtracker-replay, with which the program has read a capture, is not taken for libtracker."""
        text = "import tracker\nfor i in range(2):\n    with tracker.Tracker(sys.argv[1] + str(i)):\n        kept = bytearray(80001)\n    tracker.Capture(sys.argv[1] + str(i))\n"
        for preload in True, False:
            file = self.t.file(".bin")
            self.script("import sys\n" + text, file, preload=preload)
            equal(f"preload {preload}", [self.sizes(file + n)[0] for n in "01"], [{8: 1}] * 2)

    def d06_d20_destination(self):
        for preload in True, False:
            file = self.t.file(".bin")
            with open(file, "wb") as f:
                f.write(b"x" * 1000000)
            how = "destination=tracker.FileDestination(sys.argv[1], overwrite=True), file_format=tracker.FileFormat.AGGREGATED_ALLOCATIONS"
            self.script(BLOCKS % how, file, preload=preload)
            equal("format", self.t.json("info", file)["content"], "aggregated")
            leaked = self.t.json("stats", file)["leaked_bytes"]
            check(3 * 80000 + 2 * 60000 < leaked < 3 * 80000 + 2 * 60000 + 50000, f"preload {preload}: not freed: {leaked}")

    def d03_d04_d05_d07_d08_errors(self):
        for preload in True, False:
            there, file = self.t.file(".txt"), self.t.file(".bin")
            with open(there, "w", encoding="ascii") as f:
                f.write("mine")
            said = self.script(ERRORS, file, there, preload=preload)
            equal(f"preload {preload}", said, SAID.format(there=there, errno="" if preload else "[Errno 2] "))
            with open(there, encoding="ascii") as f:
                equal("the file", f.read(), "mine")

    def d12_socket(self):
        """The capture goes to a client that connects; a Tracker that would have to attach refuses."""
        file, port = self.t.file(".bin"), free_port()
        how = BLOCKS % f"destination=tracker.SocketDestination({port})"
        client = subprocess.Popen([self.t.find("tracker-receive"), "-q", "-o", file, "--wait", "60s", str(port)])
        try:
            self.script(how, preload=True)
            equal("status of tracker receive", client.wait(120), 0)
        finally:
            client.kill()
            client.wait()
        equal("what arrived", self.sizes(file), ({8: 3, 9: 4, 6: 2}, {9: 4}))
        r = execute([sys.executable, "-c", how], self.env)
        equal("attached", (r.status, r.stderr.decode().splitlines()[-1].split(": ")[0]), (1, "NotImplementedError"))

    def d05_unused(self):
        """One that was never entered leaves no file."""
        for preload in True, False:
            file = self.t.file(".bin")
            self.script("import sys, tracker; tracker.Tracker(sys.argv[1])", file, preload=preload)
            check(not os.path.exists(file), f"preload {preload}: the file is there")

    def d16_surviving(self):
        equal("survivors", self.script(SURVIVORS, self.t.file(".bin"), preload=True), "[80002]\n")
        file = self.t.file(".bin")
        r = execute([sys.executable, "-c", SURVIVORS, file], self.env)
        equal("attached", (r.status, r.stderr.decode().splitlines()[-1]), (1, "NotImplementedError: track_object_lifetimes needs libtracker from the "
                                                                             "beginning: python3 -m tracker run ..."))

    def d17_follow_fork(self):
        file = self.t.file(".bin")
        child = self.script(FORKS, file, preload=True).strip()
        equal("the parent's", self.sizes(file)[0], {8: 1})
        equal("the child's", self.sizes(file + "." + child)[0], {9: 1})

    def d71_pytest(self):
        """Limits hold with libtracker and without, and say why a test fails; a test without a limit is not measured, unless --tracker is given."""
        folder = self.t.file(".d")
        os.mkdir(folder)
        with open(os.path.join(folder, "test_it.py"), "w", encoding="ascii") as f:
            f.write(TESTS)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "tracker_pytest", "-p", "no:cacheprovider", "--tb=short", "--rootdir", folder, folder]
        for more in {"LD_PRELOAD": self.t.find("libtracker.so")}, {}:
            r = execute([*pytest, "-k", "not leak and not frees"], dict(self.env, **more))
            out = r.stdout.decode()
            equal("the end: " + out + r.stderr.decode(), (r.status, out.splitlines()[-1].split(" in ")[0]), (1, "3 failed, 2 passed, 2 deselected"))
            check("Test was limited to 1536 KiB but allocated 15" in out or "Test was limited to 1536 KiB but allocated 16" in out, out)
            check("AssertionError" in out and "Invalid memory size format: 1 XB" in out and out.count("Test was limited") == 1, out)
        leaks = [*pytest, "-k", "leaks or frees or plain", "--tracker", "--tracker-path", folder]
        out = execute(leaks, dict(self.env, LD_PRELOAD=self.t.find("libtracker.so"), PYTHONMALLOC="malloc")).stdout.decode()
        check("Test was allowed to leak 100 KiB per location but at least one location leaked more" in out and "1 failed, 2 passed" in out, out)
        check("test_it.py::test_plain: 19" in out, out)
        equal("captures", sorted(f for f in os.listdir(folder) if f.endswith(".bin")), ["test_it.py--test_%s.bin" % n for n in ("frees", "leaks", "plain")])
        out = execute(leaks, self.env).stdout.decode()
        equal("without PYTHONMALLOC", out.count("only with PYTHONMALLOC=malloc"), 2)

    # ---- python3 -m tracker ----

    def module(self, *args, status=0):
        r = execute([sys.executable, "-m", "tracker", *args], self.env)
        equal("status: " + r.stderr.decode(), r.status, status)
        return r.stdout.decode(), r.stderr.decode()

    def d36_run(self):
        """Options of tracker run end at the script, as those of memray run; what memray needs to be told is accepted."""
        script, file = self.t.file(".py"), self.t.file(".bin")
        with open(script, "w", encoding="ascii") as f:
            f.write("import sys\nprint(sys.argv[1:], __name__)\nsys.exit(7)\n")
        for options in (["-q", "-f", "-o", file], ["--output", file, "--force", "-q", "--native", "--nframe", "9", "--follow-fork"], [f"-qfo{file}"], [f"--output={file}", "-qf", "--"]):
            equal(f"{options}", self.module("run", *options, script, "-o", "x", status=7), ("['-o', 'x'] __main__\n", ""))
            process = self.t.json("info", file)["processes"][0]
            check(process["command_line"].endswith(f"{script} -o x"), process)
            os.unlink(file)
        equal("-c", self.module("run", "-q", "-o", file, "-c", "import sys; print(sys.argv)", "-m")[0], "['-c', '-m']\n")
        out = self.module("run", "-q", "-f", "-o", file, "-m", "json.tool", "--help")[0]
        check(out.startswith("usage: python -m json.tool") or "json.tool" in out, out)
        equal("a report", self.module("table", file, "-n", "1")[0].count("size="), 1)

    def d37_no_script(self):
        folder = self.t.file(".d")
        equal("not there", self.module("run", "-o", folder, folder + "/no.py", status=1), ("", f"No such file: {folder}/no.py\n"))
        check(not os.path.exists(folder), "a capture was written")
        for arguments in (), ("-q",), ("-m",):
            check(self.module("run", *arguments, status=1)[1].startswith("usage: python3 -m tracker run "), arguments)


def make_cases(t):
    cases = PythonTracker(t)
    names = [n for n in vars(PythonTracker) if n[0] == "d" and n[1:2].isdigit()]
    return [(n.replace("_", " "), getattr(cases, n)) for n in names]


if __name__ == "__main__":
    harness.main(make_cases)
