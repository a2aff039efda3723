#!/usr/bin/env python3
"""run - real programs alone, counted, recorded, and a table of what differed.

Each program runs twice alone (what differs between two such runs says nothing), once under an independent counter
(tests/integration/counter.c), once recorded with the counter behind us while the kernel tells of every process, once
recorded by itself, and under heaptrack if that is asked for. A program fails when its status, its output or its
files are not what they are alone, when a process was missed and nothing was said, or when a process's counts are
not the counter's and the table in programs.py does not explain it.

usage: run.py [-h] [--ci] [--heaptrack] [--keep DIR] BUILD_DIR [PART_OF_A_NAME]...
"""
import argparse
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration")]
import harness
import kernel
from harness import CI, Failure, Skip, check, need, read_counters
from programs import PROGRAMS

OUR_ENTRY = 16  # bytes of libtracker in a thread's table of thread-local variables
HANGS = 600  # seconds after which a program is taken to hang; none needs a tenth
TOTALS = ("allocations", "frees", "bytes")
COLUMNS = ("program", "as alone", "processes", "recorded, told", "allocations", "frees", "bytes", "the counter",
           "truncated stacks", "alone s", "tracker", "heaptrack")


class Result:
    def __init__(self, status, seconds, stdout, stderr, files):
        self.status, self.seconds, self.stdout, self.stderr, self.files = status, seconds, stdout, stderr, files
        self.pid = None


def plain(data, varies):
    for pattern in varies:
        data = re.sub(pattern, b"<varies>", data)
    return data


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def without(ranges, start, length):
    """Of (from, to) ranges what lies outside of that one."""
    cut = (part for a, b in ranges for part in ((a, min(b, start)), (max(a, start + length), b)))
    return [(a, b) for a, b in cut if a < b]


