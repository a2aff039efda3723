#!/usr/bin/env python3
"""streams - captures that are sent while they are recorded. The truth is the file that the recorder wrote: what is
received equals it, byte for byte, whatever becomes of the connection.

usage: streams.py [-h] [--many] BUILD_DIR [PART_OF_A_NAME]...
"""
import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import check, equal

HEADER = 64
HELLO, ANSWER = 96, 24


class Proxy:
    """Listens on one Unix socket and passes on to another. `cut` says after how many bytes, in which direction, each
    connection is cut: a list of (forward, count), from the front; none is cut when it is empty. `held`: nothing is read."""

    def __init__(self, here, there, cuts=()):
        self.there, self.cuts, self.done, self.held, self.over = there, list(cuts), 0, False, False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(here)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.over:
            if not select.select([self.listener], [], [], 0.05)[0]:
                continue
            a = self.listener.accept()[0]
            b = socket.socket(socket.AF_UNIX)
            try:
                b.connect(self.there)
                self.carry(a, b)
            except OSError:
                pass
            a.close()
            b.close()

    def carry(self, a, b):
        forward, left = self.cuts.pop() if self.cuts else (True, float("inf"))
        while not self.over:
            if self.held:
                time.sleep(0.01)
                continue
            for s in select.select([a, b], [], [], 0.05)[0]:
                counts = (s is a) == forward
                data = s.recv(int(min(65536, left)) if counts else 65536)
                if not data:
                    return
                (b if s is a else a).sendall(data)
                left -= len(data) if counts else 0
                if left <= 0:
                    self.done += 1
                    return

    def close(self):
        self.over = True
        self.thread.join()
        self.listener.close()


class Program:
    """fx/streamed.c under tracker run."""

    def __init__(self, t, *options, env=None):
        self.t = t
        self.p = subprocess.Popen([t.tracker, "run", *options, "--", t.fixture("streamed")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})

    def burst(self, count=1):
        for _ in range(count):
            self.p.stdin.write(b".")
            self.p.stdin.flush()
            equal("the program's answer", self.p.stdout.read(1), b".")

    def end(self, status=0):
        self.stdout, self.stderr = self.p.communicate(timeout=120)
        equal(f"status ({self.stderr.decode()})", self.p.returncode, status)
        return self.stderr.decode()


