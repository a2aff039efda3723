"""
command_line - what helps at the command line: proposals for mistyped words, captures from standard input, the version, and
the completion of bash, zsh and fish, asked of these shells themselves.

usage: command_line.py TRACKER FOLDER_OF_REPORTERS FOLDER_OF_GOLDEN_CAPTURES
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TRACKER, REPORTERS, GOLDEN = map(os.path.abspath, sys.argv[1:4])
CAPTURE = os.path.join(GOLDEN, "good", "views.bin")


def run(*argv, **how):
    return subprocess.run([TRACKER, *argv], capture_output=True, check=False, **how)


class Words(unittest.TestCase):
    def proposes(self, argv, *words):
        r = run(*argv)
        self.assertEqual((r.returncode, r.stdout), (2, b""))
        said = r.stderr.decode()
        self.assertEqual(said.count("\n"), 1, said)
        for word in words:
            self.assertIn(word, said)

    def test_commands(self):
        self.proposes(["sats"], "tracker: 'sats' is no command of tracker. Did you mean 'stats'?")
        for wrong, right in [("stast", "stats"), ("leak", "leaks"), ("flame", "flamegraph"), ("summery", "summary"), ("dmup", "dump")]:
            self.proposes([wrong], f"Did you mean '{right}'?")
        for word in ("xyzzyxyzzy", "q"):
            self.assertNotIn(b"Did you mean", run(word).stderr)

    def test_options(self):
        for argv, word in [(["table", "--gruop-by", "size"], "--group-by"), (["leaks", "--limt=3"], "--limit"), (["stats", "--jsn"], "--json"),
                           (["run", "--sampel", "3"], "--sample"), (["tree", "--hlep"], "--help")]:
            self.proposes([*argv, CAPTURE], f"unknown option {argv[1]}", f"did you mean '{word}'?")
        self.assertNotIn(b"did you mean", run("stats", "--frobnicate", CAPTURE).stderr)

    def test_keys_and_choices(self):
        for argv, word in [(["table", "--group-by", "fnuction"], "function"), (["diff", "--group-by", "filname", CAPTURE], "filename"),
                           (["flamegraph", "--format", "fodled"], "folded"), (["stats", "--color=alwyas"], "always")]:
            self.proposes([*argv, CAPTURE], f"did you mean '{word}'?")


class Input(unittest.TestCase):
    def test_a_capture_from_standard_input(self):
        for name, options in [("stats", []), ("leaks", ["--json"]), ("tree", []), ("table", []), ("info", ["--json"]), ("dump", ["--json"])]:
            with self.subTest(report=name):
                by_name = run(name, *options, CAPTURE)
                with open(CAPTURE, "rb") as f:
                    redirected = run(name, *options, "-", stdin=f)
                with open(CAPTURE, "rb") as f:
                    piped = run(name, *options, "-", input=f.read())
                self.assertEqual(by_name.returncode, 0)
                self.assertEqual(piped.stdout, by_name.stdout.replace(CAPTURE.encode(), b"stdin"))
                self.assertEqual(redirected.stdout, piped.stdout)

    def test_points_and_two_sides(self):
        with open(CAPTURE, "rb") as f:
            whole = f.read()
        for piped, named in [(["table", "-@50%"], ["table", CAPTURE + "@50%"]), (["diff", "-@50%", "-"], ["diff", CAPTURE + "@50%", CAPTURE])]:
            want, got = run(*named), run(*piped, input=whole)
            self.assertTrue(want.returncode == 0 and want.stdout, want)
            self.assertEqual((got.returncode, got.stdout), (0, want.stdout))

    def test_a_file_that_only_its_opener_may_open(self):
        def give_up():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.bin")
            shutil.copyfile(CAPTURE, path)
            with open(path, "rb") as f:
                os.chmod(path, 0)
                try:
                    r = run("stats", "-", stdin=f, preexec_fn=give_up, cwd="/")
                except PermissionError:
                    self.skipTest("another user cannot start these programs")
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertEqual(r.stdout, run("stats", CAPTURE).stdout.replace(CAPTURE.encode(), b"stdin"))

    def test_what_is_none(self):
        for bytes_ in (b"", b"no capture", b"x" * 100000):
            r = run("stats", "-", input=bytes_)
            self.assertEqual((r.returncode, r.stdout, r.stderr.count(b"\n")), (1, b"", 1), r)
            self.assertIn(b"stdin", r.stderr)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("stats", "-o", "-", CAPTURE, cwd=folder).stdout, run("stats", CAPTURE).stdout)
            self.assertEqual(os.listdir(folder), [])


class Version(unittest.TestCase):
    def test_version(self):
        report = json.loads(run("version", "--json").stdout)
        text = run("version").stdout.decode()
        self.assertEqual(text.splitlines()[0].split()[:2], ["tracker", report["version"]])
        self.assertEqual(run("-V").stdout, run("--version").stdout)
        self.assertEqual(run("-V").stdout.decode(), text)
        self.assertLessEqual({"elfutils", "zstd", "lz4"}, {lib["name"] for lib in report["libraries"]})
        for lib in report["libraries"]:
            self.assertRegex(lib["version"], r"^\d+\.\d+")
            self.assertIn(f"{lib['name']} {lib['version']}", text)
        if report["commit"]:
            self.assertRegex(report["commit"], r"^[0-9a-f]{7,40}(-dirty)?$")


def options_of(command):
    """Every long option, as --list-options says; the man pages and --help are compared with the same table elsewhere."""
    lines = run(command, "--list-options").stdout.decode().splitlines()
    return {line.split("\t")[1] for line in lines}


class Completion(unittest.TestCase):
    def script(self, shell):
        if not shutil.which(shell):
            self.assertFalse(os.environ.get("CI"), f"there is no {shell}")
            self.skipTest(f"there is no {shell}")
        r = run("completion", shell)
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        path = os.path.join(self.folder.name, "completion." + shell)
        with open(path, "wb") as f:
            f.write(r.stdout)
        return path

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def bash(self, *words):
        """What bash offers for the last of these words."""
        ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tracker; printf "%s\\n" "${COMPREPLY[@]}"'
        r = subprocess.run(["bash", "--norc", "-c", ask, "bash", self.script("bash"), "tracker", *words], capture_output=True, check=True,
                           cwd=self.folder.name)
        return set(r.stdout.decode().splitlines())

    def test_bash(self):
        open(os.path.join(self.folder.name, "my.bin"), "w", encoding="utf-8").close()
        for command in ("stats", "run", "table", "diff", "version"):
            self.assertEqual(self.bash(command, "--"), {"--" + o for o in options_of(command)}, command)
        self.assertEqual(self.bash("sta"), {"stats"})
        self.assertLessEqual({"stats", "run", "leaks", "my.bin", "completion"}, self.bash(""))
        self.assertEqual(self.bash("table", "--group-by", "f"), {"filename", "function"})
        self.assertEqual(self.bash("table", "--color", "=", "al"), {"always"})
        self.assertEqual(self.bash("run", "--compress", "z"), {"zstd"})
        self.assertEqual(self.bash("stats", "my"), {"my.bin"})
        self.assertEqual(self.bash("stats", "-o", "my"), {"my.bin"})
        self.assertIn("cat", self.bash("run", "ca"))

    def test_bash_names_with_blanks_and_asterisks(self):
        names = {"my first.bin", "my *.bin", "my\ttab.bin"}
        for name in names:
            open(os.path.join(self.folder.name, name), "w", encoding="utf-8").close()
        for words in (["my"], ["stats", "my"], ["stats", "-o", "my"], ["run", "my"], ["run", "--", "my"]):
            self.assertEqual(self.bash(*words), names, words)
        shell = 'source "$1"; f=$-; COMP_WORDS=(tracker stats m); COMP_CWORD=2; _tracker; [ "$f" = "$-" ] && printf %q "$IFS"'
        r = subprocess.run(["bash", "--norc", "-c", shell, "bash", self.script("bash")], capture_output=True, check=True)
        self.assertEqual(r.stdout, rb"$' \t\n'")

    def test_fish(self):
        script = self.script("fish")

        def offered(line):
            r = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], capture_output=True, check=True,
                               cwd=self.folder.name, env={**os.environ, "HOME": self.folder.name})
            return {x.split("\t")[0] for x in r.stdout.decode().splitlines()}

        self.assertIn("stats", offered("tracker sta"))
        self.assertEqual({o for o in offered("tracker table --") if o.startswith("--")}, {"--" + o for o in options_of("table")})
        self.assertLessEqual({"filename", "function"}, offered("tracker table --group-by f"))

    def test_zsh(self):
        """zsh completes only on a terminal: so the functions that would offer something say what they were given."""
        script = self.script("zsh")
        ask = ('compdef() { :; }; _arguments() { print -rl -- "$@"; }; _describe() { print -rl -- "${(P@)2}"; }; _files() { :; }; '
               'source "$1"; shift; words=("$@"); CURRENT=$#; _tracker')

        def offered(*words):
            r = subprocess.run(["zsh", "-f", "-c", ask, "zsh", script, "tracker", *words], capture_output=True, check=True)
            self.assertEqual(r.stderr, b"")
            return r.stdout.decode().splitlines()

        self.assertTrue(any(x.startswith("stats:") for x in offered("")))
        specs = [x for x in offered("table", "") if x.startswith("*--")]
        self.assertEqual({x[3:].split("=")[0].split("[")[0] for x in specs}, options_of("table"))
        self.assertTrue(any(x.startswith("*--group-by=[") and "(filename lineno" in x for x in specs))

    def test_other_shells(self):
        for argv in (["completion"], ["completion", "tcsh"]):
            r = run(*argv)
            self.assertEqual((r.returncode, r.stdout, r.stderr.count(b"\n")), (2, b"", 1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
