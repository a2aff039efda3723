"""rows - every row that is promised (rows.txt) has a test, or docs/API.md says why not.

A test case belongs to the rows that its name begins with: a method `b06_b07_limits`, or a text "b46 example 1". In docs/API.md the reasons are
a table whose lines begin with the id.

usage: rows.py SOURCE_FOLDER; prints the rows without a test, and fails for those without a reason, and for reasons that are not needed.
"""
import os
import re
import sys

CASE = re.compile(r"(?:\bdef (?:test_)?|\bvoid (?:test_)?|[\"'])((?:(?:[a-z]\d\d)[ _])+)")


def promised(path):
    with open(path, encoding="utf-8") as f:
        return [line.split(None, 1)[0] for line in f if line.strip() and not line.startswith("#")]


def tested(folder):
    found = set()
    for where, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".py", ".c")) and name != os.path.basename(__file__):
                with open(os.path.join(where, name), encoding="utf-8", errors="replace") as f:
                    for m in CASE.finditer(f.read()):
                        found.update(m[1].upper().replace("_", " ").split())
    return found


def explained(path):
    with open(path, encoding="utf-8") as f:
        return set(re.findall(r"^\| ([ABCD]\d\d) \|", f.read(), re.M))


def main():
    root = sys.argv[1]
    rows, tests = promised(os.path.join(root, "tests", "tools", "rows.txt")), tested(os.path.join(root, "tests"))
    missing, reasons = [r for r in rows if r not in tests], explained(os.path.join(root, "docs", "API.md"))
    for row in missing:
        print(f"{row}: no test{'' if row in reasons else ', and docs/API.md does not say why'}")
    for row in sorted(reasons - set(missing)):
        print(f"{row}: docs/API.md says why it has no test, but it has one, or is no row")
    print(f"{len(rows)} rows, {len(rows) - len(missing)} have a test")
    return 1 if set(missing) != reasons else 0


if __name__ == "__main__":
    sys.exit(main())
