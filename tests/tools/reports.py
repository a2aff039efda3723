"""reports - all reports, as the build lists them (reporters/reports.txt), and what tests need to know of each.

A report has every trait, unless LACKS says otherwise: a new one is asked by all tests of reports at once.
"""
import os

# What tests ask of a report: which ones do not have it.
LACKS = {
    "one capture": {"diff"},  # reads one, and no second
    "text": {"export", "flamegraph"},  # prints to stdout for people
    "document": {"dump"},  # its --json is one object
    "csv": {"export", "flamegraph"},  # has --csv
    "sums": {"dump", "growth", "info", "lint", "memory"},  # says of an aggregated capture what it says of the events
    "unnamed": {"diff", "dump", "export", "growth", "info", "lint", "memory", "temporary"},  # says how much functions without names allocated
    "live set": {"check", "export", "dump", "growth", "info", "leaks", "lint", "memory", "report", "stats", "temporary"},  # shows what lives at a point, or was chosen as the options say
}

# Options for those that write a file if they are not told to write to stdout.
ON_STDOUT = {"export": ["--format", "speedscope", "-o", "-"], "flamegraph": ["-o", "-"]}

# The key of the table that --csv prints; all others print every figure.
TABLES = {"check": "checks", "growth": "rows", "lint": "rows", "memory": "rows", "types": "rows", "temporary": "rows", "leaks": "rows", "summary": "rows", "table": "rows", "diff": "rows", "tree": "root"}


def names(folder, *traits):
    """Those in that build's folder of reporters that have all of these traits."""
    with open(os.path.join(folder, "reports.txt"), encoding="utf-8") as f:
        return [n for n in f.read().split() if not any(n in LACKS[trait] for trait in traits)]


def commands(folder, given, *traits):
    """A test's own list of reports with their options; each report with these traits that it does not ask, by itself."""
    asked = {c[0] for c in given}
    return [*given, *([n] for n in names(folder, *traits) if n not in asked)]
