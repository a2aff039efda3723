"""
parts - stats of a region and up to a mark, and table --list, on random captures,
against a naive count made while the captures are written.

usage: parts.py MKCAPTURE FOLDER_OF_REPORTERS
"""
import json
import os
import random
import subprocess
import sys
import tempfile

CAPTURES, STEPS = 30, 120


class Sum:
    def __init__(self):
        self.allocations = self.bytes = self.frees = 0

    def of_stats(self, stats):
        return (self.allocations, self.bytes, self.frees) == tuple(
            stats[key] for key in ("total_num_allocations", "total_bytes_allocated", "total_num_frees"))


class Program:
    """Two threads that allocate, free each other's blocks, and enter and leave a region."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = ["thread 0 tid=100 main", "thread 1 tid=101"]
        self.live, self.of_region = {}, set()
        self.depth, self.thread, self.marked = [0, 0], 0, False
        self.region, self.until_mark = Sum(), Sum()
        for _ in range(STEPS):
            self.step(self.random.random())
        if not self.marked:
            self.lines.append("mark m")
        self.lines.append("region_begin r")

    def step(self, chance):
        if chance < .1:
            self.thread = self.random.randrange(2)
            self.lines.append("in %d" % self.thread)
        elif chance < .2:
            self.depth[self.thread] += 1
            self.lines.append("region_begin r")
        elif chance < .3 and self.depth[self.thread]:
            self.depth[self.thread] -= 1
            self.lines.append("region_end r")
        elif chance < .33 and not self.marked:
            self.marked = True
            self.lines.append("mark m")
        elif chance < .6 and self.live:
            self.free(self.random.choice(list(self.live)))
        else:
            self.malloc(8192 * len(self.lines), self.random.randrange(1, 5000))

    def malloc(self, address, size):
        self.lines.append("malloc %d %d" % (address, size))
        self.live[address] = size
        if self.depth[self.thread]:
            self.of_region.add(address)
        for total, counts in ((self.region, address in self.of_region), (self.until_mark, not self.marked)):
            total.allocations += counts
            total.bytes += counts * size

    def free(self, address):
        self.lines.append("free %d" % address)
        del self.live[address]
        self.region.frees += address in self.of_region
        self.of_region.discard(address)
        self.until_mark.frees += not self.marked


def main():
    mkcapture, reporters = [os.path.abspath(p) for p in sys.argv[1:3]]

    def report(name, *arguments):
        command = [os.path.join(reporters, "tracker-" + name), "--json", *arguments]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for seed in range(CAPTURES):
            program = Program(seed)
            text = "\n".join(program.lines) + "\n"
            subprocess.run([mkcapture, "cap"], input=text.encode(), check=True)
            blocks = report("table", "--list", "-n", "0", "cap@end")["blocks"]
            held = (program.region.of_stats(report("stats", "--region", "r", "cap"))
                    and program.until_mark.of_stats(report("stats", "cap@m"))
                    and sorted((b["address"], b["size"]) for b in blocks) == sorted(program.live.items()))
            if not held:
                failed += 1
                print("seed %d differs; the capture:\n%s" % (seed, text))
        os.chdir("/")
    print("%d captures" % CAPTURES)
    sys.exit(failed != 0)


main()
