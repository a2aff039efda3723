"""workloads - real programs on generated input, for real.py and for bench/run.

Everything is made from a fixed seed, so that two runs do the same.
"""
import os
import random
import subprocess

from harness import need

CC1PLUS_SOURCE = """
#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
std::map<std::string, std::vector<std::unique_ptr<std::string>>> table;
int main(int argc, char **argv)
{
	std::unordered_map<std::string, std::deque<int>> counts;
	for (int i = 0; i < argc; i++) {
		counts[argv[i]].push_back(i);
		table[argv[i]].push_back(std::make_unique<std::string>(argv[i]));
	}
	std::vector<std::pair<std::string, int>> rows;
	for (auto &c : counts)
		rows.emplace_back(c.first, (int)c.second.size());
	std::sort(rows.begin(), rows.end());
	std::ostringstream out;
	for (auto &r : rows)
		if (std::regex_match(r.first, std::regex("[a-z]+")))
			out << r.first << r.second;
	std::cout << out.str();
}
"""

PYTHON_SCRIPT = """
import json, random, sys
r = random.Random(7)
def value(depth):
    if depth == 0:
        return r.choice([r.random(), r.randrange(10**9), "x" * r.randrange(40), None, True])
    if r.random() < .5:
        return [value(depth - 1) for _ in range(r.randrange(6))]
    return {"key%d" % r.randrange(1000): value(depth - 1) for _ in range(r.randrange(6))}
total = 0
for i in range(int(sys.argv[1])):
    text = json.dumps(value(6), sort_keys=True)
    total += len(json.dumps(json.loads(text), indent=1))
print(total)
"""


class Workload:
    """A program to run: arguments, its input, what it writes, what to expect of it."""

    def __init__(self, name, argv, stdin=None, env=None, output=None, cwd=None):
        self.name, self.argv, self.stdin = name, argv, stdin
        self.env, self.output, self.cwd = env or {}, output, cwd


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def sqlite3(folder, scale):
    """`scale` statements: inserts, then queries by key and by range."""
    program, r = need("sqlite3"), random.Random(1)
    lines = ["create table t(id integer primary key, name text, n integer);", "create index i on t(n);", "begin;"]
    for i in range(scale // 2):
        lines.append(f"insert into t values({i}, 'name {r.randrange(10**9)}', {r.randrange(1000)});")
    lines.append("commit;")
    for i in range(scale // 2):
        lines.append(f"select name, n from t where id = {r.randrange(scale // 2)};" if i % 10 else
                     f"select count(*), max(name) from t where n = {r.randrange(1000)};")
    return Workload("sqlite3", [program, ":memory:"], write(folder, "sqlite.sql", "\n".join(lines) + "\n"))


def python3(folder, scale, malloc=False):
    script = write(folder, "documents.py", PYTHON_SCRIPT)
    env = {"PYTHONHASHSEED": "0", "PYTHONMALLOC": "malloc" if malloc else "default"}
    return Workload("python3 malloc" if malloc else "python3",
                    [need("/usr/bin/python3"), "-B", script, str(scale)], env=env)


def xmllint(folder, scale):
    program, r = need("xmllint"), random.Random(2)
    rows = "".join(f'<item id="{i}"><name>n{r.randrange(10**6)}</name><v a="{r.random()}">text &amp; more</v></item>\n'
                   for i in range(scale))
    return Workload("xmllint", [program, "--format", write(folder, "big.xml", f"<list>{rows}</list>\n")])


def cc1plus(folder, scale=1, text=CC1PLUS_SOURCE):
    """The C++ compiler proper on a preprocessed file that includes much of the STL."""
    compiler = need("g++")
    program = subprocess.check_output([compiler, "-print-prog-name=cc1plus"], text=True).strip()
    source, unit = write(folder, "stl.cc", text), os.path.join(folder, "stl.ii")
    subprocess.run([compiler, "-std=c++17", "-E", source, "-o", unit], check=True)
    output = os.path.join(folder, "stl.s")
    return Workload("cc1plus", [program, "-quiet", "-O2", "-std=c++17", "-fpreprocessed", unit, "-o", output],
                    output=output)


def cc1plus_small(folder, scale=1):
    return cc1plus(folder, scale, "#include <vector>\nstd::vector<int> v;\n"
                                  "int main() { v.push_back(1); return (int)v.size(); }\n")


def clang(folder, scale=1, text=CC1PLUS_SOURCE):
    """clang++ -fsyntax-only: deep stacks, and the whole of LLVM in shared libraries."""
    return Workload("clang", [need("clang++"), "-fsyntax-only", "-std=c++17", write(folder, "stl.cc", text)])


def node(folder, scale):
    """JavaScript, compiled while it runs: objects made and thrown away, zlib's buffers."""
    script = write(folder, "objects.js", f"""const kept = [];
for (let i = 0; i < {scale}; i++) kept.push(JSON.parse(JSON.stringify({{ i, s: "x".repeat(i % 50) }})));
require("zlib").gzipSync(Buffer.alloc(1000000));
console.log(kept.length);
""")
    return Workload("node", [need("node"), script])


def git(folder, scale):
    """git log --stat in a repository of `scale` commits made by fast-import."""
    program, r = need("git"), random.Random(3)
    repository = os.path.join(folder, "repository")
    subprocess.run([program, "init", "-q", repository], check=True)
    parts = []
    for i in range(scale):
        text = "\n".join(str(r.randrange(1000)) for _ in range(r.randrange(5, 60))) + "\n"
        message = f"change {i}\n"
        parts.append(f"commit refs/heads/main\ncommitter A <a@b> {1600000000 + i} +0000\n"
                     f"data {len(message)}\n{message}"
                     f"M 100644 inline dir{r.randrange(7)}/file{r.randrange(40)}.txt\ndata {len(text)}\n{text}\n")
    subprocess.run([program, "-C", repository, "fast-import", "--quiet"], input="".join(parts).encode(), check=True)
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": folder}
    return Workload("git log", [program, "-C", repository, "--no-pager", "log", "--stat", "main"], env=env)


def shell(folder, scale):
    """A pipe of processes, then a compiler driver with its children."""
    need("gcc")
    functions = "".join(f"int f{i}(int x) {{ return x * {i} + (x >> {i % 7}); }}\n" for i in range(scale))
    write(folder, "big.c", functions)
    return Workload("shell", ["/bin/sh", "-c", "ls | sort | head; gcc -O1 -c big.c -o big.o"], cwd=folder,
                    output=os.path.join(folder, "big.o"), env={"LC_ALL": "C"})
