#!/usr/bin/env python3
"""names - how many of a program's allocations were made by a function with a name, and how many stacks were cut.

For programs as the distribution ships them; run by hand, docs/PROGRAMS.md has the figures. Builds of tracker are compared in the order
given, then heaptrack, where its folder is given: there a function without a name is an address.

usage: names.py BUILD_DIR... [--heaptrack FOLDER] [--only PROGRAM]
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile

CODE = "#include <map>\n#include <string>\nstd::map<int, std::string> m;\nint main() { m[1] = \"x\"; }\n"
PROGRAMS = {
    "python3": ["/usr/bin/python3", "-c", "import json; json.dumps(list(range(20000)))"],
    "sqlite3": ["/usr/bin/sqlite3", ":memory:", "create table t(a); with recursive c(x) as (select 1 union all select x+1 from c where x<20000) "
                "insert into t select x from c; select count(distinct a) from t"],
    "g++": ["/usr/bin/g++", "-c", "code.cc", "-o", "code.o"],
    "git": ["/usr/bin/git", "-C", os.path.dirname(os.path.abspath(__file__)), "log", "-n", "200", "--stat"],
    "bash": ["/bin/bash", "-c", "for i in {1..2000}; do x[i]=$(( i * i ))a; done; echo ${#x[@]}"],
    "redis-server": ["/usr/bin/timeout", "3", "/usr/bin/redis-server", "--port", "0", "--save", ""],
    "node": ["/usr/bin/node", "-e", "const a = []; for (let i = 0; i < 20000; i++) a.push(JSON.stringify({ i })); console.log(a.length)"],
    "java": ["/usr/bin/java", "-version"],
    "qemu": ["/usr/bin/qemu-system-x86_64", "-machine", "none", "-display", "none", "-S", "-monitor", "stdio"],
}

# tracker leaves these out above the function that allocates.
ALLOCATOR = r"(g_(try_)?(malloc|realloc|memdup|str|vasprintf|slice|aligned)\w*|(__GI_)?_*(strdup|strndup|v?asprintf\w*|getdelim|getline|realpath)|std::|operator new)"


def tracker(build, argv, folder):
    """(share named, stacks cut, stacks guessed), in per cent of allocations, and how many functions without a name are told apart."""
    capture = os.path.join(folder, "out.bin")
    subprocess.run([os.path.join(build, "tools", "tracker"), "run", "-q", "-f", "-o", capture, "--", *argv], cwd=folder,
                   input=b"quit\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def report(name, *options):
        return json.loads(subprocess.run([os.path.join(build, "reporters", "tracker-" + name), "--json", *options, capture],
                                         capture_output=True, check=True).stdout)

    rows = report("table", "-n", "0", "-g", "function", "--allocations")["rows"]
    health = report("info")["health"]
    total = sum(r["count"] for r in rows) or 1
    named = sum(r["count"] for r in rows if not re.search(r"^<unknown>|!0x[0-9a-f]+$", r["key"]))
    cut = health["truncated_stacks"] - health.get("truncated_by_depth", 0)
    unnamed = sum(bool(re.search(r"^<unknown>|!0x[0-9a-f]+$", r["key"])) for r in rows)
    return 100 * named / total, unnamed, 100 * cut / total, 100 * health.get("guessed_stacks", 0) / total


def heaptrack(prefix, argv, folder):
    out = os.path.join(folder, "heaptrack")
    subprocess.run([os.path.join(prefix, "bin", "heaptrack"), "-o", out, *argv], cwd=folder, input=b"quit\n",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    stacks = os.path.join(folder, "stacks")
    file = next((f for f in os.listdir(folder) if f.startswith("heaptrack.") and not f.endswith(".raw")), None)
    if not file:
        return None
    subprocess.run([os.path.join(prefix, "bin", "heaptrack_print"), "-f", os.path.join(folder, file), "-F", stacks, "-a", "0", "-T", "0",
                    "-p", "0", "-n", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    total = named = 0
    with open(stacks, encoding="utf-8", errors="replace") as f:
        for line in f:
            stack, _, count = line.rstrip("\n").rpartition(" ")
            frames = [f.strip() for f in stack.split(";") if f.strip()]
            while len(frames) > 1 and re.match(ALLOCATOR, frames[-1]):
                frames.pop()
            leaf = frames[-1] if frames else ""
            total += int(count)
            named += int(count) * (not re.match(r"0x[0-9a-f]+|<unresolved|$", leaf))
    return 100 * named / total if total else None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("builds", nargs="+")
    p.add_argument("--heaptrack")
    p.add_argument("--only")
    o = p.parse_args()
    o.builds = [os.path.abspath(b) for b in o.builds]
    print("| program |" + "".join(" named | others | stacks cut | guessed |" for _ in o.builds) + (" heaptrack: named |" if o.heaptrack else ""))
    for name, argv in PROGRAMS.items():
        if (o.only and o.only != name) or not shutil.which(argv[2] if argv[0].endswith("timeout") else argv[0]):
            continue
        line = f"| {name} |"
        for build in o.builds:
            with tempfile.TemporaryDirectory(prefix="tracker-names") as folder:
                with open(os.path.join(folder, "code.cc"), "w", encoding="ascii") as f:
                    f.write(CODE)
                try:
                    named, rows, cut, guessed = tracker(build, argv, folder)
                    line += f" {named:.1f} % | {rows} | {cut:.1f} % | {guessed:.1f} % |"
                except (subprocess.CalledProcessError, json.JSONDecodeError, KeyError):
                    line += " fails | | | |"
        if o.heaptrack and argv[0].endswith("timeout"):
            line += " does not follow it |"
        elif o.heaptrack:
            with tempfile.TemporaryDirectory(prefix="tracker-names") as folder:
                with open(os.path.join(folder, "code.cc"), "w", encoding="ascii") as f:
                    f.write(CODE)
                share = heaptrack(o.heaptrack, argv, folder)
                line += " nothing recorded |" if share is None else f" {share:.1f} % |"
        print(line, flush=True)


if __name__ == "__main__":
    main()
