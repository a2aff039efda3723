"""big - looking up addresses of a large C++ program with debug information.

Units of containers, algorithms and lambdas over types of their own, so that the
linker finds nothing twice: code is inlined many levels deep. Compiled once (some
minutes) and kept beside the other files of the build.
"""
import bisect
import concurrent.futures
import itertools
import os
import random
import shutil
import statistics
import subprocess

from harness import need

UNITS, TYPES = 13, 9
ADDRESSES = 20000
FLAGS = ["-std=c++17", "-g", "-O2"]

HEAD = """
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>
namespace unit_{u} {{
"""

PART = """
struct key_{t} {{
	int a; std::string b;
	bool operator<(const key_{t} &o) const {{ return a < o.a || (a == o.a && b < o.b); }}
	bool operator==(const key_{t} &o) const {{ return a == o.a && b == o.b; }}
}};
struct hash_{t} {{ size_t operator()(const key_{t} &k) const {{ return std::hash<std::string>()(k.b) + (size_t)k.a * {t}; }} }};
struct value_{t} {{ key_{t} key; std::vector<key_{t}> more; std::shared_ptr<value_{t}> next; }};
size_t work_{t}(size_t n)
{{
	std::map<key_{t}, value_{t}> ordered;
	std::unordered_map<key_{t}, std::set<key_{t}>, hash_{t}> hashed;
	std::vector<value_{t}> list;
	for (size_t i = 0; i < n; i++) {{
		key_{t} k{{(int)(i * {t} % 17), std::to_string(i + {u})}};
		ordered[k].more.push_back(k);
		hashed[k].insert(k);
		list.push_back({{k, {{k, k}}, std::make_shared<value_{t}>()}});
	}}
	std::sort(list.begin(), list.end(), [](const value_{t} &x, const value_{t} &y) {{ return x.key < y.key; }});
	std::stable_sort(list.begin(), list.end(), [](const value_{t} &x, const value_{t} &y) {{ return y.key < x.key; }});
	std::function<size_t(const value_{t} &)> weigh = [&](const value_{t} &v) {{
		return v.more.size() + (v.next ? weigh(*v.next) : 0) + ordered.count(v.key) + hashed[v.key].size();
	}};
	list.erase(std::remove_if(list.begin(), list.end(), [](const value_{t} &v) {{ return v.key.a == {t}; }}), list.end());
	return std::accumulate(list.begin(), list.end(), (size_t)0, [&](size_t s, const value_{t} &v) {{ return s + weigh(v); }});
}}
"""


def unit(u):
    parts = "".join(PART.format(u=u, t=u * TYPES + t) for t in range(TYPES))
    calls = " + ".join(f"work_{u * TYPES + t}(n)" for t in range(TYPES))
    return HEAD.format(u=u) + parts + f"size_t run(size_t n) {{ return {calls}; }}\n}}\n"


def main_unit():
    declared = "".join(f"namespace unit_{u} {{ size_t run(size_t); }}\n" for u in range(UNITS))
    calls = " + ".join(f"unit_{u}::run(n)" for u in range(UNITS))
    return f"#include <cstdio>\n{declared}int main(int n, char **) {{ std::printf(\"%zu\\n\", {calls}); return 0; }}\n"


def compile_unit(compiler, folder, name, text):
    source, compiled = (os.path.join(folder, name + suffix) for suffix in (".cc", ".o"))
    if not os.path.exists(compiled):
        with open(source, "w") as f:
            f.write(text)
        subprocess.run([compiler, *FLAGS, "-c", source, "-o", compiled + ".part"], check=True, cwd=folder)
        os.rename(compiled + ".part", compiled)
    return compiled


def build(folder):
    """The program, compiled where it is not there yet."""
    compiler, program = need("g++"), os.path.join(folder, "big")
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(program):
        return program
    units = [(f"unit_{u}", unit(u)) for u in range(UNITS)] + [("main", main_unit())]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda x: compile_unit(compiler, folder, *x), units))
    subprocess.run([compiler, *objects, "-o", program], check=True, cwd=folder)
    return program


def addresses(program):
    """Addresses in functions, any byte as likely as any other."""
    r, found = random.Random(1), set()
    lines = subprocess.check_output([need("nm"), "-S", "--defined-only", program], text=True).splitlines()
    functions = [(int(w[0], 16), int(w[1], 16)) for w in map(str.split, lines) if len(w) == 4 and w[2] in "tTwW"]
    ends = list(itertools.accumulate(size for _, size in functions))
    while len(found) < ADDRESSES:
        at = r.randrange(ends[-1])
        start, size = functions[i := bisect.bisect_right(ends, at)]
        found.add(start + at - (ends[i] - size))
    return "".join(f"{a:#x}\n" for a in sorted(found))


def cpu_of(argv, text_in):
    """CPU seconds, and what it printed."""
    before = os.times()
    out = subprocess.run(argv, input=text_in, capture_output=True, text=True, check=True).stdout
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, out


def places(text, split):
    """File and line of every frame, per address."""
    return [[split(line) for line in block.strip("\n").split("\n")] for block in text.split("\n\n") if block.strip()]


def measure(lookup, folder, repeats):
    """Seconds of CPU from the start of the program to its end; llvm-symbolizer's beside it, and how many places differ."""
    program = build(folder)
    asked = addresses(program)
    runs = [cpu_of([lookup, program], asked) for _ in range(repeats)]
    result = {"seconds": statistics.median(s for s, _ in runs), "addresses": ADDRESSES,
              "file_mb": os.path.getsize(program) / 1e6}
    llvm = shutil.which("llvm-symbolizer")
    if llvm:
        seconds, out = cpu_of([llvm, "--obj=" + program, "--functions=linkage", "--no-demangle", "--inlines"], asked)
        mine = [p[1:] for p in places(runs[0][1], lambda line: tuple(line.split("\t")[1:]))]
        theirs = [p[1::2] for p in places(out, lambda line: tuple(line.rsplit(":", 2)[:2]))]
        result |= {"llvm_seconds": seconds, "frames": sum(map(len, mine)),
                   "places_that_differ": sum(normal(a) != normal(b) for a, b in zip(mine, theirs, strict=True))}
    return result


def normal(stack):
    """A file without a directory is a guess of the symbol table's."""
    return [(os.path.normpath(f), line) if f.startswith("/") else ("??", "0") for f, line in stack]
