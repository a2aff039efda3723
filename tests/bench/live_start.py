#!/usr/bin/env python3
"""live_start - how soon tracker live shows a program with a million live blocks: from its start until the first figures stand on the
terminal, and until --once --json has printed; and what one picture costs. The goal is 100 ms.

usage: live_start.py BUILD_DIR [ROUNDS [BLOCKS]]
"""
import os
import pty
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 11
BLOCKS = sys.argv[3] if len(sys.argv) > 3 else "1000000"
FOLDER = tempfile.mkdtemp(prefix="tracker-bench.")
CAPTURE = os.path.join(FOLDER, "live.bin")
LIVE = os.path.join(BUILD, "tools", "tracker-live")


def on_terminal():
    began = time.monotonic()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(LIVE, [LIVE, CAPTURE])
    shown = b""
    while b"blocks, peak" not in shown:
        shown += os.read(fd, 65536)
    took = time.monotonic() - began
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)
    return took * 1000


def once():
    began = time.monotonic()
    subprocess.run([LIVE, "--once", "--json", CAPTURE], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1000


def main():
    program = [os.path.join(BUILD, "tests", "bench", "live_set"), "-l", BLOCKS, "-n", BLOCKS, "-w"]
    p = subprocess.Popen([os.path.join(BUILD, "tools", "tracker"), "run", "-q", "-o", CAPTURE, "--", *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    time.sleep(1)  # the recorder reads the rest
    for what in (on_terminal, once):
        took = [what() for _ in range(ROUNDS)]
        print(f"{what.__name__}: {statistics.median(took):.1f} ms ({min(took):.1f} to {max(took):.1f})")
    p.communicate(b"\n")


if __name__ == "__main__":
    main()
