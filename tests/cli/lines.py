"""
lines - a large capture in every report: at most 60 lines unless an option asks for more; what is shown and what is said to be left out are
together the total; JSON and CSV hold all; threads and filters choose parts that add up.

usage: lines.py MKCAPTURE FOLDER_OF_REPORTERS
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402

MKCAPTURE, REPORTERS = map(os.path.abspath, sys.argv[1:3])
LINES = 60
# Has no end by its nature, or is no text.
UNBOUNDED = {"dump", "export", "flamegraph"}
# Options that ask for no more of them: their tables are printed to the end.
WAYS = [("tree", ["--inverted"]), ("tree", ["--function", "f*"]), ("summary", ["-s", "3"]), ("summary", ["--own"]), ("summary", ["--peaks", "function"]), ("summary", ["--reallocs"]), ("table", ["-g", "function"]), ("stats", ["--tree"]),
        ("temporary", ["--threshold", "100"]), ("leaks", ["--no-skip"])]

PROCESSES, STACKS, DEPTH, MODULES = 40, 300, 30, 30
NAMES = ["sh", "cc", "as", "ld", "a-name-of-15-b"]


def size_of(i):
    return 100 + 37 * i


def capture_text():
    """Each process has a thread; stack i lies in a file of its own, and its blocks belong to process i % PROCESSES."""
    out = [f"module m{i} /usr/lib/folder-{i}/lib{i}.so" for i in range(MODULES)]
    for i in range(STACKS):
        out.append(f"frame top{i} /home/x/source-{i % 7}/file{i % 50}.c {i + 1} as=f{i} module=m{i % MODULES}")
    out += [f"frame low{j} /home/x/main.c {j + 1} as=low{j} module=m0" for j in range(DEPTH)]
    for i in range(STACKS):
        out.append(f"stack s{i} " + " ".join([f"top{i}", f"top{i // 2}", f"top{i // 4}"] + [f"low{j}" for j in range(DEPTH - i % 5)]))
    for i in range(PROCESSES):
        parent = f"ppid=100 parent=0 fork name={NAMES[i % len(NAMES)]}" if i else "name=make"
        out += [f'process {i} pid={100 + i} {parent} args="make\\0file{i}.o" end=9s {"signal=9" if i % 4 == 3 else "exit=0"}']
        out.append(f"thread {i} process={i} tid={1000 + i} main")
    for i in range(STACKS):
        out += [f"in {i % PROCESSES}", f"malloc b{i} {size_of(i)} s{i}", f"malloc t{i} {size_of(i)} s{i}", f"free t{i}"]
    out += [f'notice "something that was seen for the {i}th time"' for i in range(30)]
    out += [f"health lost{i} {i}" for i in range(20)]
    return "\n".join(out) + "\n"


TOTAL = sum(map(size_of, range(STACKS)))


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.capture = os.path.join(cls.folder.name, "big.bin")
        subprocess.run([MKCAPTURE, cls.capture], input=capture_text().encode(), check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_report(self, name, *options):
        operands = [self.capture + "@50%", self.capture] if name == "diff" else [self.capture]
        r = subprocess.run([os.path.join(REPORTERS, "tracker-" + name), *options, *operands], capture_output=True)
        self.assertEqual(r.returncode, 0, (name, options, r.stderr))
        return r.stdout.decode()

    def text(self, name, *options):
        return self.run_report(name, *options).splitlines()

    def json(self, name, *options):
        return json.loads(self.run_report(name, "--json", *options))

    def test_no_report_has_more_lines_than_60(self):
        own = [(name, []) for name in reports.names(REPORTERS) if name not in UNBOUNDED]
        for name, options in own + WAYS:
            with self.subTest(report=name, options=options):
                lines = self.text(name, *options)
                self.assertLessEqual(len(lines), LINES, "\n".join(lines))

    def test_one_option_bounds_them_all(self):
        for name in reports.names(REPORTERS):
            if name in UNBOUNDED or name in ("check", "report"):  # which have a line for each budget, and one screen
                continue
            with self.subTest(report=name):
                self.assertIn("--limit", self.run_report(name, "--help"))
                if name in ("growth", "lint", "memory"):  # nothing grows here, nothing is wrong, and nobody looked at the memory
                    continue
                all_of_it = self.text(name, "--limit", "100000")
                self.assertGreater(len(all_of_it), len(self.text(name, "--limit", "2")))
                self.assertGreater(len(all_of_it), LINES)

    def figures(self, name, key, *options):
        rows = self.json(name, *options)[key]
        return [(r["size"] if "size" in r else r["total_size"], r["count"]) for r in rows]

    def test_programs_get_all_rows(self):
        for name in ("leaks", "summary", "temporary", "table"):
            whole = self.json(name)
            with self.subTest(report=name):
                self.assertEqual(len(whole["rows"]), whole["row_count"])
                self.assertGreaterEqual(len(whole["rows"]), STACKS)
                self.assertEqual(len(self.json(name, "--limit", "7")["rows"]), 7)
                self.assertEqual(len(self.text(name, "--csv")), 1 + whole["row_count"])
        self.assertEqual(self.json("tree")["elided"]["stacks"], 0)
        self.assertEqual(len(self.json("stats")["processes"]), PROCESSES)
        self.assertEqual(len(self.json("info")["processes"]), PROCESSES)
        self.assertEqual(len(self.json("info")["notices"]), 30)

    def test_shown_and_hidden_leaks_are_the_total(self):
        for options in ([], ["-n", "3"], ["-n", "3", "--depth", "5"], ["--depth", "1"], ["-n", "0"]):
            text = self.text("leaks", *options)
            rows = [re.match(r"([\d.]+) (\S+) in ([\d,]+) block", line) for line in text]
            counts = [int(m[3].replace(",", "")) for m in rows if m]
            rest = [re.match(r"([\d,]+) more stacks?: .* in ([\d,]+) block", line) for line in text]
            hidden = [int(m[2].replace(",", "")) for m in rest if m]
            with self.subTest(options=options):
                self.assertTrue(text[0].startswith("Not freed") or text[0].startswith("Leaked"), text[0])
                self.assertEqual(sum(counts) + sum(hidden), STACKS)
                self.assertEqual(bool(hidden), bool(re.match(r"\d+ more stack", text[-1])))

    def test_stacks_that_look_alike_are_one(self):
        """With one frame printed, each function is one row; f0 to f74 are not only on top of stack 0 to 74."""
        rows = [line for line in self.text("leaks", "-n", "0", "--depth", "1", "--full-paths") if line.startswith("   at ")]
        self.assertEqual(len(rows), len(set(rows)))
        self.assertEqual(len(rows), STACKS)
        deep = self.text("leaks", "-n", "1", "--depth", "20")
        self.assertEqual(sum(line.startswith(("   at ", "   by ")) for line in deep), 20)
        (rest,) = [line for line in deep if line.startswith("   ... ")]
        last = STACKS - 1
        self.assertEqual(rest, f"   ... {3 + DEPTH - last % 5 - 20} more frames (--depth 0 shows all)")

    def test_files_are_called_by_what_tells_them_apart(self):
        """file0.c to file49.c lie in seven folders; main.c is the only one."""
        text = "\n".join(self.text("leaks", "-n", "0", "--depth", "0"))
        self.assertIn("(main.c:1)", text)
        found = set(re.findall(r"\((\S+\.c):\d+\)", text))
        whole = set(re.findall(r"\((\S+\.c):\d+\)", "\n".join(self.text("leaks", "-n", "0", "--depth", "0", "--full-paths"))))
        self.assertEqual(len(found), len(whole))
        for path in whole:
            self.assertEqual(len([f for f in found if path.endswith("/" + f)]), 1, path)
        self.assertIn("source-1/file1.c", found)

    def branches(self, node):
        yield node
        for child in node["children"]:
            yield from self.branches(child)

    def test_the_tree_holds_every_byte_once(self):
        for options in ([], ["--inverted"]):
            root = self.json("tree", "--leaks", *options)["root"]
            self.assertEqual((root["size"], root["count"]), (TOTAL, STACKS))
            self.assertEqual(sum(b["own"] for b in self.branches(root)), TOTAL)
        tree = self.json("tree", "--leaks", "--function", "f0")
        held = sum(size_of(i) for i in range(STACKS) if 0 in (i, i // 2, i // 4))
        self.assertEqual((tree["function_size"], tree["root"]["size"], tree["callers"]["size"]), (held, held, held))
        self.assertEqual(self.json("tree", "--leaks", "--inverted", "-n", "5")["elided"]["stacks"], STACKS - 5)

    def test_what_is_too_small_is_counted(self):
        text = self.text("tree", "--leaks", "--min-share", "50", "--depth", "0", "--inverted")
        m = re.match(r"(\d+) smaller branches, each below 50.00 %: .* \(100.00 %\) in (\d+) blocks", text[-1])
        self.assertEqual((int(m[1]), int(m[2])), (STACKS, STACKS))

    def test_places_by_what_they_allocate_themselves(self):
        rows = self.json("summary", "--own")["top"]
        of = lambda name: [(r["size"], r["count"]) for r in rows if r["list"] == name]
        self.assertEqual(sum(count for _, count in of("calls")), 2 * STACKS)
        self.assertEqual(sum(size for size, _ in of("calls")), 2 * TOTAL)
        self.assertEqual((sum(s for s, _ in of("temporary")), sum(n for _, n in of("temporary"))), (TOTAL, STACKS))
        peak = self.json("summary")["total_size"]
        self.assertEqual(sum(size for size, _ in of("peak")), peak)
        self.assertEqual(of("peak"), sorted(of("peak"), reverse=True))
        text = self.text("summary", "--own")
        (rest,) = [line for line in text[:12] if " more places: " in line]
        self.assertEqual(int(rest.split()[0]) + 10, len(of("peak")))
        third = [r for r in self.json("summary", "--own", "--thread", "1003")["top"] if r["list"] == "temporary"]
        self.assertEqual(sum(r["size"] for r in third), sum(size_of(i) for i in range(STACKS) if i % PROCESSES == 3))

    def test_temporary(self):
        text = self.text("temporary", "--limit", "5")
        counts = [int(m[1]) for m in (re.search(r": count=(\d+), size=", line) for line in text) if m]
        self.assertTrue(text[0].startswith(f"Total: {STACKS} temporary allocations"), text[0])
        self.assertEqual((sum(counts), len(counts)), (STACKS, 6))
        self.assertTrue(text[-1].startswith(f"{STACKS - 5} more locations: "), text[-1])

    def test_the_others_by_name(self):
        for name, options, shown in (("stats", [], 10), ("stats", ["-n", "3"], 3), ("info", [], 10)):
            (rest,) = [line for line in self.text(name, *options) if " shows all" in line and "more: " in line and "sh" in line.split("; ")[0].split("more: ")[1]]
            hidden = sum(int(n) for n in re.findall(r"(\d+) [a-z]", rest.split("more: ")[1].split(";")[0]))
            self.assertEqual((int(rest.split()[0]), hidden), (PROCESSES - shown, PROCESSES - shown), rest)
        tree = self.json("stats", "--tree")["process_tree"]
        self.assertEqual((tree["processes"], tree["children"][0]["name"]), (PROCESSES, "make"))
        self.assertEqual(sorted((c["name"], c["processes"]) for c in tree["children"][0]["children"]),
                         sorted((n, sum(NAMES[i % len(NAMES)] == n for i in range(1, PROCESSES))) for n in NAMES))
        self.assertEqual(sum(b["bytes_allocated"] for b in list(self.branches(tree))[1:]), 2 * TOTAL)

    def test_threads_are_parts_of_the_whole(self):
        for name in ("table", "tree", "summary", "leaks", "temporary"):
            key = {"leaks": "total_bytes", "temporary": "total_bytes"}.get(name, "total_size")
            options = ["--leaks"] if name in ("table", "tree", "summary") else []
            with self.subTest(report=name):
                third = self.json(name, *options, "--thread", "1003")
                self.assertEqual(third[key], sum(size_of(i) for i in range(STACKS) if i % PROCESSES == 3))
                named = self.json(name, *options, "--thread", "s?")
                self.assertEqual(named[key], sum(size_of(i) for i in range(STACKS)
                                                 if i % PROCESSES and NAMES[i % PROCESSES % len(NAMES)] == "sh"))
        r = subprocess.run([os.path.join(REPORTERS, "tracker-leaks"), "--thread", "7", self.capture], capture_output=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"No thread 7 in ", r.stderr)

    def test_filters(self):
        for name, key in (("leaks", "total_bytes"), ("temporary", "total_bytes")):
            got = self.json(name, "--include", "*/source-3/*")[key]
            self.assertEqual(got, sum(size_of(i) for i in range(STACKS) if i % 7 == 3), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
