"""sources - every source of the product stands in the table of docs/TESTING.md that says which tests it has, by name or by pattern.

A pattern that is no source's, one that stands in two rows, and a test that is not there, are faults, too.
"""
import fnmatch
import os
import re

PRODUCT = ("format/", "libtracker/", "reporters/", "tools/")
HEADING = "## Which tests a source has"
ROW = re.compile(r"^\| (?P<sources>`[^|]*) \| (?P<tests>[^|]*) \|$")


def table(path):
    """(line, patterns, tests) of each row under the heading."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    start = lines.index(HEADING) if HEADING in lines else len(lines)
    for n, line in enumerate(lines[start + 1:], start + 2):
        if line.startswith("## "):
            return
        if m := ROW.match(line):
            yield n, re.findall(r"`([^`]+)`", m["sources"]), re.findall(r"`([^`]+)`", m["tests"])


def check(root, sources, problem):
    page = os.path.join(root, "docs", "TESTING.md")
    ours = [name for name, _ in sources if name.startswith(PRODUCT) and name.endswith((".c", ".js"))]
    named, seen = set(), set()
    for line, patterns, tests in table(page):
        for pattern in patterns:
            of = fnmatch.filter(ours, pattern)
            named.update(of)
            if not of:
                problem(page, line, "%s is no source" % pattern)
            if pattern in seen:
                problem(page, line, "%s stands in another row, too" % pattern)
            seen.add(pattern)
        for test in tests:
            if not os.path.exists(os.path.join(root, "tests", test)):
                problem(page, line, "tests/%s is not there" % test)
        if not tests:
            problem(page, line, "names no test")
    for name in sorted(set(ours) - named):
        problem(os.path.join(root, name), 1, "stands in no row of docs/TESTING.md, \"%s\"" % HEADING[3:])
