"""big - a large C++ program with debug information, for the benchmark of symbols.

Units of containers, algorithms and lambdas over types of their own, so that the
linker finds nothing twice: code is inlined many levels deep. Compiled once and
kept beside the other files of the build.
"""
import os
import subprocess

from harness import need

UNITS, TYPES = 24, 9
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


def build(folder):
    """The program, compiled where it is not there yet."""
    compiler, program = need("g++"), os.path.join(folder, "big")
    os.makedirs(folder, exist_ok=True)
    objects = []
    for name, text in [(f"unit_{u}", unit(u)) for u in range(UNITS)] + [("main", main_unit())]:
        source, compiled = (os.path.join(folder, name + suffix) for suffix in (".cc", ".o"))
        objects.append(compiled)
        if os.path.exists(compiled):
            continue
        with open(source, "w") as f:
            f.write(text)
        subprocess.run([compiler, *FLAGS, "-c", source, "-o", compiled + ".part"], check=True, cwd=folder)
        os.rename(compiled + ".part", compiled)
    if not os.path.exists(program):
        subprocess.run([compiler, *objects, "-o", program], check=True, cwd=folder)
    return program
