#!/usr/bin/env python3
"""sockets - captures that a program sends of itself (TRACKER_DESTINATION_SOCKET), in a program that nobody records and in one that
tracker run records: memray's SocketDestination, a case for each of its promises; and views of what is sent (tracker live PORT). The truth is
arithmetic in the program.

usage: sockets.py BUILD_DIR [PART_OF_A_NAME]...
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import harness
from harness import check, equal
from live import HOLD, KEYS, Live, Viewed, sums

SIZES = (1000, 700, 90)


def free_port(kind=socket.AF_INET):
    with socket.socket(kind) as s:
        s.bind(("::1" if kind == socket.AF_INET6 else "127.0.0.1", 0))
        return s.getsockname()[1]


class Program:
    """fx/sent.c."""

    def __init__(self, t, way, mode, address="", port=0):
        argv = [t.fixture("sent"), mode, address, str(port)]
        self.whole, env = None, {**os.environ, "LD_PRELOAD": t.find("libtracker.so")}
        if way != "alone":
            self.whole, env = t.file(".bin"), None
            argv = [t.tracker, "run", "-q", "-o", self.whole, "--", *argv]
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def line(self):
        return self.p.stdout.readline().decode()

    def burst(self, count):
        for _ in range(count):
            self.p.stdin.write(b".")
            self.p.stdin.flush()
            equal("the program's answer", self.p.stdout.read(1), b".")

    def end(self, status=0):
        out, err = self.p.communicate(timeout=120)
        equal(f"status, stderr ({out.decode()})", (self.p.returncode, err.decode()), (status, ""))
        return out.decode()


class Sockets:
    def __init__(self, tracker):
        self.t = tracker

    def ways(self, mode, address="", port=0):
        for way in ("alone", "tracker run"):
            yield way, Program(self.t, way, mode, address, port)

    def receive(self, address):
        file = self.t.file(".received")
        p = subprocess.Popen([self.t.find("tracker-receive"), "-o", file, "--wait", "60s", str(address)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return p, file

    def received(self, p, file):
        stderr = p.communicate(timeout=120)[1].decode()
        equal(f"status of tracker receive ({stderr})", p.returncode, 0)
        check(self.t.json("info", file)["complete"], "it is whole")
        return [e["size"] for e in self.t.events(file, "--stacks") if e["kind"] == "malloc" and e["size"] in SIZES]

    @staticmethod
    def sender(port):
        """It is no child of its program."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read()
                if line.startswith(b"tracker-send\0--serve") and f"127.0.0.1:{port}\0".encode() in line:
                    return int(pid)
        raise harness.Failure("there is no sender")

    # ---- the cases ----

    def d12_waits_for_a_client(self):
        """By a port, by a path; it waits in tracker_capture_new, and what it does then is what arrives."""
        path = self.t.file(".sock")
        for address, port, client in (("", free_port(), None), ("::1", free_port(socket.AF_INET6), "[::1]"), (path, 0, path)):
            for way, program in self.ways("plain", address, port):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.p.wait(0.2)
                equal("it waits", program.p.poll(), None)
                p, file = self.receive(client if client == path else f"{client}:{port}" if client else port)
                equal(f"{way}: new", program.line(), "new: 0\n")
                equal(f"{way}: enter", program.line(), "enter: 0\n")
                program.burst(4)
                equal(f"{way}: the rest", program.end(), "exit: 0\nfree: 0\n")
                equal(f"{way}: sizes", self.received(p, file), [700] * 20)
                stacks = self.t.text("table", "-n", "0", file + "@end")
                check("sent.c:" in stacks, f"names: {stacks}")
                if program.whole:
                    whole = [e["size"] for e in self.t.events(program.whole, "--stacks") if e["kind"] == "malloc" and e["size"] in SIZES]
                    equal("the recording has all", whole, [1000] * 3 + [700] * 20 + [90] * 4)
        check(not os.path.exists(path), "the socket is left")

    def d12_what_cannot_be(self):
        for way, program in self.ways("refused"):
            equal(way, program.end(), "new: -3 Invalid port: 0\nnew: -3 Invalid port: 65536\nnew: -3 Invalid port: 1000000\n"
                  "new: -3 the address is neither that of this host nor the path of a Unix socket (with a slash)\n"
                  "new: -5 cannot listen on 1.2.3.4:4711: Cannot assign requested address\n"
                  "new: -5 cannot listen on /nowhere/at.all: No such file or directory\n"
                  "follow: -3 follow_fork requires an output file\nsums: -3 AGGREGATED_ALLOCATIONS requires an output file\n")

    def d12_taken_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(1)
            port = s.getsockname()[1]
            program = Program(self.t, "alone", "plain", "", port)
            equal("new", program.line(), f"new: -5 cannot listen on 127.0.0.1:{port}: Address already in use\n")
            program.end()

    def d12_the_client_goes(self):
        """The program goes on, and exit says that not all was sent; it does not wait long."""
        for way, program in self.ways("plain", "", port := free_port()):
            p, _ = self.receive(port)
            equal(f"{way}: new", program.line() + program.line(), "new: 0\nenter: 0\n")
            program.burst(2)
            p.kill()
            p.communicate()
            program.burst(2000)
            out = program.end()
            check(out.startswith("exit: -5 the capture was not sent completely: ") and out.endswith("\nfree: 0\n"), out)

    def d12_interrupted(self):
        """Of two signals, the one whose handler restarts calls does not end the waiting."""
        for way, program in self.ways("interrupted", "", port := free_port()):
            equal(way, program.line(), "waits\n")
            pid = self.child(program, way)
            harness.until(lambda: self.is_waiting(pid), "it waits for the client")
            os.kill(pid, signal.SIGUSR1)
            time.sleep(0.05)
            os.kill(pid, signal.SIGUSR2)
            equal(f"{way}: new", program.line(), "new: -5 a signal came before a client had connected\n")
            p, file = self.receive(port)
            equal(f"{way}: another", program.line() + program.line(), "new: 0\nenter: 0\n")
            program.burst(1)
            program.end()
            equal("sizes", self.received(p, file), [700] * 5)

    @staticmethod
    def is_waiting(pid):
        with open(f"/proc/{pid}/syscall", encoding="ascii") as f:
            return f.read().split()[0] == "47"  # recvmsg

    @staticmethod
    def child(program, way):
        if way == "alone":
            return program.p.pid
        (found,) = [c for c in harness.children(program.p.pid) if os.path.basename(os.readlink(f"/proc/{c}/exe")) == "fx_sent"]
        return found

    def d12_ctrl_c(self):
        """While it waits, a program ends by SIGINT as it would without tracker, and its sender with it."""
        path = self.t.file(".sock")
        program = Program(self.t, "alone", "plain", path)
        harness.until(lambda: os.path.exists(path), "it listens")
        program.p.send_signal(signal.SIGINT)
        equal("output", program.end(-signal.SIGINT), "")
        harness.until(lambda: not os.path.exists(path), "the socket is removed")

    def d12_never_entered(self):
        for way, program in self.ways("unused", "", port := free_port()):
            for _ in range(2):
                s = self.connect(port)
                s.settimeout(60)
                equal(f"{way}: new, free", program.line() + program.line(), "new: 0\nfree: 0\n")
                equal(f"{way}: what the client gets", s.recv(1), b"")
                s.close()
            program.end()

    @staticmethod
    def connect(port):
        found = []

        def reached():
            s = socket.socket()
            found.append(s)
            return s.connect_ex(("127.0.0.1", port)) == 0
        harness.until(reached, "it listens")
        for s in found[:-1]:
            s.close()
        return found[-1]

    def d12_left_open(self):
        """A program that ends, or is killed, within the capture: all of it arrives."""
        for kill in (False, True):
            for way, program in self.ways("left", "", port := free_port()):
                p, file = self.receive(port)
                equal(f"{way}: begun", program.line() + program.line(), "new: 0\nenter: 0\n")
                program.burst(3)
                if kill:
                    os.kill(self.child(program, way), signal.SIGKILL)
                program.end(-signal.SIGKILL if kill else 0)
                equal(f"{way}: sizes", self.received(p, file), [700] * 15)

    def d12_forked(self):
        for way, program in self.ways("forked", "", port := free_port()):
            p, file = self.receive(port)
            equal(way, program.end(), "new: 0\nenter: 0\nchild: 0\nexit: 0\nfree: 0\n")
            equal(f"{way}: sizes", self.received(p, file), [700] * 5)

    def descriptors(self):
        """The program's standard streams are closed; and a program that closes tracker's descriptors, and has files of these numbers."""
        for way, program in self.ways("closed", "", port := free_port()):
            p, file = self.receive(port)
            equal(way, program.end(), "well: 1\n")
            equal(f"{way}: sizes", self.received(p, file), [700] * 5)
        program = Program(self.t, "alone", "taken", "", port)
        p, file = self.receive(port)
        out = program.end()
        check("exit: -5 whether the capture was sent is not known: the program has closed tracker's descriptor\nfree: 0\n" in out, out)
        equal("sizes", self.received(p, file), [700] * 5)

    def sender_killed(self):
        for way, program in self.ways("plain", "", port := free_port()):
            p, _ = self.receive(port)
            equal(f"{way}: begun", program.line() + program.line(), "new: 0\nenter: 0\n")
            os.kill(self.sender(port), signal.SIGKILL)
            program.burst(2)
            equal(way, program.end(), "exit: -5 the capture was not sent completely: its sender was killed\nfree: 0\n")
            p.terminate()
            p.communicate()


