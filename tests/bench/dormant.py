#!/usr/bin/env python3
"""dormant - what a program pays that was started by tracker run --dormant, while nothing is recorded.

In each round, in an order that changes: alone, dormant, and alone once more, which shows what the machine itself does to a figure.
Of redis-server, the CPU time for a fixed number of requests; of pairs.c, the time of a malloc and a free. Printed is the median over the
rounds of what each adds to the first one of its round, between what half of the rounds lie, and where the median lies with 95 %.
The goals are 0.5 ns an event and 0.5 % of the server's CPU. docs/PERFORMANCE.md has the figures.

usage: dormant.py BUILD_DIR [ROUNDS [REQUESTS]]
"""
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
REQUESTS = int(sys.argv[3]) if len(sys.argv) > 3 else 400000
FOLDER = tempfile.mkdtemp(prefix="tracker-bench.")
SOCKET = os.path.join(FOLDER, "socket")
WAYS = ("alone", "dormant", "alone again")
DORMANT = [os.path.join(BUILD, "tools", "tracker"), "run", "-q", "--dormant", "--"]


def command(way, argv):
    return DORMANT + argv if way == "dormant" else argv


def cpu_ns(pid):
    """Of all of its threads."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def redis(way):
    argv = ["redis-server", "--port", "0", "--unixsocket", SOCKET, "--save", "", "--dir", FOLDER]
    with open(os.path.join(FOLDER, "log"), "wb") as log:
        p = subprocess.Popen(command(way, argv), stdout=log)
    while not os.path.exists(SOCKET):
        time.sleep(0.01)
    load = ["redis-benchmark", "-s", SOCKET, "-t", "set,get,lpush", "-r", "10000", "-c", "20", "-P", "8", "-q", "-n"]
    info = subprocess.run(["redis-cli", "-s", SOCKET, "info", "server"], capture_output=True, text=True, check=True).stdout
    pid = int(next(line for line in info.splitlines() if line.startswith("process_id:")).split(":")[1])
    subprocess.run([*load, str(REQUESTS // 10)], stdout=subprocess.DEVNULL, check=True)
    before = cpu_ns(pid)
    subprocess.run([*load, str(REQUESTS)], stdout=subprocess.DEVNULL, check=True)
    used = cpu_ns(pid) - before
    subprocess.run(["redis-cli", "-s", SOCKET, "shutdown", "nosave"], capture_output=True, check=False)
    p.wait()
    return used / 1e9


def pairs(way):
    return float(subprocess.run(command(way, [os.path.join(BUILD, "tests", "bench", "pairs")]), capture_output=True, check=True).stdout) / 2


def spread(values):
    """The median, what half of them lie between, and the pair of them between which the median lies with 95 % (order statistics)."""
    s = sorted(values)
    n = len(s)
    margin = int(n / 2 - 0.98 * n ** 0.5)
    quarters = statistics.quantiles(s, n=4) if n > 1 else (s[0], s[0], s[0])
    return statistics.median(s), quarters[0], quarters[2], s[max(margin, 0)], s[n - 1 - max(margin, 0)]


def measure(what, unit, scale, digits):
    found = {way: [] for way in WAYS}
    for n in range(ROUNDS):
        for way in [*WAYS[n % 3:], *WAYS[:n % 3]]:
            found[way].append(what(way))
    alone = found["alone"]
    print(f"{what.__name__}, alone: {statistics.median(alone):.3f}")
    for way in WAYS[1:]:
        more = spread([scale(value, first) for value, first in zip(found[way], alone)])
        print("  {0}: + {1:.{6}f} {7} (half {2:.{6}f} to {3:.{6}f}; 95 % {4:.{6}f} to {5:.{6}f})".format(way, *more, digits, unit))
    sys.stdout.flush()


def main():
    print(f"{ROUNDS} rounds; load {os.getloadavg()[0]:.1f}")
    measure(pairs, "ns an event", lambda value, first: value - first, 2)
    measure(redis, "% of the server's CPU", lambda value, first: (value / first - 1) * 100, 2)


if __name__ == "__main__":
    main()
