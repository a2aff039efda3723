#!/usr/bin/env python3
"""checkpoints - captures of sums while they are being recorded: whatever happens to recorder, program, disk and file, there is a
whole capture, and nobody else's file is touched.

usage: checkpoints.py [-h] BUILD_DIR [PART_OF_A_NAME]...
AGGREGATED_KILLS=N: so many kills of the recorder, and of the program (3).
"""
import os
import random
import re
import signal
import struct
import subprocess
import time

import aggregated
import harness
from aggregated import HEADER_BYTES
from harness import Skip, check, equal

KILLS = int(os.environ.get("AGGREGATED_KILLS", "3"))


def stamp(path):
    """Another one for every file that comes into place: inodes are used again."""
    s = os.stat(path)
    return s.st_ino, s.st_ctime_ns


class Checkpoints(aggregated.Aggregated):
    # ---- kills ----

    def start(self, *options, capture=None):
        shared, capture = self.t.file(".shared"), capture or self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--aggregate", *options, "--",
                              self.t.fixture("killed"), shared], stderr=subprocess.PIPE)
        return p, capture, shared

    def counts(self, shared):
        with open(shared, "rb") as f:
            return struct.unpack("=3Q", f.read(24))

    def running(self, p, shared):
        """The pids of the program, once it counts, and of its recorder."""
        for _ in range(12000):
            if os.path.exists(shared) and os.path.getsize(shared) >= 24 and self.counts(shared)[1]:
                pid = self.counts(shared)[0]
                children = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
                others = [int(c) for c in children if int(c) != pid]
                if others:
                    return pid, others[0]
            time.sleep(0.01)
        raise harness.Failure("the program does not run")

    def blocks(self, capture):
        """(mallocs, frees) of the program's blocks that are in the sums."""
        made = dict(self.sizes(capture)).get(1001, 0)
        left = [r for r in self.t.json("table", "-n", "0", "-g", "function", "--filter", "+*killed.c",
                                       capture + "@end")["rows"]]
        return made, made - sum(r["count"] for r in left)

    def program_killed(self):
        for _ in range(KILLS):
            p, capture, shared = self.start("--checkpoint", random.choice(("0", "10ms", "200ms")))
            pid, _ = self.running(p, shared)
            time.sleep(random.uniform(0.001, 0.5))
            os.kill(pid, signal.SIGKILL)
            p.communicate(timeout=300)
            equal("status of tracker run", p.returncode, -signal.SIGKILL)
            _, mallocs, frees = self.counts(shared)
            got = self.blocks(capture)
            check(got[0] - mallocs in (0, 1) and got[1] - frees in (0, 1),
                  f"{mallocs} mallocs and {frees} frees returned, {got} are in the capture")
            info = self.t.json("info", capture)
            equal("signal, checkpoint", (info["processes"][0]["signal"], info["health"].get("checkpoint")), (9, None))
            self.no_leftovers(capture)

    def recorder_killed(self):
        for _ in range(KILLS):
            p, capture, shared = self.start("--checkpoint", "200ms")
            pid, recorder = self.running(p, shared)
            time.sleep(random.uniform(0, 0.5))
            os.kill(pid, signal.SIGSTOP)
            stopped = self.counts(shared)[1]
            self.reaches(capture, stopped)
            os.kill(pid, signal.SIGCONT)
            time.sleep(random.uniform(0, 0.5))
            os.kill(recorder, signal.SIGKILL)
            counted = self.counts(shared)[1]
            os.kill(pid, signal.SIGKILL)
            _, err = p.communicate(timeout=300)
            check(b"last checkpoint" in err, f"tracker run says {err!r}")
            time.sleep(0.05)  # a checkpoint that was being written may still come
            self.is_checkpoint(capture, stopped, counted)

    def reaches(self, capture, count):
        """While the program stands still a checkpoint will say all that it did."""
        for _ in range(100):
            seen = stamp(capture)
            made = self.blocks(capture)[0] if os.path.getsize(capture) > 64 else 0
            if count <= made <= count + 1:
                return
            check(made <= count + 1, f"{made} in a checkpoint, {count} made")
            while stamp(capture) == seen:
                time.sleep(0.002)
        raise harness.Failure(f"no checkpoint has the {count} blocks that were made before: {made}")

    def is_checkpoint(self, capture, least, most):
        info = self.t.json("info", capture)
        equal("checkpoint, truncated", (info["health"].get("checkpoint"), info["truncated"]), (1, False))
        equal("ends", [p["end_ns"] for p in info["processes"]], [None])
        made, freed = self.blocks(capture)
        check(least <= made <= most + 2, f"{made} in the checkpoint, {least} before, {most} at the end")
        check(0 <= made - freed - made // 10 <= 1, f"{made} made, {freed} freed: no state of the program")
        for name in self.t.reports("one capture", "sums"):
            r = subprocess.run([self.t.reporter(name), *(["-o", "-"] if name == "flamegraph" else []), capture],
                               capture_output=True, timeout=300)
            check(r.returncode == 0 and re.search(rb"(is a checkpoint: the recorder was killed; figures are those at \d+\.\d+ s|still being recorded by pid \d+: \d+\.\d+ s so far)", r.stderr),
                  f"{name} of a checkpoint says {r.stderr!r}")
        threads = self.report("table -n 0 -g thread", capture + "@end")["rows"]
        check(all("0x0 " not in r["key"] and r["key"] != "0x0" for r in threads), f"threads: {threads}")

    def no_leftovers(self, capture):
        name = os.path.basename(capture)
        left = [n for n in os.listdir(os.path.dirname(capture)) if n.startswith(name) and n != name]
        equal("temporary files", left, [])

    # ---- files ----

    def first_checkpoint(self, capture):
        """The file changes before, too: it is made, and gets a header."""
        while os.path.getsize(capture) <= HEADER_BYTES or not self.t.json("info", capture)["health"].get("checkpoint"):
            time.sleep(0.01)

    def while_it_runs(self, what, *options):
        """Records, does `what` to the file after the first checkpoint; (capture, stderr)."""
        folder = self.t.file(".d")
        os.mkdir(folder)
        p, capture, shared = self.start("--checkpoint", "5ms", *options, capture=os.path.join(folder, "x.bin"))
        pid, _ = self.running(p, shared)
        self.first_checkpoint(capture)
        what(capture)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        return capture, err.decode(), self.counts(shared)[1]

    def is_whole(self, capture, mallocs):
        check(self.blocks(capture)[0] - mallocs in (0, 1), f"{self.blocks(capture)}, {mallocs} were counted")
        equal("checkpoint", self.t.json("info", capture)["health"].get("checkpoint"), None)

    def file_moved(self):
        capture, err, mallocs = self.while_it_runs(lambda c: os.rename(c, c + ".moved"))
        check(f"the capture is in {capture}.moved" in err, err)
        check(not os.path.exists(capture), "it was made anew")
        self.is_whole(capture + ".moved", mallocs)
        equal("files", os.listdir(os.path.dirname(capture)), ["x.bin.moved"])

    def file_removed(self):
        capture, err, mallocs = self.while_it_runs(os.unlink)
        equal("stderr", err, "")
        self.is_whole(capture, mallocs)
        self.no_leftovers(capture)

    def file_replaced(self):
        def replace(capture):
            with open(capture + ".mine", "w") as f:
                f.write("precious")
            os.rename(capture + ".mine", capture)
        capture, err, mallocs = self.while_it_runs(replace)
        with open(capture) as f:
            equal("somebody else's file", f.read(), "precious")
        found = re.search(r"the capture is in (.*)\n", err)
        check(found, err)
        self.is_whole(found.group(1), mallocs)
        equal("files", len(os.listdir(os.path.dirname(capture))), 2)

    def ignored_children(self):
        """SIGCHLD ignored by whoever starts us: checkpoints come one after another all the same."""
        capture, seen = self.t.file(".bin"), set()
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "-a", "--checkpoint", "50ms", "--", "sleep",
                              "1"], preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        while p.poll() is None:
            seen.add(stamp(capture) if os.path.exists(capture) else 0)
            time.sleep(0.005)
        check(len(seen) > 4, f"{len(seen)} files in a second")
        self.no_leftovers(capture)

    def full_disk(self):
        """A checkpoint for which there is no room: the one before stays, the program runs, one line says why."""
        if os.geteuid() != 0:
            raise Skip("needs root to mount a tmpfs")
        folder = self.t.file(".tmpfs")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]).returncode:
            raise Skip("a tmpfs cannot be mounted here")
        try:
            for free_again in (True, False):
                self.one_full_disk(os.path.join(folder, f"{free_again}.bin"), free_again)
        finally:
            subprocess.run(["umount", "-l", folder])

    def one_full_disk(self, capture, free_again):
        filler = os.path.join(os.path.dirname(capture), "filler")
        p, _, shared = self.start("--checkpoint", "50ms", capture=capture)
        pid, _ = self.running(p, shared)
        self.first_checkpoint(capture)
        full_for, last = 0, None
        with open(filler, "wb", buffering=0) as f:
            while full_for < 100:  # a checkpoint that still finds room frees that of the one before
                full_for = full_for + 1 if stamp(capture) == last else 0
                last = stamp(capture)
                try:
                    while True:
                        f.write(bytes(4096))
                        full_for = 0
                except OSError:
                    time.sleep(0.005)
        if free_again:
            os.unlink(filler)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        self.no_leftovers(capture)
        if free_again:
            self.is_whole(capture, self.counts(shared)[1])
            return
        check(b"No space left" in err and len(err.splitlines()) == 1, f"{err!r}")
        told = re.search(rb"recorded up to (\d+\.\d) s", err)
        info = self.t.json("info", capture)
        equal("checkpoint, truncated", (info["health"].get("checkpoint"), info["truncated"]), (1, False))
        check(told and abs(float(told.group(1)) - info["health"]["end_ns"] / 1e9) < 0.11, f"{err!r}, {info['health']}")
        os.unlink(filler)
        os.unlink(capture)

    def read_only(self):
        """No name can be made beside the capture: it is written in its place at the end, and that is said."""
        if os.geteuid() != 0:
            raise Skip("needs root to become somebody else")
        folder = self.t.file(".ro")
        os.mkdir(folder)
        capture, shared = os.path.join(folder, "x.bin"), os.path.join(folder, "shared")
        os.chown(folder, 65534, 65534)
        own = self.t.for_others("killed")
        p = subprocess.Popen([own("tracker"), "run", "-o", capture, "-a", "--checkpoint", "50ms", "--",
                              own("fx_killed"), shared], stderr=subprocess.PIPE,
                             preexec_fn=lambda: (os.setgid(65534), os.setuid(65534)))
        pid, _ = self.running(p, shared)
        os.chown(folder, 0, 0)
        while len(os.listdir(folder)) > 2:  # a checkpoint was being written, and its name can't be taken back now
            os.chown(folder, 65534, 65534)
            time.sleep(0.005)
            os.chown(folder, 0, 0)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        check(b"checkpoints could not be written (Permission denied)" in err, f"{err!r}")
        equal("files", sorted(os.listdir(folder)), ["shared", "x.bin"])
        self.is_whole(capture, self.counts(shared)[1])

    def no_file(self):
        """A pipe gets the whole capture at the end; a device takes it, or says why not."""
        pipe, copy = self.t.file(".fifo"), self.t.file(".bin")
        os.mkfifo(pipe)
        with open(copy, "wb") as out:
            reader = subprocess.Popen(["cat", pipe], stdout=out)
            r = harness.execute([self.t.tracker, "run", "-o", pipe, "-q", "-a", "--checkpoint", "10ms", "--",
                                 self.t.fixture("leak")])
            reader.wait(600)
        equal("status", (r.status, r.stderr), (0, b""))
        equal("leaks", self.t.json("leaks", copy)["total_count"], 5)
        for device, lines in (("/dev/null", 0), ("/dev/full", 1)):
            r = harness.execute([self.t.tracker, "run", "-o", device, "-q", "-a", "--checkpoint", "10ms", "--",
                                 self.t.fixture("leak")])
            equal(f"status, lines ({device})", (r.status, len(r.stderr.splitlines())), (0, lines))
            check(not lines or b"No space left" in r.stderr, f"{r.stderr!r}")

    def force(self):
        """An existing file stays until the program has started; a program that cannot be run leaves nothing."""
        mine = self.t.file(".bin")
        with open(mine, "w") as f:
            f.write("precious")
        r = harness.execute([self.t.tracker, "run", "-f", "-a", "-o", mine, "--", "/nonexistent/program"])
        with open(mine) as f:
            equal("status, the existing file", (r.status, f.read()), (127, "precious"))
        new = self.t.file(".bin")
        script = self.t.file(".sh")
        with open(script, "w") as f:
            f.write("#!/nonexistent/interpreter\n")
        os.chmod(script, 0o755)
        r = harness.execute([self.t.tracker, "run", "-a", "-o", new, "--", script])
        check(r.status in (126, 127) and not os.path.exists(new), f"{r.status}, {r.stderr!r}")
        r = harness.execute([self.t.tracker, "run", "-f", "-q", "-a", "--checkpoint", "1ms", "-o", mine, "--",
                             self.t.fixture("leak")])
        equal("status", (r.status, r.stderr), (0, b""))
        equal("leaks", self.t.json("leaks", mine)["total_count"], 5)
        for path in (mine, new):
            self.no_leftovers(path)


def make_cases(t):
    c = Checkpoints(t)
    return [(name.replace("_", " "), getattr(c, name)) for name in (
        "program_killed", "recorder_killed", "file_moved", "file_removed", "file_replaced", "ignored_children",
        "full_disk", "read_only", "no_file", "force")]


if __name__ == "__main__":
    harness.main(make_cases)
