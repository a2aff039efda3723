#!/usr/bin/env python3
"""budgets - tracker check: each gate both ways, the forms that other programs read (read by those), files of budgets, and tracker run --check.

usage: budgets.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import re
import signal
import subprocess
import urllib.parse

import junitparser

import harness
import sarif
from harness import check, equal, need

# What fx/leak.c does, by its own arithmetic: option, the least limit that holds.
LEAK = [("max-peak", 3 * 1001 + 2 * 1002 + 1003), ("max-allocations", 3 + 2 + 7), ("max-leak", 3 * 1001 + 2 * 1002), ("max-leak-per-site", 3 * 1001), ("max-temporary", 7)]
MISMATCHED = 3 + 4 + 5 + 2 + 6 + 7  # in fx/faults.cc
ALL = ["--max-peak", "1M", "--max-leak", "5006", "--max-temporary", "7"]  # of leak: the second fails


class Budgets:
    def __init__(self, tracker):
        self.t = tracker
        self.captures = {}

    def capture(self, *argv):
        if argv not in self.captures:
            self.captures[argv] = self.t.record([self.t.fixture(argv[0]), *argv[1:]]).capture
        return self.captures[argv]

    def check(self, *options, env=None):
        r = subprocess.run([self.t.reporter("check"), *options], capture_output=True, timeout=300, env={**os.environ, **(env or {})})
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def gates(self):
        """Each holds at what the program did, and fails at one less."""
        for option, least in LEAK:
            for limit, status in (least, 0), (least - 1, 3):
                got, out, err = self.check("--json", f"--{option}", str(limit), self.capture("leak"))
                (row,) = json.loads(out)["checks"]
                equal(f"{option} {limit}", (got, row["check"], row["found"], row["limit"], row["passed"]), (status, option, least, limit, not status))
                equal("what is said", "1 of 1 checks failed" in err, bool(status))
        row = json.loads(self.check("--json", "--max-leak-per-site", "0", self.capture("leak"))[1])["checks"][0]
        equal("the site", [(s["size"], s["count"], s["stack"][0]["function"]) for s in row["stacks"]], [(3003, 3, "lost")])

    def mismatches(self):
        for mode, count in ("mismatched", MISMATCHED), ("right", 0):
            got, out, _ = self.check("--json", "--allocator-mismatch", self.capture("faults", mode))
            (row,) = json.loads(out)["checks"]
            equal(mode, (got, row["found"], row["passed"]), (3 if count else 0, count, not count))
            equal("where", [s["stack"][0]["function"] for s in row.get("stacks", [])], ["mismatched"] if count else [])

    def baselines(self):
        """Each of four figures is compared, and may be the same; more than in the older capture fails, less does not."""
        less, more = self.capture("budget"), self.capture("budget", "x")
        for old, new, failed in (less, less, []), (more, less, []), (less, more, ["baseline-allocations", "baseline-temporary"]):
            got, out, _ = self.check("--json", "--baseline", old, new)
            rows = json.loads(out)["checks"]
            equal("what is compared", [r["check"] for r in rows], ["baseline-peak", "baseline-allocations", "baseline-leak", "baseline-temporary"])
            equal("what fails", [r["check"] for r in rows if not r["passed"] and r["check"] in ("baseline-allocations", "baseline-temporary")], failed)
            equal("status", got, 3 if any(not r["passed"] for r in rows) else 0)
            for r in rows:
                equal(r["check"], (r["limit"], r["passed"]), (r["baseline"], r["found"] <= r["baseline"]))
        for wrong, words in ((["--baseline", self.t.file(".none"), less], "No such file"), (["--baseline", less, "--tolerance", "much", more], "--tolerance"),
                             (["--tolerance", "2%", more], "only allowed with --baseline"), (["--baseline", less + "@50%", more], "--baseline"),
                             (["--baseline", __file__, more], os.path.basename(__file__))):
            got, out, err = self.check(*wrong)
            check(got in (1, 2) and words in err and not out, f"{wrong}: {got} {err}")

    def suppressed(self):
        path = self.t.file(".supp")
        with open(path, "w", encoding="utf-8") as f:
            f.write("leak:lost\n")
        got, out, err = self.check("--max-peak", "1G", "--suppressions", path, self.capture("leak"))
        check(got == 2 and "--suppressions" in err and not out, f"leaks are not looked at: {got} {err}")
        equal("leak", json.loads(self.check("--json", "--max-leak", "2004", "--suppressions", path, self.capture("leak"))[1])["checks"][0]["found"], 2004)

    # ---- forms ----

    def junit(self):
        path = self.t.file(".xml")
        equal("status", self.check("--format", "junit", "-o", path, *ALL, "--no-alloc-under", "lost", self.capture("leak"))[0], 3)
        (suite,) = junitparser.JUnitXml.fromfile(path)
        equal("counts", (suite.tests, suite.failures, suite.errors, suite.skipped), (4, 2, 0, 0))
        found = {case.name: [(type(r).__name__, r.message, "at lost (" in (r.text or "")) for r in case.result] for case in suite}
        equal("cases", found, {"max-peak": [], "max-leak": [("Failure", "not freed: 5007 B; allowed: 5006 B", True)], "max-temporary": [],
                               "no-alloc-under lost": [("Failure", "allocations below it: 3, 3003 B; allowed: 0", True)]})
        need("xmllint")
        equal("xmllint", subprocess.run(["xmllint", "--noout", path]).returncode, 0)

    def tap(self):
        """As perl's prove reads it."""
        need("prove")
        path = self.t.file(".tap")
        for options, status, words in (ALL, 1, "Failed 1/3"), (ALL[:2], 0, "All tests successful"):
            self.check("--format", "tap", "-f", "-o", path, *options, self.capture("leak"))
            r = subprocess.run(["prove", "--exec", "cat", path], capture_output=True)
            text = (r.stdout + r.stderr).decode()
            check(r.returncode == status and words in text, text)

    def sarif(self):
        got, out, _ = self.check("--format", "sarif", *ALL, "--no-alloc-under", "lost", self.capture("leak"))
        log = json.loads(out)
        sarif.validate("log", log)
        rules = [r["id"] for r in log["runs"][0]["tool"]["driver"]["rules"]]
        results = log["runs"][0]["results"]
        equal("results", (got, [r["ruleId"] for r in results]), (3, ["max-leak", "no-alloc-under"]))
        check(set(r["ruleId"] for r in results) <= set(rules), f"{rules}")
        for r in results:
            place = r["locations"][0]["physicalLocation"]
            check(place["artifactLocation"]["uri"].endswith("/leak.c") and place["region"]["startLine"] > 1, f"{place}")

    def github(self):
        """Workflow commands, as its runner takes them apart (actions/toolkit: command.ts), and the step's summary behind what is there."""
        summary, folder = self.t.file(".md"), os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(summary, "w", encoding="utf-8") as f:
            f.write("before\n")
        got, out, _ = self.check("--format", "github", *ALL, self.capture("leak"), env={"GITHUB_STEP_SUMMARY": summary, "GITHUB_WORKSPACE": folder})
        command, rest = out.splitlines()
        (properties, message) = re.fullmatch(r"::error ([^:]*)::(.*)", command).groups()
        values = dict(p.split("=", 1) for p in properties.split(","))
        equal("status", (got, rest), (3, "1 of 3 checks failed"))
        equal("title", urllib.parse.unquote(values["title"]), "tracker check: max-leak")
        check(os.path.samefile(os.path.join(folder, values["file"]), os.path.join(folder, "tests/integration/fx/leak.c")), values["file"])
        check(int(values["line"]) > 1 and urllib.parse.unquote(message).splitlines()[0] == "not freed: 5007 B; allowed: 5006 B", message)
        with open(summary, encoding="utf-8") as f:
            text = f.read()
        check(text.startswith("before\n### tracker check "), text)
        equal("rows", [re.split(r" \| ", line.strip("| "))[:2] for line in text.splitlines()[5:8]], [["ok", "max-peak"], ["**FAIL**", "max-leak"], ["ok", "max-temporary"]])

    def not_whole(self):
        """A capture that was cut fails in every form, and its status is 1."""
        cut = self.t.file(".bin")
        with open(self.capture("leak"), "rb") as whole, open(cut, "wb") as f:
            f.write(whole.read()[:-30])
        for form, words in ("junit", 'errors="1"'), ("tap", "not ok 2 - capture-is-whole"), ("sarif", '"ruleId": "capture-is-whole"'), ("github", "capture-is-whole"):
            got, out, _ = self.check("--format", form, "--max-peak", "1M", cut)
            check(got == 1 and words in out, f"{form}: {got} {out}")
            got, out, _ = self.check("--format", form, "--max-peak", "1M", "--allow-truncated", cut)
            check(got == 0 and words not in out, f"{form}: {got} {out}")
        got, _, err = self.check("--baseline", cut, self.capture("leak"))
        check(got == 1 and "is not whole" in err, err)

    # ---- files, and tracker run ----

    def files(self):
        """What stands on the command line has the last word, wherever; a mistake is told with its place."""
        path = self.t.file(".budgets")

        def write(text):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            return path

        write("# budgets\nmax-leak = 5006\nno-alloc-under = main\n\nallocator-mismatch\n")
        got, out, _ = self.check("--json", "--budgets", path, self.capture("leak"))
        equal("of the file", (got, [(r["check"], r["limit"]) for r in json.loads(out)["checks"]]), (3, [("max-leak", 5006), ("allocator-mismatch", 0), ("no-alloc-under", 0)]))
        for options in ["--max-leak", "6K", "--budgets", path], ["--budgets", path, "--max-leak", "6K"]:
            equal("the command line", json.loads(self.check("--json", *options, self.capture("leak"))[1])["checks"][0]["limit"], 6144)
        for text, words in (("max-leek = 1\n", ":1: unknown option max-leek (did you mean '--max-leak'?)"), ("\nmax-peak = much\n", ":2: "), ("[check]\n", ":1: "), ("budgets = x\n", ":1: "),
                            ("max-peak\n", ":1: ")):
            got, out, err = self.check("--budgets", write(text), self.capture("leak"))
            check(got == 2 and path + words in err and not out, f"{text!r}: {got} {err}")
        got, _, err = self.check("--budgets", path + ".none", self.capture("leak"))
        check(got == 1 and path + ".none" in err, err)

    def of_run(self):
        """The program's status unless it is 0, then that of the check; a wrong option is told before the program starts."""
        leak, marker = self.t.fixture("leak"), self.t.file(".ran")
        for options, argv, status in (("--max-leak 5007", [leak], 0), ("--max-leak 5006", [leak], 3), ("--max-leak 0", ["sh", "-c", f"{leak}; exit 7"], 7),
                                      ("--max-leak 0", ["sh", "-c", "kill -TERM $$"], -signal.SIGTERM), ("--no-alloc-under 'no such'", [leak], 1),
                                      ("--max-leek 0", ["touch", marker], 2), ('--max-leak "0', ["touch", marker], 2), ("", ["touch", marker], 2),
                                      (f"--baseline {__file__} --tolerance much", ["touch", marker], 2), ("--max-leak 0 --json --csv", ["touch", marker], 2)):
            r = self.t.record(argv, ["--check", options])
            equal(f"{options} {argv}", r.status, status)
            equal("what is said of it", b"checks failed" in r.stderr, options in ("--max-leak 5006", "--max-leak 0"))
        check(not os.path.exists(marker), "a program ran, though what should be checked was wrong")
        path = self.t.file(".xml")
        equal("with a file", self.t.record([leak], ["--check", f"--max-leak 0 --format junit -o {path}"]).status, 3)
        equal("its failures", [s.failures for s in junitparser.JUnitXml.fromfile(path)], [1])

    def example(self):
        """examples/budgets as a user has it: by meson, CTest with GoogleTest, and pytest; tests that must fail are among them."""
        meson, cmake, ctest = need("meson", "cmake", "ctest")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "budgets")
        first, second = (self.t.file(".build") for _ in range(2))
        env = {"TRACKER": self.t.tracker, "TEST_RENDER": os.path.join(first, "test_render"), "PYTHONDONTWRITEBYTECODE": "1"}
        for command, wanted in (([meson, "setup", first, source, f"-Dtracker={self.t.tracker}"], ""), ([meson, "test", "-C", first], r"Ok: +2\b(.|\n)*Expected Fail: +1\b"),
                                ([cmake, "-S", source, "-B", second, f"-DTRACKER={self.t.tracker}"], ""), ([cmake, "--build", second], ""),
                                ([ctest, "--test-dir", second], "0 tests failed out of 5"),
                                (["python3", "-m", "pytest", "-p", "no:cacheprovider", os.path.join(source, "test_render.py")], "2 passed")):
            r = harness.execute(command, env)
            text = (r.stdout + r.stderr).decode()
            check(r.status == 0 and re.search(wanted, text), f"{' '.join(command)}: {r.status} {text}")


def make_cases(t):
    b = Budgets(t)
    return [("d71_n06_gates", b.gates), ("d71_n06_mismatches", b.mismatches), ("n06_baselines", b.baselines), ("suppressed", b.suppressed), ("n06_junit", b.junit), ("n06_tap", b.tap),
            ("n06_sarif", b.sarif), ("n06_github", b.github), ("not whole", b.not_whole), ("files", b.files), ("n06_run", b.of_run), ("n06_example", b.example)]


if __name__ == "__main__":
    harness.main(make_cases)
