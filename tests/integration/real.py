#!/usr/bin/env python3
"""real - real programs, recorded while an independent library counts beside us.

counter.so is preloaded behind libtracker, so both see one and the same run:
allocations, frees, bytes, peak and what is left must be equal to the last one,
whether the program is deterministic or not. Where it is, the count of a run
without tracker must be the same, too. Output and exit status are those of the
bare program.

usage: real.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import shutil
import socket
import subprocess
import time

import harness
import workloads
from harness import Failure, check, equal, execute, need, read_counters

TOTALS = ("allocations", "frees", "bytes")


def stats_of(t, capture, pid):
    s = t.json("stats", "--pid", str(pid), capture)
    return {"allocations": s["total_num_allocations"], "frees": s["total_num_frees"],
            "bytes": s["total_bytes_allocated"], "peak": s["metadata"]["peak_memory"],
            "left": s["leaked_allocations"], "left bytes": s["leaked_bytes"]}


def counted(images):
    """One process's counts: the sum over its program images, the last one's rest."""
    return {**{k: sum(c[k] for c in images) for k in TOTALS}, "peak": max(c["peak_bytes"] for c in images),
            "left": images[-1]["live_blocks"], "left bytes": images[-1]["live_bytes"]}


class Real:
    def __init__(self, tracker):
        self.t = tracker
        self.counter = tracker.find("counter.so")

    def folder(self):
        path = self.t.file(".work")
        os.mkdir(path)
        return path

    def run(self, w, prefix=(), counter_dir=None):
        """Bare, counted or recorded: status, stdout, stderr and what the program wrote."""
        env = dict(w.env)
        if counter_dir:
            os.mkdir(counter_dir)
            env |= {"COUNTER_DIR": counter_dir, "LD_PRELOAD": self.counter}
        if w.output and os.path.exists(w.output):
            os.unlink(w.output)
        full = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"} | env
        with open(w.stdin or os.devnull, "rb") as stdin:
            r = subprocess.run([*prefix, *w.argv], env=full, stdin=stdin, capture_output=True, cwd=w.cwd, timeout=300)
        written = b""
        if w.output:
            with open(w.output, "rb") as f:
                written = f.read()
        return r.returncode, r.stdout, r.stderr, written

    def compare(self, capture, counters, peaks=True, threads=0):
        """
        Every process of the capture against what was counted in it; returns how many. So many
        threads that it started have 16 bytes each that they would not have without libtracker.
        """
        processes = self.t.json("info", capture)["processes"]
        for p in processes:
            check(p["pid"] in counters, f"{p['name']} ({p['pid']}) was not counted")
            got, want = stats_of(self.t, capture, p["pid"]), counted(counters[p["pid"]])
            for k in ("bytes", "left bytes"):
                want[k] -= 16 * threads
            if not peaks:
                got.pop("peak"), want.pop("peak")
            equal(f"{p['name']} ({p['pid']})", got, want)
        return len(processes)

    def program(self, make, scale, alone=False, processes=1):
        w = make(self.folder(), scale)
        bare = self.run(w)
        check(bare[0] == 0 and (bare[1] or bare[3]), f"the bare program fails: {bare[:3]}")
        capture, counters = self.t.file(".bin"), self.t.file(".counts")
        recorded = self.run(w, [self.t.tracker, "run", "-q", "-o", capture, "--"], counters)
        for what, got, want in zip(("status", "stdout", "stderr", "output file"), recorded, bare):
            check(got == want, f"{what} differs: {harness.short(got[:300] if what != 'status' else got)}")
        n = self.compare(capture, read_counters(counters))
        check(n >= processes, f"{n} processes, at least {processes} expected")
        health = self.t.json("info", capture)
        equal("lost, notices", (health["health"].get("lost", 0), health["truncated"]), (0, False))
        if alone:
            self.alone(w, capture)

    def alone(self, w, capture):
        """The program counted twice without us: deterministic, and what we recorded."""
        totals = []
        for _ in range(2):
            folder = self.t.file(".counts")
            self.run(w, counter_dir=folder)
            images, = read_counters(folder).values()
            totals.append({k: v for k, v in counted(images).items()})
        equal("counted twice", totals[0], totals[1])
        pid = self.t.json("info", capture)["processes"][0]["pid"]
        equal("counted without tracker", stats_of(self.t, capture, pid), totals[0])

    def redis(self):
        """A server under load on the loopback: every request answered, counts equal."""
        server, client, bench = need("redis-server", "redis-cli", "redis-benchmark")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = str(s.getsockname()[1])
        capture, counters = self.t.file(".bin"), self.t.file(".counts")
        os.mkdir(counters)
        env = os.environ | {"COUNTER_DIR": counters, "LD_PRELOAD": self.counter}
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--", server, "--port", port,
                              "--bind", "127.0.0.1", "--save", "", "--dir", self.t.scratch],
                             env=env, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(int(port))
            r = execute([bench, "-h", "127.0.0.1", "-p", port, "-n", "20000", "-q", "-t", "set,get,lpush,hset"])
            equal("redis-benchmark", r.status, 0)
            check(b"rror" not in r.stdout + r.stderr, r.stdout.decode())
            threads = threads_of(p.pid, "redis-server") - 1
            execute([client, "-h", "127.0.0.1", "-p", port, "shutdown", "nosave"])
            equal("redis-server's status", p.wait(60), 0)
        finally:
            if p.poll() is None:
                p.terminate()
                p.wait(30)
        self.compare(capture, read_counters(counters), peaks=False, threads=threads)


def threads_of(parent, name):
    """How many threads its child of that name has."""
    with open(f"/proc/{parent}/task/{parent}/children") as f:
        children = f.read().split()
    for pid in children:
        with open(f"/proc/{pid}/comm") as f:
            if f.read().strip() == name:
                return len(os.listdir(f"/proc/{pid}/task"))
    raise Failure(f"no {name} among the children {children}")


def wait_for_port(port):
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Failure("redis-server did not start")


def make_cases(t):
    r = Real(t)
    return [
        ("sqlite3, 50000 statements", lambda: r.program(workloads.sqlite3, 50000, alone=True)),
        ("python3 json", lambda: r.program(workloads.python3, 150)),
        ("python3 json, PYTHONMALLOC=malloc", lambda: r.program(
            lambda folder, scale: workloads.python3(folder, scale, malloc=True), 150)),
        ("git log --stat", lambda: r.program(workloads.git, 400)),
        ("xmllint --format", lambda: r.program(workloads.xmllint, 20000, alone=True)),
        ("cc1plus -O2", lambda: r.program(workloads.cc1plus_small, 1)),
        ("sh, ls, sort, head, gcc", lambda: r.program(workloads.shell, 2000, processes=6)),
        ("redis-server", r.redis),
    ]


if __name__ == "__main__":
    harness.main(make_cases)
