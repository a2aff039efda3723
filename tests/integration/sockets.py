#!/usr/bin/env python3
"""sockets - captures that a program sends of itself (TRACKER_DESTINATION_SOCKET), in a program that nobody records and in one that
tracker run records: memray's SocketDestination, a case for each of its promises. The truth is arithmetic in the program.

usage: sockets.py BUILD_DIR [PART_OF_A_NAME]...
"""
import contextlib
import os
import signal
import socket
import subprocess
import time

import harness
from harness import check, equal

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


def make_cases(tracker):
    s = Sockets(tracker)
    return [(n.replace("_", " "), getattr(s, n)) for n in ("d12_waits_for_a_client", "d12_what_cannot_be", "d12_taken_port", "d12_the_client_goes",
                                                            "d12_interrupted", "d12_ctrl_c", "d12_never_entered", "d12_left_open", "d12_forked",
                                                            "descriptors", "sender_killed")]


if __name__ == "__main__":
    harness.main(make_cases)
