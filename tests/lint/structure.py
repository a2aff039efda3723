"""structure - docs/ARCHITECTURE.md names every source in a table of its folder, and none that is not there; no two sources have one name."""
import os
import re

PAGE = "docs/ARCHITECTURE.md"
FOLDERS = ("format", "libtracker", "reporters/replay", "reporters/symbols", "reporters/ui", "reporters/common", "reporters/library", "reporters/flame", "reporters/dump", "reporters/types",
           "tools/record", "tools/run", "tools/live", "tools/web", "tools/attach", "tools/stream", "tools")


def tables(text):
    """The names in each table of files: "a.[ch]" stands for two."""
    for rows in re.findall(r"^\| file \| what \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.M):
        names = set()
        for row in rows.splitlines():
            for stem, end in re.findall(r"`([\w.-]+?)\.(\[ch\]|c|h)`", row.split("|")[1]):
                names |= {f"{stem}.{letter}" for letter in end.strip("[]")}
        yield names


def twice(all_sources, problem):
    """Of the product: tests may be called after what they test."""
    seen = {}
    for name, _ in all_sources:
        if name.endswith((".c", ".h")) and not name.startswith("tests/"):
            other = seen.setdefault(os.path.basename(name), name)
            if other != name:
                problem(name, 1, f"has the name of {other}")


def check(root, all_sources, problem):
    twice(all_sources, problem)
    page = os.path.join(root, PAGE)
    with open(page, encoding="utf-8") as f:
        told = list(tables(f.read()))
    for folder in FOLDERS:
        there = {os.path.basename(name) for name, _ in all_sources if os.path.dirname(name) == folder and name.endswith((".c", ".h"))}
        table = max(told, key=lambda names: len(names & there), default=set())
        for name in sorted(there - table):
            problem(page, 1, f"the table of {folder}/ does not name {name}")
        for name in sorted(table - there):
            problem(page, 1, f"the table of {folder}/ names {name}, which is not there")
