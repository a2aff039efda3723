#!/usr/bin/env python3
"""bad - what cannot be read, written or run: one clear line on stderr, the right
exit code, no crash and no report that pretends to be whole.

usage: bad.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import concurrent.futures
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import harness
from unpack import xxh32
from harness import Failure, Skip, check, equal, need
import reports

# Every program that reads a capture, and the options that make it print to stdout.
TWO_CAPTURES = {"diff"}
HEADER = 64
BLOCK = 48
BLOCK_MAGIC = b"TRKB"
SANITIZER = (b"AddressSanitizer", b"runtime error", b"LeakSanitizer")


class Bad:
    def __init__(self, tracker):
        self.t = tracker
        self.good = None

    def capture(self):
        """A small capture with every table in it: made once."""
        if not self.good:
            r = self.t.record([self.t.fixture("process"), "raw_fork"])
            equal("exit status", r.status, 0)
            self.good = r.capture
        with open(self.good, "rb") as f:
            return self.good, f.read()

    def file(self, data):
        path = self.t.file(".bin")
        with open(path, "wb") as f:
            f.write(data)
        return path

    def report(self, name, path, *args, **more):
        """(status, stdout, stderr), after the checks that hold for any input."""
        operands = [path, path] if name in TWO_CAPTURES else [path]
        more.setdefault("stdout", subprocess.PIPE)
        r = subprocess.run([self.t.reporter(name), *args, *operands], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=600, **more)
        what = f"tracker {name} {' '.join(args)}"
        check(r.returncode in (0, 1, 2, 3), f"{what}: dies with {r.returncode}: {r.stderr[-300:]!r}")
        check(not any(s in r.stderr for s in SANITIZER), f"{what}: {r.stderr[-600:].decode(errors='replace')}")
        return r.returncode, r.stdout, r.stderr

    def refused(self, path, *words, code=1):
        """Every reporter refuses it in one line that has all the words."""
        for name in self.t.reports():
            status, out, err = self.report(name, path)
            equal(f"{name}: exit status", status, code)
            lines = err.decode(errors="replace").splitlines()
            check(1 <= len(lines) <= 2 and lines[0].startswith(f"tracker-{name}: "), f"{name} says {err!r}")
            check(all(w in err.decode(errors="replace") for w in words), f"{name}: no {words} in {err!r}")
            check(not out.strip(), f"{name} prints a report: {out[:100]!r}")

    def missing(self):
        self.refused("/nonexistent/x.bin", "No such file", "/nonexistent/x.bin")

    def no_capture(self, path):
        """What cannot be done, with which file, and the reason."""
        self.refused(path, path, "Reason: ")
        for name in self.t.reports():
            what = "Failed to compute statistics for" if name == "stats" else "Failed to parse allocation records in"
            check(f"{what} {path}: Reason: ".encode() in self.report(name, path)[2], f"{name}: no {what!r}")

    def empty(self):
        self.no_capture(self.file(b""))

    def text(self):
        self.no_capture(self.file(b"int main(void) { return 0; }\n" * 100))

    def directory(self):
        self.refused(self.t.scratch)

    def future(self):
        """A version, and a must-understand feature, that this build does not know."""
        _, data = self.capture()
        for offset, size in ((8, 2), (16, 8)):
            header = bytearray(data[:HEADER])
            header[offset:offset + size] = (77 if size == 2 else 1 << 41).to_bytes(size, "little")
            header[60:64] = xxh32(bytes(header[:60])).to_bytes(4, "little")
            self.refused(self.file(bytes(header) + data[HEADER:]), "version" if size == 2 else "41")

    def tolerated(self, inputs):
        """Any report of damaged input: a result with a warning or a refusal in a line, never a crash."""
        def one(job):
            name, (why, path) = job
            status, out, err = self.report(name, path)
            if status not in (0, 1):
                raise Failure(f"{name} of {why}: exit {status}")
            if not err.strip():
                raise Failure(f"{name} of {why}: not a word about the damage")
            if status == 1 and out.strip() and name not in ("dump",):
                raise Failure(f"{name} of {why}: fails, but prints {out[:100]!r}")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(one, ((n, i) for i in inputs for n in self.t.reports())))

    def truncated(self):
        _, data = self.capture()
        cuts = list(range(1000, len(data), 1000)) + [1, HEADER - 1, HEADER, HEADER + 10, len(data) - 1]
        self.tolerated((f"a capture cut at {n}", self.file(data[:n])) for n in cuts if n != HEADER)

    def monotone(self):
        """A longer prefix never says less."""
        _, data = self.capture()
        totals = []
        for cut in range(HEADER, len(data), max(1000, len(data) // 40)):
            r = subprocess.run([self.t.reporter("stats"), "--json", self.file(data[:cut])], capture_output=True)
            equal("exit status", r.returncode, 0)
            totals.append(harness.json.loads(r.stdout)["total_num_allocations"])
        equal("totals of growing prefixes", totals, sorted(totals))

    def flipped(self):
        """One bit of the first, middle and last block of each type: in its header, in its payload."""
        _, data = self.capture()
        blocks, at = {}, data.find(BLOCK_MAGIC, HEADER)
        while at >= 0:
            stored = int.from_bytes(data[at + 12:at + 16], "little")
            blocks.setdefault(data[at + 4:at + 6], []).append((at, stored))
            at = data.find(BLOCK_MAGIC, at + BLOCK + stored)
        inputs = []
        for at, stored in sorted({of[i] for of in blocks.values() for i in (0, len(of) // 2, -1)}):
            for offset in (at + 9, at + 20, at + BLOCK + stored // 2):
                if offset < len(data):
                    bad = bytearray(data)
                    bad[offset] ^= 0x10
                    inputs.append((f"a capture with byte {offset} flipped", self.file(bytes(bad))))
        check(len(blocks) > 10 and len(inputs) > 30, f"only {len(inputs)} inputs, {len(blocks)} types of blocks")
        self.tolerated(inputs)

    # ---- where to write ----

    def output(self):
        """A folder that is not there, one that refuses, a full device."""
        path, _ = self.capture()
        for name in self.t.reports():
            status, _, err = self.report(name, path, "-o", "/nonexistent/folder/out")
            check(status == 1 and len(err.splitlines()) == 1, f"{name} -o: {status}, {err!r}")
            with open("/dev/full", "wb") as full:
                extra = reports.ON_STDOUT.get(name, [])
                status, _, err = self.report(name, path, *extra, stdout=full)
            check(status == 1 and err.strip(), f"{name} > /dev/full: {status}, {err!r}")

    def existing(self):
        path, _ = self.capture()
        for name in self.t.reports():
            mine = self.file(b"precious")
            status, _, err = self.report(name, path, "-o", mine)
            with open(mine, "rb") as f:
                equal(f"{name}: the existing file", f.read(), b"precious")
            check(status == 1 and b"--force" in err, f"{name} -o EXISTING: {status}, {err!r}")
            equal(f"{name} -f", self.report(name, path, "-f", "-o", mine)[0], 0)

    def usage(self):
        for name in self.t.reports():
            for args in (["--no-such-option"], []):
                r = subprocess.run([self.t.reporter(name), *args], capture_output=True, timeout=600)
                equal(f"{name} {args}: exit status", r.returncode, 2)
                check(r.stderr.strip() and not r.stdout, f"{name} {args}: {r.stderr!r}")

    # ---- what to run ----

    def not_run(self, argv, code, *words, options=()):
        r = harness.execute([self.t.tracker, "run", "-o", self.t.file(".bin"), *options, "--", *argv])
        equal(f"status of {argv[0]}", r.status, code)
        text = r.stderr.decode(errors="replace")
        check(all(w in text for w in words), f"no {words} in {text!r}")

    def no_program(self):
        self.not_run(["/nonexistent/program"], 127, "tracker-run: ", "/nonexistent/program")
        self.not_run(["no-such-program-anywhere"], 127, "tracker-run: ")
        self.not_run([self.file(b"not executable")], 126, "tracker-run: ")
        self.not_run([self.t.scratch], 126, "tracker-run: ")

    def overwrite(self):
        mine = self.file(b"precious")
        r = harness.execute([self.t.tracker, "run", "-o", mine, "--", "true"])
        check(r.status == 1 and b"--force" in r.stderr, f"{r.status}, {r.stderr!r}")
        with open(mine, "rb") as f:
            equal("the existing file", f.read(), b"precious")
        equal("run --force", harness.execute([self.t.tracker, "run", "--force", "-o", mine, "--", "true"]).status, 0)

    def unwritable(self):
        r = harness.execute([self.t.tracker, "run", "-o", "/nonexistent/folder/x.bin", "--", "echo", "ran"])
        check(r.status == 1 and len(r.stderr.splitlines()) == 1, f"{r.status}, {r.stderr!r}")
        equal("output of a program that was not to run", r.stdout, b"")

    def static(self):
        """Cannot be recorded; runs all the same, and the capture says why it is empty."""
        source, program = self.file(b"int main(void) { return 7; }\n"), self.t.file(".static")
        os.rename(source, source + ".c")
        subprocess.run([need("gcc"), "-static", "-o", program, source + ".c"], check=True)
        self.unseen(program, 7, "static")

    def sanitized(self):
        """A program with a sanitizer's own malloc, shared or linked in."""
        source = self.file(b"#include <stdlib.h>\nint main(void) { free(malloc(10)); return 7; }\n")
        os.rename(source, source + ".c")
        for compiler in ("gcc", "clang"):
            program = self.t.file("." + compiler)
            subprocess.run([need(compiler), "-fsanitize=address", "-o", program, source + ".c"], check=True)
            self.unseen(program, 7, "malloc", said=compiler == "gcc")

    def setuid(self):
        if os.geteuid() != 0:
            raise Skip("needs root")
        program = self.t.file(".setuid")
        shutil.copy(need("/bin/true"), program)
        os.chown(program, 1, 1)
        os.chmod(program, 0o6755)
        self.unseen(program, 0, "set")

    def unseen(self, program, code, word, said=True):
        """Runs as ever; the capture's notices say why it is empty, tracker run says it beforehand where it can."""
        capture = self.t.file(".bin")
        r = harness.execute([self.t.tracker, "run", "-o", capture, "--", program])
        equal("status", r.status, code)
        check(not said or word in r.stderr.decode(), f"no {word!r} in {r.stderr!r}")
        notices = self.t.json("info", capture)["notices"]
        check(any(word in n for n in notices), f"no {word!r} in {notices}")

    def full_disk(self):
        """The capture's disk is full: the program does not notice, the user does."""
        if os.geteuid() != 0:
            raise Skip("needs root to mount a tmpfs")
        folder = self.t.file(".tmpfs")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).returncode:
            raise Skip("a tmpfs cannot be mounted here")
        try:
            capture = os.path.join(folder, "x.bin")
            bare = harness.execute([self.t.fixture("threads"), "churn"])
            r = harness.execute([self.t.tracker, "run", "-o", capture, "--", self.t.fixture("reallocs"), "race"])
            equal("the program's status", r.status, 0)
            check(b"R realloc" in r.stdout and bare.status == 0, "the program's output")
            check(b"No space left" in r.stderr, f"what tracker says: {r.stderr!r}")
            for name in ("stats", "info"):
                check(self.report(name, capture)[0] in (0, 1), name)
        finally:
            subprocess.run(["umount", "-l", folder])


    def recorded_to(self, output, argv=None, **more):
        """The fixture's own status and output, whatever becomes of its capture; (stderr, bare)."""
        argv = argv or [self.t.fixture("reallocs"), "race"]
        bare = harness.execute(argv)
        r = harness.execute([self.t.tracker, "run", "-o", output, "--", *argv], **more)
        equal(f"{output}: status and output", (r.status, r.stdout), (bare.status, bare.stdout))
        return r.stderr.decode()

    def one_line(self, text, *words):
        lines = text.splitlines()
        check(len(lines) == 1 and lines[0].startswith("tracker"), f"not one line: {text!r}")
        check(all(w in lines[0] for w in words), f"no {words} in {text!r}")

    def readable(self, data):
        """What was written before the end is a capture that says that it is cut."""
        path = self.file(data)
        for name in self.t.reports():
            status, _, err = self.report(name, path)
            equal(f"{name}: status", status, 0)
            check(b"is cut: events up to" in err or b"the recorder was killed: events up to" in err, f"{name} says {err!r}")

    def pipes(self):
        """A pipe does for a file: a FIFO, a shell's >(command), /dev/stdout."""
        script = '"$0" run -q -o %s -- sh -c "ls / >/dev/null; exit 3" %s; echo $? >&2'
        for how in ('>(cat > "$1")', '/dev/stdout'):
            path = self.t.file(".bin")
            more = '| cat > "$1"' if how == "/dev/stdout" else ""
            r = harness.execute([need("bash"), "-o", "pipefail", "-c", script % (how, more), self.t.tracker, path])
            equal(how, (r.status, r.stdout, r.stderr), (0, b"", b"3\n"))
            end = time.monotonic() + 120  # bash does not wait for the cat of >(cat)
            while not (os.path.exists(path) and open(path, "rb").read()[-4:] == b"TRKE"):
                check(time.monotonic() < end, f"{how}: no whole capture")
                time.sleep(0.01)
            names = [p["name"] for p in self.t.json("info", path)["processes"]]
            check("ls" in names, f"{how}: {names}")

    def reader_hangs_up(self):
        """The other end of the pipe goes away in the middle."""
        fifo, copy = self.t.file(".fifo"), self.t.file(".bin")
        os.mkfifo(fifo)
        with open(copy, "wb") as f:
            reader = subprocess.Popen(["head", "-c", "60000", fifo], stdout=f)
        self.one_line(self.recorded_to(fifo), fifo, "Broken pipe", "recorded up to")
        equal("head", reader.wait(600), 0)
        with open(copy, "rb") as f:
            self.readable(f.read())

    def fifo_without_reader(self):
        """Waits as everybody does, and can be interrupted: nothing was started."""
        fifo = self.t.file(".fifo")
        os.mkfifo(fifo)
        # a shell's background job, which we may be, ignores it
        p = subprocess.Popen([self.t.tracker, "run", "-o", fifo, "--", "echo", "ran"], stdout=subprocess.PIPE,
                             start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        time.sleep(0.3)
        equal("waits", p.poll(), None)
        os.killpg(p.pid, signal.SIGINT)
        equal("output", p.communicate(timeout=600)[0], b"")
        equal("status", p.returncode, -signal.SIGINT)

    def file_size_limit(self):
        """ulimit -f: what fits is written and readable; the program has the limit as ever."""
        path = self.t.file(".bin")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, 100 << 10))
        self.one_line(self.recorded_to(path, preexec=limit), path, "File too large", "ulimit -f")
        with open(path, "rb") as f:
            data = f.read()
        check(0 < len(data) <= 100 << 10, f"{len(data)} bytes")
        self.readable(data)

    def devices(self):
        for _ in range(3):
            self.one_line(self.recorded_to("/dev/full"), "/dev/full", "No space left on device")
        check("not freed" in self.recorded_to("/dev/null"), "/dev/null")

    def not_opened(self, path, *words, tracker=None, **more):
        r = harness.execute([tracker or self.t.tracker, "run", "-o", path, "--", "echo", "ran"], **more)
        equal(f"{path}: status and output", (r.status, r.stdout), (1, b""))
        self.one_line(r.stderr.decode(), f"Could not create output file {path}", *words)

    def refused_outputs(self):
        self.not_opened(self.t.scratch, "Is a directory")
        self.not_opened("/dev/full/x", "Not a directory")
        self.not_opened("/" + "x" * 300, "File name too long")
        sock = self.t.file(".sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(sock)
            self.not_opened(sock, "not a regular file")
        if os.geteuid() != 0:
            raise Skip("needs root")
        self.not_opened("/root/x.bin", "Permission denied", tracker=self.t.for_others()("tracker"),
                        preexec=lambda: os.setuid(65534))
        with self.mounted("size=64k,ro") as folder:
            self.not_opened(os.path.join(folder, "x.bin"), "Read-only file system")

    @contextlib.contextmanager
    def mounted(self, options):
        """A folder that is a tmpfs with these options."""
        if os.geteuid() != 0:
            raise Skip("needs root to mount a tmpfs")
        folder = self.t.file(".tmpfs")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]).returncode:
            raise Skip("a tmpfs cannot be mounted here")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder])

    def disk_fills_up(self):
        """In the middle: what was written until then is readable, exactly as far as it goes."""
        with self.mounted("size=128k") as folder:
            path = os.path.join(folder, "x.bin")
            self.one_line(self.recorded_to(path), path, "No space left on device", "free space")
            with open(path, "rb") as f:
                self.readable(f.read())

    def no_inode_left(self):
        with self.mounted("nr_inodes=2") as folder:
            open(os.path.join(folder, "first"), "w").close()
            self.not_opened(os.path.join(folder, "x.bin"), "No space left on device")


def make_cases(t):
    b = Bad(t)
    return [(name.replace("_", " "), getattr(b, name)) for name in (
        "missing", "empty", "text", "directory", "future", "truncated", "monotone", "flipped", "output",
        "existing", "usage", "no_program", "overwrite", "unwritable", "static", "sanitized", "setuid", "full_disk",
        "pipes", "reader_hangs_up", "fifo_without_reader", "file_size_limit", "devices", "refused_outputs",
        "disk_fills_up", "no_inode_left")]


if __name__ == "__main__":
    harness.main(make_cases)
