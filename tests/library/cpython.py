"""cpython - the cases of CPython's own tests of tracemalloc (TestSnapshot, TestFilters, TestTraceback), asked of tracker.py.

What is expected are CPython's classes themselves: every case asks both, and compares values, lines, order and hashes. The blocks are those of
CPython's create_snapshots(). Names begin with the rows of the promise (b50: filters ...).

usage: cpython.py MKCAPTURE FOLDER_OF_TRACKER_PY
"""
import os
import subprocess
import sys
import tempfile
import tracemalloc
import unittest
import unittest.mock

MKCAPTURE, FOLDER = (os.path.abspath(p) for p in sys.argv[1:3])
sys.path.insert(0, FOLDER)
import tracker  # noqa: E402

A2, A5, B1 = (("a.py", 2), ("b.py", 4)), (("a.py", 5), ("b.py", 4)), (("b.py", 1),)
UNKNOWN, C578 = (("<unknown>", 0),), (("c.py", 578),)
ONE = [(0, 10, A2), (0, 10, A2), (0, 10, A2), (1, 2, A5), (2, 66, B1), (3, 7, UNKNOWN)]
TWO = [(0, 10, A2), (0, 10, A2), (0, 10, A2), (2, 2, A5), (2, 5000, A5), (4, 400, C578)]


def capture_of(folder, *snapshots):
    """A capture with a mark for each list of blocks: "s0", "s1" ... All blocks of one are gone before the next."""
    lines, frames, address = [], {}, 0
    for i, blocks in enumerate(snapshots):
        lines += ["clear"] * (i > 0)
        for domain, size, stack in blocks:
            for file, line in stack:
                if (file, line) not in frames:
                    frames[file, line] = "f%d" % len(frames)
                    shown = '"%s"' % file.replace("\\", "\\\\") if file != "<unknown>" else "-"
                    lines.append("frame %s %s %d" % (frames[file, line], shown, line))
            address += 0x1000
            lines.append("stack s%d %s" % (address, " ".join(frames[f] for f in stack)))
            lines.append(("track %d %d %d s%d" % (domain, address, size, address)) if domain else
                         "malloc %d %d s%d" % (address, size, address))
        lines.append("mark s%d" % i)
    path = os.path.join(folder, "%d.bin" % len(os.listdir(folder)))
    subprocess.run([MKCAPTURE, path], input="\n".join(lines).encode() + b"\n", check=True)
    return tracker.Capture(path)


def theirs(blocks):
    return tracemalloc.Snapshot([(domain, size, stack, len(stack)) for domain, size, stack in blocks], 1024)


def plain(stat):
    """A statistic's values, whoever's it is."""
    diff = (stat.size_diff, stat.count_diff) if hasattr(stat, "size_diff") else ()
    return tuple((f.filename, f.lineno) for f in stat.traceback), stat.size, stat.count, *diff


def blocks_of(snapshot):
    return sorted((t.domain, t.size, tuple((f.filename, f.lineno) for f in t.traceback)) for t in snapshot.traces)


