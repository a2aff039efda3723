"""
terminal - what reports print on a terminal: nothing wider than it, names cut and figures whole, colours, the pager; and that
pipes see nothing of it.

usage: terminal.py MKCAPTURE FOLDER_OF_REPORTERS
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402
import terminals  # noqa: E402

MKCAPTURE, REPORTERS = map(os.path.abspath, sys.argv[1:3])
QUIET = {"NO_COLOR": "1", "PAGER": "cat"}
# What a report needs to print on a terminal.
OPTIONS = {"dump": ["--header"], "export": None, "flamegraph": None}
WAYS = [("table", ["--pretty"]), ("table", ["--traceback"]), ("temporary", ["--threshold", "100"]), ("stats", ["--buckets"])]

LONG = "a_namespace_with_a_long_name::a_class_with_an_even_longer_name::and_a_method_of_it_%d"
DEEP = 12


def capture_text():
    """Long names, wide and combining ones; a deep stack, a tree with many branchings, many processes."""
    wide = "\u6570\u636e\u5e93::\u8fde\u63a5\u6c60::" + "e\u0301" * 30
    out = ["module app /usr/lib/x86_64-linux-gnu/a/rather/long/path/to/a/program/with-a-long-name-of-its-own main"]
    for i in range(DEEP):
        name = wide if i == 3 else LONG % i
        out.append(f'frame f{i} /home/somebody/projects/a-long-name-of-a-project/source/file_{i}.cc {100 + i} as="{name}" module=app')
        out.append(f'frame g{i} /home/somebody/projects/a-long-name-of-a-project/source/other_{i}.cc {200 + i} as="branch_{i}" module=app')
    for i in range(DEEP):
        out.append(f"stack s{i} " + " ".join([f"g{i}"] + [f"f{j}" for j in range(i, -1, -1)]))
    out += ['process 0 pid=100 name="a-name-of-15-b" args="./a\\0--with\\0' + "x" * 300 + '" libc="glibc 2.36" host=h system=Linux']
    out += ["thread 0 process=0 tid=100 main"]
    for i in range(1, 6):
        out += [f'process {i} pid={100 + i} ppid=100 parent=0 fork name="child-{i}-of-many" start=1', f"thread {i} process={i} tid={100 + i} main"]
    for i in range(DEEP):
        out += [f"in {i % 6}", "after 1ms", f"malloc b{i} {1234567 * (i + 1)} s{i}", f"malloc t{i} {99 + i} s{i}", f"free t{i}"]
    out.append("notice " + '"' + "a sentence about what was seen while recording, which is longer than a line " * 3 + '"')
    return "\n".join(out) + "\n"


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.capture = os.path.join(cls.folder.name, "long.bin")
        subprocess.run([MKCAPTURE, cls.capture], input=capture_text().encode(), check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def argv(self, name, *options):
        operands = [self.capture + "@50%", self.capture] if name == "diff" else [self.capture]
        return [os.path.join(REPORTERS, "tracker-" + name), *options, *operands]

    def ways(self):
        own = [(n, OPTIONS.get(n, [])) for n in reports.names(REPORTERS)]
        return [(n, o) for n, o in [*own, *WAYS] if o is not None]

    def test_no_line_is_wider_than_the_terminal(self):
        for columns in (40, 80, 200):
            for name, options in self.ways():
                status, text = terminals.run(self.argv(name, *options), columns, env=QUIET)
                with self.subTest(report=name, options=options, columns=columns):
                    self.assertEqual(status, 0, text)
                    wide = [line for line in text.splitlines() if terminals.width(line) > columns]
                    self.assertEqual(wide, [])
                    self.assertGreater(len(text), 40)

    def test_a_wide_terminal_shows_what_a_pipe_gets(self):
        env = {**os.environ, **QUIET, "LC_ALL": "C.UTF-8"}
        for name in ("leaks", "tree", "temporary"):
            piped = subprocess.run(self.argv(name), capture_output=True, env=env, check=True).stdout.decode()
            shown = terminals.run(self.argv(name), 4000, env=QUIET)[1]
            self.assertEqual(piped.splitlines(), shown.splitlines())
            self.assertNotIn("\u2026", piped)
            self.assertTrue("branch_7" in piped, name)

    def test_figures_are_whole_and_names_cut_in_the_middle(self):
        whole = self.argv("leaks", "--depth", "0", "--full-paths")
        piped = subprocess.run(whole, capture_output=True, check=True).stdout.decode()
        shown = terminals.run(whole, 80, env=QUIET)[1]
        figures = re.compile(r"^\S+ \S+ in \d+ blocks?$", re.M)
        self.assertEqual(figures.findall(piped), figures.findall(shown))
        self.assertGreater(len(figures.findall(shown)), 3)
        frame = next(line for line in shown.splitlines() if "file_0.cc" in line)
        self.assertTrue(frame.startswith("   by a_namespace"), frame)
        self.assertTrue(frame.endswith("file_0.cc:100)"), frame)
        self.assertEqual(frame.count("\u2026"), 2)

    def test_a_table_has_its_names_last(self):
        for columns in (80, 200):
            text = terminals.run(self.argv("summary"), columns, env=QUIET)[1]
            rows = [line for line in text.splitlines() if "branch_" in line]
            self.assertGreaterEqual(len(rows), DEEP)
            for row in rows:
                self.assertRegex(row, r"^ *[\d.]+ \S*B +[\d.]+% +[\d.]+ \S*B +[\d.]+% +\d+  branch_")

    def test_a_locale_without_unicode_gets_dots(self):
        text = terminals.run(self.argv("leaks"), 60, env={**QUIET, "LC_ALL": "C"})[1]
        self.assertIn("...", text)
        self.assertNotIn("\u2026", text)

    def test_columns_of_the_environment_come_first(self):
        text = terminals.run(self.argv("summary"), 200, env={**QUIET, "COLUMNS": "70"})[1]
        self.assertLessEqual(max(map(terminals.width, text.splitlines())), 70)

    def test_programs_get_all(self):
        for name in ("leaks", "tree", "summary", "stats"):
            for form in ("--json", "--csv"):
                piped = subprocess.run(self.argv(name, form), capture_output=True, check=True).stdout.decode()
                self.assertEqual(terminals.run(self.argv(name, form), 40, env=QUIET)[1].replace("\r", ""), piped.replace("\r", ""))

    # ---- colours ----

    def painted(self, name, *options, columns=None, **env):
        quiet = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE")}
        if columns:
            text = terminals.run(["env", "-u", "NO_COLOR", "-u", "CLICOLOR_FORCE", "-u", "CLICOLOR", *(f"{k}={v}" for k, v in env.items()),
                                  *self.argv(name, *options)], columns, env={"PAGER": "cat"})[1]
        else:
            text = subprocess.run(self.argv(name, *options), capture_output=True, env={**quiet, **env}, check=True).stdout.decode()
        return "\x1b" in text

    def test_colours(self):
        for name in ("summary", "tree", "stats"):
            self.assertTrue(self.painted(name, columns=80), name)
            self.assertFalse(self.painted(name, TERM="xterm"), name)
        for expected, columns, options, env in [
                (False, 80, [], {"TERM": "dumb"}), (False, 80, [], {"NO_COLOR": "1"}), (True, 80, [], {"NO_COLOR": ""}),
                (False, 80, ["--color=never"], {}), (True, 80, ["--color", "always"], {"NO_COLOR": "1"}), (False, 80, [], {"CLICOLOR": "0"}),
                (True, None, ["--color=always"], {}), (True, None, [], {"CLICOLOR_FORCE": "1"}), (False, None, [], {"CLICOLOR_FORCE": "0"}),
                (False, None, [], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}), (False, None, ["--color=always", "--json"], {})]:
            with self.subTest(columns=columns, options=options, env=env):
                self.assertEqual(self.painted("summary", *options, columns=columns, **env), expected)

    def test_pipes_see_no_colours(self):
        plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE")}
        for name, options in self.ways():
            r = subprocess.run(self.argv(name, *options), capture_output=True, env={**plain, "TERM": "xterm-256color"}, check=False)
            self.assertNotIn(b"\x1b", r.stdout + r.stderr, name)
            self.assertTrue(r.stdout, name)

    # ---- the pager ----

    def pager(self, body):
        path = os.path.join(self.folder.name, "pager")
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + body)
        os.chmod(path, 0o755)
        return path

    def test_long_output_goes_through_the_pager(self):
        pager = self.pager('echo "PAGED $LESS"; cat\n')
        env = {"NO_COLOR": "1", "PAGER": pager}
        status, text = terminals.run(["env", "-u", "LESS", *self.argv("leaks")], 80, 24, env)
        self.assertEqual((status, text.splitlines()[0]), (0, "PAGED FRX"))
        self.assertEqual(text.split("\n", 1)[1], terminals.run(self.argv("leaks"), 80, 10000, env)[1])
        self.assertTrue(terminals.run(self.argv("leaks"), 80, 24, {**env, "LESS": "R"})[1].startswith("PAGED R\n"))
        for options, more, size in [(["--no-pager"], {}, 24), ([], {"TRACKER_PAGER": "cat"}, 24), ([], {"TRACKER_PAGER": ""}, 24), ([], {}, 10000)]:
            with self.subTest(options=options, env=more, lines=size):
                self.assertNotIn("PAGED", terminals.run(self.argv("leaks", *options), 80, size, {**env, **more})[1])
        mine = terminals.run(self.argv("leaks"), 80, 24, {**env, "PAGER": "false", "TRACKER_PAGER": pager + " | tr P p"})[1]
        self.assertTrue(mine.startswith("pAGED"), mine[:100])
        piped = subprocess.run(self.argv("leaks"), capture_output=True, env={**os.environ, **env}, check=True)
        self.assertNotIn(b"PAGED", piped.stdout)

    def test_the_report_of_run_is_not_paged(self):
        tracker = os.path.join(REPORTERS, "..", "tools", "tracker")
        if not os.path.exists(tracker):
            self.skipTest(f"there is no {tracker}")
        env = {"NO_COLOR": "1", "PAGER": self.pager('echo "PAGED"; cat\n')}
        status, text = terminals.run([tracker, "run", "--report", "-o", os.path.join(self.folder.name, "run.bin"), "true"], 80, 4, env)
        self.assertEqual(status, 0, text)
        self.assertIn("exited with status 0", text)
        self.assertNotIn("PAGED", text)

    def test_the_exit_status_is_that_of_the_report(self):
        early = self.pager("exec true\n")
        for pager in (early, "false", "no-such-program", "/no/such/program -x", self.pager("cat\nexit 9\n")):
            for options, status in [([], 0), (["--fail-on-leak"], 3)]:
                with self.subTest(pager=pager, options=options):
                    got, text = terminals.run(self.argv("leaks", "--depth", "0", *options), 80, 24, {"NO_COLOR": "1", "PAGER": pager})
                    self.assertEqual(got, status, text)
                    self.assertNotIn("cannot write", text)
                    if "such" in pager:
                        self.assertIn("file_0.cc", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
