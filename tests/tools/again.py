#!/usr/bin/env python3
"""
again - which tests of meson's last run may run once more, alone: those that failed while others ran beside them.

usage: again.py BUILD

Prints one name a line. None at all if more than eight failed, which is no accident, or if one of them failed in a way that other
tests beside it do not explain: a signal ended it, it hung, or a sanitizer found something.
"""
import json
import os
import sys

MOST = 8
BAD = ("FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS")


def failed_tests(build):
    with open(os.path.join(build, "meson-logs", "testlog.json"), encoding="utf-8") as f:
        return [t for t in map(json.loads, f) if t["result"] in BAD]


def alone_already(build):
    """The full names, as the log has them, of tests that run while no other does."""
    with open(os.path.join(build, "meson-info", "intro-tests.json"), encoding="utf-8") as f:
        tests = json.load(f)
    return {"+".join([t["suite"][0], *(s.partition(":")[2] for s in t["suite"][1:])]) + " / " + t["name"] for t in tests if not t["is_parallel"]}


def chance(test):
    """Whether another outcome would say anything. A failed test that speaks TAP is an ERROR to meson, since it does not exit with 0."""
    said = test.get("stdout", "") + test.get("stderr", "")
    failed = test["result"] == "FAIL" and test["returncode"] >= 0 or test["result"] == "ERROR" and test["returncode"] == 1
    return failed and "Sanitizer" not in said and "Failure: hangs: " not in said


def main():
    build = sys.argv[1]
    failed = failed_tests(build)
    if len(failed) > MOST or not all(chance(t) for t in failed):
        return
    serial = alone_already(build)
    for name in sorted({t["name"].partition(" / ")[2] for t in failed if t["name"] not in serial}):
        print(name)


if __name__ == "__main__":
    main()