class Cases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.capture = capture_of(cls.folder.name, ONE, TWO)
        cls.one, cls.two = cls.capture.snapshot("s0"), cls.capture.snapshot("s1")
        cls.their_one, cls.their_two = theirs(ONE), theirs(TWO)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def same_rows(self, ours, wanted, whole_lines=True):
        self.assertEqual([plain(s) for s in ours], [plain(s) for s in wanted])
        if whole_lines:
            self.assertEqual([str(s) for s in ours], [str(s) for s in wanted])

    def both_filtered(self, *filters):
        ours = [tracker.DomainFilter(f.inclusive, f.domain) if isinstance(f, tracemalloc.DomainFilter) else
                tracker.Filter(f.inclusive, f.filename_pattern, f.lineno, f.all_frames, f.domain) for f in filters]
        return self.one.filter_traces(ours), self.their_one.filter_traces(filters)

    # ---- traces, tracebacks, frames ----

    def b21_b24_frames_and_tracebacks_are_values(self):
        for module in tracker, tracemalloc:
            t = module.Traceback((("f1", 1), ("f2", 2)))
            frames = "(<Frame filename='f2' lineno=2>, <Frame filename='f1' lineno=1>)"
            self.assertEqual(repr(t), "<Traceback %s>" % frames)
            self.assertEqual(repr(module.Traceback((("f1", 1), ("f2", 2)), 2)), "<Traceback %s total_nframe=2>" % frames)
            self.assertEqual(repr(module.Traceback(())), "<Traceback ()>")
            self.assertEqual((str(t), str(t[0]), len(t), t[-1].lineno), ("f2:2", "f2:2", 2, 1))
            self.assertEqual(t[:1], (t[0],))
            self.assertIn(t[1], t)
            self.assertEqual(hash(t), hash(module.Traceback((("f1", 1), ("f2", 2)), 7)))
            self.assertLess(t[1], t[0])
            self.assertLess(module.Traceback((("f1", 1),)), t)
            self.assertEqual(t, module.Traceback((("f1", 1), ("f2", 2))))
            self.assertNotEqual(t, module.Traceback((("f1", 2), ("f2", 2))))
            self.assertNotEqual(t[0], ("f2", 2))

    def b23_tracebacks_are_formatted(self):
        trace, = (t for t in self.one.traces[:1])
        self.assertEqual(trace.size, 10)
        wanted = self.their_one.traces[0].traceback
        with unittest.mock.patch("linecache.getline", side_effect=lambda file, line: "  <%s, %s>" % (file, line)):
            for limit in None, 0, 1, 2, 9, -1, -2:
                for turned in False, True:
                    want = wanted.format(limit, turned)
                    if limit == -2:  # the text of tracemalloc, not its code: the two oldest frames
                        want = wanted.format(None, turned)
                    self.assertEqual(trace.traceback.format(limit, turned), want, (limit, turned))

    def b31_traces_are_a_sequence(self):
        traces = self.one.traces
        self.assertEqual(blocks_of(self.one), blocks_of(self.their_one))
        self.assertEqual(len(traces), 6)
        self.assertEqual(traces[:2], (traces[0], traces[1]))
        self.assertEqual(traces[-1], traces[5])
        self.assertIn(traces[3], traces)
        self.assertRaises(IndexError, lambda: traces[6])
        self.assertEqual({str(t) for t in traces}, {str(t) for t in self.their_one.traces})
        self.assertIn("b.py:4: 10 B", {str(t) for t in traces})
        self.assertEqual({repr(t).split(" total_nframe")[0] for t in traces},
                         {repr(t).split(" total_nframe")[0] for t in self.their_one.traces})
        self.assertEqual(hash(traces[0]), hash(traces[:1][0]))
        self.assertEqual(repr(traces), "<Traces len=6>")

    # ---- statistics ----

    def b35_b36_b37_b38_statistics(self):
        for key in "lineno", "filename", "traceback":
            for ours, wanted in (self.one, self.their_one), (self.two, self.their_two):
                self.same_rows(ours.statistics(key), wanted.statistics(key), key != "traceback")
        stat = self.one.statistics("lineno")[0]
        self.assertEqual(str(stat), "b.py:1: size=66 B, count=1, average=66 B")
        self.assertEqual(repr(stat), repr(self.their_one.statistics("lineno")[0]))
        self.assertEqual(repr(self.two.compare_to(self.one, "lineno")), repr(self.their_two.compare_to(self.their_one, "lineno")))
        self.assertEqual(hash(stat), hash(self.one.statistics("lineno")[0]))
        self.assertEqual(stat, self.one.statistics("lineno")[0])
        self.assertEqual(str(self.one.statistics("traceback")[1]), "a.py:2: size=30 B, count=3, average=10 B")  # Q12

    def b35_other_keys_are_refused(self):
        for module_snapshot in self.one, self.their_one:
            with self.assertRaisesRegex(ValueError, "unknown key_type: 'bogus'"):
                module_snapshot.statistics("bogus")
            with self.assertRaises(ValueError):
                module_snapshot.statistics("traceback", True)
        with self.assertRaisesRegex(ValueError, "^cumulative mode cannot be used with key type 'traceback'$"):
            self.one.statistics("traceback", cumulative=True)
        with self.assertRaisesRegex(ValueError, "^cumulative mode cannot be used with key type 'traceback'$"):
            self.two.compare_to(self.one, "traceback", True)

    def b39_cumulative_sums(self):
        for key in "lineno", "filename":
            self.same_rows(self.one.statistics(key, True), self.their_one.statistics(key, True))
            self.same_rows(self.two.compare_to(self.one, key, True), self.their_two.compare_to(self.their_one, key, True))

    def b41_b42_b43_b44_changes(self):
        for key in "lineno", "filename", "traceback":
            self.same_rows(self.two.compare_to(self.one, key), self.their_two.compare_to(self.their_one, key), key != "traceback")
        stat = self.two.compare_to(self.one, "lineno")[0]
        self.assertEqual(str(stat), "a.py:5: size=5002 B (+5000 B), count=2 (+1), average=2501 B")
        self.assertEqual(hash(stat), hash(self.two.compare_to(self.one, "lineno")[0]))

    def b45_one_side_filtered(self):
        ours, wanted = self.both_filtered(tracemalloc.Filter(False, "a.py"))
        self.same_rows(self.two.compare_to(ours, "lineno"), self.their_two.compare_to(wanted, "lineno"))

    # ---- filters ----

    def b50_filters_make_a_new_snapshot(self):
        ours, wanted = self.both_filtered(tracemalloc.Filter(False, "b.py"))
        self.assertEqual(blocks_of(ours), blocks_of(wanted))
        self.assertEqual(blocks_of(self.one), blocks_of(self.their_one))
        copy = self.one.filter_traces(())
        self.assertIsNot(copy, self.one)
        self.assertEqual(copy.traces, self.one.traces)
        self.assertRaises(TypeError, self.one.filter_traces, tracker.Filter(False, "b.py"))
        again = ours.filter_traces([tracker.Filter(True, "a.py", 2), tracker.Filter(True, "a.py", 5)])
        self.assertEqual(len(again.traces), 4)
        self.same_rows(again.statistics("lineno"), wanted.filter_traces(
            [tracemalloc.Filter(True, "a.py", 2), tracemalloc.Filter(True, "a.py", 5)]).statistics("lineno"))

    def b51_b53_b54_b55_b56_b57_which_traces_pass(self):
        of_file = [tracemalloc.Filter(inclusive, pattern, line, every, domain) for inclusive in (True, False)
                   for pattern in ("a.py", "b.py", "*", "<unknown>", "?.py") for line in (None, 0, 2, 4) for every in (False, True)
                   for domain in (None, 0, 1)]
        of_domain = [tracemalloc.DomainFilter(inclusive, domain) for inclusive in (True, False) for domain in (0, 1, 2, 3, 4)]
        for one in of_file + of_domain:
            for other in None, tracemalloc.Filter(True, "a.py", 2), tracemalloc.Filter(False, "b.py", None, True), of_domain[3], of_domain[8]:
                filters = [one] if other is None else [one, other]
                ours, wanted = self.both_filtered(*filters)
                self.assertEqual(blocks_of(ours), blocks_of(wanted), [vars(f) for f in filters])

    def b52_names_are_shell_patterns(self):
        names = ["abc", "abcdcx", "abb", "abcdce", "abcde", "abcbdefeg", "abcdd", "abcbdefef", "aBC", "aBcDe", "a/b", "a/b/c", "a\\b", ".a", "a\\*b",
                 "a]b", "[ab]", "zoë"]
        patterns = ["", "*", "abc", "abcd", "def", "a*", "abc*", "b*", "abcd*", "a*c", "a*cx", "a*c*e", "a*bd*eg", "ABc", "Ab*dE", "a\\b",
                    "a/b", "a\\b/c", "a\\\\b", "*/c", "?a", "[!b]*", "[a]b*", "a\\*b", "a]b", "[[]ab]", "zo?", "zoë", "*[ë]"]
        capture = capture_of(self.folder.name, [(0, i + 1, ((name, 1),)) for i, name in enumerate(names)])
        snapshot = capture.snapshot("s0")
        for pattern in patterns:
            passed = {names[t.size - 1] for t in snapshot.filter_traces([tracker.Filter(True, pattern)]).traces}
            wanted = {name for name in names if tracemalloc.Filter(True, pattern)._match_frame(name, 1)}
            self.assertEqual(passed, wanted, pattern)

    def b52_filters_are_objects(self):
        for module in tracker, tracemalloc:
            f = module.Filter(True, "abc")
            self.assertEqual((f.inclusive, f.filename_pattern, f.lineno, f.all_frames, f.domain), (True, "abc", None, False, None))
            f = module.Filter(inclusive=False, filename_pattern="test.py", lineno=123, all_frames=True, domain=7)
            self.assertEqual((f.inclusive, f.filename_pattern, f.lineno, f.all_frames, f.domain), (False, "test.py", 123, True, 7))
            self.assertRaises(AttributeError, setattr, f, "filename_pattern", "abc")
            self.assertEqual((module.DomainFilter(False, 3).inclusive, module.DomainFilter(False, domain=3).domain), (False, 3))

    # ---- files ----

    def b32_b33_dumped_and_loaded(self):
        path = os.path.join(self.folder.name, "snapshot.bin")
        for _ in range(2):
            self.two.dump(path)
        loaded = tracker.Snapshot.load(path)
        self.assertEqual(blocks_of(loaded), blocks_of(self.two))
        self.assertEqual(loaded.traceback_limit, self.two.traceback_limit)
        for key in "lineno", "filename", "traceback", "function", "module":
            self.assertEqual([str(s) for s in loaded.statistics(key)], [str(s) for s in self.two.statistics(key)])
        self.assertEqual([str(s) for s in tracker.Capture(path).table()], [str(s) for s in self.two.statistics("lineno")])
        self.assertRaises(tracker.Error, self.two.dump, "/nowhere/at/all")

    def b34_what_is_no_capture_is_refused(self):
        path = os.path.join(self.folder.name, "pickle")
        tracemalloc.Snapshot([], 1).dump(path)
        with self.assertRaisesRegex(tracker.Error, "Failed to parse allocation records in"):
            tracker.Snapshot.load(path)
        self.assertRaises(FileNotFoundError, tracker.Snapshot.load, path + ".not")
        self.assertRaises(FileNotFoundError, tracker.Capture, path + ".not")
        self.assertRaises(tracker.Error, self.capture.snapshot, "no such mark")

    def captures_are_asked_several_questions(self):
        stats = self.capture.stats()
        self.assertEqual((stats["allocations"], stats["bytes_allocated"]), (12, sum(size for _, size, _ in ONE + TWO)))
        self.assertEqual((stats["peak_bytes"], stats["peak_blocks"]), (sum(size for _, size, _ in TWO), 6))
        self.assertEqual([p["pid"] for p in self.capture.processes()], [1000])
        filters = [tracker.Filter(True, "a.py")]
        self.assertEqual([str(s) for s in self.capture.table("s0", "filename", filters=filters)], ["a.py:0: size=32 B, count=4, average=8 B"])
        self.assertEqual([str(s) for s in self.capture.diff("s0", "s1", "filename", filters=filters)],
                         ["a.py:0: size=5032 B (+5000 B), count=5 (+1), average=1006 B"])


def main():
    names = [name for name in vars(Cases) if name[0] == "b" and name[1].isdigit() or name.startswith("captures_")]
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(map(Cases, names)))
    sys.exit(not (result.wasSuccessful() and result.testsRun > 10))


main()
