"""reports - the names of all reports, as the build lists them (reporters/reports.txt), so that no test spells them."""
import os


def names(folder, *but):
    """All in that build's folder of reporters, but those."""
    with open(os.path.join(folder, "reports.txt"), encoding="utf-8") as f:
        all_names = f.read().split()
    if unknown := set(but) - set(all_names):
        raise ValueError(f"no report: {unknown}")
    return [n for n in all_names if n not in but]


def must_be_asked(folder, commands, *but):
    """commands: a test's own list of reports with their options. Each report, but those, stands in it."""
    if missing := set(names(folder, *but)) - {c[0] for c in commands}:
        raise ValueError(f"this test asks no {missing}")
