#!/usr/bin/env python3
"""attach - what attaching costs a server that is asked meanwhile, beside heaptrack's --pid, which uses gdb.

redis-server under redis-benchmark; in turn nobody, tracker attach and heaptrack --pid come. Printed are medians: the time until
the program is recorded, how long the longest answer to a client took that asks all the time, and, of tracker, how long the borrowed
thread stood still. docs/PERFORMANCE.md has the figures.

usage: attach.py BUILD_DIR [HEAPTRACK [ROUNDS]]
"""
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
HEAPTRACK = sys.argv[2] if len(sys.argv) > 2 else "heaptrack"
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
FOLDER = tempfile.mkdtemp(prefix="tracker-bench.")
PATH = os.path.join(FOLDER, "socket")


class Client(threading.Thread):
    """Asks all the time, and remembers the longest answer."""

    def __init__(self):
        super().__init__()
        self.longest, self.over = 0.0, False
        self.start()

    def run(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(PATH)
        while not self.over:
            before = time.monotonic()
            s.sendall(b"PING\r\n")
            s.recv(64)
            self.longest = max(self.longest, time.monotonic() - before)
            time.sleep(0.0005)

    def end(self):
        self.over = True
        self.join()
        return self.longest * 1000


def nobody(pid, figures):
    time.sleep(1)


def ours(pid, figures):
    r = subprocess.run([os.path.join(BUILD, "tools", "tracker-attach"), "-f", "-o", os.path.join(FOLDER, "ours.bin"), str(pid)],
                       capture_output=True, text=True, check=True)
    until, paused = re.search(r"since ([0-9.]+) ms after the command.* for ([0-9.]+) ms", r.stderr).groups()
    figures["until it is recorded"].append(float(until))
    figures["the thread stood still"].append(float(paused))
    time.sleep(1)


def traced(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return "TracerPid:\t0\n" not in f.read()


def theirs(pid, figures):
    before = time.monotonic()
    p = subprocess.Popen([HEAPTRACK, "-o", os.path.join(FOLDER, "theirs"), "--pid", str(pid)], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, start_new_session=True)
    while not traced(pid) and p.poll() is None:
        time.sleep(0.001)
    while traced(pid):
        time.sleep(0.001)
    figures["until it is recorded"].append((time.monotonic() - before) * 1000)
    time.sleep(1)


def measure(way, figures):
    """With a server of its own: heaptrack cannot always be ended before its program."""
    with open(os.path.join(FOLDER, "log"), "wb") as log:
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", PATH, "--save", ""], stdout=log)
    while not os.path.exists(PATH):
        time.sleep(0.01)
    load = subprocess.Popen(["redis-benchmark", "-s", PATH, "-t", "set,get", "-l", "-r", "100000", "-c", "20", "-q"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    time.sleep(1)
    client = Client()
    way(server.pid, figures)
    figures["longest answer"].append(client.end())
    load.kill()
    load.wait()
    server.kill()
    server.wait()
    os.unlink(PATH)


def main():
    ways = {"nobody": nobody, "tracker": ours, "heaptrack": theirs}
    found = {way: {"until it is recorded": [], "the thread stood still": [], "longest answer": []} for way in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            measure(way, found[name])
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{what} {statistics.median(v):.1f} ms ({min(v):.1f} to {max(v):.1f})" for what, v in figures.items() if v))


if __name__ == "__main__":
    main()
