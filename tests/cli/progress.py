"""
progress - the line about long work on a terminal: its share, rate and time left, its end; and that short work, pipes and files
have none. The clock of the reports is that of hurry.c, by which all work is long.

usage: progress.py MKCAPTURE FOLDER_OF_REPORTERS HURRY
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

MKCAPTURE, REPORTERS, HURRY = sys.argv[1:4]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import terminals  # noqa: E402

PAIRS = 600000
LINE = re.compile(r"\r([a-z ]+): (\d+)%, ([\d,]+) a second, (\d+) s left\x1b\[K")
END = "\r\x1b[K"
QUIET = {"NO_COLOR": "1", "TRACKER_PAGER": "cat"}


class Progress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.capture = os.path.join(cls.folder.name, "long.bin")
        text = "thread 0 process=0 tid=1000 main\nmalloc kept 1000\n" + "malloc a 16\nfree a\n" * PAIRS
        subprocess.run([MKCAPTURE, cls.capture], input=text.encode(), check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def shown(self, name, *options, columns=80, env=None):
        argv = [os.path.join(REPORTERS, "tracker-" + name), *options, self.capture]
        status, text = terminals.run(argv, columns, env={**QUIET, "LD_PRELOAD": HURRY, **(env or {})})
        self.assertEqual(status, 0, text)
        return text

    def test_share_rate_and_time_left_agree(self):
        for name, options in (("stats", []), ("leaks", []), ("temporary", ["--threshold", "3"]), ("growth", ["--exact"])):
            with self.subTest(report=name):
                text = self.shown(name, *options)
                lines = [(what, int(share), int(rate.replace(",", "")), int(left)) for what, share, rate, left in LINE.findall(text)]
                self.assertGreater(len(lines), 3, text)
                shares = [share for _, share, _, _ in lines]
                self.assertEqual(shares, sorted(shares))
                self.assertLessEqual(shares[-1], 100)
                for what, share, rate, left in lines:
                    self.assertEqual(what, "reading events")
                    events = 2 * PAIRS + 1
                    # what is left at this rate is the rest of the events, as exactly as the figures were rounded
                    rest = events * (100 - share) / 100
                    self.assertAlmostEqual(rate * left, rest, delta=events / 100 + rate)
                report = text[text.rindex(END) + len(END):]
                self.assertNotIn("a second", report)
                self.assertIn(END, text[LINE.search(text).end():], "the line was not wiped")

    def test_the_report_is_the_same(self):
        text = self.shown("leaks")
        self.assertEqual(text[text.rindex(END) + len(END):], terminals.run(
            [os.path.join(REPORTERS, "tracker-leaks"), self.capture], 80, env=QUIET)[1].split(END)[-1])

    def test_it_fits_into_a_narrow_terminal(self):
        text = self.shown("stats", columns=24)
        lines = re.findall(r"\r(reading[^\r\x1b]*)\x1b\[K", text)
        self.assertGreater(len(lines), 3)
        self.assertTrue(all(len(line) == 23 for line in lines), lines)

    def test_a_pipe_and_a_file_get_none(self):
        argv = [os.path.join(REPORTERS, "tracker-stats"), self.capture]
        r = subprocess.run(argv, capture_output=True, env={**os.environ, "LD_PRELOAD": HURRY}, check=True)
        self.assertEqual((r.stderr, b"a second" in r.stdout), (b"", False))

    def test_work_of_a_moment_shows_nothing(self):
        """The same clock, and so few events that it is read only a few times."""
        small = os.path.join(self.folder.name, "small.bin")
        subprocess.run([MKCAPTURE, small], input=b"malloc a 16\nfree a\n" * 100, check=True)
        _, text = terminals.run([os.path.join(REPORTERS, "tracker-stats"), small], 80, env={**QUIET, "LD_PRELOAD": HURRY})
        self.assertNotIn("a second", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