class Bench:
    def __init__(self, tracker, options):
        self.t, self.options = tracker, options
        self.counter = tracker.find("counter.so")
        self.kept = os.path.join(tracker.scratch, "kept")
        os.mkdir(self.kept)
        os.chmod(tracker.scratch, 0o755)

    # ---- one run ----

    def as_user(self, program):
        """The command that gives up root for a program that will not run as root."""
        if not program.user or os.geteuid() != 0:
            return []
        try:
            pwd.getpwnam(program.user)
        except KeyError:
            raise Skip(f"there is no user {program.user}") from None
        prefix = [need("setpriv"), f"--reuid={program.user}", f"--regid={program.user}", "--clear-groups"]
        if subprocess.run([*prefix, "test", "-x", self.t.tracker, "-a", "-r", self.counter]).returncode:
            raise Skip(f"the user {program.user} may not read {self.t.build}")
        return prefix

    def folder(self, program):
        """A new one, which always has the same path; others stand beside it."""
        folder = os.path.join(self.t.scratch, "work")
        places = [folder + suffix for suffix in ("", ".home", ".counts", ".capture")]
        for path in places:
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path)
        made = program.make(folder, self.kept)
        if program.user and os.geteuid() == 0:
            subprocess.run(["chown", "-R", program.user, *places], check=True)
        return folder, made

    def run(self, program, prefix=(), env=None, watched=None):
        user = self.as_user(program)
        folder, made = self.folder(program)
        full = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "DISPLAY")}
        full |= {"HOME": folder + ".home", "TMPDIR": folder + ".home", "LC_ALL": "C.UTF-8"} | made.env
        for command in made.before:
            subprocess.run([*user, *command], env=full, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        out, err = folder + ".out", folder + ".err"
        with open(made.stdin or os.devnull, "rb") as stdin, open(out, "wb") as stdout, open(err, "wb") as stderr:
            started = time.monotonic()
            p = subprocess.Popen([*(watched.prefix if watched else ()), *user, *prefix, *made.argv], env=full | (env or {}),
                                 stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, start_new_session=True)
            status = self.wait(p)
            seconds = time.monotonic() - started
        outcome = {"status": status, "stdout": read(out), "stderr": read(err)}
        # What tracker warns of stands in the table.
        outcome["stderr"] = re.sub(rb"^tracker(-run)?: .*\n", b"", outcome["stderr"] or b"", flags=re.M)
        outcome |= {os.path.basename(f): read(f) for f in made.files}
        outcome = {k: plain(v, made.varies) if isinstance(v, bytes) else v for k, v in outcome.items()}
        return outcome, seconds, made

    @staticmethod
    def wait(p):
        try:
            return p.wait(HANGS)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            raise Failure("hangs") from None

    # ---- what is compared ----

    def alone(self, program):
        """Twice; what differed between the two is left out of what is compared. Seconds of the faster one."""
        first, a, made = self.run(program)
        second, b, _ = self.run(program)
        check(first["status"] == made.status, f"the bare program ends with {first['status']}: {first['stderr'][-300:]}")
        same = {k: v for k, v in first.items() if second[k] == v}
        check(same.get("status") == made.status, "two bare runs end differently")
        return same, sorted(set(first) - set(same)), min(a, b)

    def compared(self, program, how, same, outcome):
        for what, value in same.items():
            check(outcome[what] == value, f"{what} {how} is {harness.short(outcome[what])}, alone {harness.short(value)}")

    def record(self, program):
        """Recorded, counted and watched: what info says, the counts, the kernel's processes, what came of it."""
        work = os.path.join(self.t.scratch, "work")
        capture = work + ".capture/bin"
        with kernel.watch(work + ".strace") as watched:
            outcome, _, _ = self.run(program, [self.t.tracker, "run", "-q", "-o", capture, "--"],
                                     {"COUNTER_DIR": work + ".counts", "LD_PRELOAD": self.counter}, watched)
        info = self.t.json("info", capture)
        check(info["processes"], "nothing was recorded")
        return capture, info, read_counters(work + ".counts"), watched.processes.below(info["processes"][0]["pid"]), outcome

    @staticmethod
    def missed(info, counted, processes):
        """
        Names of those that the kernel knows and the capture does not: how many of them were told of, and the others.
        A child that neither executed nor allocated anything is not one.
        """
        recorded, notices = {p["pid"] for p in info["processes"]}, "\n".join(map(str, info["notices"]))
        missed = [f"{p.name} ({pid})" for pid, p in processes.items()
                  if pid not in recorded and (p.execs or any(image["allocations"] for image in counted.get(pid, [])))]
        told = min(len(missed), info["health"]["unrecorded_processes"])
        missed.sort(key=lambda name: name.split(" (")[0] not in notices)
        return told, missed[told:]

    def differing(self, capture, info, counted, processes):
        """(name, what tracker has more than the counter) of the processes that were not counted alike."""
        totals = {p["pid"]: p for p in self.t.json("stats", capture)["processes"]}
        found, wanted = {}, {}
        for p in info["processes"]:
            got = [totals[p["pid"]][k] for k in ("total_num_allocations", "total_num_frees", "total_bytes_allocated")]
            want = [sum(image[k] for image in counted.get(p["pid"], [])) for k in TOTALS]
            if got != want:
                found[p["pid"]] = p["name"], [a - b for a, b in zip(got, want)]
                wanted[p["pid"]] = want[0], want[2]
        for pid, (calls, size) in (self.asked(capture, found) if found else {}).items():
            ours = wanted[pid][1] - size  # in the tables of its threads, which tracker does not count
            if calls == wanted[pid][0] and ours in range(0, OUR_ENTRY * processes[pid].threads + 1, OUR_ENTRY):
                del found[pid]
        return list(found.values())

    def asked(self, capture, pids):
        """
        (calls, bytes) that these asked for, in the counter's terms. It takes all anonymous mappings for heap, where
        reports tell reserved address space from it; and it sees malloc, which operator new asks for one byte
        where the program asked for none.
        """
        calls, size, mapped = dict.fromkeys(pids, 0), dict.fromkeys(pids, 0), {pid: [] for pid in pids}
        for e in self.t.events(capture):
            kind, pid = e["kind"], e["pid"]
            if pid not in pids or kind not in harness.ALLOCATES | {"mmap", "mremap", "munmap"}:
                continue
            start, length = harness.number(e["address"]), harness.number(e["size"])
            if kind == "mremap":
                rest = without(mapped[pid], harness.number(e["old_address"]), harness.number(e["old_size"]))
                if rest == mapped[pid]:  # a file's mapping
                    continue
                mapped[pid] = rest
            if kind in ("mmap", "mremap", "munmap"):
                mapped[pid] = without(mapped[pid], start, length) + [(start, start + length)] * (kind != "munmap")
            if kind != "munmap" and start:
                calls[pid] += 1
                size[pid] += length or kind == "new"
        return {pid: (calls[pid], size[pid]) for pid in pids}

    # ---- one row ----

    def row(self, program):
        same, varying, seconds = self.alone(program)
        faults = []

        def check_run(how, prefix, env):
            outcome, took, _ = self.run(program, prefix, env)
            try:
                self.compared(program, how, same, outcome)
            except Failure as f:
                faults.append(str(f))
            return took

        if not self.options.quick:
            check_run("counted", [], {"COUNTER_DIR": os.path.join(self.t.scratch, "work.counts"), "LD_PRELOAD": self.counter})
        capture, info, counted, processes, outcome = self.record(program)
        try:
            self.compared(program, "recorded", same, outcome)
        except Failure as f:
            faults.append(str(f))
        told, silent = self.missed(info, counted, processes)
        strange = [p["pid"] for p in info["processes"] if p["pid"] not in processes]
        faults += [f"nothing is said of {name}" for name in silent]
        faults += [f"the kernel knows no process {pid}" for pid in strange]
        differing = self.differing(capture, info, counted, processes)
        faults += [f"{name}: allocations, frees, bytes are {diff} more than the counter's"
                   for name, diff in differing if name not in program.explained]
        took = heaptrack = None
        if not self.options.quick:
            took = check_run("recorded alone", [self.t.tracker, "run", "-q", "-o", "../work.capture/bin", "--"], {})
        if self.options.heaptrack:
            heaptrack = self.heaptrack(program)
        return faults, self.cells(program, same, varying, info, processes, told, differing, seconds, took, heaptrack)

    def heaptrack(self, program):
        try:
            _, took, _ = self.run(program, [need("heaptrack"), "--record-only", "-o", "../work.capture/heaptrack"])
            return took
        except Failure:
            return None

    @staticmethod
    def cells(program, same, varying, info, processes, told, differing, seconds, took, heaptrack):
        total, health = info["summary"], info["health"]
        truncated = re.search(r"(\d+) % of stacks", info["incomplete"] or "")
        return [
            program.name, ", ".join(same) + (f" (vary: {', '.join(varying)})" if varying else ""),
            str(len(processes)), f"{len(info['processes'])}" + (f", {told} told of" if told else ""),
            *(f"{total[k]:,}" for k in ("allocations", "frees", "bytes_allocated")),
            f"{len(info['processes']) - len(differing)} of {len(info['processes'])} equal",
            f"{truncated[1] if truncated else 0} %" + (f", {health['lost']} lost" if health["lost"] else ""),
            f"{seconds:.2f}", f"{took / seconds:.2f} x" if took else "-", f"{heaptrack / seconds:.2f} x" if heaptrack else "-",
        ]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("build", help="build directory")
    p.add_argument("--ci", action="store_true", help="only programs whose packages ./setup tests installs")
    p.add_argument("--quick", action="store_true", help="no runs for the sake of times")
    p.add_argument("--heaptrack", action="store_true", help="run them under heaptrack, too")
    p.add_argument("names", nargs="*", help="only programs whose name contains one of these")
    options = p.parse_intermixed_args()
    chosen = [q for q in PROGRAMS if (q.ci or not options.ci) and
              (not options.names or any(n in q.name for n in options.names))]
    tracker = harness.Tracker(options.build)
    failed = 0
    try:
        bench = Bench(tracker, options)
        for line in (COLUMNS, ["---"] * len(COLUMNS)):
            print("| " + " | ".join(line) + " |", flush=True)
        for program in chosen:
            try:
                faults, cells = bench.row(program)
                print("| " + " | ".join(cells) + " |", flush=True)
            except Skip as s:
                print(f"| {program.name} | {s} |" + " |" * (len(COLUMNS) - 2), flush=True)
                faults = [str(s)] if CI else []
            except (Failure, subprocess.SubprocessError, OSError, KeyError, ValueError) as f:
                faults = [f"{type(f).__name__}: {f}"]
            failed += bool(faults)
            for fault in faults:
                print(f"{program.name}: {fault}", file=sys.stderr, flush=True)
    finally:
        tracker.close()
    sys.exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
