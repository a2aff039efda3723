#!/usr/bin/env python3
"""ctl - tracker list and tracker ctl: what users see of recordings that go on, and tell their recorders.

usage: ctl.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading

import harness
from harness import check, equal

# fx/holders.c, when it waits: what is live, and what was allocated until then.
LOST, MADE = (7000, 7), 1037
REQUEST_BYTES = 16 + 4096  # tools/contact.h


class Waiting:
    """A recorded program that has done everything and waits for a byte."""

    def __init__(self, case, *options, program=None, env=None, preexec=None, listens=True):
        self.case, self.capture, self.listens = case, case.t.file(".bin"), listens  # a recorder may listen after its program has begun
        self.run = subprocess.Popen([case.t.tracker, "run", "-q", "-o", self.capture, *options, "--", *(program or [case.program, "wait"])],
                                    env=case.env | (env or {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
        equal("the program", self.run.stdout.readline(), b"ready\n")
        self.recorder = harness.recorder_of(self.run.pid)
        self.pid = next(p for p in harness.children(self.run.pid) if p != self.recorder)

    def __enter__(self):
        if self.listens:
            harness.until(lambda: os.path.exists(self.socket()), "the recorder does not listen")
        return self

    def __exit__(self, *_):
        self.run.kill()
        self.run.communicate()

    def seen(self):
        """Everything that the program did has reached the recorder's tables."""
        harness.until(lambda: self.case.status(self.pid).get("allocations", 0) >= MADE, "the recorder does not see what was allocated")

    def end(self):
        """What tracker run says."""
        _, err = self.run.communicate(b"x", timeout=300)
        equal("status", self.run.returncode, 4)
        return err.decode()

    def socket(self):
        return os.path.join(self.case.env["XDG_RUNTIME_DIR"], "tracker", f"{self.recorder}.sock")


