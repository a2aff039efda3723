"""
preload - programs into which libtracker is preloaded by hand: unrecorded, one line says so; with TRACKER_OUTPUT they are recorded as
tracker run does it.

usage: preload.py TRACKER
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

TRACKER = os.path.abspath(sys.argv[1])
LIBRARY = subprocess.run([TRACKER, "--print-preload"], capture_output=True, check=True).stdout.decode().strip()
LINE = b"tracker: nobody records this program"


class Preload(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name

    def tearDown(self):
        self.temporary.cleanup()

    def run_(self, *argv, **env):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
        return subprocess.run(argv, capture_output=True, check=False, cwd=self.folder, stdin=subprocess.DEVNULL,
                              env={**kept, "LD_PRELOAD": LIBRARY, "TRACKER_CONFIG": "", **env})

    def info(self, name="out.bin"):
        r = subprocess.run([TRACKER, "info", "--json", os.path.join(self.folder, name)], capture_output=True, check=True)
        return json.loads(r.stdout)

    # ---- nobody records ----

    def test_one_line_for_a_tree(self):
        for argv in (["ls"], ["sh", "-c", "ls; ls"], ["sh", "-c", "exec ls"], ["bash", "-c", "ls | cat; (ls; exit 3)"], ["bash", "-c", "exec ls"],
                     [sys.executable, "-c", "import os; os.system('ls; ls')"]):
            if not shutil.which(argv[0]):
                continue
            r = self.run_(*argv)
            with self.subTest(argv=argv):
                self.assertEqual((r.stderr.count(LINE), r.stderr.count(b"\n")), (1, 1), r.stderr)
                self.assertIn(b"tracker run", r.stderr)

    def test_silence(self):
        self.assertEqual(self.run_("ls", TRACKER_QUIET="1").stderr, b"")
        self.assertEqual(self.run_("sh", "-c", "ls", TRACKER_TRACE="1").stderr, b"")
        self.assertEqual(self.run_(TRACKER, "--help").stderr, b"")
        r = self.run_(TRACKER, "run", "-q", "-o", "out.bin", "sh", "-c", "ls; ls")
        self.assertEqual((r.returncode, r.stderr), (0, b""))

    def test_the_program_is_as_it_was(self):
        r = self.run_(sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(9)", "a", "b c")
        self.assertEqual((r.returncode, r.stdout), (9, b"['a', 'b c']\n"))
        self.assertEqual(self.run_("sh", "-c", "kill -9 $$").returncode, -signal.SIGKILL)

    # ---- TRACKER_OUTPUT ----

    def test_a_recording(self):
        script = "import os, sys; os.system('true'); print(sys.argv[1:]); sys.exit(9)"
        r = self.run_(sys.executable, "-c", script, "a", "b c", TRACKER_OUTPUT="out.bin", TRACKER_OPTIONS="--sample 64K -q")
        self.assertEqual((r.returncode, r.stdout, r.stderr), (9, b"['a', 'b c']\n", b""))
        info = self.info()
        self.assertTrue(info["complete"])
        self.assertEqual(info["sampled_bytes"], 65536)
        names = [p["name"] for p in info["processes"]]
        self.assertGreaterEqual(len(names), 2, names)

    def test_the_program_sees_no_trace_of_it(self):
        r = self.run_("sh", "-c", "echo $0 ${TRACKER_OUTPUT-unset}", TRACKER_OUTPUT="out.bin", TRACKER_OPTIONS="-q")
        self.assertEqual(r.stdout.split()[1:], [b"unset"])
        self.assertEqual(len(self.info()["processes"]), 1)
        self.assertEqual(self.run_("sh", "-c", "kill -TERM $$", TRACKER_OUTPUT="killed.bin", TRACKER_OPTIONS="-q").returncode, -signal.SIGTERM)

    def test_a_script(self):
        path = os.path.join(self.folder, "script")
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\necho \"$0 $*\"\n")
        os.chmod(path, 0o755)
        r = self.run_(path, "x", "y", TRACKER_OUTPUT="out.bin", TRACKER_OPTIONS="-q")
        self.assertEqual((r.returncode, r.stdout.decode()), (0, f"{path} x y\n"))
        self.assertTrue(self.info()["complete"])

    def test_a_file_that_cannot_be(self):
        with open(os.path.join(self.folder, "there"), "w", encoding="utf-8") as f:
            f.write("mine")
        for output in ("there", "/nonexistent/out.bin"):
            r = self.run_("sh", "-c", "echo runs; exit 4", TRACKER_OUTPUT=output)
            self.assertEqual((r.returncode, r.stdout, r.stderr.count(b"\n")), (4, b"runs\n", 1), r.stderr)
            self.assertIn(output.encode(), r.stderr)
        with open(os.path.join(self.folder, "there"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "mine")

    def test_a_name_with_patterns(self):
        for _ in range(2):
            self.assertEqual(self.run_("true", TRACKER_OUTPUT="out.%p.bin", TRACKER_OPTIONS="-q").returncode, 0)
        self.assertEqual(len([f for f in os.listdir(self.folder) if f.startswith("out.")]), 2)

    def test_few_descriptors(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))  # the loader itself needs one more than the three that are open
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
        r = subprocess.run(["sh", "-c", "exit 6"], env={**kept, "LD_PRELOAD": LIBRARY}, preexec_fn=few, capture_output=True, check=False)
        self.assertEqual(r.returncode, 6, r)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
