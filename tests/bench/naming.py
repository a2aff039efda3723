#!/usr/bin/env python3
"""naming - what it costs to name the frames of a program with much debug information.

A unit of C++ with many templates is compiled once; its assembly is copied UNITS times with another namespace in
it, which takes a tenth of the time. Every call in the program and, until there are FRAMES, other instructions become
frames that are named as a recording does when it ends. docs/PERFORMANCE.md has the figures: 150 units are 1.2 GB.

usage: naming.py BUILD_DIR [UNITS [FRAMES [TEMPLATES]]]
"""
import os
import re
import subprocess
import sys
import tempfile

UNIT = r"""
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
namespace u0001 {
template <int N> struct Item { int key = N; std::string text; bool operator<(const Item &o) const { return key < o.key; } };
template <int N> __attribute__((noinline)) size_t work(size_t n)
{
	std::map<std::string, Item<N>> m;
	std::unordered_map<int, std::unique_ptr<Item<N>>> u;
	std::set<Item<N>> s;
	std::vector<std::variant<int, std::string, Item<N>>> v;
	std::function<size_t(size_t)> f = [&](size_t k) { m[std::to_string(k)].text += "x"; return m.size(); };
	for (size_t i = 0; i < n; i++) {
		u.emplace((int)i, std::make_unique<Item<N>>());
		s.insert(Item<N>{(int)i, std::to_string(i)});
		v.push_back(std::to_string(f(i)));
	}
	std::sort(v.begin(), v.end(), [](const auto &a, const auto &b) { return a.index() < b.index(); });
	return m.size() + u.size() + s.size() + v.size();
}
template <int... N> size_t all(size_t n, std::integer_sequence<int, N...>) { return (work<N>(n) + ...); }
size_t run(size_t n) { return all(n, std::make_integer_sequence<int, TEMPLATES>()); }
}
"""


def build(folder, units, templates):
    def path(name):
        return os.path.join(folder, name)

    with open(path("unit.cc"), "w", encoding="ascii") as f:
        f.write(UNIT.replace("TEMPLATES", str(templates)))
    subprocess.run(["g++", "-std=c++17", "-O2", "-g", "-S", path("unit.cc"), "-o", path("unit.s")], check=True)
    with open(path("unit.s"), encoding="utf-8") as f:
        assembly = f.read()
    names = [f"u{i:04d}" for i in range(1, units + 1)]
    for name in names:
        with open(path("copy.s"), "w", encoding="utf-8") as f:
            f.write(assembly.replace("u0001", name))
        subprocess.run(["as", path("copy.s"), "-o", path(name + ".o")], check=True)
    with open(path("main.cc"), "w", encoding="ascii") as f:
        f.write("".join(f"namespace {n} {{ unsigned long run(unsigned long); }}\n" for n in names))
        f.write("int main(int argc, char **) { return 1 == 0ul" + "".join(f" + {n}::run(argc)" for n in names) + "; }\n")
    subprocess.run(["g++", "-g", "-O2", path("main.cc"), *(path(n + ".o") for n in names), "-o", path("program")], check=True)
    for name in names + ["copy.s"]:
        os.unlink(path(name + ("" if name == "copy.s" else ".o")))
    return path("program")


def addresses_of(program, frames):
    """Return addresses of all calls, then other instructions, far apart, until there are enough."""
    listing = subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", program], stdout=subprocess.PIPE, text=True)
    calls, others, after_call = [], [], False
    for line in listing.stdout:
        m = re.match(r"\s*([0-9a-f]+):\t(\w*)", line)
        if m:
            (calls if after_call else others).append(m.group(1))
            after_call = m.group(2).startswith("call")
    listing.wait()
    missing = max(frames - len(calls), 0)
    return calls[:frames] + others[::max(len(others) // missing, 1)][:missing] if missing else calls[:frames]


def main():
    binary = os.path.join(sys.argv[1], "tests", "bench", "naming")
    units, frames, templates = (int(x) for x in (sys.argv[2:] + ["20", "100000", "12"][len(sys.argv) - 2:])[:3])
    with tempfile.TemporaryDirectory(prefix="tracker-naming") as folder:
        program = build(folder, units, templates)
        sections = subprocess.run(["readelf", "-SW", program], capture_output=True, text=True, check=True).stdout
        debug = sum(int(m.group(1), 16) for m in re.finditer(r" \.debug_\w+ +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", sections))
        text = "\n".join(addresses_of(program, frames))
        out = subprocess.run([binary, program, os.path.join(folder, "out.bin")], input=text, capture_output=True, text=True,
                             check=True).stdout
    count, seconds, cpu, memory = out.split()
    print(f"{int(count):,} frames, {debug / 1e6:,.0f} MB of debug information: {seconds} s, {cpu} s of CPU, "
          f"{int(memory) / 1e6:,.0f} MB")
    return 0 if int(count) else 1


if __name__ == "__main__":
    sys.exit(main())
