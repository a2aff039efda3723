#!/usr/bin/env python3
"""lint - what tracker lint finds in programs that do each fault a known number of times (fx/faults.cc, fx/doublefree.c), and in real programs.

usage: lint.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import subprocess

import harness
import sarif
from harness import check, equal, need

RULES = ["mismatched-release", "double-release", "invalid-release", "bad-alignment", "signal-handler", "fork-exec", "huge-request", "uneven-size",
         "failed-request", "zero-size", "same-size-realloc"]
LEVELS = ["error"] * 4 + ["warning"] * 3 + ["note"] * 4


class Cases:
    def __init__(self, t):
        self.t = t

    def lint(self, program, *options, name="faults", how=()):
        r = self.t.record([self.t.fixture(name), program], list(how))
        return self.t.json("lint", *options, r.capture), r.capture

    def rows(self, program, want, name="faults", how=()):
        """want: rule, called, allocated by, count, bytes, function of the call (None: it is not known)."""
        found, capture = self.lint(program, name=name, how=how)
        got = [(r["rule"], r["called"], r["allocated_by"], r["count"], r["size"], r["stack"][0]["function"] if r["stack"] else None) for r in found["rows"]]
        equal(program, sorted(got, key=repr), sorted(want, key=repr))
        equal("total", found["total_count"], sum(w[3] for w in want))
        return found["rows"], capture

    def right(self):
        self.rows("right", [])

    def mismatched(self):
        rule = "mismatched-release"
        rows, _ = self.rows("mismatched", [(rule, "free", "new", 3, 30, None), (rule, "delete", "new[]", 4, 80, None), (rule, "delete", "malloc", 5, 150, None),
                                           (rule, "delete[]", "malloc", 2, 80, None), (rule, "realloc", "new", 6, 300, "mismatched"),
                                           (rule, "delete[]", "new", 7, 420, None)])
        for r in rows:
            equal("allocated", [f["function"] for f in r["allocated"][:2]], ["mismatched", "main"])
            equal("where it is", r["function"], "mismatched")

    def released_wrongly(self):
        for mode, want in (("good", [("zero-size", "malloc", None, 14, 0, "churn")]), ("twice", [("double-release", "free", "malloc", 1, 123, None)]), ("nothing", [("invalid-release", "free", None, 1, 0, None)]),
                           ("inside", [("invalid-release", "free", None, 1, 0, None)]), ("realloc", [("double-release", "realloc", "malloc", 1, 123, "main")]),
                           ("delete", [("mismatched-release", "delete", "malloc", 1, 123, None)]), ("child", [("double-release", "free", "malloc", 1, 123, None)])):
            rows, _ = self.rows(mode, want, name="doublefree")
            for r in rows:
                equal(mode, r["allocated"][0]["function"] if r["allocated"] else None, None if mode in ("good", "nothing", "inside") else "make_it")

    def handlers(self):
        rows, _ = self.rows("handlers", [("signal-handler", "malloc", None, 7, 490, "handler"), ("signal-handler", "malloc", None, 2, 140, "handler")])
        for r in rows:
            equal("the kernel's way back", r["stack"][1]["function"], "__restore_rt")

    def fork_and_exec(self):
        self.rows("fork", [])
        self.rows("fork exec", [])
        self.rows("fork threads", [])
        self.rows("fork threads exec", [("fork-exec", "malloc", None, 8, 640, "in_child")] * 2)

    def release_stacks(self):
        """Where each block was released; what is released in handlers."""
        how, rule = ["--release-stacks"], "mismatched-release"
        self.rows("mismatched", [(rule, "free", "new", 3, 30, "mismatched"), (rule, "delete", "new[]", 4, 80, "mismatched"), (rule, "delete", "malloc", 5, 150, "mismatched"),
                                 (rule, "delete[]", "malloc", 2, 80, "mismatched"), (rule, "realloc", "new", 6, 300, "mismatched"),
                                 (rule, "delete[]", "new", 7, 420, "mismatched")], how=how)
        rule = "signal-handler"
        self.rows("handlers", [(rule, call, None, count, size, "handler") for call, each in (("malloc", 70), ("free", 0)) for count, size in ((7, 7 * each), (2, 2 * each))], how=how)
        for mode, rule, call, function in (("twice", "double-release", "free", "free_again"), ("late", "double-release", "free", "free_again"),
                                           ("nothing", "invalid-release", "free", "free_again"), ("realloc", "double-release", "realloc", "main"),
                                           ("delete", "mismatched-release", "delete", "main")):
            found, _ = self.lint(mode, name="doublefree", how=how)
            (r,) = [x for x in found["rows"] if x["level"] == "error"]
            equal(mode, (r["rule"], r["called"], r["stack"][0]["function"]), (rule, call, function))
            equal(f"{mode}: first", [f["function"] for f in r["released"][:2]], ["free_first", "main"] if "double" in rule else [])
        self.rows("right", [], how=how)

    def requests(self):
        self.rows("requests", [("bad-alignment", "posix_memalign", None, 4, 400, "requests"), ("bad-alignment", "posix_memalign", None, 1, 100, "requests"),
                               ("uneven-size", "aligned_alloc", None, 5, 500, "requests"), ("huge-request", "malloc", None, 6, 0, "requests"),
                               ("huge-request", "calloc", None, 2, 0, "requests"), ("huge-request", "realloc", None, 3, 0, "requests"),
                               ("huge-request", "reallocarray", None, 1, 0, "requests"), ("huge-request", "new", None, 2, 0, "requests"),
                               ("failed-request", "malloc", None, 7, 7 << 60, "requests"), ("failed-request", "realloc", None, 1, 1 << 60, "requests"),
                               ("failed-request", "new", None, 1, 1 << 60, "requests")])

    def notes(self):
        self.rows("nothing", [("zero-size", "malloc", None, 9, 0, "nothing"), ("zero-size", "new[]", None, 3, 0, "nothing"), ("zero-size", "realloc", None, 4, 0, "nothing")])
        self.rows("same", [("same-size-realloc", "realloc", None, 11, 990, "same_size")])

    def choices(self):
        """Rules, levels, filters and the exit status."""
        found, capture = self.lint("mismatched")
        for options, count in (([], 6), (["--rule", "zero-size"], 0), (["--rule", "zero-size", "--rule", "mismatched-release"], 6), (["--level", "error"], 6),
                               (["--filter", "-*faults.cc"], 0), (["--filter", "+*faults.cc"], 6), (["-n", "2"], 2)):
            equal(f"{options}", len(self.t.json("lint", *options, capture)["rows"]), count)
        equal("the first", found["rows"][0]["count"], 7)
        self.t.run("lint", "--fail", capture, status=3)
        self.t.run("lint", "--fail", "--quiet", capture, status=3)
        self.t.run("lint", "--fail", "--rule", "zero-size", capture)
        self.t.run("lint", capture)
        self.t.run("lint", "--rule", "nonsense", capture, status=2)
        self.t.run("lint", capture + "@50%", status=2)
        notes, capture = self.lint("same")
        equal("a note", [r["level"] for r in notes["rows"]], ["note"])
        self.t.run("lint", "--fail", "--level", "warning", capture)
        self.t.run("lint", "--fail", capture, status=3)

    def other_captures(self):
        r = self.t.record([self.t.fixture("faults"), "mismatched"], ["--aggregate"])
        self.t.run("lint", r.capture, status=1)
        r = self.t.record([self.t.fixture("faults"), "handlers"], ["--no-symbols"])
        equal("names that files have", sorted(x["count"] for x in self.t.json("lint", r.capture)["rows"]), [2, 7])

    def sarif(self):
        for mode in ("mismatched", "handlers", "right"):
            found, capture = self.lint(mode)
            log = json.loads(self.t.run("lint", "--sarif", capture))
            sarif.validate("log", log)
            (run,) = log["runs"]
            equal("version", log["version"], "2.1.0")
            equal("rules", [r["id"] for r in run["tool"]["driver"]["rules"]], RULES)
            equal("levels", [r["defaultConfiguration"]["level"] for r in run["tool"]["driver"]["rules"]], LEVELS)
            equal("results", [(r["ruleId"], r["occurrenceCount"], r["properties"]["bytes"]) for r in run["results"]],
                  [(r["rule"], r["count"], r["size"]) for r in found["rows"]])
            for r in run["results"]:
                equal("the number of the rule", RULES[r["ruleIndex"]], r["ruleId"])
                place = r["locations"][0]["physicalLocation"]
                check(place["artifactLocation"]["uri"].startswith("file:///") and place["artifactLocation"]["uri"].endswith("/faults.cc"), f"{place}")
                check(place["region"]["startLine"] > 1 and r["stacks"], f"{r}")

    def real(self):
        """Nothing is wrong with them but what their sources say: reallocs to the same size, empty regular expressions."""
        source, database = self.t.file(".cc"), self.t.file(".db")
        with open(source, "w", encoding="utf-8") as f:
            f.write("#include <map>\n#include <string>\nint main() { std::map<int, std::string> m; m[1] = \"x\"; }\n")
        repository = os.path.dirname(self.t.file(""))
        for what, *command in (("ls", "ls", "-lR", "/usr/include/linux"), ("bash", "bash", "-c", "for i in 1 2 3; do x=$(ls; ls | sort); done; echo $x"),
                               ("perl", "perl", "-e", "my %h; $h{$_} = [$_] x 10 for 1 .. 5000; print `echo a`"),
                               ("python3", "python3", "-c", "import json, subprocess, threading\nt = threading.Thread(target=lambda: subprocess.run(['true']))\n"
                                "t.start(); t.join(); print(json.dumps(list(range(1000))))"),
                               ("git", "git", "init", repository + "/repository"), ("g++", "g++", "-O1", "-c", "-o", "/dev/null", source),
                               ("sqlite3", "sqlite3", database, "create table t(a); with recursive c(x) as (select 1 union all select x + 1 from c limit 2000) "
                                "insert into t select hex(x) from c; select count(*) from t order by a")):
            r = self.t.record([need(command[0]), *command[1:]], ["--release-stacks"])
            equal(f"{what}: status", r.status, 0)
            found = self.t.json("lint", r.capture)
            equal(f"{what}: errors and warnings", (found["errors"], found["warnings"], found["unjudged_releases"]), (0, 0, 0))
            events = [json.loads(line) for line in self.t.run("dump", "--json", r.capture).splitlines()]
            equal(f"{what}: allocations of no bytes", sum(x["count"] for x in found["rows"] if x["rule"] == "zero-size"),
                  sum(e.get("size") == 0 and e.get("address") not in (None, 0, "0x0") and e["kind"] in harness.ALLOCATES for e in events))

    def valgrind(self):
        """memcheck's own count of the same faults."""
        valgrind = need("valgrind")
        r = subprocess.run([valgrind, "--error-exitcode=9", self.t.fixture("faults"), "mismatched"], capture_output=True)
        found, _ = self.lint("mismatched")
        equal("memcheck's word for it", r.stderr.count(b"Mismatched free() / delete / delete []"), len(found["rows"]))
        check(b"ERROR SUMMARY: %d errors" % found["total_count"] in r.stderr, r.stderr.decode()[-500:])


def make_cases(t):
    c = Cases(t)
    return [("right", c.right), ("mismatched", c.mismatched), ("released wrongly", c.released_wrongly), ("handlers", c.handlers), ("release stacks", c.release_stacks), ("requests", c.requests), ("fork and exec", c.fork_and_exec),
            ("notes", c.notes), ("choices", c.choices), ("other captures", c.other_captures), ("sarif", c.sarif), ("real programs", c.real), ("valgrind", c.valgrind)]


if __name__ == "__main__":
    harness.main(make_cases)
