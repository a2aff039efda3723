#!/usr/bin/env python3
"""questions - names of a program's own functions, which it asks for again and again while its modules come, go, are deleted and are
replaced. The truth is what the plugins were built from, and what the kernel lets the program open.

usage: questions.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import subprocess

import harness
from harness import equal, execute, need

PLUGIN = """#include <stdlib.h>
#define PASTE(a, b) a##b
#define NAMED(n) PASTE(by_, n)
__attribute__((noinline)) void *NAMED(NAME)(size_t size)
{
#line LINE "plugin.c"
	void *volatile p = malloc(size);
	return p;
}
void *make(size_t size)
{
	void *volatile p = NAMED(NAME)(size);
	return p;
}
"""
WAYS = "preloaded", "tracker run"


class Cases:
    def __init__(self, tracker):
        self.t = tracker
        self.libtracker = tracker.find("libtracker.so")
        self.folder = tracker.file(".plugins")
        os.mkdir(self.folder)

    def plugin(self, name, line, *options, path=None):
        path = path or os.path.join(self.folder, f"{name}{line}.so")
        subprocess.run([need("cc"), "-xc", "-", "-O0", "-g", "-fPIC", "-shared", f"-DNAME={name}", *options, "-o", path],
                       input=PLUGIN.replace("LINE", str(line)).encode(), check=True)
        return path

    def says(self, commands, want, ways=WAYS):
        """commands: a list, or a function that prepares files anew and returns one."""
        for way in ways:
            argv = [self.t.fixture("questions"), *(commands() if callable(commands) else commands)]
            r = self.t.record(argv) if way == "tracker run" else execute(argv, {"LD_PRELOAD": self.libtracker})
            equal(f"{way}: status, stderr", (r.status, r.stderr.decode()), (0, ""))
            equal(way, r.stdout.decode().splitlines(), want)

    def b20_second_question_opens_nothing(self):
        """With two more descriptors, which is what the question itself needs, no module can be opened."""
        path = self.plugin("first", 10)
        self.says([f"load:{path}", "ask", "limit:2", "make", "ask", "top:1000"], ["plugin.c:10 by_first"] * 4)

    def b20_no_descriptor_stays(self):
        """Nor is one closed that has become the program's."""
        path = self.plugin("first", 10)
        for way in WAYS:
            argv = [self.t.fixture("questions"), f"load:{path}", "fds", "ask", "fds", "top:1000", "fds"]
            r = self.t.record(argv) if way == "tracker run" else execute(argv, {"LD_PRELOAD": self.libtracker})
            counts = [line for line in r.stdout.decode().splitlines() if line.endswith("descriptors")]
            equal(f"{way}: descriptors before and after", len(counts) == 3 and len(set(counts)), 1)
        many = [self.plugin("many", n) for n in range(1, 31)]
        self.says(["close", f"load:{many[0]}", "ask", *(c for p in many[1:] for c in (f"load:{p}", "ask")), "fds"],
                  [f"plugin.c:{n} by_many" for n in range(1, 31)] + ["6 descriptors"])

    def b20_bounded(self):
        """Thirty modules that are unloaded again: at most 24 files stay mapped, and all names are right, also of those that were closed."""
        many = [self.plugin("many", n) for n in range(1, 31)]
        lines = [f"plugin.c:{n} by_many" for n in range(1, 31)]
        commands = [c for p in many for c in (f"load:{p}", "ask", "unload")]
        for way in WAYS:
            argv = [self.t.fixture("questions"), *commands, "maps:many", *commands]
            r = self.t.record(argv) if way == "tracker run" else execute(argv, {"LD_PRELOAD": self.libtracker})
            said = r.stdout.decode().splitlines()
            equal(f"{way}: names", said[:30] + said[31:], lines + lines)
            harness.check(1 <= int(said[30].split()[0]) <= 24, f"{way}: {said[30]}")

    def b20_deleted(self):
        """Before anybody asked, and between two questions."""
        def commands():
            path = self.plugin("gone", 20)
            return [f"load:{path}", f"remove:{path}", "ask", "make", "ask", "top:1000"]
        self.says(commands, ["plugin.c:20 by_gone"] * 4)

    def b20_replaced(self):
        """Another build at the same path, with build-ids and without: each block has the names of its own."""
        for options in [], ["-Wl,--build-id=none"]:
            def commands():
                path = self.plugin("old", 30, *options)
                new = self.plugin("newer", 41, *options)
                return [f"load:{path}", "ask", "unload", f"move:{new}:{path}", f"load:{path}", "ask", "make", "ask"]
            self.says(commands, ["plugin.c:30 by_old", "plugin.c:41 by_newer", "plugin.c:41 by_newer"])

    def b20_written_over(self):
        """What is mapped of a file that was made shorter must not be touched; its names are gone, and no others are told."""
        for options in [], ["-Wl,--build-id=none"]:
            def commands():
                path = self.plugin("over", 50, *options)
                other = self.t.file(".short")
                with open(other, "wb") as f:
                    f.write(b"short")
                return [f"load:{path}", "ask", "unload", f"write:{other}:{path}", "ask"]
            self.says(commands, ["plugin.c:50 by_over", "over50.so:0 "])

    def q2_b22_first_frame(self):
        """Frames of allocators do not count, so one frame is the function that allocates; the stack is as deep as it was."""
        functions = ["by_malloc", "by_new", "by_vector", "by_push_back", "by_string", "by_map", "by_shared", "by_strdup"]
        for name, nframe, way in ("first_frame", 1, 0), ("first_frame", 1, 1), ("first_frame", 2, 0), ("first_frame_fast", 1, 0):
            argv = [self.t.fixture(name), str(nframe)]
            r = self.t.record(argv) if way else execute(argv, {"LD_PRELOAD": self.libtracker})
            equal(f"{argv}: status, stderr", (r.status, r.stderr.decode()), (0, ""))
            lines = [line.split(None, 3) for line in r.stdout.decode().splitlines()]
            blocks = {(size, deeper, f.split("(")[0]) for how, size, deeper, f in lines if how == "block"}
            traces = {(size, deeper, f.split("(")[0]) for how, size, deeper, f in lines if how == "trace"}
            want = {(str(nframe), "1", f) for f in functions}
            equal(f"{argv}: blocks without GLib's", blocks - {(str(nframe), "1", "by_g_malloc")}, want)
            harness.check(traces >= blocks | {(str(nframe), "1", "by_function")}, f"{argv}: traces: {traces}")

    def q2_d15_captures(self):
        """The same of a capture that a program makes of itself, in reports."""
        path = self.t.file(".bin")
        argv = [self.t.fixture("first_frame"), "1", path]
        r = execute(argv, {"LD_PRELOAD": self.libtracker})
        equal("status, stderr", (r.status, r.stderr.decode()), (0, ""))
        rows = self.t.json("table", "--group-by", "function", path + "@end")["rows"]
        names = {row["key"].split("(")[0] for row in rows}
        harness.check(names >= {"by_new", "by_vector", "by_map", "by_shared", "by_function"}, f"rows: {names}")

    def b20_in_a_forked_child(self):
        path = self.plugin("first", 10)
        self.says([f"load:{path}", "ask", "fork", "make", "ask"], ["plugin.c:10 by_first"] * 2)


def make_cases(tracker):
    cases = Cases(tracker)
    return [(n.replace("_", " "), getattr(cases, n)) for n in vars(Cases) if n[0] in "bq" and n[1:2].isdigit()]


if __name__ == "__main__":
    harness.main(make_cases)