class Views(Live):
    """Of a program that waits for a client: tracker run --live-remote, or by itself."""

    def json_of(self, address, *options):
        return json.loads(self.live("--once", "--json", *options, str(address)).stdout)

    def until_seen(self, address, size):
        """A view that shows so many bytes; each is another client, and gets everything from the start."""
        found = []

        def shown():
            found[:] = [self.json_of(address)]
            return found[0]["live_bytes"] >= size
        harness.until(shown, "the view does not show what lives")
        return found[0]

    def d13_a_view(self):
        """It shows what the recorder itself shows; another view, and a receiver, may come later; the program ends."""
        port = free_port()
        v = Viewed(self, "--live-remote", "--live-port", str(port))
        with self.view(port) as s, v:
            v.do("h", "w", "g")
            size, _ = sums(HOLD)
            v.seen(size)
            s.shows("hold_many")
            s.shows("recording")
            s.keys("k")
            s.typed("here")
            s.keys("Enter")
            s.shows("takes no orders")
            s.keys("q")
            s.shows("status 0")
            got = self.until_seen(port, size + 100000)
            equal("figures", (got["state"], got.get("capture"), got["recorder"], got["processes"]), ("recording", None, None, 1))
            equal("sum of the rows", sum(r["size"] for r in got["rows"]), got["live_bytes"])
            for key in KEYS[:2]:
                equal(key, *([{k: r.get(k) for k in ("key", "size", "count", "total_size")} for r in one["rows"]]
                             for one in (self.json_of(f"127.0.0.1:{port}", "-g", key), v.json("-g", key))))
            file = self.t.file(".received")
            p = subprocess.Popen([self.t.find("tracker-receive"), "-q", "-o", file, "--wait", "60s", str(port)], stdin=subprocess.DEVNULL)
            harness.until(lambda: os.path.exists(file) and os.path.getsize(file) > 64, "something is received")
            equal("status", v.end("x")[0], 5)
            equal("status of tracker receive", p.wait(60), 0)
        with open(file, "rb") as a, open(v.capture, "rb") as b:
            check(a.read() == b.read(), "what is received differs")

    def d13_how_it_ends(self):
        """The program ends; its recorder is killed; its sender is killed: the view stays, and says which."""
        for how, state, words in (("x", "exited with status 5", "Remote has disconnected: the recording has ended; q quits"),
                                  ("tracker-record", "the recorder was killed", "Remote has disconnected: the recorder was killed; q quits"),
                                  ("tracker-send", "disconnected", "^Remote has disconnected *$")):
            path = self.t.file(".sock")
            v = Viewed(self, "--live-remote", "--live-port", str(port := free_port()))
            with self.view(port) as s, v:
                v.do("h")
                s.shows("hold_many")
                if how == "x":
                    v.end("x")
                else:
                    os.kill(self.process(how, v.run.pid), signal.SIGKILL)
                s.shows(words)
                s.shows(state)
                s.shows("hold_many")
                s.keys("q")
                s.shows("status 0")
            check(not os.path.exists(path), "a socket is left")

    @staticmethod
    def process(name, run):
        """Of the programs that this tracker run has started."""
        (found,) = [c for c in harness.children(run) if os.path.basename(os.readlink(f"/proc/{c}/exe")) == name]
        return found

    def d13_of_itself(self):
        """A program that captures itself: only what it allocated since then."""
        program = Program(self.t, "alone", "plain", "", port := free_port())
        with self.view(f":{port}") as s:
            equal("begun", program.line() + program.line(), "new: 0\nenter: 0\n")
            program.burst(10)
            s.shows("13.7 KiB +13.7 KiB +20 .* block$")
            out = program.end()
            s.shows("Remote has disconnected: the recording has ended")
            s.keys("q")
            s.shows("status 0")
        equal("output", out, "exit: 0\nfree: 0\n")

    def d13_what_cannot_be(self):
        self.refused("no program with this pid is being recorded", "--once", str(free_port()), status=1)
        self.refused("cannot connect to 127.0.0.1:", "--once", f"127.0.0.1:{free_port()}", status=1)
        self.refused("Invalid port: 70000", "--once", "localhost:70000")
        with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
            s.bind(path := self.t.file(".sock"))
            s.listen(1)
            r = subprocess.Popen([self.t.find("tracker-live"), "--once", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            c = s.accept()[0]
            c.sendall(b"220 smtp.example.com ESMTP, and so on and so on, until there are as many bytes as a hello has: 96 bytes\r\n")
            err = r.communicate(timeout=60)[1].decode()
            check("what listens there is no program that tracker records" in err and r.returncode == 1, err)


def make_cases(tracker):
    s, v = Sockets(tracker), Views(tracker)
    return [(n.replace("_", " "), getattr(v, n)) for n in ("d13_a_view", "d13_how_it_ends", "d13_of_itself", "d13_what_cannot_be")] + [(n.replace("_", " "), getattr(s, n)) for n in ("d12_waits_for_a_client", "d12_what_cannot_be", "d12_taken_port", "d12_the_client_goes",
                                                            "d12_interrupted", "d12_ctrl_c", "d12_never_entered", "d12_left_open", "d12_forked",
                                                            "descriptors", "sender_killed")]


if __name__ == "__main__":
    harness.main(make_cases)