class Cases:
    def __init__(self, tracker):
        self.t = tracker
        self.random = random.Random(20261130)

    # ---- what they are made of ----

    def files_of(self, recorder):
        """What tracker list says of where that recorder writes to; nothing before it listens."""
        r = subprocess.run([self.t.tracker, "list", "--json"], capture_output=True, timeout=60, check=True)
        return [row["file"] for row in json.loads(r.stdout)["recordings"] if row["recorder"] == recorder]

    def receive(self, *options, status=0):
        """tracker receive beside the test; judged by `received`. One that a failed case leaves behind ends by itself."""
        options = options if "--wait" in options else ("--wait", "120s", *options)
        p = subprocess.Popen([self.t.find("tracker-receive"), *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.wanted = status
        return p

    def listener(self, *options, status=0):
        """One that listens: (process, address, file)."""
        address, file = self.t.file(".sock"), self.t.file(".received")
        p = self.receive("--listen", address, "-o", file, *options, status=status)
        harness.until(lambda: os.path.exists(address) or p.poll() is not None, "tracker receive does not listen")
        return p, address, file

    def received(self, p):
        stderr = p.communicate(timeout=120)[1].decode()
        equal(f"status of tracker receive ({stderr})", p.returncode, p.wanted)
        return stderr

    def same(self, got, want):
        with open(got, "rb") as a, open(want, "rb") as b:
            got, want = a.read(), b.read()
        check(len(want) > HEADER, "something was recorded")
        equal("length", len(got), len(want))
        check(got == want, "the bytes differ")

    def alike(self, *files):
        """Copies of them that have one name, because reports print it."""
        for file in files:
            folder = self.t.file(".folder")
            os.mkdir(folder)
            yield shutil.copy(file, os.path.join(folder, "x.bin"))

    def judge(self, program, file):
        harness.check_truth(self.t.replay(file), program.stdout)

    def send(self, file, address, status=True):
        """tracker-send with a file that nobody writes any more; whether it says that all was sent."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, its, open(file, "rb") as f:
            os.set_inheritable(f.fileno(), True)
            p = subprocess.Popen([self.t.find("tracker-send"), "--file", str(f.fileno()), "--report", str(its.fileno()), "--to", address],
                                 pass_fds=[f.fileno(), its.fileno()])
            its.close()
            ours.settimeout(120)
            said = ours.recv(4096)
            p.wait(timeout=60)
        equal(f"what the sender says ({said[24:].rstrip(bytes(1)).decode()})", bool(said[0]), status)

    def recorded(self, bursts, *options):
        file = self.t.file(".bin")
        program = Program(self.t, "-q", "-o", file, *options)
        program.burst(bursts)
        program.end()
        return file

    # ---- the cases ----

    def plain(self):
        """By a Unix socket, with a file here and without."""
        p, address, file = self.listener()
        here = self.t.file(".bin")
        program = Program(self.t, "--send-to", address, "-o", here)
        program.burst(3)
        said = program.end()
        check("sent the capture" in said and "wrote " + here in said, said)
        self.received(p)
        self.same(file, here)
        self.judge(program, file)
        for report in self.t.reports("one capture", "text"):
            got, want = (self.t.run(report, os.path.basename(f), cwd=os.path.dirname(f)) for f in self.alike(file, here))
            equal(report, got, want)
        p, address, file = self.listener()
        program = Program(self.t, "--send-to", address)
        program.burst(3)
        said = program.end()
        check("sent the capture" in said and "wrote" not in said, said)
        self.received(p)
        self.judge(program, file)

    def waits(self):
        """d12: the program waits for a receiver that connects, and begins then."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = str(s.getsockname()[1])
        program = Program(self.t, "--live-remote", "--live-port", port)
        line = program.p.stderr.readline().decode()
        check("waiting for a receiver" in line and port in line, line)
        program.p.stdin.write(b".")
        program.p.stdin.flush()
        check(not select.select([program.p.stdout], [], [], 0.3)[0], "the program has begun")
        file = self.t.file(".received")
        p = self.receive("-o", file, port)
        equal("its first byte", program.p.stdout.read(1), b".")
        program.end()
        self.received(p)
        self.judge(program, file)

    def private(self):
        """d12: without a port, the address is a Unix socket of this user's."""
        program = Program(self.t, "--live-remote")
        address = program.p.stderr.readline().decode().split("-o FILE ")[1].split("'")[0]
        equal("who else may use the socket", os.stat(address).st_mode & 0o077, 0)
        file = self.t.file(".received")
        p = self.receive("-o", file, address)
        program.burst(1)
        recorder = harness.recorder_of(program.p.pid)  # which may have begun after its program, and is listed as soon as it listens
        harness.until(lambda: self.files_of(recorder), "the recorder is not listed")
        equal("its file", self.files_of(recorder), [None])
        program.end()
        self.received(p)
        self.judge(program, file)
        check(not os.path.exists(address), "the socket is left")

    def interrupted(self):
        """d12: Ctrl-C while it waits: nothing was started, and that is no failure."""
        program = Program(self.t, "--live-remote")
        program.p.stderr.readline()
        program.p.send_signal(signal.SIGINT)
        program.end()
        equal("output", program.stdout, b"")

    def refused(self):
        """d12 d27: what cannot be, each in one line."""
        for options, code, words in (
                (["--live-remote", "--live-port", "0"], 2, "Invalid port: 0"),
                (["--live-remote", "--live-port", "65536"], 2, "Invalid port: 65536"),
                (["--live-remote", "--live-port", "1000000"], 2, "Invalid port: 1000000"),
                (["--live-remote", "--live-port", "x"], 2, "Invalid port: x"),
                (["--live-port", "4711"], 2, "--live-port: only allowed with --live-remote"),
                (["--live-remote", "--aggregate"], 2, "--aggregate: not allowed with argument --live-remote"),
                (["--send-to", "./s", "--aggregate"], 2, "--aggregate: not allowed with argument --send-to"),
                (["--send-to", "./s", "--rotate", "2", "--max-size", "2M"], 2, "--rotate: not allowed with argument --send-to"),
                (["--send-to", "./s", "--live-remote"], 2, "not allowed with argument"),
                (["--send-to", "./s", "--report"], 2, "--report without --output"),
                (["--send-to", "host:99999"], 2, "Invalid port: 99999"),
                (["--send-to", "./" + "s" * 200], 2, "at most 107 bytes")):
            r = harness.execute([self.t.tracker, "run", *options, "true"])
            equal(f"status of {options}", r.status, code)
            check(words in r.stderr.decode() and r.stderr.count(b"\n") == 1, f"{options}: {r.stderr.decode()}")
        full = self.recorded(1)
        for options, words in ((["-o", full, "--listen", "./s"], "already exists"), (["-o", full, "1"], "already exists"),
                               (["--listen", "./s"], "-o/--output"), (["-o", "x"], "ADDRESS"), (["-o", "x", "--listen", "./s", "1"], "not allowed"),
                               (["-o", "/dev/null", "1"], "not a regular file"), (["-o", "/nowhere/x", "1"], "No such file"),
                               (["-o", self.t.file("x"), "--wait", "0", self.t.file(".sock")], "cannot connect")):
            r = harness.execute([self.t.find("tracker-receive"), *options])
            check(r.status in (1, 2), f"{options}: {r.status}")
            check(words in r.stderr.decode() and r.stderr.count(b"\n") == 1, f"{options}: {r.stderr.decode()}")

    def cut(self):
        """Connections cut at 200 random places, in both directions, most often within a part."""
        sent, cuts, wanted = self.recorded(60, "--compress", "lz4"), 0, 2000 if self.t.many else 200
        with open(sent, "rb") as f:
            blocks = sorted(len(b) for b in f.read().split(b"TRKB")[1:])
        while cuts < wanted:
            plan = [(self.random.random() < 0.7, self.random.choice([self.random.randrange(1, HELLO + 10), self.random.randrange(1, 3 * blocks[-1])]))
                    for _ in range(wanted - cuts)]
            plan = [(forward, n if forward else 1 + n % (3 * ANSWER)) for forward, n in plan]
            p, address, file = self.listener()
            between = self.t.file(".sock")
            proxy = Proxy(between, address, plan)
            self.send(sent, between)
            self.received(p)
            proxy.close()
            self.same(file, sent)
            cuts += proxy.done

    def cut_while_recorded(self):
        """The same with a program that runs, and no file beside the stream."""
        p, address, file = self.listener()
        between = self.t.file(".sock")
        proxy = Proxy(between, address, [(True, self.random.randrange(1, 60000)) for _ in range(12)])
        program = Program(self.t, "-q", "--send-to", between)
        for _ in range(20):
            program.burst(2)
            time.sleep(0.05)
        equal("what tracker run says", program.end(), "")
        self.received(p)
        check(proxy.done >= 5, f"only {proxy.done} cuts")
        proxy.close()
        self.judge(program, file)

    def slow(self):
        """A receiver that reads nothing: the program ends all the same, and nothing is lost."""
        p, address, file = self.listener()
        between, here = self.t.file(".sock"), self.t.file(".bin")
        proxy = Proxy(between, address)
        program = Program(self.t, "-q", "--no-compress", "--send-to", between, "-o", here)
        proxy.held = True
        program.burst(150)
        harness.until(lambda: os.path.getsize(here) > 1 << 20, "the file does not grow")
        proxy.held = False
        program.end()
        self.received(p)
        proxy.close()
        self.same(file, here)

    def nobody(self):
        """No receiver at all: said in the end, and the program's status is its own."""
        program = Program(self.t, "--send-to", self.t.file(".sock"))
        program.burst(1)
        said = program.end()
        check("0 B of the capture's" in said and "No such file" in said and "is lost" in said, said)

    def strangers(self):
        """Peers that send anything, or nothing, and many of them; then the one that is meant."""
        p, address, file = self.listener()
        silent = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for s in silent:
            s.connect(address)
        for i in range(60):
            with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
                s.connect(address)
                s.sendall(self.random.randbytes(self.random.choice([1, 95, 96, 97, 5000])))
                s.shutdown(socket.SHUT_WR)
                s.recv(1 if i % 2 else 100)
        sent = self.recorded(2)
        self.send(sent, address)
        stderr = self.received(p)
        for s in silent:
            s.close()
        self.same(file, sent)
        check(stderr.count("sent away") <= 20, f"a line for each of them: {stderr}")

    def hostile(self):
        """A peer that begins as a sender does and goes on otherwise; what came before stays, and the right one goes on."""
        sent = self.recorded(4)
        with open(sent, "rb") as f:
            data = f.read()
        p, address, file = self.listener()
        hello = self.hello(address, sent)
        for _ in range(50):
            bad = bytearray(data[HEADER:])
            at = self.random.randrange(min(len(bad), 4000))
            bad[at] ^= 1 << self.random.randrange(8)
            with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
                s.connect(address)
                s.settimeout(60)
                s.sendall(hello)
                have = int.from_bytes(s.recv(ANSWER)[8:16], "little")
                s.sendall(bad[have - HEADER:] if self.random.random() < 0.5 else self.random.randbytes(1000))
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            self.t.run("info", file, status=None)
        other = self.recorded(1)
        self.send_refused(other, address)
        self.send(sent, address)
        self.received(p)
        self.same(file, sent)

    def hello(self, address, file):
        """The hello that tracker-send says for that file."""
        with socket.socket(socket.AF_UNIX) as s:
            at = self.t.file(".sock")
            s.bind(at)
            s.listen(1)
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, its, open(file, "rb") as f:
                os.set_inheritable(f.fileno(), True)
                p = subprocess.Popen([self.t.find("tracker-send"), "--file", str(f.fileno()), "--report", str(its.fileno()), "--to", at],
                                     pass_fds=[f.fileno(), its.fileno()])
                c = s.accept()[0]
                hello = b""
                while len(hello) < HELLO:
                    hello += c.recv(HELLO - len(hello))
                p.kill()
                p.wait()
                c.close()
        return hello

    def send_refused(self, file, address):
        """Another recording gets an answer that says so."""
        hello = self.hello(address, file)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(address)
            s.sendall(hello)
            equal("code of the answer", s.recv(ANSWER)[6], 2)

    def receiver_killed(self):
        """kill -9 of the receiver; the next one goes on with its file, which is a capture at any moment."""
        address, file, here = self.t.file(".sock"), self.t.file(".received"), self.t.file(".bin")
        program = Program(self.t, "-q", "--send-to", address, "-o", here)
        for _ in range(6):
            p = self.receive("--listen", address, "-o", file)
            program.burst(4)
            before = os.path.getsize(file) if os.path.exists(file) else 0
            harness.until(lambda: os.path.exists(file) and os.path.getsize(file) > before, "nothing more comes")
            p.kill()
            p.communicate()
            with open(file, "ab") as f:
                f.write(self.random.randbytes(self.random.randrange(200)))  # as if a part had been written
            self.t.run("info", file)
        p = self.receive("--listen", address, "-o", file)
        program.end()
        self.received(p)
        self.same(file, here)

    def gone(self):
        """Without a file here, what a receiver has is given up: a second receiver cannot begin."""
        p, address, _ = self.listener()
        program = Program(self.t, "--no-compress", "--send-to", address)
        program.burst(60)
        time.sleep(1.5)
        p.kill()
        p.communicate()
        os.unlink(address)
        p = self.receive("--listen", address, "-o", self.t.file(".received"), "--wait", "15s", status=1)
        said = program.end()
        check("lacks the beginning" in said and "is lost" in said, said)
        p.terminate()
        check("has not kept the beginning" in self.received(p), "the receiver does not say why")

    def killed(self):
        """The program is killed, and then a recorder."""
        p, address, file = self.listener()
        here = self.t.file(".bin")
        program = Program(self.t, "-q", "--send-to", address, "-o", here)
        program.burst(2)
        recorder = harness.recorder_of(program.p.pid)
        (child,) = [c for c in harness.children(program.p.pid) if os.path.basename(os.readlink(f"/proc/{c}/exe")) == "fx_streamed"]
        os.kill(child, signal.SIGKILL)
        program.end(-signal.SIGKILL)
        self.received(p)
        self.same(file, here)
        p, address, file = self.listener()
        here = self.t.file(".bin")
        program = Program(self.t, "-q", "--send-to", address, "-o", here)
        program.burst(40)
        harness.until(lambda: os.path.getsize(here) > 1000, "the file grows")
        recorder = harness.recorder_of(program.p.pid)
        os.kill(recorder, signal.SIGKILL)
        program.burst(2)
        said = program.end()
        check("the recorder died" in said, said)
        self.received(p)
        self.same(file, here)

    def full(self):
        """--max-size of the receiver."""
        sent = self.recorded(20, "--no-compress")
        p, address, file = self.listener("--max-size", "50000", status=1)
        self.send(sent, address, False)
        check("--max-size" in self.received(p), "the receiver does not say why")
        size = os.path.getsize(file)
        check(HEADER <= size <= 50000, f"the file has {size} bytes")
        with open(sent, "rb") as f, open(file, "rb") as g:
            check(f.read(size) == g.read(), "what came before differs")
        self.t.run("info", file)


def make_cases(t):
    c = Cases(t)
    return [("sent by a Unix socket", c.plain), ("d12 waits for a receiver", c.waits), ("d12 a private socket", c.private), ("d12 interrupted while it waits", c.interrupted),
            ("d12 d27 what cannot be", c.refused), ("cut at 200 random places", c.cut), ("cut while it is recorded", c.cut_while_recorded),
            ("a slow receiver", c.slow), ("no receiver", c.nobody), ("strangers", c.strangers), ("a hostile sender", c.hostile),
            ("the receiver is killed", c.receiver_killed), ("the beginning is gone", c.gone), ("the program or the recorder is killed", c.killed),
            ("a receiver with a bound", c.full)]


if __name__ == "__main__":
    harness.main(make_cases)
