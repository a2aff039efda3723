"""
chosen - --thread, filters, points and limits say the same in every report: random captures, against a count of all blocks made while
they are written; and filters that let everything pass change nothing in any golden capture.

usage: chosen.py MKCAPTURE FOLDER_OF_REPORTERS FOLDER_OF_GOLDEN_CAPTURES
"""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

MKCAPTURE, REPORTERS, GOLDEN = sys.argv[1:4]
CAPTURES, STEPS = 12, 150
NAMES = ["main", "worker one", "worker two"]
FILES = ["/src/a.c", "/src/b.c"]


class Program:
    """Three threads, two files, two marks. Blocks: thread, file, size, when it came and went (numbers of steps), at which time."""

    def __init__(self, seed):
        pick = random.Random(seed)
        self.blocks, self.lines = [], [f'thread {i} tid={100 + i} name="{n}"' + " main" * (i == 0) for i, n in enumerate(NAMES)]
        self.lines += ["module app /bin/app main", "frame f0 /src/a.c 1 as=first module=app", "frame f1 /src/b.c 2 as=second module=app",
                       "stack s0 f0", "stack s1 f1"]
        self.marks = sorted(pick.sample(range(10, STEPS - 10), 2))
        live, self.event, events = [], [], 0
        for step in range(STEPS):
            self.lines.append("after 1ms")
            if step in self.marks:
                self.lines.append("mark " + "AB"[self.marks.index(step)])
                self.event.append(("mark", None))
            elif live and pick.random() < .45:
                block = live.pop(pick.randrange(len(live)))
                block["went"] = step
                block["temporary"] = False
                by = pick.randrange(3)
                self.lines += [f"in {by}", f"free p{block['number']}"]
                self.event.append(("free", by))
            else:
                block = dict(number=step, thread=pick.randrange(3), file=pick.randrange(2), size=pick.randrange(1, 5000), came=step, went=None)
                self.blocks.append(block)
                live.append(block)
                self.lines += [f"in {block['thread']}", f"malloc p{step} {block['size']} s{block['file']}"]
                self.event.append(("malloc", block["thread"]))

    def those(self, thread=None, file=None, since=-1, until=STEPS):
        return [b for b in self.blocks if thread in (None, b["thread"]) and file in (None, b["file"]) and since <= b["came"] < until]

    @staticmethod
    def peak(blocks):
        """(bytes, blocks, step) of the last moment at which most bytes were live."""
        best = (0, 0, None)
        for step in range(STEPS):
            live = [b["size"] for b in blocks if b["came"] <= step and (b["went"] is None or b["went"] > step)]
            came = any(b["came"] == step for b in blocks)
            if came and sum(live) >= best[0]:
                best = (sum(live), len(live), step)
        return best


def without(keys, value):
    if isinstance(value, dict):
        return {k: without(keys, v) for k, v in value.items() if k not in keys}
    return [without(keys, v) for v in value] if isinstance(value, list) else value


