"""
config - options from the user's file and from TRACKER_OPTIONS: which one wins, and what mistakes in them are answered with.

usage: config.py TRACKER FOLDER_OF_GOLDEN_CAPTURES
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TRACKER, GOLDEN = map(os.path.abspath, sys.argv[1:3])
CAPTURE = os.path.join(GOLDEN, "good", "views.bin")


class Config(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.file = os.path.join(self.folder, "tracker", "config")
        os.mkdir(os.path.dirname(self.file))

    def tearDown(self):
        self.temporary.cleanup()

    def run_(self, *argv, text=None, **env):
        if text is not None:
            with open(self.file, "w", encoding="utf-8") as f:
                f.write(text)
        kept = {k: v for k, v in os.environ.items() if k not in ("TRACKER_CONFIG", "TRACKER_OPTIONS", "HOME")}
        return subprocess.run([TRACKER, *argv], capture_output=True, check=False, cwd=self.folder,
                              env={**kept, "XDG_CONFIG_HOME": self.folder, **env})

    def sampled(self, *options, **how):
        """Every how many bytes a recording was sampled, as its capture says; 0: not at all."""
        r = self.run_("run", "-f", "-o", "x.bin", *options, "sh", "-c", "true", **how)
        self.assertEqual(r.returncode, 0, r)
        header = json.loads(self.run_("info", "--json", "x.bin", TRACKER_CONFIG="").stdout)
        return header.get("sampled_bytes", 0) or 0

    def test_which_one_wins(self):
        text = "[stats]\njson\n[run]\n  sample = 4096 # bytes\n"
        self.assertEqual(self.sampled(text=""), 0)
        self.assertEqual(self.sampled(text=text), 4096)
        self.assertEqual(self.sampled(TRACKER_OPTIONS="--sample 8192"), 8192)
        self.assertEqual(self.sampled("--sample", "16384", TRACKER_OPTIONS="--sample 8192"), 16384)
        self.assertEqual(self.sampled(TRACKER_CONFIG=""), 0)

    def test_where_the_file_lies(self):
        self.run_(text="[stats]\njson = yes\n")
        home = os.path.join(self.folder, "home")
        os.makedirs(os.path.join(home, ".config", "tracker"))
        shutil.copy(self.file, os.path.join(home, ".config", "tracker", "config"))
        for env, is_json in [({}, True), ({"XDG_CONFIG_HOME": "", "HOME": home}, True), ({"XDG_CONFIG_HOME": "/nonexistent", "HOME": home}, False),
                             ({"TRACKER_CONFIG": "/nonexistent"}, False), ({"TRACKER_CONFIG": self.file, "XDG_CONFIG_HOME": ""}, True)]:
            with self.subTest(env=env):
                self.assertEqual(self.run_("stats", CAPTURE, **env).stdout.startswith(b"{"), is_json)

    def test_sections(self):
        def is_json(text):
            return self.run_("stats", CAPTURE, text=text).stdout.startswith(b"{")
        self.assertTrue(is_json("[*]\njson = true\nno-such-option = 1\n"))
        self.assertFalse(is_json("[leaks]\njson\n[ run ]\nsample = 3\n"))
        self.assertFalse(is_json("[*]\njson\n[stats]\njson = off\n"))
        self.assertTrue(is_json('; a comment\n\n[ stats ]\r\njson = "true" \r\n'))

    def test_lists_and_words(self):
        with_both = self.run_("leaks", CAPTURE, text='[leaks]\nskip-frame = "odd"\nskip-frame = even\n')
        self.assertIn(b"main", with_both.stdout)
        self.assertNotIn(b"at odd", with_both.stdout)
        self.assertNotIn(b"at even", with_both.stdout)
        without = self.run_("leaks", CAPTURE, text="").stdout
        self.assertTrue(b"at odd" in without and b"at even" in without, without)
        r = self.run_("run", "true", text="", TRACKER_OPTIONS="-f -q -o 'a file'\\ \"with words\"")
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertIn("a file with words", os.listdir(self.folder))

    def refused(self, text, place, *words, argv=("run", "true"), **env):
        r = self.run_(*argv, text=text, **env)
        with self.subTest(text=text, env=env):
            said = r.stderr.decode()
            self.assertEqual(r.stdout, b"", said)
            self.assertIn(r.returncode, (2, 125), said)
            self.assertEqual(said.count("\n"), 1, said)
            for word in (f"{place}: ", *words):
                self.assertIn(word, said)

    def test_mistakes_name_file_and_line(self):
        self.refused("\n[run]\nsampel = 3\n", f"{self.file}:3", "did you mean '--sample'?")
        self.refused("[run]\nsample = 3x\n", f"{self.file}:2", "--sample", "3x")
        self.refused("[run]\nquiet\ncompress = foo\n", f"{self.file}:3", "--compress", "foo")
        self.refused("[run]\nquiet = perhaps\n", f"{self.file}:2", "perhaps")
        self.refused("[run]\nsample\n", f"{self.file}:2", "SIZE")
        self.refused("[run\n", f"{self.file}:1", "[COMMAND]")
        self.refused("what is this\n", f"{self.file}:1", "NAME = VALUE")
        self.refused("[stats]\ncolor = alwyas\n", f"{self.file}:2", "did you mean 'always'?", argv=("stats", CAPTURE))
        self.refused("", "TRACKER_OPTIONS", "did you mean '--sample'?", TRACKER_OPTIONS="--sampel 3")
        self.refused("", "TRACKER_OPTIONS", "'program'", TRACKER_OPTIONS="-q program")
        self.refused("", "TRACKER_OPTIONS", "quote", TRACKER_OPTIONS="-o 'x")

    def test_the_command_line_is_not_blamed_on_the_file(self):
        r = self.run_("run", "--compress", "foo", "true", text="[run]\ncompress = lz4\n")
        self.assertNotIn(b"config:", r.stderr)

    def test_help_and_version_need_no_file(self):
        want = self.run_("version", TRACKER_CONFIG="").stdout
        for argv in (["stats", "--help"], ["stats", "--version"], ["version"], ["--version"], ["version", "--version"]):
            for text in ("[stats]\nnonsense\n[version]\nnonsense\n", "[*]\njson\n"):
                r = self.run_(*argv, text=text)
                self.assertEqual((r.returncode, r.stderr), (0, b""), argv)
                if argv[0] != "stats":
                    self.assertTrue(r.stdout.startswith(want.splitlines()[0].split(b" on ")[0].split(b" (")[0]), r.stdout)

    def test_every_blank_parts_words(self):
        for text in ("-q\r", "\v-q\f\r\n-f", "\f" * 100, "-q\r-f\v-q"):
            r = self.run_("run", "-f", "-o", "x.bin", "true", text="", TRACKER_OPTIONS=text)
            self.assertEqual(r.returncode, 0, (text, r))

    def test_the_command_line_comes_before_what_excludes_it(self):
        def same(text, *argv):
            r = self.run_(*argv, CAPTURE, text=text)
            self.assertEqual((r.returncode, r.stderr), (0, b""), (text, argv))
            self.assertEqual(r.stdout, self.run_(*argv, CAPTURE, TRACKER_CONFIG="").stdout, (text, argv))
        same("[*]\nforce = true\n", "stats")
        same("[*]\njson\n", "stats", "--csv")
        same("[*]\njson = true\n[stats]\njson = yes\n", "stats", "--csv")
        same("[*]\nquiet\n", "leaks", "--json")
        same("[*]\njson\n", "table", "--pretty")
        same("[table]\ntitle\n", "table", "--json")
        same("[table]\ngroup-by = function\n", "table", "--list")
        same("[summary]\nsort-column = 3\n", "summary", "--own")
        same("[leaks]\nskip-frame = a\nskip-frame = b\n", "leaks", "--no-skip")
        same("[table]\nmost-recent-first\n", "table")
        same("[*]\njson\n", "flamegraph", "--format", "folded", "-o", "-")
        same("[*]\njson\n", "flamegraph", "--metric", "count", "-o", "-")
        same("[flamegraph]\nformat = folded\n", "flamegraph", "--max-nodes", "50", "-o", "-")
        self.refused("[stats]\njson\ncsv\n", f"{self.file}:3", argv=("stats", CAPTURE))
        self.assertEqual(self.run_("stats", "--json", "--csv", CAPTURE, text="[stats]\njson\n").returncode, 2)

    def test_a_file_that_cannot_be_read(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        want = self.run_("stats", CAPTURE, TRACKER_CONFIG="").stdout
        for name, warns in [("/nonexistent", True), (self.folder, True), (fifo, True), (self.file + "/below", True), ("/dev/null", False), ("", False)]:
            with self.subTest(name=name):
                r = self.run_("stats", CAPTURE, text="", TRACKER_CONFIG=name)
                self.assertEqual((r.returncode, r.stdout, r.stderr.count(b"\n")), (0, want, int(warns)), r.stderr)
                self.assertIn(name.encode() if warns else b"", r.stderr)
        os.remove(self.file)
        self.assertEqual(self.run_("stats", CAPTURE).stderr, b"")
        os.mkdir(self.file)
        self.assertIn(b"no regular file", self.run_("stats", CAPTURE).stderr)

    def test_the_report_of_run_goes_to_stderr(self):
        r = self.run_("run", "--report", "-q", "-o", "x.bin", "true", text="[report]\noutput = elsewhere\n")
        self.assertIn(b"exited with status 0", r.stderr)
        self.assertNotIn("elsewhere", os.listdir(self.folder))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
