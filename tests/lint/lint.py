#!/usr/bin/env python3
"""lint - rules that a compiler does not check: lint.py SOURCE_ROOT [LIBTRACKER_SO]

Who may include whom, no markers of unfinished work, no endless functions and
files, no function of a header that nobody uses (usage.py), no source without tests
(sources.py), .clang-format (style.py); and of the built libtracker.so: which symbols it takes from others (those
in libtracker-symbols.txt), which libraries it needs (libc), how much static TLS.
"""
import os
import re
import subprocess
import sys

import sources as table_of_sources
import structure
import style
import usage

ROOT = os.path.abspath(sys.argv[1])
LIBRARY = sys.argv[2] if len(sys.argv) > 2 else None
HERE = os.path.dirname(os.path.abspath(__file__))

FUNCTION_LINES, FILE_LINES = 60, 500
TLS_BYTES = 112  # the count-down of --sample and what the program asks for (alarms, errors) must be a thread's own
DATA_BYTES = 4608  # .data and .bss: conservative collectors of garbage scan them as roots
NEEDED = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
TEXT = (".c", ".h", ".py", ".sh", ".js", ".css", ".html", ".md", ".scd", ".build", ".txt")
CODE = (".c", ".h", ".py", ".sh", ".js", ".css")

# Folder: patterns of what its files may include with "". A name without a folder is one of its own.
INCLUDES = {
    "format": ["format/.*"],
    "libtracker": ["format/(bytes|trk|wire|wire_codes|shm|control_page|python_env|bucket|sent_report).h", "libtracker/.*", "[^/]*"],
    "reporters/ui": ["format/array.h", "ui/.*", "[^/]*"],
    "reporters/replay": ["format/.*", "replay/.*", "[^/]*"],
    "reporters/symbols": ["format/.*", "replay/capture.h", "symbols/.*", "[^/]*"],
    "reporters/flame": ["(format|replay|symbols|ui|common|flame)/.*", "page_assets.h"],
    "reporters/export": ["(format|replay|symbols|ui|common|flame|export)/.*"],
    "reporters/library": ["(format|replay|symbols)/.*", "common/(filter|group|traceback).h", "ui/ui.h", "[^/]*"],
    "reporters/common": ["(format|replay|symbols|ui|common)/.*"],
    "tools/live": ["(format|replay|symbols|ui|common)/.*", "tools/(contact|home|live/.*|stream/(address|incoming)|run/capture_file).h", "[^/]*"],
    "tools/web": ["(format|replay|symbols|ui|common|flame)/.*", "tools/live/.*", "[^/]*"],
    "tools": ["(format|replay|symbols|ui|tools|libtracker|run|record|doctor)/.*", "[^/]*"],
}
FOLDERS = {".ci", "docs", "examples", "format", "libtracker", "reporters", "tests", "tools"}
MARKERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")  # not markers here
MACHINE = re.compile(r"(?<![\w.])" + re.escape(ROOT) + r"\b")  # where this checkout happens to lie

with open(os.path.join(HERE, "long.txt"), encoding="utf-8") as listed_files:
    LONG = {line.split("#")[0].strip() for line in listed_files} - {""}

problems = []


def problem(path, line, text):
    problems.append("%s:%d: %s" % (os.path.relpath(path, ROOT), line, text))


def files():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        return listed.stdout.splitlines()
    return [os.path.relpath(os.path.join(d, f), ROOT) for d, _, names in os.walk(ROOT) for f in names]  # a release archive


def check_folders():
    """A folder that nobody has thought of was made by mistake: by an option that was taken for a name, say."""
    for folder in sorted({name.split("/")[0] for name in files() if "/" in name} - FOLDERS):
        if not folder.startswith("build"):
            problem(os.path.join(ROOT, folder), 1, "this folder is not one of the project's (FOLDERS in lint.py)")


def sources():
    for name in files():
        path = os.path.join(ROOT, name)
        if name.endswith(TEXT) and os.path.isfile(path) and not name.startswith("build"):
            yield name, path


def check_includes(name, path, lines):
    folders = sorted((f for f in INCLUDES if name.startswith(f + "/")), key=len)[-1:]  # the innermost
    for n, line in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not m:
            continue
        if m[1].endswith(".c") and not name.startswith("tests/"):
            problem(path, n, "includes the source file %s" % m[1])
        for folder in folders:
            if not any(re.fullmatch(p, m[1]) for p in INCLUDES[folder]):
                problem(path, n, "%s/ must not include %s" % (folder, m[1]))


def check_words(name, path, lines):
    for n, line in enumerate(lines, 1):
        if MARKERS.search(line):
            problem(path, n, "marker of unfinished work: %s" % MARKERS.search(line)[0])
        if MACHINE.search(line) and not name.startswith("tests/lint/"):
            problem(path, n, "path of one machine: %s" % MACHINE.search(line)[0])


def check_lengths(name, path, lines):
    if not name.endswith(CODE):
        return
    if len(lines) > FILE_LINES and name not in LONG:
        problem(path, len(lines), "%d lines; a file has at most %d" % (len(lines), FILE_LINES))
    if len(lines) <= FILE_LINES and name in LONG:
        problem(path, 1, "stands in tests/lint/long.txt, and is not long any more")
    if not name.endswith((".c", ".h")):
        return
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            if n - start + 1 > FUNCTION_LINES:
                problem(path, start, "%d lines; a function has at most %d" % (n - start + 1, FUNCTION_LINES))
            start = None


def tool(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


def check_symbols(library):
    with open(os.path.join(HERE, "libtracker-symbols.txt")) as f:
        allowed = {line.split("#")[0].strip() for line in f} - {""}
    taken = {line.split()[-1].split("@")[0] for line in tool("nm", "-D", "--undefined-only", library).splitlines()}
    for symbol in sorted(taken - allowed):
        problem(library, 0, "takes %s from another library; see tests/lint/libtracker-symbols.txt" % symbol)


def check_dynamic(library):
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", tool("readelf", "-dW", library)))
    for name in sorted(needed - NEEDED):
        problem(library, 0, "needs %s" % name)
    sizes = tool("size", library).splitlines()[1].split()
    if int(sizes[1]) + int(sizes[2]) > DATA_BYTES:
        problem(library, 0, "%d bytes of writable data; at most %d" % (int(sizes[1]) + int(sizes[2]), DATA_BYTES))
    for m in re.finditer(r"^\s*TLS\s+.*", tool("readelf", "-lW", library), re.M):
        size = int(m[0].split()[5], 16)
        if size > TLS_BYTES:
            problem(library, 0, "%d bytes of static TLS; at most %d" % (size, TLS_BYTES))


def main():
    count = 0
    all_sources = list(sources())
    for name, path in all_sources:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
        check_includes(name, path, lines)
        check_words(name, path, lines)
        check_lengths(name, path, lines)
        count += 1
    if not count:
        problems.append("no sources in %s" % ROOT)
    check_folders()
    table_of_sources.check(ROOT, all_sources, problem)
    style.check(ROOT, all_sources, problem)
    usage.check(ROOT, all_sources, problem)
    structure.check(ROOT, all_sources, problem)
    if LIBRARY:
        check_symbols(LIBRARY)
        check_dynamic(LIBRARY)
    print("\n".join(problems + ["%d files, %d problems" % (count, len(problems))]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
