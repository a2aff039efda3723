#!/usr/bin/env python3
"""features - what a user was promised, a case for each row of the table in docs/TESTING.md,
named by the row's id. The truth is arithmetic in the programs, or another tool.

usage: features.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import pty
import re
import signal
import subprocess

import harness
from harness import check, equal, execute, need
import reports

FLAME = (5, 550000, 450000)  # allocations, bytes, peak: missing, e, i 100000 each, g twice and d half of it
LEAKED = 3 * 1001 + 2 * 1002


class Features:
    def __init__(self, tracker):
        self.t = tracker
        self.captures = {}

    def recorded(self, name, *arguments, options=()):
        """A capture of that, to be read only: the cases share it."""
        key = name, arguments, tuple(options)
        if key not in self.captures:
            r = self.t.record([self.t.fixture(name), *arguments], options)
            equal(f"{name}: status", r.status, 0)
            self.captures[key] = r.capture
        return self.captures[key]

    def tracker_run(self, *words, **more):
        return execute([self.t.tracker, "run", *words], **more)

    def operands(self, name, capture):
        return [*reports.ON_STDOUT.get(name, []), *([capture] if name == "diff" else []), capture]

    def called(self, name, *arguments):
        r = subprocess.run([self.t.reporter(name), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def refused(self, code, words, name, *arguments):
        status, out, err = self.called(name, *arguments)
        equal(f"{name} {arguments}: status, stdout", (status, out), (code, ""))
        check(len(err.splitlines()) == 1 and err.startswith(f"tracker-{name}: ") and words in err, f"{name}: {err!r}")

    def figures(self, capture):
        s = self.t.json("stats", capture)
        return s["total_num_allocations"], s["total_bytes_allocated"], s["metadata"]["peak_memory"]

    # ---- B: traces ----

    def b12_clear_traces(self):
        """What lived is unknown afterwards, its release is ignored, and the peak begins anew."""
        for options in ((), ("--aggregate",)):
            capture = self.recorded("cleared", options=options)
            s = self.t.json("stats", capture)
            equal("peak, leaked", (s["metadata"]["peak_memory"], s["leaked_bytes"], s["leaked_allocations"]), (1400, 1400, 2))
            sizes = [(r["size"], r["count"]) for r in self.t.json("leaks", capture)["rows"]]
            equal("leaks", sizes, [(1400, 2)])
        rows = lambda point: [(r["size"], r["count"]) for r in self.t.json("table", self.plain + point)["rows"]]
        self.plain = self.recorded("cleared")
        equal("before", rows("@one"), [(1 << 20, 1), (3000, 3)])
        equal("when it was cleared", rows("@two"), [])
        equal("the third point is one line", rows("@three"), [(1400, 2)])
        equal("the peak", rows(""), [(1400, 2)])
        (event,) = [e for e in self.t.events(self.plain, "--stacks") if e["kind"] == "clear"]
        equal("who asked", event["frames"][0]["function"], "tracker_clear_traces")

    # ---- 0: conventions ----

    def c01_exit_codes_of_run(self):
        """The program's own, also by signal; 126 not executable, 127 not found."""
        plain = self.t.file(".txt")
        with open(plain, "w", encoding="ascii") as f:
            f.write("no program\n")
        for script, want in (("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM), ("kill -KILL $$", -signal.SIGKILL)):
            equal(script, self.t.record(["sh", "-c", script]).status, want)
        equal("not executable", self.t.record([plain]).status, 126)
        equal("not found", self.t.record([plain + ".none"]).status, 127)

    def c02_exit_codes_of_reporters(self):
        capture = self.recorded("leak")
        for name in self.t.reports():
            equal(f"{name}: done", self.called(name, *self.operands(name, capture))[0], 0)
            self.refused(1, "No such file", name, *self.operands(name, capture + ".none"))
            self.refused(2, "--no-such-option", name, "--no-such-option", capture)
        equal("gate", self.called("leaks", "--fail-on-leak", capture)[0], 3)

    def c03_machine_output(self):
        capture = self.recorded("leak")
        for name in self.t.reports():
            if name != "dump":
                arguments = [capture, capture] if name == "diff" else [capture]
                whole = json.loads(self.t.run(name, "--json", *arguments))
                equal(f"{name}: schema", (whole["schema"], type(whole["schema_version"])), ("tracker." + name, int))
        for event in self.t.events(capture, "--stacks"):
            equal("keys", {"seq", "time_ns", "pid", "tid", "kind", "address"} - set(event), set())
            check(event["kind"] != "malloc" or event["stack"] is not None and event["size"] >= 0, f"{event}")

    def c04_points(self):
        """Peak, end, parts of the way; labels and ranges are those of run.py's lists."""
        capture = self.recorded("flame")
        for point, want in (("", 450000), ("@end", 450000), ("@0%", 0), ("@100%", 450000)):
            equal(point, self.t.json("table", capture + point)["total_size"], want)

    def q04_b22_depth(self):
        """The most recent frames are kept, and how many there were is known: level n is called by n others."""
        events = [e for e in self.t.events(self.recorded("levels", "5", options=("--nframe", "2")), "--stacks")
                  if e["kind"] == "malloc" and e["size"] >= 100000]
        equal("frames", {len([f for f in e["frames"] if f["function"] != "<truncated stack>"]) for e in events}, {2})
        base = min(e["total_nframe"] for e in events)
        check(base >= 2, f"{base} frames at least")
        equal("depths", {e["size"] - 100000: e["total_nframe"] - base for e in events}, {n: 2 * n for n in range(6)})

    # ---- B: statistics ----

    def b19_no_bytes(self):
        """malloc(0) is an allocation of no bytes: the program asks for a few and keeps them."""
        r = self.t.record([need("python3"), "-S", "-c", "import ctypes; c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n"
                           "for i in range(7): c.malloc(0)"])
        rows = [(row["size"], row["count"]) for row in self.t.json("table", "-n", "0", "-g", "size", r.capture + "@end")["rows"]]
        check((0, 7) in rows, f"{rows[-5:]}")

    def b31_list(self):
        lines = self.t.text("table", "--list", self.recorded("leak") + "@end").splitlines()
        equal("blocks", len(lines), 5)

    def b36_order(self):
        """The biggest first; of the same size the larger count."""
        rows = [(r["size"], r["count"]) for r in self.t.json("table", "-n", "0", self.recorded("flame"))["rows"]]
        equal("order", rows, sorted(rows, reverse=True))

    def b42_b44_difference(self):
        """What is gone is listed, with its sign and without an average."""
        capture = self.recorded("cleared")
        lines = self.t.text("diff", "-n", "0", capture + "@one", capture + "@three").splitlines()
        gone = [line for line in lines if "size=0 B (-" in line]
        equal("gone", sorted(re.search(r": (size=.*)", line).group(1) for line in gone), [
            "size=0 B (-1024 KiB), count=0 (-1)", "size=0 B (-3000 B), count=0 (-3)"])
        new = [line for line in lines if line not in gone]
        check(len(new) == 1 and new[0].endswith("size=1400 B (+1400 B), count=2 (+2), average=700 B"), f"{new}")

    def b35_unknown_key(self):
        self.refused(2, "unknown key_type: 'bogus'", "table", "--group-by", "bogus", self.recorded("leak"))

    def b38_b35_every_key_has_the_same_sum(self):
        capture = self.recorded("flame")
        for key in ("filename", "lineno", "traceback", "function", "module", "thread", "size"):
            rows = self.t.json("table", "-n", "0", "-g", key, capture)["rows"]
            equal(key, (sum(r["size"] for r in rows), sum(r["count"] for r in rows)), (450000, 4))
        lines = self.t.text("table", "-g", "filename", capture).splitlines()
        check(re.fullmatch(r".*/flame\.c:0: size=439 KiB, count=4, average=110 KiB", lines[0]) and len(lines) == 1, f"{lines}")

    def b39_cumulative(self):
        capture = self.recorded("flame")
        self.refused(2, "cumulative mode cannot be used with key type 'traceback'", "table", "-c", "-g", "traceback", capture)
        rows = {r["key"].split(":")[-1] if "flame.c" in r["key"] else r["key"]: r["size"]
                for r in self.t.json("table", "-n", "0", "-c", "-g", "function", capture)["rows"]}
        got = {name: size for key, size in rows.items() for name in "abcdefghi" if re.search(rf"\b{name}\b", key.split(" ")[0])}
        equal("by function", got, {"a": 450000, "b": 350000, "c": 350000, "d": 350000, "e": 100000, "f": 200000,
                                   "g": 200000, "h": 100000, "i": 100000})

    def b46_limit(self):
        capture = self.recorded("flame")
        whole = self.t.text("table", "-n", "0", capture).splitlines()
        equal("rows", (len(whole), self.t.text("table", "-n", "2", capture).splitlines()), (4, whole[:2]))
        equal("title", self.t.text("table", "-n", "2", "--title", capture).splitlines()[0], "[ Top 2 ]")

    def b47_pretty(self):
        """What is shown and the rest make the total."""
        text = self.t.text("table", "--pretty", "-n", "2", self.recorded("flame"))
        shown = [float(x) for x in re.findall(r"^#\d+: .*: ([\d.]+) KiB$", text, re.M)]
        other, total = (float(re.search(rf"{p}: ([\d.]+) KiB", text).group(1)) for p in ("other", "Total allocated size"))
        equal("rows", len(shown), 2)
        check(abs(sum(shown) + other - total) < 0.2 and abs(total - 450000 / 1024) < 0.06, text)

    def b48_biggest_stack(self):
        lines = self.t.text("table", "-g", "traceback", "-n", "1", "--traceback", self.recorded("flame")).splitlines()
        frames = [line for line in lines if line.startswith("  File ")]
        check(": size=195 KiB, count=1, average=195 KiB" in lines[0], lines[0])
        check(len(frames) >= 7 and "flame.c" in frames[-1], f"{frames}")  # main a b c d f g, most recent last

    def b49_fail_above(self):
        small, large = self.recorded("leak"), self.recorded("flame")
        growth = 450000 - self.figures(small)[2]
        for limit, want in ((growth, 0), (growth - 1, 3)):
            equal(f"{limit}", self.called("diff", "--fail-above", str(limit), small, large)[0], want)

    # ---- D: recording ----

    def d07_exists(self):
        capture, witness = self.t.file(".bin"), self.t.file(".witness")
        with open(capture, "w", encoding="ascii") as f:
            f.write("mine")
        r = self.tracker_run("-o", capture, "--", "touch", witness)
        equal("status, the program ran", (r.status, os.path.exists(witness)), (1, False))
        check(b"already exists" in r.stderr, f"{r.stderr!r}")
        with open(capture, encoding="ascii") as f:
            equal("the file", f.read(), "mine")
        equal("forced", self.tracker_run("-f", "-o", capture, "--", self.t.fixture("flame")).status, 0)
        equal("figures", self.figures(capture), FLAME)

    def d08_cannot_create(self):
        witness = self.t.file(".witness")
        r = self.tracker_run("-o", "/doesn/t/exist", "--", "touch", witness)
        equal("status, the program ran", (r.status, os.path.exists(witness)), (1, False))
        check(b"/doesn/t/exist: No such file or directory" in r.stderr, f"{r.stderr!r}")

    def d09_null(self):
        r = self.tracker_run("-o", "/dev/null", "--", "sh", "-c", "exit 3")
        equal("status", r.status, 3)
        check(b"tracker stats" not in r.stderr, f"{r.stderr!r}")

    def d06_d10_packing_changes_no_report(self):
        reports = []
        for options in ((), ("--compress", "lz4"), ("--compress", "none"), ("--no-compress",), ("--buffered-file-io",)):
            capture = self.recorded("flame", options=options)
            reports.append((self.figures(capture), self.t.run("flamegraph", "--format", "folded", "--allocations", capture)))
        equal("reports", [r == reports[0] for r in reports], [True] * len(reports))

    def d11_killed(self):
        """A program that was killed: all of it is there, and reports say how it ended."""
        r = self.t.record(["sh", "-c", "kill -KILL $$"])
        equal("status", r.status, -signal.SIGKILL)
        equal("signal", self.t.json("info", r.capture)["processes"][0]["signal"], 9)
        check("killed by SIGKILL" in self.t.text("info", r.capture), "info says it")
        for name in ("stats", "table", "leaks"):
            self.t.run(name, r.capture)

    def d22_d24_what_sums_cannot_say(self):
        """Another threshold, events and moments: exit 1, and what to do."""
        sums = self.recorded("flame", options=("--format", "aggregated"))
        equal("the recorded threshold", self.called("temporary", "-n", "1", sums)[0], 0)
        self.refused(1, "threshold 1", "temporary", "-n", "2", sums)
        self.refused(1, "aggregated", "dump", "--json", sums)
        self.refused(1, "aggregated", "table", sums + "@50%")

    def d29_mappings(self):
        """Parts of mappings that are unmapped, by the page."""
        for number, pages in enumerate((11, 12, 10, 13, 17), 1):
            equal(f"peak of {number}", self.figures(self.recorded("mapped", str(number)))[2], pages * 4096)

    def d30_unknown_blocks(self):
        """What was allocated before is not freed: no figure falls below nothing."""
        s = self.t.json("stats", self.recorded("cleared"))
        equal("negative", {k: v for k, v in s.items() if isinstance(v, (int, float)) and v < 0}, {})
        check(s["total_num_frees"] <= s["total_num_allocations"], f"{s['total_num_frees']} of {s['total_num_allocations']}")

    def d31_last_peak(self):
        """Of two equal peaks the later one is shown: fx/peak.c says which line that is."""
        equal("table", self.t.text("table", self.recorded("peak")), "/src/peak.c:20: size=5000 B, count=1, average=5000 B\n")

    def d37_what_cannot_be_recorded(self):
        """A static program runs, and the advice can be followed: linked without -static it is recorded."""
        source, program = self.t.file(".c"), self.t.file(".static")
        with open(source, "w", encoding="ascii") as f:
            f.write("#include <stdlib.h>\nint main(void) { return malloc(10) ? 7 : 1; }\n")
        subprocess.run([need("gcc"), "-fno-builtin", "-static", "-o", program, source], check=True)
        r = self.tracker_run("-o", self.t.file(".bin"), "--", program)
        said = r.stderr.decode().splitlines()[0]
        equal("status", r.status, 7)
        check("is statically linked" in said and said.endswith("link it dynamically, without -static; it runs unrecorded"), said)
        subprocess.run([need("gcc"), "-fno-builtin", "-o", program, source], check=True)
        r = self.t.record([program])
        equal("linked as advised", (r.status, [e["size"] for e in self.t.events(r.capture) if e["kind"] == "malloc"]), (7, [10]))

    def d17_children(self):
        """Three children: four processes whose counts add up; without --follow-fork none of theirs."""
        leak = self.t.fixture("leak")
        script = f"'{leak}' & '{leak}' & '{leak}' & wait"
        r = self.t.record(["sh", "-c", script])
        stats, info = self.t.json("stats", r.capture), self.t.json("info", r.capture)
        equal("processes", len(info["processes"]), 4)
        children = [p["pid"] for p in info["processes"] if p["name"] == "fx_leak"]
        each = [self.t.json("stats", "--pid", str(p["pid"]), r.capture)["total_num_allocations"] for p in info["processes"]]
        equal("sum", sum(each), stats["total_num_allocations"])
        for pid in children:
            equal("leaks of a child", self.t.json("leaks", "--pid", str(pid), r.capture)["total_bytes"], LEAKED)
        equal("children", len(children), 3)
        alone = self.t.record(["sh", "-c", script], ["--no-follow-fork"])
        equal("without", len(self.t.json("info", alone.capture)["processes"]), 1)

    def d18_executed(self):
        a, b = self.t.fixture("leak"), self.t.fixture("flame")
        r = self.t.record(["sh", "-c", f"'{a}'; '{b}'; true"])
        equal("names", [p["name"] for p in self.t.json("info", r.capture)["processes"]], ["sh", "fx_leak", "fx_flame"])
        alone = self.t.record(["sh", "-c", f"exec '{a}'"], ["--no-follow-exec"])
        check(LEAKED > self.t.json("leaks", alone.capture)["total_bytes"], "the executed program was recorded")

    def d20_d21_aggregated(self):
        one, other = self.recorded("flame"), self.recorded("flame", options=("--format", "aggregated"))
        equal("content", [self.t.json("info", c)["content"] for c in (one, other)], ["events", "aggregated"])
        for report in (("flamegraph", "--format", "folded"), ("flamegraph", "--format", "folded", "--leaks"),
                       ("table", "-n", "0"), ("tree",), ("summary",), ("temporary",), ("leaks",)):
            text = self.t.run(*report, one).replace(b"tracker run --leak-check tells which of these blocks can still be reached\n", b"")
            equal(f"{report}", self.t.run(*report, other), text)
        equal("figures", self.figures(other), self.figures(one))

    def d26_aggregated_is_smaller(self):
        script = "for i in range(300000): bytes(600 + i % 50)"
        sizes = []
        for options in ((), ("--aggregate",)):
            r = self.t.record([need("python3"), "-c", script], options, env={"PYTHONMALLOC": "malloc"})
            check(self.t.json("stats", r.capture)["total_num_allocations"] >= 300000, "the program did not allocate")
            sizes.append(os.path.getsize(r.capture))
        check(sizes[1] < sizes[0], f"{sizes}")

    def d28_kinds(self):
        r = self.t.record([self.t.fixture("kinds")])
        wanted = {}
        for words in (line.split() for line in r.stdout.decode().splitlines()):
            if words[0] == "T" and words[1] not in ("free", "munmap"):
                wanted[words[1]] = wanted.get(words[1], 0) + int(words[3])
        got = self.t.json("stats", r.capture)["allocator_type_distribution"]
        equal("kinds that are not named", set(wanted) - set(got), set())
        equal("too few", {k: (got[k], n) for k, n in wanted.items() if got[k] < n}, {})

    def d33_header(self):
        header = json.loads(self.t.run("dump", "--header", "--json", self.recorded("flame")))
        equal("total_allocations, total_frees, peak_memory", tuple(header[k] for k in (
            "total_allocations", "total_frees", "peak_memory")), (5, 1, 450000))
        equal("missing", {"start_time", "end_time", "total_frames", "command_line", "pid", "main_thread_id", "allocator",
                          "has_native_traces", "file_format", "page_size", "hostname", "libc", "build_ids"} - set(header), set())
        program = self.t.fixture("flame")
        notes = subprocess.run([need("readelf"), "-n", program], capture_output=True, check=True).stdout.decode()
        equal("build id", header["build_ids"][program], re.search(r"Build ID: (\w+)", notes).group(1))

    def d34_no_capture(self):
        path = self.t.file(".bin")
        with open(path, "w", encoding="ascii") as f:
            f.write("this is text\n" * 20)
        for name in self.t.reports():
            words = "Failed to compute statistics" if name == "stats" else "Failed to parse allocation records in " + path
            self.refused(1, words, name, *self.operands(name, path))

    def d36_output_is_the_programs(self):
        folder = self.t.file(".folder")
        os.mkdir(folder)
        r = subprocess.run([self.t.tracker, "run", "--", "cat", os.path.abspath(__file__)], cwd=folder, capture_output=True)
        with open(__file__, "rb") as f:
            equal("stdout", r.stdout == f.read(), True)
        check(re.fullmatch(r"tracker\.cat\.\d+\.bin", *os.listdir(folder)), f"{os.listdir(folder)}")
        check(os.listdir(folder)[0].encode() in r.stderr, f"{r.stderr!r}")
        equal("quiet", self.tracker_run("-q", "-o", self.t.file(".bin"), "--", "true").stderr, b"")

    # ---- D: reports ----

    def d50_d51_stats(self):
        capture = self.recorded("flame")
        equal("figures", self.figures(capture), FLAME)
        s, text = self.t.json("stats", capture), self.t.text("stats", capture)
        bins = s["allocation_size_histogram"]
        equal("histogram", [sum(b["count"] for b in bins if b["min_bytes"] <= size <= b["max_bytes"])
                            for size in (50000, 100000, 200000)], [1, 3, 1])
        equal("kinds", s["allocator_type_distribution"], {"malloc": 5})
        for line in ("Total allocations:\n\t5\n", "Total memory allocated:\n\t537 KiB\n", "Peak memory usage:\n\t439 KiB in 4 ",
                     "\tmalloc: 5\n"):
            check(line in text, f"no {line!r} in {text}")
        for key in ("location", "module"):
            by_size = s[f"top_{key}s_by_size" if key == "module" else "top_allocations_by_size"]
            equal(f"first {key}", by_size[0]["size"], 200000 if key == "location" else 550000)

    def d52_number(self):
        for n in ("0", "x", "-1"):
            self.refused(2, f"{n} is an invalid positive int value", "stats", "-n", n, self.recorded("leak"))

    def d53_temporary(self):
        """N + 1 blocks freed in reverse: at threshold k, k + 1 of them are temporary; in every report."""
        for n in (1, 2, 5, 10):
            capture = self.recorded("temporary", "lifo", str(n))
            for k in (0, n - 1, n):
                equal(f"lifo {n}, threshold {k}", self.t.json("temporary", "-n", str(k), capture)["total_count"], k + 1)
                option = ("--temporary-allocation-threshold", str(k))
                for name in ("table", "summary", "tree"):
                    equal(f"{name}: lifo {n}, threshold {k}", self.t.json(name, *option, capture)["total_count"], k + 1)

    def d54_questions_exclude_each_other(self):
        capture = self.recorded("leak")
        for name in ("table", "summary", "tree", "flamegraph"):
            self.refused(2, "argument --leaks: not allowed with argument --temporary-allocations", name, "--leaks",
                         "--temporary-allocations", *self.operands(name, capture))

    def d56_leaks(self):
        capture = self.recorded("leak")
        equal("leaks", self.t.json("leaks", capture)["total_bytes"], LEAKED)
        equal("other reports", [self.t.json(n, "--leaks", capture)["total_size"] for n in ("table", "summary", "tree")], [LEAKED] * 3)
        for words, want in (("lost", 2 * 1002), ("fx_leak", 0)):
            rules = self.t.file(".supp")
            with open(rules, "w", encoding="ascii") as f:
                f.write(f"leak:{words}\n")
            equal(f"without {words}", self.t.json("leaks", "--suppressions", rules, capture)["total_bytes"], want)
            equal("gate", self.called("leaks", "--fail-on-leak", "--suppressions", rules, capture)[0], 3 if want else 0)

    def d58_d59_flamegraph(self):
        flame, inverted = self.recorded("flame"), self.recorded("inverted")
        lines = self.t.text("flamegraph", "--format", "folded", flame).splitlines()
        equal("sum", sum(int(line.rpartition(" ")[2]) for line in lines), 450000)
        root = self.t.json("flamegraph", "--inverted", inverted)["root"]
        equal("inverted", {c["name"]: c["value"] for c in root["children"]}, {"a": 3000000, "a1": 1000000})

    def d60_threads(self):
        capture = self.recorded("threads", "short")
        split, whole = (self.t.json("flamegraph", "--allocations", *o, capture)["root"] for o in (["--split-threads"], []))
        equal("sum", sum(c["value"] for c in split["children"]), whole["value"])
        check(all(re.fullmatch(r"0x[0-9a-f]+ \(.*\)", c["thread"]) for c in split["children"]), "names of threads")

    def d62_confidential(self):
        """A source that others may not read: its lines only on request."""
        source, program = self.t.file(".c"), self.t.file(".program")
        line = "return !malloc(54321); /* nobody's business */"
        with open(source, "w", encoding="ascii") as f:
            f.write("#include <stdlib.h>\nint main(void)\n{\n\t" + line + "\n}\n")
        subprocess.run([need("gcc"), "-g", "-O0", "-fno-builtin", "-o", program, source], check=True)
        capture = self.t.record([program]).capture
        for mode, shown in ((0o644, ("default", "all")), (0o600, ("all",))):
            os.chmod(source, mode)
            for which in ("default", "all", "none"):
                for report in (("table", "--traceback"), ("table", "--pretty"), ("diff", "--traceback", capture)):
                    text = self.t.text(*report, "--confidential-files", which, capture)
                    equal(f"{report[:2]} {which} {mode:o}", (line in text, source + '", line 4' in text or "--pretty" in report),
                          (which in shown, True))
                page = self.t.text("flamegraph", "-o", "-", capture)
                check("nobody's business" not in page, "the page has source lines")

    def d63_summary(self):
        capture = self.recorded("flame")
        self.refused(2, "outside the range 1 to 5", "summary", "-s", "6", capture)
        rows = self.t.json("summary", "-r", "100", capture)["rows"]
        got = {r["location"].split(" ")[0]: (r["total_size"], r["own_size"]) for r in rows}
        equal("d", got["d"], (350000, 50000))
        equal("own", sum(own for _, own in got.values()), 450000)

    def d64_tree(self):
        text = self.t.text("tree", "-b", "1", self.recorded("flame"))
        check("(44.44 %)" in text.splitlines()[0], text)  # the biggest of the stacks: 200000 of 450000

    def d67_no_terminal(self):
        master, slave = pty.openpty()
        try:
            r = subprocess.run([self.t.reporter("dump"), self.recorded("leak")], stdout=slave, stderr=subprocess.PIPE)
        finally:
            os.close(slave)
            os.close(master)
        equal("status", r.returncode, 1)
        check(b"You must redirect stdout to a file or shell pipeline." in r.stderr, f"{r.stderr!r}")

    def d68_names(self):
        capture = self.recorded("flame")
        page = os.path.join(os.path.dirname(capture), f"tracker-flamegraph-{os.path.basename(capture)[:-4]}.html")
        equal("said", self.called("flamegraph", capture), (0, f"Wrote {page}\n", ""))
        self.refused(1, f"File already exists, will not overwrite without --force: {page}", "flamegraph", capture)
        equal("forced", self.called("flamegraph", "-f", capture)[0], 0)

    def d70_no_progress_into_files(self):
        capture = self.recorded("flame")
        for name in self.t.reports():
            equal(name, self.called(name, *self.operands(name, capture))[2], "")

    # ---- N ----

    def n03_one_capture_of_the_tree(self):
        r = self.t.record(["sh", "-c", f"'{self.t.fixture('leak')}' & '{self.t.fixture('flame')}' & wait"])
        processes = {p["name"]: p["pid"] for p in self.t.json("info", r.capture)["processes"]}
        equal("processes", sorted(processes), ["fx_flame", "fx_leak", "sh"])
        for name, left in (("fx_flame", 450000), ("fx_leak", LEAKED)):
            equal(name, self.t.json("leaks", "--pid", str(processes[name]), r.capture)["total_bytes"], left)

    def n13_health(self):
        whole = self.recorded("flame")
        info = self.t.json("info", whole)
        equal("complete", (info["complete"], info["incomplete"]), (True, None))
        with open(whole, "rb") as f:
            data = f.read()
        with open(self.t.file(".bin"), "wb") as f:
            f.write(data[:-40])
        for name in self.t.reports():
            status, _, err = self.called(name, *self.operands(name, f.name))
            check(status == 0 and "warning: " + f.name in err, f"{name}: {status} {err!r}")


def make_cases(t):
    features = Features(t)
    names = [n for n in dir(features) if re.match(r"[bcdnq]\d\d_", n)]
    return [(n.replace("_", " "), getattr(features, n)) for n in names]


if __name__ == "__main__":
    harness.main(make_cases)
