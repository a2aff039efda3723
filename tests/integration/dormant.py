#!/usr/bin/env python3
"""dormant - tracker run --dormant: nothing is recorded until tracker ctl start, and then exactly what happens until tracker ctl stop,
any number of times; and what becomes of a program whose keeper or recorder is killed.

usage: dormant.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import contextlib
import os
import random
import signal
import socket
import struct
import subprocess
import time

import harness
from harness import Failure, check, equal


# tools/contact.h
STATUS, STOP, START, KINDS = 1, 6, 7, 9
REQUEST, TEXT_BYTES = "=4I", 4096
HOW = "=4Q5I2?3072s2x"


def request(kind, text=b"", pid=0, text_bytes=None, version=1):
    return struct.pack(REQUEST, version, kind, pid, len(text) if text_bytes is None else text_bytes) + text.ljust(TEXT_BYTES, b"\0")


def how(file, nframe=64, sample=0, looks=0, rotate=0, packing=0):
    return struct.pack(HOW, sample, 0, 0, 0, nframe, looks, 10, rotate, packing, False, True, file)


class Server:
    """fx_dormant, started dormant."""

    def __init__(self, t, *options):
        self.t = t
        self.p = subprocess.Popen([t.tracker, "run", "--dormant", *options, "--", t.fixture("dormant")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "MALLOC_PERTURB_": "0"})
        self.do("work 10 3333")
        self.pid = self.find("fx_dormant")
        self.keeper = self.find("tracker-keeper")

    def find(self, name):
        for pid in harness.children(self.p.pid):
            with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                if f.read().strip() == name:
                    return pid
        raise Failure(f"no {name}")

    def do(self, *commands):
        for command in commands:
            self.p.stdin.write(command.encode() + b"\n")
            self.p.stdin.flush()
            equal(command, self.p.stdout.readline(), b"done\n")

    def ctl(self, *args, status=0, pid=None):
        r = harness.execute([self.t.find("tracker-ctl"), str(pid or self.pid), *args])
        equal(f"tracker ctl {args}: {r.stderr}", r.status, status)
        return (r.stdout if status == 0 else r.stderr).decode()

    def start(self, *options, note=False):
        capture = self.t.file(".bin")
        said = self.ctl("start", "-o", capture, *options)
        equal(f"a note with {options}: {said}", "Note" in said, note)
        return capture

    def socket(self):
        """Of its keeper."""
        places = (os.environ.get("XDG_RUNTIME_DIR", "") + "/tracker", f"/run/user/{os.geteuid()}/tracker", "/run/tracker", f"/tmp/tracker-{os.geteuid()}")
        return next(path for path in (os.path.join(place, f"{self.keeper}.sock") for place in places) if os.path.exists(path))

    def recorder(self):
        for pid in harness.children(self.keeper):
            return pid
        raise Failure("no recorder")

    def end(self, status=7, said=None):
        """It exits with that status, and so does tracker run; what that says."""
        self.p.stdin.write(f"end {status}\n".encode())
        _, err = self.p.communicate(timeout=60)
        equal("status", self.p.returncode, status)
        if said is not None:
            check(said in err.decode(), f"{said!r} is not in {err.decode()!r}")
        harness.until(lambda: not harness.runs(self.keeper), "the keeper does not end")
        return err.decode()


class Dormant:
    def __init__(self, tracker):
        self.t = tracker

    def sizes(self, capture):
        """How many blocks of each size, of those that the commands ask for, each process made; and none is lost."""
        found = collections.defaultdict(collections.Counter)
        for e in self.t.events(capture):
            if e["kind"] == "malloc" and e["size"] > 3000:
                found[e["pid"]][e["size"]] += 1
        equal("lost events", self.t.json("info", capture)["health"].get("lost", 0), 0)  # nobody came: no figure
        return {pid: dict(sizes) for pid, sizes in found.items()}

    def many(self):
        """Several recordings in one life; the last one goes on when the program ends."""
        s, captures = Server(self.t), []
        for n in range(1, 6):
            captures.append(s.start())
            s.do(f"work {n * 100} {4000 + n}")
            if n < 5:
                check("the program runs on" in s.ctl("stop"), "it does not say that the program runs on")
                s.do(f"work {n * 100} {5000 + n}")
                check("dormant" in s.ctl("status"), "it is not dormant again")
        err = s.end(said="1 process\n")
        check(captures[-1] in err, "the capture is not named")
        for n, capture in enumerate(captures, 1):
            equal(f"recording {n}", self.sizes(capture), {s.pid: {4000 + n: n * 100}})
        equal("how the program ended", [p["status"] for p in self.t.json("info", captures[-1])["processes"]], [7])
        equal("how it was said to have ended before", [p["status"] for p in self.t.json("info", captures[0])["processes"]], [None])

    @staticmethod
    def tell(path, message, descriptors=(), waits=True):
        """The error of the keeper's answer; None: it has none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(60)
            s.connect(path)
            with contextlib.suppress(BrokenPipeError):
                socket.send_fds(s, [message], descriptors)
            answer = s.recv(65536) if waits else b""
            return struct.unpack_from("=i", answer, 4)[0] if answer else None

    def hostile(self):
        """Whatever is sent to the keeper's socket, it answers the next one, keeps no descriptor, and the program runs."""
        s, r = Server(self.t, "-q"), random.Random(20261130)
        path, open_before = s.socket(), len(os.listdir(f"/proc/{s.keeper}/fd"))
        whole = struct.calcsize(REQUEST) + TEXT_BYTES
        for size in (1, 15, 16, 17, 4000, whole - 1, whole, whole + 1, 60000):
            equal(f"an answer to {size} random bytes", self.tell(path, b"\xff" + r.randbytes(size - 1)), None)
        with open("/dev/null", "rb") as null:
            for _ in range(200):
                kind = r.choice((0, START, KINDS, r.getrandbits(32), STATUS, STOP))
                text = r.randbytes(r.choice((0, 1, struct.calcsize(HOW) - 1, struct.calcsize(HOW), TEXT_BYTES)))
                self.tell(path, request(kind, text, r.getrandbits(32), r.choice((None, 0, TEXT_BYTES + 1, 2 ** 32 - 1)), r.choice((1, 1, 1, 0, 2))), [null.fileno()] * r.choice((0, 1, 2, 9)),
                          r.random() < 0.7)
        silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(4)]
        for c in silent:
            c.connect(path)
        equal("without a file", self.tell(path, request(START, how(b"/x"))), 22)
        for c in silent:
            c.close()
        self.no_file(s, path)
        harness.until(lambda: len(os.listdir(f"/proc/{s.keeper}/fd")) == open_before, "descriptors stay open")
        s.do("work 50 4100")
        capture = s.start()
        s.do("work 60 4200")
        s.ctl("stop")
        s.end()
        equal("the recording", self.sizes(capture), {s.pid: {4200: 60}})

    def no_file(self, s, path):
        """What comes as the file is none that a recorder can write."""
        with socket.socket() as other, open("/dev/null", "rb") as read_only:
            folder = os.open("/", os.O_RDONLY)
            for fd in (other.fileno(), read_only.fileno(), folder):
                check(self.tell(path, request(START, how(b"/nowhere/x.bin"), s.pid), [fd]) in (0, 5, 22), "the keeper does not answer")
                s.do("work 5 4000")
                with contextlib.suppress(Failure):
                    s.ctl("stop")
                harness.until(lambda: "dormant" in s.ctl("status"), "it is not dormant again")
            os.close(folder)
        for bad in (how(b"/x", nframe=0), how(b"/x", nframe=2 ** 31), how(b"/x", sample=2 ** 63), how(b"/x", looks=1), how(b"/x", looks=0x80000300), how(b"/x", rotate=1), how(b"/x", packing=3)):
            with open("/dev/null", "r+b") as null:
                equal("numbers that cannot be", self.tell(path, request(START, bad, s.pid), [null.fileno()]), 22)

    def looks(self):
        """What the memory is looked at for: when the program ends, and when somebody asks."""
        s = Server(self.t, "-q")
        capture = s.start("--leak-check", "--memory", "--memory-interval-ms", "0")
        s.do("work 20 4321")
        check("blocks" in s.ctl("leak-check", "here"), "it says nothing")
        s.end()
        leaks = self.t.json("leaks", capture)
        equal("looked", leaks.get("looked"), True) if "looked" in leaks else None
        check("definitely" in self.t.text("leaks", capture) and self.t.json("memory", capture)["rows"], "nothing was looked at")
        s = Server(self.t, "-q")
        s.start()
        check("begin it with --leak-check" in s.ctl("leak-check", status=1), "it does not say why")
        s.ctl("stop")
        check("nothing is looked at without" in s.ctl("start", "--pointer-mask", "0xff", status=2), "the mask is taken")
        s.end()

    def nothing(self):
        """Without a recording there is no file, no word, and the status is the program's."""
        s = Server(self.t, "-q")
        equal("what tracker run says", s.end(status=9), "")

    def forms(self):
        """Sums, samples, and recordings that end by themselves."""
        s = Server(self.t, "-q")
        aggregated = s.start("--aggregate", "--nframe", "16")
        s.do("work 300 4000")
        s.ctl("stop")
        stats = self.t.json("stats", aggregated)
        check(stats["total_num_allocations"] >= 300, "allocations of the aggregated one")
        sampled = s.start("--sample", "10K")
        s.do("work 3000 4000")
        s.ctl("stop")
        estimate = self.t.json("stats", sampled)["total_bytes_allocated"]
        check(0.8 < estimate / (3000 * 4000) < 1.2, f"the sample says {estimate} bytes")
        sizes = []
        for packing in ("none", "zstd"):
            packed = s.start("--compress", packing)
            s.do("work 3000 4000")
            s.ctl("stop")
            equal(packing, self.sizes(packed), {s.pid: {4000: 3000}})
            sizes.append(os.path.getsize(packed))
        check(sizes[0] > 2 * sizes[1], f"not packed, and packed: {sizes}")
        short = s.start("--duration", "200ms")
        harness.until(lambda: "dormant" in s.ctl("status"), "--duration does not end it")
        s.do("work 10 4000")
        equal("after --duration", self.sizes(short), {})
        s.end()

    def pieces(self):
        """Files of a megabyte, of which the newest two stay; before them others stood there."""
        s = Server(self.t, "-q")
        capture = self.t.file(".bin")
        for options in ([], ["-f"]):
            said = s.ctl("start", "-o", capture, "--max-size", "1M", "--rotate", "2", "--compress", "none", *options)
            check(f"into {capture};" in said, said)
            s.do("work 900000 4000")
            s.ctl("stop")
            names = sorted(name for name in os.listdir(os.path.dirname(capture)) if name.startswith(os.path.basename(capture)))
            equal(f"how many of {names}", len(names), 2)
            check(names[0].endswith(".00000" + str(int(names[1][-6:]) - 1)) and int(names[1][-6:]) > 2, f"their names: {names}")
            check(b"were dropped because of --rotate" in harness.execute([self.t.reporter("stats"), capture]).stderr, "what is said of them")
        check("already exists" in s.ctl("start", "-o", capture, "--max-size", "1M", "--rotate", "2", status=1), "they are written over")
        s.end()

    def family(self):
        """Children that are forked, executed, and were there before."""
        s = Server(self.t, "-q")
        s.do("child", "tell work 5 3001")
        capture = s.start()
        s.do("fork 11 4001", "exec 12 4002")
        for _ in range(200):  # the child attaches by itself, with some allocation of its own
            s.do("tell work 1 4003")
            time.sleep(0.01)
        s.do("tell work 13 4004", "work 14 4005")
        s.ctl("stop")
        s.do("fork 1 6000", "exec 1 6000", "tell work 1 6000")
        second = s.start()
        s.do("exec 21 4006", "work 22 4007")
        s.end()
        total = collections.Counter()
        for sizes in self.sizes(capture).values():
            total.update(sizes)
        check(0 < total.pop(4003) <= 200, "the child that was there before")
        equal("all of them", dict(total), {4001: 11, 4002: 12, 4004: 13, 4005: 14})
        total.clear()
        for sizes in self.sizes(second).values():
            total.update(sizes)
        equal("the second time", dict(total), {4006: 21, 4007: 22})

    def keeper_killed(self):
        """The program runs on, the recording goes on, and there is no other one."""
        s = Server(self.t, "-q")
        capture = s.start()
        os.kill(s.keeper, signal.SIGKILL)
        s.do("work 50 4000")
        check("recording" in s.ctl("status"), "the recorder does not answer")
        s.ctl("stop")
        s.do("work 50 4001")
        check("no program with this pid" in s.ctl("start", status=1), "it is not said why")
        s.end(said="the keeper of the program died")
        equal("what was recorded", self.sizes(capture), {s.pid: {4000: 50}})

    def recorder_killed(self):
        """The program runs on, and can be recorded again."""
        s = Server(self.t, "-q")
        s.start()
        os.kill(s.recorder(), signal.SIGKILL)
        harness.until(lambda: "dormant" in s.ctl("status"), "the keeper does not notice")
        s.do("work 50 4001")
        capture = s.start()
        s.do("work 50 4002")
        s.ctl("stop")
        s.end()
        equal("what was recorded", self.sizes(capture), {s.pid: {4002: 50}})

    def sandbox(self):
        """A program that would be killed for a system call of tracker stays dormant, and that is said."""
        s = Server(self.t, "-q")
        first = s.start()
        s.do("work 5 4001")
        s.ctl("stop")
        s.do("sandbox", "work 5 4002")
        capture = s.start(note=True)
        s.do("work 50 4003")
        s.ctl("stop")
        s.end()
        equal("before the sandbox", self.sizes(first), {s.pid: {4001: 5}})
        equal("in the sandbox", self.sizes(capture), {})

    def refusals(self):
        """What cannot be done, in one sentence, and nothing is lost."""
        s = Server(self.t, "-q")
        there = self.t.file(".bin")
        with open(there, "w", encoding="ascii") as f:
            f.write("mine")
        check("already exists" in s.ctl("start", "-o", there, status=1), "a file that is there")
        with open(there, encoding="ascii") as f:
            equal("it", f.read(), "mine")
        for options, what in ((["--sample", "0"], "--sample"), (["--duration", "x"], "--duration"), (["--max-size", "5"], "--max-size"),
                              (["--aggregate", "--max-size", "5M"], "--max-size"), (["-o", "-"], "--output"), (["--rotate", "2"], "--max-size"),
                              (["--rotate", "2", "--max-size", "5M", "--sample", "1M"], "--sample"), (["--compress", "fast"], "--compress")):
            check(what in s.ctl("start", *options, status=2), f"{options}")
        check("nothing is being recorded" in s.ctl("mark", "x", status=1), "a mark")
        check("only" in s.ctl("stop", "--sample", "1M", status=2), "an option of start")
        s.start()
        check("already" in s.ctl("start", "-o", self.t.file(".bin"), status=1), "twice")
        listed = self.t.json("list") if os.path.exists(os.path.join(self.t.reporters, "reporters", "tracker-list")) else None
        check(listed is None or listed, "tracker list")
        s.end()
        r = harness.execute([self.t.tracker, "run", "--dormant", "--aggregate", "--", "true"])
        equal("tracker run --dormant --aggregate", (r.status, b"--dormant" in r.stderr), (2, True))
        r = harness.execute([self.t.tracker, "run", "--dormant", "-q", "--", "/nonexistent"])
        equal("a program that is not there", r.status, 127)


def cases(tracker):
    d = Dormant(tracker)
    return [("several recordings in one life", d.many), ("no recording", d.nothing), ("sums, samples, and an end by itself", d.forms), ("pieces", d.pieces),
            ("children", d.family), ("the keeper is killed", d.keeper_killed), ("the recorder is killed", d.recorder_killed),
            ("a sandbox", d.sandbox), ("refusals", d.refusals), ("looks", d.looks), ("hostile messages", d.hostile)]


if __name__ == "__main__":
    harness.main(cases)
