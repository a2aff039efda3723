#!/usr/bin/env python3
"""
reading - how many lines reports have for eight programs: the rows "now" and "heaptrack_print" of docs/READING.md.

usage: reading.py BUILD_DIR [FOLDER_FOR_CAPTURES]

It records a leaking server in C++, g++, sqlite3, python3, make with 20 files, a pipeline in a shell, python3 ended by Ctrl-C and a
program that crashes, and counts lines on a terminal of 80 columns. It fails if a report has more lines than it may.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import terminals  # noqa: E402

REPORTS = ["leaks", "tree", "stats", "info", "summary", "temporary", "table", "summary --own", "tree --inverted", "report", "growth",
           "check", "lint"]
BOUNDS = {"report": 24}
LINES = 60

SERVER = r"""
#include <map>
#include <memory>
#include <string>
#include <vector>

struct Session { std::string name; std::vector<int> history; };
struct Cache { std::map<int, std::string> pages; };

static std::vector<Session *> sessions;

static std::string render(int request)
{
	std::string page;
	for (int i = 0; i < 20; i++)
		page += "line " + std::to_string(request * 1000 + i) + " of the answer\n";
	return page;
}

static void open_session(int request)
{
	Session *s = new Session{"session of a client " + std::to_string(request), {}};
	s->history.resize(100);
	if (request % 10)
		delete s;
	else
		sessions.push_back(s);
}

int main()
{
	Cache cache;
	size_t sent = 0;
	for (int request = 0; request < 3000; request++) {
		open_session(request);
		cache.pages[request % 50] = render(request);
		sent += cache.pages[request % 50].size();
	}
	sessions.clear();
	return sent == 0;
}
"""
CRASH = r"""
#include <stdlib.h>
#include <string.h>

static char *volatile names[100];

static void load(void)
{
	for (int i = 0; i < 100; i++)
		names[i] = strdup("a name of some length");
}

int main(void)
{
	load();
	*(volatile int *)0 = 1;
	return 0;
}
"""
PARSE = "import json\nd = json.loads(json.dumps([{'name': str(i), 'values': list(range(20))} for i in range(20000)]))\nprint(len(d))\n"
INTERRUPTED = PARSE + "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nos.kill(os.getpid(), signal.SIGINT)\n"
TABLE = "create table t(a, b);with recursive c(x) as (select 1 union all select x + 1 from c where x < 30000) " \
        "insert into t select x, hex(randomblob(20)) from c;create index i on t(b);select count(*) from t;"


def programs(folder):
    """Name and argv of each."""
    def write(name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        return name

    write("server.cc", SERVER), write("crash.c", CRASH), write("regex.cc", "#include <regex>\nint main() { return std::regex_match(\"a\", std::regex(\"a*\")); }\n")
    for i in range(20):
        write(f"part{i}.c", f"#include <stdio.h>\nvoid part{i}(void) {{ puts(\"{i}\"); }}\n")
    write("Makefile", "all: " + " ".join(f"part{i}.o" for i in range(20)) + "\n%.o: %.c\n\tgcc -c -O1 -o $@ $<\n")
    for argv in (["g++", "-g", "-O0", "-o", "server", "server.cc"], ["gcc", "-g", "-o", "crash", "crash.c"]):
        subprocess.run(argv, cwd=folder, check=True)
    return {
        "server": ["./server"],
        "g++": ["g++", "-std=c++17", "-O1", "-c", "-o", "regex.o", "regex.cc"],
        "sqlite3": ["sqlite3", ":memory:", TABLE],
        "python3": ["/usr/bin/python3", "-c", PARSE],
        "make": ["make", "-B", "-s"],
        "pipeline": ["sh", "-c", "cat /etc/services | tr a-z A-Z | sort | uniq -c | tail -3"],
        "Ctrl-C": ["/usr/bin/python3", "-c", INTERRUPTED],
        "crash": ["./crash"],
    }


def lines_of(build, report, capture):
    name, *options = report.split()
    argv = [os.path.join(build, "reporters", "tracker-" + name), *options, capture]
    text = terminals.run(argv, 80, 24, {"TRACKER_PAGER": "cat", "NO_COLOR": "1"})[1]
    lines = re.sub(r"\r[^\n]*?\x1b\[K", "", text).splitlines()  # without progress
    wide = [line for line in lines if terminals.width(line) > 80]
    if wide:
        sys.exit(f"{report} {capture}: wider than 80 columns: {wide[0]}")
    if len(lines) > BOUNDS.get(name, LINES):
        sys.exit(f"{report} {capture}: {len(lines)} lines\n{text}")
    return len(lines)


def heaptrack_lines(folder, argv):
    out = os.path.join(folder, "heaptrack")
    subprocess.run(["heaptrack", "-o", out, *argv], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = [f for f in os.listdir(folder) if f.startswith("heaptrack.")]
    if not made:
        return None
    path = os.path.join(folder, made[0])
    text = subprocess.run(["heaptrack_print", path], capture_output=True).stdout.decode(errors="replace")
    os.unlink(path)
    # longer lines take several of 80 columns
    return sum(max(1, -(-len(line) // 80)) for line in text.splitlines())


def row(name, figures):
    print(f"| {name} | " + " | ".join("-" if n is None else f"{n:,}" for n in figures) + " |")


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        captures = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else folder
        chosen = programs(folder)
        for name, argv in chosen.items():
            capture = os.path.join(captures, re.sub(r"\W", "", name) + ".bin")
            subprocess.run([os.path.join(build, "tools", "tracker"), "run", "-q", "-f", "-o", capture, "--", *argv], cwd=folder,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            chosen[name] = (argv, capture)
        for report in REPORTS:
            row(f"`{report}` | now", [lines_of(build, report, capture) for _, capture in chosen.values()])
        row("`heaptrack_print` | ", [heaptrack_lines(folder, argv) for argv, _ in chosen.values()])


if __name__ == "__main__":
    main()
