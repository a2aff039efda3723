#!/usr/bin/env python3
"""attach - programs that run already are attached to, and detached from: they must not notice, and what they did meanwhile is recorded.

usage: attach.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import busy
import harness
from harness import check, equal, need

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python", "checked.py")
CALLS = ("epoll_wait", "poll", "ppoll", "select", "nanosleep", "read", "sem_timedwait", "mutex", "sigtimedwait", "semop", "msgrcv", "recv",
         "inotify", "waitpid", "accept")


class Program:
    """One that says that it is ready, and then waits for a line."""

    def __init__(self, argv, **more):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)
        words = self.p.stdout.readline().split()
        check(words[:1] == [b"ready"], f"{argv} did not begin: {words}")
        self.pid = int(words[1])

    def tell(self):
        self.p.stdin.write(b"\n")
        self.p.stdin.flush()

    def end(self, status):
        """What it says at its end."""
        said = self.p.communicate(b"\n", timeout=120)[0].decode()
        equal(f"its exit status ({said.strip()})", self.p.returncode, status)
        return said


class Attach:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.fixture("attached")

    def command(self, name, *argv, status=0, **more):
        r = harness.execute([self.t.tracker, name, *(str(a) for a in argv)], **more)
        check(r.status == status, f"tracker {name}: exit {r.status}, want {status}: {r.stderr.decode(errors='replace')}")
        equal("stdout", r.stdout, b"")
        return r.stderr.decode()

    def attach(self, program, *options):
        capture = self.t.file(".bin")
        return capture, self.command("attach", "--no-symbols", "-o", capture, *options, program.pid)

    def detach(self, program):
        return self.command("detach", program.pid)

    # ---- what is recorded ----

    def counts(self):
        """Eight threads: what they count themselves is in the capture, and nothing from before or afterwards."""
        program = Program([self.program, "count"])
        capture, said = self.attach(program)
        check(f"tracking PID {program.pid} (fx_attached) in the background..." in said, said)
        program.tell()
        counted = program.p.stdout.readline().split()
        said = self.detach(program)
        check(f"wrote {capture} (" in said, said)
        equal("afterwards", program.end(7), "")
        told = dict(zip((w.decode() for w in counted[::2]), map(int, counted[1::2])))
        kinds = {}
        freed = unknown = 0
        live = set()
        for e in self.t.events(capture):
            if e["kind"] in ("malloc", "calloc", "realloc", "posix_memalign"):
                kinds[e["kind"]] = kinds.get(e["kind"], 0) + (e.get("size") in (100, 101, 102, 103, 104, 105, 106, 107, 150, 400, 777))
                live.add(e["address"])
            elif e["kind"] == "free":
                freed += 1
                unknown += e["address"] not in live
        equal("counts", kinds, told)
        check(freed >= 3 * told["malloc"], f"{freed} frees")
        equal("sizes of afterwards", [e for e in self.t.events(capture) if e.get("size") == 99], [])
        self.words(capture, program.pid)

    def words(self, capture, pid):
        info = self.t.json("info", capture)
        first = info["processes"][0]
        equal("origin", (first["pid"], first["origin"], first["name"]), (pid, "attached", "fx_attached"))
        check(first["attached_ns"] > 0, "how long it had run")
        health = info["health"]
        equal("losses", [health.get(k) for k in ("lost", "gaps", "corrupt_records", "truncated_stacks")], [0, 0, 0, 0])
        check(any("when it was attached to: blocks from before are unknown" in n for n in info["notices"]), info["notices"])
        check("54321 B in 1 block: not freed while recorded" in self.t.text("stats", capture).replace("53.0 KiB", "54321 B"), self.t.text("stats", capture))
        check("Not freed while recorded" in self.t.text("leaks", capture), "leaks")
        check("leaked" not in self.t.text("report", capture).replace("tracker leaks", ""), "report")

    def names(self):
        """Names are looked up when the recording ends."""
        program = Program([self.program, "count"])
        capture = self.t.file(".bin")
        self.command("attach", "-q", "-o", capture, program.pid)
        program.tell()
        program.p.stdout.readline()
        self.detach(program)
        program.end(7)
        check("work_count" in self.t.text("leaks", capture), "the function that keeps a block")

    def aggregated(self):
        program = Program([self.program, "count"])
        capture, _ = self.attach(program, "--aggregate", "--nframe", "4")
        program.tell()
        counted = program.p.stdout.readline().split()
        self.detach(program)
        program.end(7)
        stats = self.t.json("stats", capture)
        check(stats["total_num_allocations"] >= sum(int(n) for n in counted[1::2]), "allocations")

    def sampled(self):
        program = Program([self.program, "count"])
        capture, _ = self.attach(program, "--sample", "64K")
        program.tell()
        program.p.stdout.readline()
        self.detach(program)
        program.end(7)
        equal("distance", self.t.json("stats", capture)["sampled_bytes"], 65536)

    def ends_attached(self):
        """The program ends by itself: so does the recording, and what it left is leaked."""
        program = Program([self.program, "count"])
        capture, _ = self.attach(program)
        program.tell()
        program.p.stdout.readline()
        program.end(7)
        harness.until(lambda: self.t.json("info", capture)["complete"], "the capture is not finished")
        first = self.t.json("info", capture)["processes"][0]
        equal("status", first["status"], 7)

    # ---- who is attached to ----

    def throws(self):
        program = Program([self.t.fixture("thrower")])
        capture, _ = self.attach(program)
        time.sleep(0.2)
        self.detach(program)
        equal("what it saw", program.end(5), "good\n")
        check(self.t.json("stats", capture)["total_num_allocations"] > 0, "nothing is recorded")
        equal("cut stacks", self.t.json("info", capture)["health"]["truncated_stacks"], 0)

    def python(self):
        program = Program([need("/usr/bin/python3"), PYTHON])
        capture, _ = self.attach(program)
        time.sleep(0.2)
        self.detach(program)
        equal("what it saw", program.end(5), "good\n")
        check(self.t.json("stats", capture)["total_num_allocations"] > 0, "nothing is recorded")

    def checks(self):
        """Registers, floating point and the signal mask are what they were."""
        program = Program([self.program, "check"])
        self.attach(program)
        time.sleep(0.1)
        self.detach(program)
        equal("what it saw", program.end(5), "good\n")

    def calls(self):
        self.nobody_is_disturbed()  # no call ends early, and none fails, in the thread that is borrowed

    def looks(self):
        self.nobody_is_disturbed("coroutine")  # nor in a thread that is only looked at, since it is no place to work in

    def stopped_before(self):
        """Nor if the program was stopped before, and only the kernel knows which call goes on."""
        self.nobody_is_disturbed(names=("poll", "nanosleep", "sem_timedwait", "mutex"), stop=True)

    def nobody_is_disturbed(self, *where, names=CALLS, stop=False):
        """On a slow machine a program may have ended before it was attached to: then it gets longer."""
        left = names
        for wait in ("1500", "6000", "24000"):
            programs = [(name, Program([self.program, "call", name, wait, *where])) for name in left]
            for _, program in programs if stop else ():
                harness.until(lambda p=program: harness_state(p.pid) == "S", "it does not wait")
                os.kill(program.pid, signal.SIGSTOP)
                harness.until(lambda p=program: harness_state(p.pid) == "T", "it does not stop")
                os.kill(program.pid, signal.SIGCONT)
            tools = [subprocess.Popen([self.t.tracker, "attach", "-q", "--no-symbols", "-o", self.t.file(".bin"), str(program.pid)], stderr=subprocess.PIPE)
                     for _, program in programs]
            left = []
            for (name, program), tool in zip(programs, tools):
                said = tool.communicate()[1].decode()
                check(tool.returncode == 0 or "ended" in said, f"attaching during {name}: {said}")
                equal(name, program.end(0), "good \n")
                if tool.returncode:
                    left.append(name)
            if not left:
                break
        equal("calls that were too short", left, [])

    def namespaces(self):
        """In a mount and a PID namespace of its own, where the library and the recorder's files cannot be seen."""
        unshare = need("unshare")
        hidden = os.path.dirname(os.path.dirname(self.t.find("libtracker.so")))
        copy = os.path.join("/tmp", os.path.basename(self.t.scratch) + ".attached")
        script = f"cp {self.program} {copy}; mount -t tmpfs none {hidden}; exec {copy} count"
        p = subprocess.Popen([unshare, "-mpf", "--mount-proc", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if not p.stdout.readline():
            raise harness.Skip("no namespaces here: " + p.stderr.read().decode())
        program = Program.__new__(Program)
        program.p, program.pid = p, harness.children(p.pid)[0]
        capture, _ = self.attach(program)
        program.tell()
        counted = p.stdout.readline().split()
        self.detach(program)
        program.end(7)
        os.unlink(copy)
        check(self.t.json("stats", capture)["total_num_allocations"] >= sum(int(n) for n in counted[1::2]), "allocations")
        equal("pid", self.t.json("info", capture)["processes"][0]["pid"], program.pid)

    def loads(self):
        """A library that is loaded later."""
        program = Program([self.program, "load", self.t.fixture("first") + ".so"])
        capture, _ = self.attach(program)
        program.tell()
        equal("it", program.p.stdout.readline(), b"called\n")
        self.detach(program)
        equal("afterwards", program.end(0), "")
        equal("its block", [e["kind"] for e in self.t.events(capture) if e.get("size") == 1001], ["malloc"])

    # ---- again and again ----

    def rounds(self, argv, count, status=5, look=None):
        """Attaches and detaches; every capture is whole, and nothing grows."""
        program = Program(argv)
        sizes = []
        for _ in range(count):
            time.sleep(random.random() / 20)
            capture, _ = self.attach(program, "-q")
            time.sleep(random.random() / 10)
            self.detach(program)
            health = self.t.json("info", capture)["health"]
            equal("losses", [health.get(k) for k in ("lost", "gaps", "corrupt_records", "late_events")], [0, 0, 0, 0])
            if look:
                look(capture)
            os.unlink(capture)
            sizes.append(mapped(program.pid))
        equal("what it saw", program.end(status), "good\n")
        return sizes

    def again(self):
        count = int(os.environ.get("ATTACH_ROUNDS", "3"))
        sizes = self.rounds([self.program, "check"], count)
        equal("what is mapped", set(sizes), {sizes[0]})
        self.rounds([self.t.fixture("busy")], count, look=lambda capture: busy.nothing_missed(self.t.events(capture)))
        self.rounds([self.t.fixture("thrower")], count)
        self.rounds([need("/usr/bin/python3"), PYTHON], count)

    def ends_for_all(self):
        """At no instruction of the thread that ends a recording is it over for some of another thread's calls only."""
        capture = self.t.file(".bin")
        said = self.t.run("run", "-q", "--no-symbols", "-o", capture, "--", self.t.fixture("stepped")).decode()
        events = [e for e in self.t.events(capture) if 10000 <= e.get("size", 0) < 50000 or e["kind"] == "free"]
        tid = next((e["tid"] for e in events if e.get("size") == 10000), None)
        kinds = [e["kind"] for e in events if e["tid"] == tid]
        check(100 < len(kinds) < 7 * 4000, f"the recording did not end beside the other thread's calls: {len(kinds)} of them, {said}")
        busy.nothing_missed(events)
        turn = ("malloc", "calloc", "realloc", "posix_memalign", "free", "free", "free")
        equal("calls in turn", kinds, [turn[i % 7] for i in range(len(kinds))])

    def at_once(self):
        """Several who attach and detach at the same time take turns; the program goes on and ends as it would."""
        program = Program([need("/usr/bin/python3"), PYTHON]) # of several threads, so that each could borrow one of its own

        def one():
            for _ in range(6):
                harness.execute([self.t.tracker, "attach", "-q", "--no-symbols", "-o", self.t.file(".bin"), str(program.pid)])
                harness.execute([self.t.tracker, "detach", "-q", str(program.pid)])

        threads = [threading.Thread(target=one) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal("what it saw", program.end(5), "good\n")

    def forked(self):
        """A child that was forked while a thread was in tracker_late, which is not in the child: it can be attached to."""
        code = "import os, sys; print('ready', os.getpid(), flush=True); sys.stdin.readline(); p = os.fork(); " \
               "print('child', p, flush=True) if p else sys.stdin.read(); p and os.waitpid(p, 0); sys.exit(5)"
        program = Program([need("/usr/bin/python3"), "-c", code])
        self.attach(program, "-q")
        self.detach(program)
        with open(f"/proc/{program.pid}/maps", encoding="utf-8") as f:
            start = next(int(line.split("-")[0], 16) for line in f if "memfd:libtracker.so" in line)
        table = subprocess.run([need("nm"), "-D", self.t.find("libtracker.so")], capture_output=True, check=True).stdout.decode()
        place = start + int(re.search(r"^(\w+) \w tracker_late_state$", table, re.M)[1], 16)
        with open(f"/proc/{program.pid}/mem", "r+b", buffering=0) as f:
            f.seek(place + 2)
            f.write(b"\2\0")  # LATE_AT_WORK, as if a thread were in it
        r = harness.execute([self.t.tracker, "attach", "-o", self.t.file(".bin"), str(program.pid)])
        check(r.status == 1 and b"at this moment" in r.stderr, f"{r.stderr}")
        program.tell()
        child = int(program.p.stdout.readline().split()[1])
        self.command("attach", "-q", "--no-symbols", "-o", self.t.file(".bin"), child)
        self.command("detach", child)
        program.end(5)

    def serves(self):
        """redis-server while redis-benchmark asks it: every answer comes. Weekly: a second of it takes a processor's second."""
        server, client, cli = need("redis-server", "redis-benchmark", "redis-cli")
        folder = self.t.file(".d")
        os.mkdir(folder)
        socket = os.path.join(folder, "socket")
        with open(os.path.join(folder, "log"), "wb") as log:
            p = subprocess.Popen([server, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], stdout=log)
        harness.until(lambda: os.path.exists(socket), "it does not begin")
        load = subprocess.Popen([client, "-s", socket, "-t", "set,get", "-l", "-r", "100000", "-c", "20", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        program = type("Server", (), {"pid": p.pid})
        for _ in range(int(os.environ.get("ATTACH_ROUNDS", "0"))):
            capture, _ = self.attach(program, "-q", *(["--aggregate"] if random.random() < 0.5 else []))
            time.sleep(random.random() / 10)
            self.detach(program)
            equal("losses", self.t.json("info", capture)["health"]["corrupt_records"], 0)
            equal("it answers", subprocess.run([cli, "-s", socket, "ping"], capture_output=True, check=True).stdout, b"PONG\n")
            check(load.poll() is None, "the client has ended")
        load.terminate()
        equal("the client's complaints", load.communicate()[1], b"")
        p.terminate()
        equal("its status", p.wait(), 0)

    def killed(self):
        """tracker attach and tracker detach are killed at any moment: the program lives, and can be attached to again."""
        program = Program([self.program, "check"])
        for i in range(int(os.environ.get("ATTACH_KILLS", "10"))):
            command = ["attach", "-q", "--no-symbols", "-o", self.t.file(".bin")] if i % 3 else ["detach", "-q"]
            p = subprocess.Popen([self.t.find(f"tracker-{command[0]}"), *command[1:], str(program.pid)], stderr=subprocess.DEVNULL)
            time.sleep(random.random() / 40)
            p.kill()
            p.wait()
            check(harness.runs(program.pid), f"it died when {command[0]} was killed")
        harness.execute([self.t.tracker, "detach", str(program.pid)])
        capture, _ = self.attach(program, "-q")
        time.sleep(0.05)
        self.detach(program)
        equal("what it saw", program.end(5), "good\n")
        check(self.t.json("stats", capture)["total_num_allocations"] > 0, "nothing is recorded")

    # ---- sentences ----

    def duration(self):
        program = Program([self.program, "check"])
        capture, log = self.t.file(".bin"), self.t.file(".txt")
        with open(log, "wb") as f:
            subprocess.run([self.t.tracker, "attach", "--duration", "1", "-o", capture, str(program.pid)], stderr=f, check=True)

        def said():
            with open(log, encoding="utf-8") as f:
                return f.read()
        harness.until(lambda: "tracker: Deactivating tracking: 1 seconds have elapsed\n" in said(), said())
        check(f"tracker: tracking PID {program.pid} (fx_attached) for 1s in the background...\n" in said(), said())
        equal("what it saw", program.end(5), "good\n")
        check(any("because of --duration" in n for n in self.t.json("info", capture)["notices"]), "why it ended")

    def refused(self, pid, says, *options):
        said = self.command("attach", "-o", self.t.file(".bin"), *options, pid, status=1)
        check(re.fullmatch(f"tracker-attach: pid {pid}( \\(.*\\))? .*{says}.*\n", said), said)

    def refusals(self):
        program = Program([self.program, "count"])
        os.kill(program.pid, signal.SIGSTOP)
        harness.until(lambda: harness_state(program.pid) == "T", "it does not stop")
        self.refused(program.pid, f"is stopped, and would do nothing: kill -CONT {program.pid} first")
        os.kill(program.pid, signal.SIGCONT)
        tracer = subprocess.Popen([sys.executable, "-c", TRACER, str(program.pid)], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        tracer.stdout.readline()
        self.refused(program.pid, "is traced by python3.*detach that first")
        tracer.communicate(b"")
        check("no previous tracker attach call detected" in self.command("detach", program.pid, status=1), "detach without attach")
        self.attach(program)
        self.refused(program.pid, "is recorded already")
        self.detach(program)
        program.tell()
        program.end(7)
        self.refused(2, "is a thread of the kernel") if os.path.exists("/proc/2/stat") and not os.path.exists("/proc/2/exe") else None
        dead = subprocess.Popen(["true"])
        harness.until(lambda: harness_state(dead.pid) == "Z", "it does not end")
        self.refused(dead.pid, "has ended")
        dead.wait()
        self.refused(dead.pid, "has ended, or there is none of that number")
        equal("usage", harness.execute([self.t.tracker, "attach", "x"]).status, 2)

    def kinds(self):
        folder = self.t.file(".d")
        os.mkdir(folder)
        source = os.path.join(folder, "p.c")
        with open(source, "w", encoding="ascii") as f:
            f.write('#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("ready %d\\n", (int)getpid()); fflush(stdout); '
                    'return (int)read(0, &(char){ 0 }, 1) - 1; }\n')
        for options, says in ((["-static"], "is statically linked"), (["-fsanitize=address"], "was built with a sanitizer")):
            path = os.path.join(folder, options[0][1:4])
            subprocess.run([need("gcc"), "-o", path, source, *options], check=True)
            program = Program([path])
            self.refused(program.pid, says)
            program.end(0)
        r = subprocess.Popen([self.t.tracker, "run", "-q", "-o", self.t.file(".bin"), "--", self.program, "count"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pid = int(r.stdout.readline().split()[1])
        self.refused(pid, "it is recorded already")
        r.communicate(b"\n\n")

    def sandboxes(self):
        """A filter that allows all that the library needs is none; another one is a reason not to attach."""
        for forbids, says in ((None, None), (319, "has forbidden itself the system call memfd_create"), (202, "the system call futex")):
            program = Program([sys.executable, "-c", SANDBOX, str(forbids or 1000000)])
            if says:
                self.refused(program.pid, says + ".*--trust-seccomp attaches all the same")
            else:
                capture, _ = self.attach(program)
                self.detach(program)
                equal("it", [p["origin"] for p in self.t.json("info", capture)["processes"]], ["attached"])
                self.attach(program, "--trust-seccomp")
                self.detach(program)
            program.end(0)

    def files(self):
        """A file that is there stays what it is, and nothing is attached to."""
        program = Program([self.program, "count"])
        path = self.t.file(".bin")
        with open(path, "wb") as f:
            f.write(b"theirs")
        check("--force" in self.command("attach", "-o", path, program.pid, status=1), "exists")
        with open(path, "rb") as f:
            equal("the file", f.read(), b"theirs")
        with open(f"/proc/{program.pid}/maps", encoding="utf-8") as f:
            check("libtracker" not in f.read(), "it was attached to")
        program.tell()
        program.end(7)

    def nothing_left(self):
        """No descriptor, no thread; the segment is not shared any more."""
        program = Program([self.program, "count"])
        before = os.listdir(f"/proc/{program.pid}/fd"), os.listdir(f"/proc/{program.pid}/task")
        self.attach(program)
        equal("while attached", (os.listdir(f"/proc/{program.pid}/fd"), os.listdir(f"/proc/{program.pid}/task")), before)
        self.detach(program)
        equal("afterwards", (os.listdir(f"/proc/{program.pid}/fd"), os.listdir(f"/proc/{program.pid}/task")), before)
        program.tell()
        program.end(7)


TRACER = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
if libc.ptrace(0x4206, int(sys.argv[1]), 0, 0):
    sys.exit(9)
print("traces", flush=True)
sys.stdin.read()
"""
SANDBOX = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]
# the number of the call; is it that one? then it fails; otherwise it is allowed
code = (Filter * 4)(Filter(0x20, 0, 0, 0), Filter(0x15, 0, 1, int(sys.argv[1])), Filter(6, 0, 0, 0x50001), Filter(6, 0, 0, 0x7fff0000))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(Program(4, code)), 0, 0):
    sys.exit(9)
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
"""


def mapped(pid):
    """What attaching brings along once: parts of the library, and pages of code in no file. What a recording maps later is its own affair."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        lines = f.readlines()
    return sum("libtracker" in line for line in lines), sum(re.search(r" r-xp 0+ 00:00 0\s*$", line) is not None for line in lines)


def harness_state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rpartition(")")[2].split()[0]


def make_cases(t):
    a = Attach(t)
    return [(name.replace("_", " "), getattr(a, name)) for name in
            ("counts", "names", "aggregated", "sampled", "ends_attached", "throws", "python", "checks", "calls", "looks", "stopped_before", "namespaces", "loads", "again", "ends_for_all", "at_once", "forked", *(["serves"] if "ATTACH_ROUNDS" in os.environ else []), "killed", "duration",
             "refusals", "kinds", "sandboxes", "files", "nothing_left")]


if __name__ == "__main__":
    harness.main(make_cases)
