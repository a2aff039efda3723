"""
csv_rows - what --csv prints is what --json says, as Python's csv and json modules read them.

usage: csv_rows.py FOLDER_OF_REPORTERS FOLDER_OF_CAPTURES
"""
import csv
import glob
import io
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402


def run(reporters, name, options, capture):
    operands = [capture + "@50%", capture] if name == "diff" else [capture]
    r = subprocess.run([os.path.join(reporters, "tracker-" + name), *options, *operands], capture_output=True, check=False)
    return r.returncode, r.stdout.decode()


def word(value):
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


def flat(value, path=""):
    """Every figure with its whole name."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [pair for key, inner in items for pair in flat(inner, f"{path}.{key}" if path else str(key))]
    return [(path, word(value))]


def branches(branch, depth=0):
    yield {"depth": depth, **branch}
    for child in branch["children"]:
        yield from branches(child, depth + 1)


def differences(name, table, text, report):
    """Of the CSV `text` from the object that --json prints."""
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if table is None:
        want, got = ({key: number(value) for key, value in pairs} for pairs in (flat(report), lines[1:]))
        return sorted((set(want.items()) ^ set(got.items())))
    rows = report[table]
    rows = list(branches(rows)) if name == "tree" else rows
    bad = [] if len(rows) == len(lines) - 1 else [(len(rows), len(lines) - 1)]
    for want, got in zip(rows, csv.DictReader(io.StringIO(text, newline=""))):
        scalars = {k: word(v) for k, v in want.items() if not isinstance(v, list)}
        if any(number(got.get(k)) != number(v) for k, v in scalars.items()):
            bad.append((scalars, got))
        if isinstance(want.get("stack"), list):
            names = [f["function"] or "<unknown>" for f in want["stack"]]
            if len(got["stack"].split(";")) < len(names):
                bad.append((names, got["stack"]))
    return bad


def dump_differences(reporters, capture):
    """Of the rows of `dump --csv` from the lines of `dump --json`, which have no key where a cell is empty."""
    status, text = run(reporters, "dump", ("--csv", "--stacks"), capture)
    json_status, lines = run(reporters, "dump", ("--json", "--stacks"), capture)
    if status or json_status:
        return [(status, json_status)] if status != json_status else []
    rows, wanted = list(csv.DictReader(io.StringIO(text, newline=""))), [json.loads(line) for line in lines.splitlines()]
    bad = [] if len(rows) == len(wanted) else [(len(wanted), len(rows))]
    for want, got in zip(wanted, rows):
        names, told = [f["function"] for f in reversed(want.pop("frames", []))], got.pop("frames")
        if {k: v for k, v in got.items() if v} != {k: word(v) for k, v in want.items() if word(v)}:
            bad.append((want, got))
        if told != ";".join(name or cell for name, cell in zip(names, told.split(";"))):
            bad.append((names, told))
    return bad


def main():
    reporters, captures = sys.argv[1:3]
    failed = count = 0
    for capture in sorted(glob.glob(os.path.join(captures, "good", "*.bin"))):
        if bad := dump_differences(reporters, capture):
            print(f"dump {capture}: {bad[:2]}")
            failed += 1
        for name in reports.names(reporters, "csv", "document"):
            table = reports.TABLES.get(name)
            status, text = run(reporters, name, ["--csv"], capture)
            json_status, report = run(reporters, name, ["--json"], capture)
            if status == json_status == 1 and name in ("diff", "lint"):  # sums know no other moments, and no calls
                continue
            if (status, json_status) != (0, 0):
                print(f"{name} {capture}: exit status {status}, {json_status}")
                failed += 1
                continue
            bad = differences(name, table, text, json.loads(report))
            if bad:
                print(f"{name} {capture}: {bad[:2]}")
                failed += 1
            count += 1
    print(f"{count} reports compared")
    sys.exit(failed != 0 or count < 50)


main()
