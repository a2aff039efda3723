"""
doctor - tracker doctor says what is so: where all is well, and where something is taken away from it.

usage: doctor.py TRACKER
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import unittest

TRACKER = os.path.abspath(sys.argv[1])
STATES = ("good", "hint", "limits", "stops")


def doctor(*argv, **how):
    r = subprocess.run([TRACKER, "doctor", "--json", *argv], capture_output=True, check=False, **how)
    report = json.loads(r.stdout)
    return r.returncode, report["works"], {f["check"]: f for f in report["findings"]}


class Doctor(unittest.TestCase):
    def test_here(self):
        with tempfile.TemporaryDirectory() as folder:
            code, works, found = doctor(env={**os.environ, "TMPDIR": folder})
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual((code, works), (0, True), found["trial"])
        self.assertIn(found["trial"]["state"], ("good", "limits"))
        self.assertLessEqual({"trial", "files", "ptrace", "sandbox", "memory", "memlock", "disk", "perf", "debuginfod", "setuid"}, set(found))
        for finding in found.values():
            self.assertIn(finding["state"], STATES)
            self.assertEqual(finding["state"] == "good", finding["why"] is None, finding)

    def test_text(self):
        r = subprocess.run([TRACKER, "doctor"], capture_output=True, check=True)
        lines = r.stdout.decode().splitlines()
        self.assertEqual(lines[0], "Recordings work here.")
        self.assertTrue(lines[1].split(":")[0].split()[1] == "trial", lines[1])

    def test_where_nothing_can_be_written(self):
        code, works, found = doctor(env={**os.environ, "TMPDIR": "/nonexistent"})
        self.assertEqual((code, works, found["trial"]["state"]), (1, False, "stops"))
        self.assertIn("TMPDIR", found["trial"]["advice"])

    def test_the_users_options_do_not_matter(self):
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "config")
            with open(config, "w", encoding="utf-8") as f:
                f.write("[run]\nnonsense\n")
            found = doctor(env={**os.environ, "TMPDIR": folder, "TRACKER_CONFIG": config, "TRACKER_OPTIONS": "--no-such-option", "TRACKER_OUTPUT": "/nonexistent/x"})[2]
        self.assertIn(found["trial"]["state"], ("good", "limits"), found["trial"])

    def test_with_standard_input_closed(self):
        self.assertEqual(doctor(preexec_fn=lambda: os.close(0))[2]["ptrace"], doctor()[2]["ptrace"])

    def test_setuid(self):
        found = doctor()[2]["setuid"]
        self.assertEqual(found["state"], "hint")
        self.assertEqual("another user" in found["what"], os.geteuid() == 0, found)

    def test_limits(self):
        def less():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        found = doctor(preexec_fn=less)[2]
        self.assertEqual(found["limits"]["state"], "limits")
        self.assertIn("ulimit -f", found["limits"]["what"])
        self.assertEqual(found["memory"]["state"], "limits")

    def test_a_program(self):
        self.assertEqual(doctor(sys.executable)[2]["program"]["state"], "good")
        code, works, found = doctor("/no/such/program")
        self.assertEqual((code, works, found["program"]["state"]), (0, True, "stops"))

    def test_names_and_preloaded_libraries(self):
        found = doctor(env={**os.environ, "DEBUGINFOD_URLS": "http://example.invalid", "LD_PRELOAD": "libm.so.6"})[2]
        self.assertEqual((found["debuginfod"]["state"], found["preload"]["state"]), ("good", "hint"))
        env = {k: v for k, v in os.environ.items() if k != "DEBUGINFOD_URLS"}
        self.assertEqual(doctor(env=env)[2]["debuginfod"]["state"], "hint")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
