#!/usr/bin/env python3
"""faults - recorders whose writes fail, take long, or that get no memory: the program does not notice,
tracker run says what happened, and what was written is a gapless prefix.

usage: faults.py [-h] BUILD_DIR [--many] [PART_OF_A_NAME]...
"""
import errno
import os
import random
import struct
import sys

import harness
from harness import check, equal

WRITES = 200 if "--many" in sys.argv else 12
BLOCKS = 200000
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)


def noise(count):
    """The sizes of the blocks that fx/bounded.c makes."""
    return [2000 + (n * 2654435761 & 0xffffffff) % 50000 for n in range(count)]


class Faults:
    def __init__(self, tracker):
        self.t = tracker

    def record(self, *commands):
        """The noise, recorded by such a recorder. It must have made all its blocks."""
        shared = self.t.file(".shared")
        r = self.t.record([self.t.fixture("bounded"), "noise", shared, str(BLOCKS)],
                          env={"TRACKER_HOME": self.t.home(*commands), "LC_ALL": "C"})
        equal("the program's status", r.status, 5)
        with open(shared, "rb") as f:
            made = struct.unpack_from("=Q", f.read(), 32)[0]
        equal("blocks made", made, BLOCKS)
        return r

    def sizes(self, capture):
        return [int(e["size"]) for e in self.t.events(capture)
                if e["kind"] == "malloc" and 2000 <= int(e["size"]) < 52000]

    def faulty(self, **settings):
        library = self.t.fixture("faults") + ".so"
        return self.record(*(f"export FAULTS_{k.upper()}={v}" for k, v in settings.items()), f"export LD_PRELOAD={library}")

    def a_write_fails(self):
        whole = self.record()
        size = os.path.getsize(whole.capture) * 9 // 10  # no two have the same
        equal("blocks without a fault", self.sizes(whole.capture), noise(BLOCKS))
        for _ in range(WRITES):
            after, error = random.choice((random.randrange(200), random.randrange(size))), random.choice(ERRORS)
            r = self.faulty(after=after, errno=error)
            what = f"{os.strerror(error)} after {after} of {size} bytes"
            check(len(r.stderr.splitlines()) == 1 and os.strerror(error).encode() in r.stderr and
                  b"recorded up to" in r.stderr, f"{what}: {r.stderr!r}")
            if after < 64:  # not even a header: a capture that could not be begun leaves no file
                equal(f"a file: {what}", os.path.exists(r.capture), False)
            else:
                equal(f"size: {what}", os.path.getsize(r.capture), after)
                got = self.sizes(r.capture)
                check(got == noise(len(got)), f"{what}: it is no prefix of {len(got)} blocks")
                equal(f"complete: {what}", self.t.json("info", r.capture)["complete"], False)
                os.unlink(r.capture)

    def the_last_write_fails(self):
        r = self.faulty(trailer=1, errno=errno.EDQUOT)
        check(len(r.stderr.splitlines()) == 1 and b"Disk quota exceeded: recorded up to" in r.stderr, f"{r.stderr!r}")
        equal("blocks", self.sizes(r.capture), noise(BLOCKS))
        equal("complete", self.t.json("info", r.capture)["complete"], False)

    def slow(self):
        """Whoever waits sees that the recorder works on: nothing is lost."""
        r = self.faulty(ns=20000000)
        equal("stderr", r.stderr, b"")
        equal("blocks", self.sizes(r.capture), noise(BLOCKS))
        equal("lost", self.t.json("info", r.capture)["health"]["lost"], 0)

    def no_pidfd(self):
        """Kernels before 5.3 have none, small tables of descriptors not enough: ends are seen all the same."""
        script = "$0 storm; ($0 daemon &); $0 spawn"
        argv = ["sh", "-c", script, self.t.fixture("torture_process")]
        for fault in ("pidfd_open:error=ENOSYS", "epoll_ctl:error=ENOSPC:when=2+"):
            capture = self.t.file(".bin")
            r = harness.execute([harness.need("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pidfd_open,epoll_ctl",
                                 "-e", "inject=" + fault, self.t.tracker, "run", "-q", "-o", capture, "--wait", "inf",
                                 "--", *argv])
            equal(f"{fault}: status, stderr", (r.status, r.stderr), (0, b""))
            check(harness.check_truth(self.t.replay(capture), r.stdout) > 0, "the program said nothing")
            info = self.t.json("info", capture)
            check(info["complete"] and all(p["end_ns"] is not None for p in info["processes"]), info)

    def cannot_begin(self):
        """The recorder, or tracker run before it: a line, and the program as ever or not at all."""
        for call, error, when, status, said in (
                ("epoll_create1", "EMFILE", 1, 0, "could not begin: Too many open files"), ("fcntl", "EMFILE", 3, 125, "nothing was started"),
                ("fcntl", "EMFILE", 5, 1, "nothing was started"), ("sendto", "ENOBUFS", 1, 0, "")):
            capture = self.t.file(".bin")
            r = harness.execute([harness.need("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                 f"inject={call}:error={error}:when={when}", self.t.tracker, "run", "-q", "-o", capture,
                                 "--", "echo", "ran"])
            equal(f"{call}: status, output", (r.status, r.stdout), (status, b"" if status else b"ran\n"))
            lines = r.stderr.decode().splitlines()
            check(len(lines) == bool(said) and all(said in line for line in lines), f"{call}: {lines}")

    def another_version(self):
        """Its segment has another size: that says nothing of the system's, and no file stays."""
        r = self.record("shift 2", 'set -- --shm 9 "$@"', "exec 9</etc/passwd")
        check(b"another version of tracker" in r.stderr and len(r.stderr.splitlines()) == 1, f"{r.stderr!r}")
        equal("a file", os.path.exists(r.capture), False)

    def no_memory(self):
        """Without memory for the live set every event is in the capture all the same; with less it is said."""
        blocks = 300000
        exact = 0
        for kib in (85000, 95000, 105000, 125000, 150000):
            capture = self.t.file(".bin")
            r = harness.execute([self.t.tracker, "run", "-o", capture, "--", self.t.find("live_set"), "-l", str(blocks),
                                 "-n", "1"], env={"TRACKER_HOME": self.t.home(f"ulimit -v {kib}"), "LC_ALL": "C"})
            equal("the program's status", r.status, 0)
            whole = (os.path.exists(capture) and os.path.getsize(capture) > 0 and
                     self.t.json("stats", capture)["total_num_allocations"] >= blocks + 1)
            check(whole or b"memory" in r.stderr, f"{kib} KiB: {r.stderr!r}")
            exact += whole
        check(exact >= 2, f"{exact} of the captures have all events")


def make_cases(t):
    f = Faults(t)
    return [("a write fails", f.a_write_fails), ("the last write fails", f.the_last_write_fails), ("slow", f.slow),
            ("no pidfd", f.no_pidfd), ("cannot begin", f.cannot_begin), ("another version", f.another_version), ("no memory", f.no_memory)]


if __name__ == "__main__":
    sys.argv = [a for a in sys.argv if a != "--many"]
    harness.main(make_cases)