class Ctl:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.fixture("holders")
        runtime = tracker.file(".runtime")
        os.mkdir(runtime, 0o700)
        self.env = dict(os.environ) | {"XDG_RUNTIME_DIR": runtime}

    def tracker(self, *args, status=0, **more):
        r = harness.execute([self.t.tracker, *map(str, args)], self.env, **more)
        check(r.status == status, f"tracker {args}: exit {r.status}, want {status}: {r.stderr!r}")
        return r

    def status(self, who):
        r = harness.execute([self.t.tracker, "ctl", "--json", str(who), "status"], self.env)
        return json.loads(r.stdout) if r.status == 0 else {}

    def listed(self, recorder):
        rows = json.loads(self.tracker("list", "--json").stdout)["recordings"]
        return next((row for row in rows if row["recorder"] == recorder), None)

    def refused(self, words, *args, status=1):
        err = self.tracker(*args, status=status).stderr.decode()
        check(words in err and len(err.splitlines()) == 1, f"{args}: {err!r}, want {words!r}")

    def live(self, capture, point="@end", options=()):
        """Bytes and blocks that a capture holds at that point."""
        left = self.t.json("table", *options, capture + point)
        return left["total_size"], left["total_count"]

    # ---- what is shown ----

    def shown(self):
        with Waiting(self) as w:
            w.seen()
            row = self.listed(w.recorder)
            want = {"pid": w.pid, "recorder": w.recorder, "user": pwd.getpwuid(os.geteuid()).pw_name, "state": "recording", "programs": 1,
                    "allocations": MADE, "live_bytes": LOST[0], "command": f"{self.program} wait", "file": w.capture}
            equal("list", {k: row[k] for k in want}, want)
            text = self.tracker("list").stdout.decode()
            check(any(str(w.pid) in line and w.capture in line for line in text.splitlines()), text)
            check(f"{w.pid},{w.recorder}," in self.tracker("list", "--csv").stdout.decode(), "list --csv lacks it")
            for who in (w.pid, w.recorder, w.capture):
                s = self.status(who)
                equal(f"status by {who}", (s["allocations"], s["live_bytes"], s["live_blocks"], [r["pid"] for r in s["running"]]), (MADE, *LOST, [w.pid]))
            text = self.tracker("ctl", w.pid, "status").stdout.decode()
            check("7000 B live in 7 blocks" in text and w.capture in text, text)
            w.end()
            equal("after its end", self.listed(w.recorder), None)
            check(not os.path.exists(w.socket()), "the socket is left behind")
        self.refused("no program with this pid is being recorded", "ctl", w.pid, "status")
        self.refused("no recorder is writing this file", "ctl", w.capture, "status")

    def waiting(self):
        with Waiting(self, "--start-after", "1h") as w:
            equal("state", self.listed(w.recorder)["state"], "waiting")
            for command in (("mark", "x"), ("snapshot", "-o", self.t.file(".bin"))):
                self.refused("the recording has not begun yet", "ctl", w.pid, *command)
            self.tracker("ctl", w.pid, "stop")
            err = w.end()
            check("nothing was recorded because the recorder was told to stop after" in err and "all processes ended" not in err, err)

    # ---- what is done ----

    def marked(self):
        """The heap at the mark is that of the program then."""
        with Waiting(self) as w:
            w.seen()
            out = self.tracker("ctl", w.pid, "mark", "from outside").stdout.decode()
            check("Marked from outside at " in out and "with 7000 B live" in out, out)
            w.end()
        equal("table at the mark", self.live(w.capture, "@from outside"), LOST)
        with Waiting(self, "--aggregate") as w:
            self.refused("keeps no marks", "ctl", w.pid, "mark", "x")

    def snapshots(self):
        for options in ((), ("--aggregate",), ("--no-symbols",), ("--max-size", "1M", "--rotate", "2")):
            with Waiting(self, *options) as w:
                w.seen()
                file = self.t.file(".bin")
                out = self.tracker("ctl", w.pid, "snapshot", "-o", file).stdout.decode()
                check(file in out, out)
                equal("mode", os.stat(file).st_mode & 0o777, 0o600)
                equal(f"{options}: what is live in it", self.live(file), LOST)
                if "--aggregate" not in options:
                    r = harness.execute([self.t.reporter("report"), file])
                    check(b"it is a snapshot of a recording at" in r.stderr + r.stdout, f"{r.stdout!r} {r.stderr!r}")
                self.refused("exists", "ctl", w.pid, "snapshot", "-o", file)
                before = os.stat(file).st_ino
                self.tracker("ctl", w.pid, "snapshot", "-f", "-o", file)
                check(os.stat(file).st_ino != before, "the file was written over in its place")
                self.refused("is none", "ctl", w.pid, "snapshot", "-o", "-", status=2)
                name = f"tracker.snapshot.{w.pid}.bin"
                harness.execute(["sh", "-c", f'cd {self.t.scratch} && exec {self.t.tracker} ctl {w.pid} snapshot'], self.env)
                equal("with its usual name", self.live(os.path.join(self.t.scratch, name)), LOST)
                os.unlink(os.path.join(self.t.scratch, name))
                w.end()
                if "--rotate" not in options:
                    equal(f"{options}: the recording itself", self.live(w.capture), LOST)
                    got = self.t.json("stats", w.capture)
                    equal(f"{options}: its allocations", got["total_num_allocations"], MADE)

    def tree(self):
        """Of a shell and what it has started: all of them are in the snapshot, and each pid finds the recorder."""
        with Waiting(self, program=["sh", "-c", f"{self.program} 0; {self.program} wait; exit 4"]) as w:
            inner = harness.children(w.pid)[0]
            harness.until(lambda: self.status(inner).get("live_bytes", 0) > LOST[0], "the inner program is not known")
            file = self.t.file(".bin")
            harness.until(lambda: self.status(w.recorder)["allocations"] >= 2 * MADE, "not all is seen")
            self.tracker("ctl", inner, "snapshot", "-o", file)
            equal("of the inner program", self.live(file, options=("--pid", str(inner))), LOST)
            check(self.live(file)[0] > LOST[0], "the shell's own blocks are missing")

    def looked(self):
        with Waiting(self, "--leak-check") as w:
            w.seen()
            out = self.tracker("ctl", w.pid, "leak-check", "now").stdout.decode()
            check("6 blocks (6000 bytes) can be reached from nowhere" in out or "7 blocks (7000 bytes) can be reached from nowhere" in out, out)
            w.end()
            found = self.t.json("leaks", w.capture)
            check("now" in json.dumps(found) or "now" in self.t.text("info", "-n", "0", w.capture), "the look's label is in no report")
        with Waiting(self) as w:
            self.refused("begin it with --leak-check", "ctl", w.pid, "leak-check")

    def stopped(self):
        """The answer comes when the file is whole; the program runs on."""
        for options in ((), ("--aggregate",)):
            with Waiting(self, *options) as w:
                w.seen()
                out = self.tracker("ctl", w.capture, "stop").stdout.decode()
                check("the program runs on" in out and w.capture in out and "1,037 allocations" in out, out)
                info = self.t.json("info", w.capture)
                equal("stopped by", (info["health"]["stopped_by"], info["recorder_pid"]), (3, None))
                equal("what is in it", self.live(w.capture), LOST)
                check("because the recorder was told to stop" in w.end(), "tracker run does not say it")

    def ended_meanwhile(self):
        """Who waits for the end while the program ends by itself hears of it."""
        with Waiting(self) as w:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(harness.execute([self.t.tracker, "ctl", str(w.pid), "stop"], self.env).status))
                       for _ in range(4)]
            for thread in threads:
                thread.start()
            w.end()
            for thread in threads:
                thread.join()
            check(len(answers) == 4 and set(answers) <= {0, 1}, f"{answers}")

    # ---- what is wrong ----

    def mistakes(self):
        with Waiting(self) as w:
            self.refused("did you mean", "ctl", w.pid, "stat", status=2)
            self.refused("needs a label", "ctl", w.pid, "mark", status=2)
            self.refused("takes no label", "ctl", w.pid, "stop", "now", status=2)
            self.refused("label", "ctl", w.pid, "mark", "")
            self.refused("longer than 1000 bytes", "ctl", w.pid, "mark", "x" * 1001)
            self.refused("--output", "ctl", w.pid, "status", "-o", "x", status=2)
            self.refused("it should be the pid of a recorded program", "ctl", "/nowhere", "status")
            self.refused("no program with this pid", "ctl", os.getpid(), "status")
            self.refused("cannot", "ctl", w.pid, "snapshot", "-o", "/nowhere/x.bin")

    def hostile(self):
        """Whatever is sent to its socket, the recorder records."""
        with Waiting(self) as w:
            w.seen()
            descriptors = len(os.listdir(f"/proc/{w.recorder}/fd"))
            held = []
            for i in range(64):  # more than it has places for
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect(w.socket())
                held.append(s)
                if i % 4 == 1:
                    s.send(os.urandom(1 + i * 7))
                if i % 4 == 2:
                    s.send(os.urandom(REQUEST_BYTES))
                if i % 4 == 3:  # a known kind, with everything else at random, and descriptors beside it
                    message = bytearray((1).to_bytes(4, sys.byteorder) + (i // 4 % 9).to_bytes(4, sys.byteorder) + os.urandom(REQUEST_BYTES - 8))
                    if i // 4 % 9 == 5:
                        message[4:8] = (77).to_bytes(4, sys.byteorder)  # not to stop
                    socket.send_fds(s, [bytes(message)], [s.fileno()] * (i % 3))
            equal("live", self.status(w.pid)["live_bytes"], LOST[0])
            for s in held:
                s.close()
            harness.until(lambda: len(os.listdir(f"/proc/{w.recorder}/fd")) == descriptors, "descriptors stay open")
            w.end()
            equal("what is in it", self.live(w.capture), LOST)

    def killed(self):
        """A recorder that was killed leaves a socket behind, which list takes away."""
        with Waiting(self) as w:
            w.seen()
            os.kill(w.recorder, signal.SIGKILL)
            harness.until(lambda: not harness.runs(w.recorder), "it lives")
            equal("list", self.listed(w.recorder), None)
            check(not os.path.exists(w.socket()), "the socket is left behind")
        with Waiting(self) as w:
            os.kill(w.recorder, signal.SIGSTOP)
            r = self.tracker("list")
            check(b"1 recorder did not answer" in r.stderr, f"{r.stderr}")
            os.kill(w.recorder, signal.SIGCONT)

    def beginnings(self):
        """A recording is found from its beginning on, also while others look for recorders all the time."""
        over = threading.Event()

        def look():
            while not over.is_set():
                self.tracker("list")

        lookers = [threading.Thread(target=look) for _ in range(2)]
        for looker in lookers:
            looker.start()
        try:
            for i in range(12):
                with Waiting(self, listens=False) as w:
                    equal("found at once", self.status(w.capture if i % 2 else w.pid).get("program"), w.pid)
                    w.seen()
                    check(self.listed(w.recorder), "it is not listed")
        finally:
            over.set()
            for looker in lookers:
                looker.join()

    def not_begun(self):
        """A program that cannot be executed leaves neither a recording nor a socket."""
        program, runtime = self.t.file(".busy"), self.t.file(".runtime")
        os.mkdir(runtime, 0o700)
        shutil.copy(self.program, program)
        with open(program, "r+b"):  # which is why the kernel does not execute it
            r = harness.execute([self.t.tracker, "run", "-o", self.t.file(".bin"), "--", program], self.env | {"XDG_RUNTIME_DIR": runtime})
        equal("status", r.status, 126)
        equal("sockets", os.listdir(os.path.join(runtime, "tracker")), [])

    def strangers(self):
        """Another user neither sees a recording nor has a say in it; root does. A folder that is not the user's own is not used."""
        if os.geteuid():
            raise harness.Skip("only root can become another user")
        nobody = pwd.getpwnam("nobody")

        def become():
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)

        path = self.t.for_others("holders")
        outside = self.t.file(".public")
        os.mkdir(outside)
        os.chmod(outside, 0o777)
        capture = os.path.join(outside, "out.bin")
        run = subprocess.Popen([path("tracker"), "run", "-q", "-o", capture, "--", path("fx_holders"), "wait"], cwd="/",
                               env={k: v for k, v in self.env.items() if k != "XDG_RUNTIME_DIR"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=become)
        try:
            equal("the program", run.stdout.readline(), b"ready\n")
            recorder = harness.recorder_of(run.pid)
            harness.until(lambda: self.listed(recorder), "root does not see it")
            row = self.listed(recorder)
            check(row and row["user"] == "nobody", f"root sees {row}")
            equal("root may ask", self.status(recorder)["file"], capture)
        finally:
            run.communicate(b"x")
        with Waiting(self) as w:
            os.chmod(os.path.dirname(self.env["XDG_RUNTIME_DIR"]), 0o711)
            s = harness.execute(["/usr/bin/python3", "-c", "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])",
                                 w.socket()], preexec=become)
            check(s.status != 0 and b"PermissionError" in s.stderr, f"{s.stderr}")
            equal("it lives", self.status(w.pid)["live_blocks"], LOST[1])

    IMPOSTOR = """if True:
        import os, socket, sys
        folder, answer = f"/tmp/tracker-{os.getuid()}", open(sys.argv[1], "rb").read()
        os.makedirs(folder, 0o700, exist_ok=True)
        path = f"{folder}/{os.getpid()}.sock"
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(path)
        s.listen(8)
        print("ready", flush=True)
        try:
            while True:
                c = s.accept()[0]
                c.recv(65536)
                c.send(answer)
        finally:
            os.unlink(path)
        """

    def impostor(self):
        """Another user's process that says that it records a program of root's: root does not believe it, and does not obey it."""
        if os.geteuid():
            raise harness.Skip("only root can become another user")
        nobody = pwd.getpwnam("nobody")

        def become():
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)

        os.chmod(self.t.scratch, 0o711)
        kept = self.t.file(".answer")
        with Waiting(self) as w:
            w.seen()
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.connect(w.socket())
                s.send(((1).to_bytes(4, sys.byteorder) * 2 + int(w.pid).to_bytes(4, sys.byteorder)).ljust(REQUEST_BYTES, b"\0"))
                with open(kept, "wb") as f:
                    f.write(s.recv(65536))
            os.chmod(kept, 0o644)
            p = subprocess.Popen(["/usr/bin/python3", "-c", self.IMPOSTOR, kept], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=become)
            try:
                equal("the impostor", p.stdout.readline(), b"ready\n")
                equal("the pid is that of one recording", self.status(w.pid)["recorder"], w.recorder)
                equal("so is the recorder's", self.status(w.recorder)["recorder"], w.recorder)
                equal("and the file", self.status(w.capture)["recorder"], w.recorder)
                rows = [r for r in json.loads(self.tracker("list", "--json").stdout)["recordings"] if r["recorder"] == w.recorder]
                equal("users that list shows", sorted(r["user"] for r in rows), ["nobody", "root"])
                self.refused("no program with this pid", "ctl", os.getpid(), "status")
            finally:
                p.send_signal(signal.SIGINT)
                p.communicate()


def make_cases(t):
    c = Ctl(t)
    return [(name.replace("_", " "), getattr(c, name)) for name in (
        "shown", "waiting", "marked", "snapshots", "tree", "looked", "stopped", "ended_meanwhile", "mistakes", "hostile", "killed", "beginnings", "not_begun", "strangers", "impostor")]


if __name__ == "__main__":
    harness.main(make_cases)
