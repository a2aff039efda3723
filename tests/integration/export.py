#!/usr/bin/env python3
"""export - files of other programs, read by those programs: go tool pprof says what the program says of itself. What speedscope takes
is checked as its schema says it (https://www.speedscope.app/file-format-schema.json).

usage: export.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import csv
import json
import os
import re
import subprocess

import harness
from harness import check, equal, need

# What is allocated where stands in the names: keep, drop at once, keep until the end, in a thread.
SOURCE = r"""
#include <pthread.h>
#include <stdlib.h>
#define NOINLINE __attribute__((noinline))
void *kept[64];
static inline __attribute__((always_inline)) void *inlined(size_t size) { return malloc(size); }
NOINLINE void leaks(void) { for (int i = 0; i < 10; i++) kept[i] = inlined(1000); }
NOINLINE void soon_freed(void) { for (int i = 0; i < 7; i++) { void *volatile p = malloc(300); free(p); } }
NOINLINE void at_peak(int depth) { if (depth) { at_peak(depth - 1); __asm__(""); } else kept[20] = malloc(50000); }
static void *in_thread(void *data) { kept[30] = malloc(777); return data; }
int main(void)
{
	pthread_t t;

	leaks();
	soon_freed();
	at_peak(3);
	free(kept[20]);
	pthread_create(&t, NULL, in_thread, NULL);
	pthread_join(t, NULL);
	return 0;
}
"""
OWN = {  # of each function: allocated, live at the end, live at the peak, temporary; (blocks, bytes)
    "inlined": ((10, 10000), (10, 10000), (10, 10000), (0, 0)),
    "soon_freed": ((7, 2100), (0, 0), (0, 0), (7, 2100)),
    "at_peak": ((1, 50000), (0, 0), (1, 50000), None),  # whether it is temporary, the threads of libc decide
    "in_thread": ((1, 777), (1, 777), (0, 0), (0, 0)),
}
TYPES = ("alloc", "inuse", "peak", "temp")
KEYS = ("allocated", "live", "peak", "temporary")


class Export:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.file(".program")
        subprocess.run([need("gcc"), "-x", "c", "-g", "-O2", "-fno-optimize-sibling-calls", "-o", self.program, "-", "-pthread"], input=SOURCE.encode(), check=True)
        self.capture = self.record([self.program])

    def record(self, argv):
        capture = self.t.file(".bin")
        subprocess.run([self.t.tracker, "run", "-q", "-o", capture, "--", *argv], check=True, stdout=subprocess.DEVNULL)
        return capture

    def export(self, *options, status=0, capture=None, ending=".out"):
        path = self.t.file(ending)
        r = harness.execute([self.t.find("tracker-export"), *options, "-o", path, capture or self.capture])
        check(r.status == status, f"{options}: exit {r.status}, want {status}: {r.stderr!r}")
        return path if status == 0 else r.stderr.decode()

    def sums(self, *options, capture=None):
        return self.t.json("export", *options, capture or self.capture)

    def pprof(self, *arguments):
        r = subprocess.run([need("go"), "tool", "pprof", *arguments], capture_output=True, text=True, env=dict(os.environ, PPROF_TMPDIR=self.t.scratch))
        check(r.returncode == 0, f"pprof {arguments}: {r.stderr}")
        return r.stdout

    def top(self, profile, kind, *more):
        """Of `go tool pprof -top`: the total, and what each function has itself."""
        text = self.pprof("-top", "-nodefraction=0", "-unit=B" if kind.endswith("space") else "-unit=", f"-sample_index={kind}", *more, profile)
        total = int(re.search(r"of (\d+)B? total", text)[1])
        rows = {m[2]: int(m[1]) for m in re.finditer(r"^ *(\d+)B? +\S+ +\S+ +\d+B? +\S+ +(.*?)(?: \(inline\))?$", text, re.M)}
        return total, rows

    # ---- the cases ----

    def figures(self):
        """What pprof says of each function is what the program allocated there."""
        profile, sums = self.export(), self.sums()
        for i, (kind, key) in enumerate(zip(TYPES, KEYS)):
            for k, unit in enumerate(("objects", "space")):
                total, rows = self.top(profile, f"{kind}_{unit}")
                equal(f"total of {kind}_{unit}", total, sums[key]["size" if k else "count"])
                for function, want in OWN.items():
                    if want[i]:
                        equal(f"{kind}_{unit} of {function}", rows.get(function, 0), want[i][k])
        stats = self.t.json("stats", self.capture)
        equal("allocations", sums["allocated"], {"size": stats["total_bytes_allocated"], "count": stats["total_num_allocations"]})

    def stacks(self):
        """Callers, inlined functions, recursion, files and lines."""
        text = self.pprof("-traces", "-lines", "-sample_index=peak_space", self.export())
        stacks = [re.findall(r"^ *(?:\S+B)? +(\S+) \S*?([^/]*?):(\d+)", s, re.M) for s in text.split("-----------+-------------------------------------------------------")]
        names = [[f[0] for f in s] for s in stacks]
        check(["inlined", "leaks", "main"] in names, f"{names}")
        check(["at_peak"] * 4 + ["main"] in names, f"{names}")
        raw = self.pprof("-raw", self.export())
        check(re.search(r"^.*" + re.escape(self.program) + r" [0-9a-f]{40} \[FN\]\[FL\]\[LN\]\[IN\]", raw, re.M), raw[-1000:])
        check(re.search(r"PeriodType: space bytes\nPeriod: 1\n", raw), raw[:400])

    def threads(self):
        profile = self.export("--split-threads")
        text = self.pprof("-tags", "-sample_index=alloc_space", profile)
        check("thread_id" in text, text)
        apart = self.export("--thread", "nobody*", status=1)
        check("nobody" in apart, apart)
        _, rows = self.top(profile, "alloc_space", "-focus=in_thread")
        equal("in_thread", rows.get("in_thread"), 777)

    def compared(self):
        """Of two captures of one program nothing is left."""
        again = self.export(capture=self.record([self.program]))
        _, rows = self.top(again, "alloc_space", "-diff_base", self.export())
        equal("differences", {f: n for f, n in rows.items() if f in OWN and n}, {})

    def at_points(self):
        early = self.sums(capture=self.capture + "@1%")
        check(early["live"]["count"] < self.sums()["live"]["count"], f"{early}")
        equal("the peak", early["peak"], self.sums()["peak"])

    def speedscope(self):
        with open(self.export("--format", "speedscope"), encoding="utf-8") as f:
            d = json.load(f)
        equal("the schema", d["$schema"], "https://www.speedscope.app/file-format-schema.json")
        sums, frames = self.sums(), d["shared"]["frames"]
        check(all(isinstance(f["name"], str) and set(f) <= {"name", "file", "line", "col"} for f in frames), "frames")
        equal("profiles", [(p["name"].split()[0], p["unit"]) for p in d["profiles"]], [("live", "bytes"), ("live", "none")] * 2 + [("allocated", "bytes"), ("allocations", "none"), ("bytes", "bytes"), ("temporary", "none")])
        for p, (key, unit) in zip(d["profiles"], [(k, u) for k in ("peak", "live", "allocated", "temporary") for u in ("size", "count")]):
            equal(f"{p['name']}: its end", (p["type"], p["startValue"], p["endValue"], sum(p["weights"])), ("sampled", 0, sums[key][unit], sums[key][unit]))
            equal(f"{p['name']}: weights", len(p["weights"]), len(p["samples"]))
            check(all(0 <= i < len(frames) for s in p["samples"] for i in s), "a frame that is not there")
        peak = {tuple(frames[i]["name"] for i in s): w for s, w in zip(d["profiles"][0]["samples"], d["profiles"][0]["weights"])}
        equal("leaks", peak[("main", "leaks", "inlined")], 10000)
        equal("the peak", peak[("main", *["at_peak"] * 4)], 50000)

    def dhat(self):
        """What DHAT says beside that: how long blocks lived, and what was live at most."""
        program = self.t.file(".lives")
        source = r"""
            #include <stdlib.h>
            #include <time.h>
            static void rest(int ms) { nanosleep(&(struct timespec){ 0, ms * 1000000L }, NULL); }
            __attribute__((noinline)) void *one_at_a_time(void) { void *volatile p = malloc(100); return p; }
            __attribute__((noinline)) void *together(void) { void *volatile p = malloc(1000); return p; }
            __attribute__((noinline)) void *stays(void) { void *volatile p = malloc(10); return p; }
            int main(void)
            {
                void *kept = stays(), *all[5];
                for (int i = 0; i < 5; i++) { void *p = one_at_a_time(); rest(20); free(p); }
                for (int i = 0; i < 5; i++) all[i] = together();
                for (int i = 0; i < 5; i++) free(all[i]);
                rest(100);
                return kept == NULL;
            }
        """
        subprocess.run([need("gcc"), "-x", "c", "-g", "-O1", "-o", program, "-"], input=source.encode(), check=True)
        capture = self.record([program])
        with open(self.export("--format", "dhat", capture=capture), encoding="utf-8") as f:
            d = json.load(f)
        equal("head", (d["dhatFileVersion"], d["mode"], d["cmd"]), (2, "heap", program))
        points = {re.match(r"0x0: (\w+) ", d["ftbl"][p["fs"][0]])[1]: p for p in d["pps"]}
        want = {"one_at_a_time": (500, 5, 100, 1, 0, 0), "together": (5000, 5, 5000, 5, 0, 0), "stays": (10, 1, 10, 1, 10, 1)}
        equal("figures", {n: tuple(points[n][k] for k in ("tb", "tbk", "mb", "mbk", "eb", "ebk")) for n in want}, want)
        check(90000 <= points["one_at_a_time"]["tl"] <= d["te"], f"five times 20 ms, by a clock of milliseconds: {points['one_at_a_time']['tl']} us")
        check(190000 <= points["stays"]["tl"] <= d["te"], f"it lives as long as the program: {points['stays']['tl']} us")
        check(points["together"]["tl"] < 5 * d["te"], f"{points['together']['tl']} us")
        with open(self.export("--format", "dhat"), encoding="utf-8") as f:
            stacks = [tuple(p["fs"]) for p in json.load(f)["pps"]]
        equal("a stack that stands there twice, which viewers refuse", len(stacks), len(set(stacks)))
        sums = self.sums(capture=capture)
        equal("sums", [sum(p[k] for p in d["pps"]) for k in ("tb", "tbk", "gb", "gbk", "eb", "ebk")],
              [sums[k][u] for k in ("allocated", "peak", "live") for u in ("size", "count")])

    def callgrind(self):
        """As callgrind_annotate reads it: what each function has itself and with what it calls, recursion included."""
        annotate, path, sums = need("callgrind_annotate"), self.export("callgrind"), self.sums()
        column = {"Allocated": 0, "Live": 1, "Peak": 2, "Temporary": 3}
        for event, i in column.items():
            for unit, k in ("Blocks", 0), ("Bytes", 1):
                for inclusive in "no", "yes":
                    text = subprocess.run([annotate, f"--inclusive={inclusive}", "--auto=no", "--threshold=100", f"--show={event}{unit}", f"--sort={event}{unit}", path],
                                          capture_output=True, text=True, check=True).stdout
                    rows = {m[2]: int(m[1].replace(",", "")) for m in re.finditer(r"^ *([\d,]+) \(.*?\) +\S*?([\w<> ]+)(?: \[.*\])?$", text, re.M)}
                    equal(f"{event}{unit}: total", rows["PROGRAM TOTALS"], sums[KEYS[i]]["count" if not k else "size"])
                    for function, want in OWN.items():
                        if want[i]:
                            equal(f"{event}{unit} of {function}, inclusive: {inclusive}", rows.get(function, 0), want[i][k])
                    if inclusive == "yes" and event == "Allocated":
                        equal("leaks", rows["leaks"], OWN["inlined"][0][k])

    def callgrind_numbers(self):
        """A function whose name begins as the numbers of the format do keeps it."""
        program, source = self.t.file(""), """
            #include <stdlib.h>
            __attribute__((noinline)) void *odd(void) __asm__("\\"(7)odd\\"");
            __attribute__((noinline)) void *other(void) __asm__("\\"(7)\\"");
            void *odd(void) { void *volatile p = malloc(100); return p; }
            void *other(void) { void *volatile p = malloc(200); return p; }
            int main(void) { void *volatile a = odd(), *volatile b = other(), *volatile c = odd(); return !a + !b + !c; }
        """
        subprocess.run([need("gcc"), "-x", "c", "-O1", "-o", program, "-"], input=source.encode(), check=True)
        text = subprocess.run([need("callgrind_annotate"), "--auto=no", "--threshold=100", "--show=AllocatedBytes", self.export("callgrind", capture=self.record([program]))],
                              capture_output=True, text=True, check=True).stdout
        equal("bytes by function", sorted(re.findall(r"^ *(\d+) \([\d.]+%\) +\S+?:(\(7\)\w*) ", text, re.M)), [("200", "(7)"), ("200", "(7)odd")])

    def massif(self):
        """As ms_print reads it: the peak and its tree."""
        path, sums = self.export("massif"), self.sums()
        text = subprocess.run([need("ms_print"), path], capture_output=True, text=True, check=True).stdout
        rows = [[int(n.replace(",", "")) for n in m.groups()] for m in re.finditer(r"^ +(\d+) +([\d,]+) +([\d,]+) +([\d,]+) ", text, re.M)]
        peak = int(re.search(r"Detailed snapshots: .*?(\d+) \(peak\)", text)[1])
        equal("the peak", [r[2] for r in rows if r[0] == peak][0], sums["peak"]["size"])
        equal("no more than that at any time", max(r[2] for r in rows), sums["peak"]["size"])
        equal("the end", rows[-1][2], sums["live"]["size"])
        check(all(a[1] <= b[1] for a, b in zip(rows, rows[1:])), "time goes backwards")
        trees = re.findall(r"->[\d.]+% \(([\d,]+)B\) 0x0: (\w+) ", text)
        check(("50,000", "at_peak") in trees and ("10,000", "inlined") in trees and ("10,000", "leaks") in trees, f"{trees}")
        check("leave the point out" in self.export("massif", capture=self.capture + "@50%", status=1), "a point")
        self.export("--format", "massif", "--filter", "+*x*", status=2)

    def heaptrack(self):
        """As heaptrack_print reads it, whose figures are of its own counting."""
        path, sums = self.export("heaptrack"), self.sums()
        text = subprocess.run([need("heaptrack_print"), "--print-peaks=1", "--print-leaks=1", path], capture_output=True, text=True, check=True).stdout
        equal("calls", int(re.search(r"calls to allocation functions: (\d+)", text)[1]), sums["allocated"]["count"])
        check(re.search(r"^7 calls to allocation functions with 0B peak consumption from\nsoon_freed\n", text, re.M), text)
        check(re.search(r"^50.00K peak memory consumed over 1 calls from\nat_peak\n", text, re.M), text)
        check(re.search(r"^10.00K leaked over 10 calls from\ninlined\n", text, re.M), text)
        for more in ["--aggregate"], ["--sample", "64"]:
            capture = self.t.record([self.program], more).capture
            check("record without " + more[0] in self.export("heaptrack", capture=capture, status=1), f"{more}")

    def folded(self):
        for metric, key, unit in (("peak", "peak", "size"), ("allocated-count", "allocated", "count"), ("temporary", "temporary", "size"), ("live-count", "live", "count")):
            with open(self.export("--format", "folded", "--metric", metric), encoding="utf-8") as f:
                lines = [re.fullmatch(r"(.*) (\d+)", line.rstrip("\n")) for line in f]
            equal(metric, sum(int(m[2]) for m in lines), self.sums()[key][unit])
            check(metric != "peak" or any(m[1] == "main;leaks;inlined" and m[2] == "10000" for m in lines), "leaks is not there")

    def csv(self):
        """The columns of memray; the peak by default."""
        with open(self.export("csv"), encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        equal("columns", list(rows[0]), ["allocator", "num_allocations", "size", "tid", "thread_name", "stack_trace"])
        equal("the peak", (sum(int(r["size"]) for r in rows), sum(int(r["num_allocations"]) for r in rows)), tuple(self.sums()["peak"].values()))
        stacks = {tuple(f.split(";")[0] for f in r["stack_trace"].split("|")): (r["allocator"], r["size"]) for r in rows}
        equal("leaks", stacks[("inlined", "leaks", "main")], ("malloc", "10000"))
        r = subprocess.run([self.t.tracker, "transform", "-o", "-", "csv", self.capture], capture_output=True, text=True, check=True)
        equal("transform", len(r.stdout.splitlines()), len(rows) + 1)
        check(self.export("perfetto", status=1).startswith("tracker-export: Format not supported: perfetto"), "an unknown format")

    def processes(self):
        """Several processes are told apart by a label."""
        capture = self.record(["sh", "-c", f"{self.program}; {self.program}; true"])
        text = self.pprof("-tags", "-sample_index=peak_space", self.export(capture=capture))
        check("pid" in text, text)
        with open(self.export("--json", capture=capture), encoding="utf-8") as f:
            equal("allocations", json.load(f)["allocated"]["count"], self.t.json("stats", capture)["total_num_allocations"])
        check("--pid" in self.export("--format", "dhat", capture=capture, status=1), "a profile of DHAT is of one process")

    def mistakes(self):
        for options, status, words in ((["--format", "pporf"], 2, "pprof"), (["--metric", "peak"], 2, "folded and csv"), (["--json", "--format", "folded"], 2, "not allowed"),
                                       (["--format", "dhat", "--thread", "1"], 2, "not allowed"), (["--limit", "3"], 2, "all stacks")):
            said = self.export(*options, status=status)
            check(words in said and said.count("\n") == 1, f"{options}: {said}")
        path = self.export()
        r = harness.execute([self.t.find("tracker-export"), "-o", path, self.capture])
        check(r.status == 1 and b"--force" in r.stderr, f"{r.stderr}")
        r = harness.execute([self.t.find("tracker-export"), "--force", "-o", path, self.capture])
        check(r.status == 0 and b"go tool pprof" in r.stdout, f"{r}")


def make_cases(t):
    c = Export(t)
    return [(name.replace("_", " "), getattr(c, name)) for name in ("figures", "stacks", "threads", "compared", "at_points", "speedscope", "dhat", "callgrind", "callgrind_numbers", "massif", "heaptrack", "folded", "csv", "processes", "mistakes")]


if __name__ == "__main__":
    harness.main(make_cases)