class Chosen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.programs = []
        for seed in range(CAPTURES):
            path = os.path.join(cls.folder.name, f"{seed}.bin")
            program = Program(seed)
            subprocess.run([MKCAPTURE, path], input="\n".join(program.lines + [""]).encode(), check=True)
            cls.programs.append((path, program))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_report(self, name, *args, status=0):
        r = subprocess.run([os.path.join(REPORTERS, "tracker-" + name), *args], capture_output=True)
        self.assertEqual(r.returncode, status, (name, args, r.stderr))
        return r

    def json(self, name, *args):
        return json.loads(self.run_report(name, "--json", *args).stdout)

    WAYS = [([], {}), (["--thread", "101"], dict(thread=1)), (["--thread", "main"], dict(thread=0)), (["--include", "*/a.c"], dict(file=0)),
            (["--exclude", "*/a.c"], dict(file=1)), (["--thread", "*two", "--filter", "+*/b.c:2"], dict(thread=2, file=1))]

    def test_stats(self):
        for path, program in self.programs:
            for options, which in self.WAYS:
                got, blocks = self.json("stats", *options, path), program.those(**which)
                freed = [b["size"] for b in blocks if b["went"] is not None]
                left = [b["size"] for b in blocks if b["went"] is None]
                peak = program.peak(blocks)
                with self.subTest(capture=path, options=options):
                    self.assertEqual((got["total_num_allocations"], got["total_bytes_allocated"]), (len(blocks), sum(b["size"] for b in blocks)))
                    self.assertEqual((got["total_num_frees"], got["total_bytes_freed"]), (len(freed), sum(freed)))
                    self.assertEqual((got["leaked_allocations"], got["leaked_bytes"]), (len(left), sum(left)))
                    self.assertEqual([sum(got["not_freed"][f"{how}_{what}"] for how in ("leaked", "killed", "running")) for what in ("count", "size")],
                                     [len(left), sum(left)])
                    self.assertEqual((got["peak_memory"], got["peak_blocks"]), peak[:2])
                    if peak[2] is not None:
                        self.assertEqual(got["peak_time_ns"], (peak[2] + 1) * 10**6)
                    self.assertEqual(sum(x["size"] for x in got["top_allocations_by_size"]), sum(b["size"] for b in blocks))
                    self.assertEqual(got["metadata"]["peak_memory"], peak[0])

    def test_parts_are_the_whole(self):
        for path, _ in self.programs:
            whole = self.json("stats", path)
            for ways in ([["--thread", str(100 + i)] for i in range(3)], [["--include", "*/a.c"], ["--exclude", "*/a.c"]]):
                parts = [self.json("stats", *way, path) for way in ways]
                for key in ("total_num_allocations", "total_bytes_allocated", "total_num_frees", "leaked_bytes", "temporary_allocations"):
                    self.assertEqual(sum(p[key] for p in parts), whole[key], (path, ways, key))

    def test_what_lets_everything_pass_changes_nothing(self):
        """Sums of a capture that begins with what was live, of sampled ones, of damaged ones."""
        # figures of what is no block
        free = {"unmatched_frees", "overwritten", "reserved_bytes", "reserved_mappings", "reserved_bytes_at_peak", "reserved_bytes_at_end"}
        count = 0
        for path in sorted(glob.glob(os.path.join(GOLDEN, "good", "*.bin"))):
            if os.path.basename(path).startswith("aggregated"):
                r = self.run_report("stats", "--include", "*", path, status=1)
                self.assertIn(b"the capture is aggregated", r.stderr)
                continue
            plain, chosen = (subprocess.run([os.path.join(REPORTERS, "tracker-stats"), "--json", *o, path], capture_output=True).stdout
                             for o in ([], ["--include", "*"]))
            plain, chosen = json.loads(plain or "{}"), json.loads(chosen or "{}")
            # a block whose release was lost counts as freed only for whom its life is followed; and reservations are released, too
            many = plain.get("overwritten") or plain.get("reserved_mappings")
            odd = free | ({"total_num_frees", "total_bytes_freed", "wiped_by_exec", "processes", "metadata"} if many else set())
            self.assertEqual(without(odd, chosen), without(odd, plain), path)
            count += bool(plain)
        self.assertGreater(count, 20)

    def test_leaks_at_points(self):
        for path, program in self.programs:
            a, b = program.marks
            for point, which in (("", {}), ("@end", {}), ("@A", dict(until=a)), ("@A..B", dict(since=a, until=b)), ("@B..", dict(since=b)),
                                 ("@#2..end", dict(since=b)), ("@..A", dict(until=a)), (f"@{b}ms", dict(until=b))):
                left = [x["size"] for x in program.those(**which) if x["went"] is None]
                with self.subTest(capture=path, point=point):
                    for name, options in (("leaks", []), ("table", ["--leaks"]), ("tree", ["--leaks"]), ("summary", ["--leaks"])):
                        got = self.json(name, *options, path + point)
                        size = got.get("total_bytes", got.get("total_size"))
                        self.assertEqual((got["total_count"], size), (len(left), sum(left)), name)
        path, program = self.programs[0]
        first = self.run_report("leaks", path + "@A..B").stdout.decode().splitlines()[0]
        self.assertTrue(first.endswith(", allocated in mark A..mark B"), first)

    def test_dump(self):
        def lines(*args):
            return [json.loads(line) for line in self.run_report("dump", "--json", *args).stdout.splitlines()]

        for path, program in self.programs:
            whole = lines(path)
            a, b = program.marks
            self.assertEqual(len(whole), STEPS)
            self.assertEqual(lines("--limit", "7", path), whole[:7])
            self.assertEqual(lines("--thread", "worker*", path), [x for x in whole if x["tid"] in (101, 102)])
            self.assertEqual(lines("-n", "3", "--thread", "100", path), [x for x in whole if x["tid"] == 100][:3])
            self.assertEqual(lines(path + "@A"), whole[:a])
            self.assertEqual(lines(path + "@A..B"), whole[a:b])
            self.assertEqual(lines(path + "@B.."), whole[b:])
            self.assertEqual(lines(path + "@peak"), whole[:program.peak(program.blocks)[2] + 1])

    def test_flame_graphs(self):
        for path, program in self.programs:
            for options, which in self.WAYS:
                for more, blocks in ((["--allocations"], program.those(**which)), (["--leaks"], [b for b in program.those(**which) if b["went"] is None])):
                    text = self.run_report("flamegraph", "--format", "folded", *more, *options, path).stdout.decode()
                    with self.subTest(capture=path, options=options, more=more):
                        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines()), sum(b["size"] for b in blocks))
                        got = self.json("flamegraph", *more, *options, path)
                        self.assertEqual((got["total_bytes"], got["total_count"]), (sum(b["size"] for b in blocks), len(blocks)))

    def test_growth_of_threads(self):
        path = os.path.join(self.folder.name, "growing.bin")
        text = ['thread 0 tid=100 name="main" main', 'thread 1 tid=101 name="worker"', "frame f /src/a.c 1 as=grows", "stack s f"]
        for i in range(400):
            text += ["after 5ms", "in 1", f"malloc p{i} {1000 + i % 7} s", "in 0", f"malloc t{i} 10 s", f"free t{i}"]
        subprocess.run([MKCAPTURE, path], input="\n".join(text + [""]).encode(), check=True)
        rows = [self.json("growth", *options, path)["rows"] for options in ([], ["--thread", "101"], ["--thread", "work*"], ["--thread", "main"])]
        self.assertEqual([len(r) for r in rows], [1, 1, 1, 0])
        self.assertEqual(rows[1], rows[2])

    def test_what_has_no_meaning_is_said(self):
        path = self.programs[0][0]
        for name, options in (("info", ["filter", "include", "exclude", "domain", "thread"]), ("report", ["filter", "thread", "limit"]),
                              ("check", ["filter", "thread", "limit"]), ("dump", ["filter", "include"]), ("flamegraph", ["limit"])):
            for option in options:
                r = self.run_report(name, f"--{option}", "1", path, status=2)
                self.assertTrue(r.stderr.startswith(f"tracker-{name}: there is no option --{option} here: ".encode()), r.stderr)
                self.assertEqual(r.stderr.count(b"\n"), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
