#!/usr/bin/env python3
"""classes - classes and objects that programs track (tracker.h, tracker run --track-class), as tracker types shows them. The truth is the arithmetic of fx/tracked.cc
and fx/types.cc: how many objects of which size it makes, and who points to whom. Names of cases begin with the rows of tests/tools/rows.txt.

usage: classes.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import csv
import html.parser
import io
import json
import os
import re
import subprocess
import sys

import harness
from harness import check, equal

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH = 79


class Elements(html.parser.HTMLParser):
    """Whether each element of a page is closed, in order."""

    VOID = ("meta", "br", "hr", "img", "input", "link")

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.seen = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.seen += 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.wrong.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen += 1


class Classes:
    def __init__(self, t):
        self.t, self.recorded = t, {}

    def record(self, *mode, options=()):
        """One recording for all cases that look at it: capture, and what the program said."""
        key = (mode, tuple(options))
        if key not in self.recorded:
            r = self.t.record([self.t.fixture("tracked"), *mode], list(options))
            equal("status", r.status, 0)
            said = [line.rsplit(None, 1) for line in r.stdout.decode().splitlines()]
            self.recorded[key] = (r.capture, [(what, int(n)) for what, n in said])
        return self.recorded[key]

    def types(self, word, capture, *options):
        r = subprocess.run([self.t.find("tracker-types"), word, *options, capture], capture_output=True, check=False)
        equal(f"types {word}: {r.stderr.decode()}", r.returncode, 0)
        return r.stdout.decode()

    def json(self, word, capture, *options):
        return json.loads(self.types(word, capture, "--json", *options))

    def sums(self, capture):
        """{description: {class: (active, size)}}"""
        found = self.json("summary", capture)
        names = {s["snapshot"]: s["description"] for s in found["snapshots"]}
        ret = {name: {} for name in names.values()}
        for row in found["rows"]:
            ret[names[row["snapshot"]]][row["class"]] = (row["active"], row["size"])
        return ret

    # ---- classes ----

    def registered(self):
        capture, _ = self.record("classes")
        found = self.sums(capture)
        equal("1000 of 1010, under its last name", found["after mk"], {"Baz": (1000, 40000)})
        equal("fewer, detached", [found["fewer"], found["detached"]], [{"Baz": (400, 16000)}] * 2)
        equal("detach_all", found["none"], {})
        equal("the list", self.types("list", capture), "Baz\n")

    def codes(self):
        _, said = self.record("classes")
        equal("codes", said, [("null", -3), ("empty", -3), ("unknown", -9), ("track", 0), ("again", 0), ("never", 0), ("label", 0), ("detach", 0),
                              ("again", 0), ("classes", -9), ("size", 40)])

    def own_name(self):
        capture, _ = self.record("history")
        equal("the qualified name", self.types("list", capture), "geo::Node\n")

    def never(self):
        capture, _ = self.record("classes")
        text = self.types("summary", capture)
        check("No object of 'geo::Never' was met" in text and "'geo::No*'" not in text, text)

    def series(self):
        capture, _ = self.record("history")
        rows = list(csv.DictReader(io.StringIO(self.types("history", capture, "--csv"))))
        equal("counts", [int(row["count"]) for row in rows if row["class"] == "geo::Node"], [1, 2, 3, 2, 1, 2, 1, 0])
        times = [float(row["time"]) for row in rows]
        equal("times ascend", times, sorted(times))
        check(self.types("history", capture).startswith("time,count,class\n"), "the text is no CSV")

    def cleared(self):
        capture, _ = self.record("clear")
        found = self.json("summary", capture)
        equal("nothing is left", (found["snapshots"], found["rows"]), ([], []))
        equal("no objects, no changes", [self.json(w, capture)["rows"] for w in ("stats", "history", "list")], [[], [], []])

    def unchanged_program(self):
        """Classes that only virtual tables name: no annotation, no option of the compiler."""
        capture, said = self.record("tables", "geo::Derived")
        size = dict(said)["derived"]
        equal("allocated after it was tracked, an array as one", self.sums(capture)["made"], {"geo::Derived": (21, 20 * size + 5 * size + 8)})
        rows = self.json("stats", capture)["rows"]
        equal("what says so", {row["by"] for row in rows}, {"table"})

    def derived(self):
        only, _ = self.record("tables", "geo::Base")
        both, _ = self.record("tables", "geo::Base+")
        equal("Base alone", {k: v[0] for k, v in self.sums(only)["made"].items()}, {"geo::Base": 30})
        equal("the most specialised wins", {k: v[0] for k, v in self.sums(both)["made"].items()}, {"geo::Base": 30 + 20 + 1, "geo::Other": 10})

    def by_option(self):
        """tracker run --track-class, with nothing in the program: patterns, names, levels."""
        capture, _ = self.record("tables", "-", options=["--track-class", "geo::D*,name=Shown,level=1,trace", "--track-class", "geo::Other"])
        equal("rows", {k: v[0] for k, v in self.sums(capture)["made"].items()}, {"Shown": 22, "geo::Other": 10})
        tracked = self.json("summary", capture)["tracked"]
        equal("as it was said", [(x["pattern"], x["name"], x["level"], x["trace"], x["matched"]) for x in tracked],
              [("geo::D*", "Shown", 1, True, 22), ("geo::Other", "", 0, False, 10)])
        for wrong in ("", "A,level=256", "A,colour=red", "A,name="):
            r = subprocess.run([self.t.find("tracker-run"), "--track-class", wrong, "true"], capture_output=True, check=False)
            equal(f"refused: {wrong}", (r.returncode, len(r.stderr.splitlines())), (2, 1))

    def kept(self):
        """What is kept stays as it was, up to the limit; by the program's word and by an option."""
        truth = [("calls that failed", 0), ("wrong bytes", 0), ("addresses given out again", 0), ("freed as ever", 1)]
        for mode, options, stay in ((["keep"], [], 200), (["keep", "7200"], ["--track-class", "kept*,keep", "--keep-limit", "7200"], 100)):
            capture, said = self.record(*mode, options=options)
            equal("what is left", said, truth)
            found = self.json("summary", capture)
            equal("sums", [found[key] for key in ("kept_count", "kept_size", "over_keep_limit")], [stay, stay * 72, 200 - stay])
            rows = self.json("stats", capture)["rows"]
            equal("objects", [sum(row["kept"] for row in rows), sum(row["death_ns"] is not None for row in rows), len(rows)], [stay, 201, 201])
            text = self.types("summary", capture)
            check(f"{stay} objects ({'14.1 KiB' if stay == 200 else '7200 B'}) stayed" in text and ("100 objects more" in text) == (stay == 100), text)
        check("62 objects of classes that are kept were freed" in self.types("summary", self.record("tables", "-", options=["--track-class", "geo::*,keep"])[0]), "the others")
        r = harness.execute([self.t.fixture("tracked"), "keep"], {"LD_PRELOAD": self.t.find("libtracker.so"), "TRACKER_TRACE": "1"})
        equal("a program that has started its recorder itself", r.stdout.decode().splitlines(), [f"{what} {n}" for what, n in truth])
        r = subprocess.run([self.t.find("tracker-run"), "--keep-limit", "much", "true"], capture_output=True, check=False)
        equal("refused", (r.returncode, len(r.stderr.splitlines())), (2, 1))

    # ---- objects ----

    def objects(self):
        _, said = self.record("graph")
        equal("codes", said, [("stack", -9), ("root", 0), ("middle", -9), ("again", 0), ("nothing", -3), ("change nothing", -9), ("cycle", 0), ("change", 0),
                              ("change", 0)])

    def levels(self):
        capture, _ = self.record("graph")
        root, = [row for row in self.json("stats", capture)["rows"] if row["class"] == "root"]
        equal("deep sizes", [s["size"] for s in root["sizes"]], [1000, 1000, 1000, 800])
        equal("referents", [[(r["size"], r["level"]) for r in s["referents"]] for s in root["sizes"]],
              [[], [(600, 1), (300, 1)], [(600, 1), (400, 2), (300, 1)], [(400, 1), (300, 1)]])
        equal("one that points to itself", [row["largest"] for row in self.json("stats", capture, "--class", "cycle")["rows"]], [50])
        equal("the largest, not the last", root["largest"], 1000)
        equal("it is gone", (root["death_ns"] is not None, len(root["sizes"])), (True, 4))

    def sharing(self):
        capture, _ = self.record("shared")
        equal("a list moves", [self.sums(capture)[s] for s in ("in b", "in both", "in a")],
              [{"a": (1, 100), "b": (1, 3110)}, {"a": (1, 3100), "b": (1, 110)}, {"a": (1, 3100), "b": (1, 110)}])

    def shown_trace(self):
        capture, _ = self.record("classes")
        text = self.types("stats", capture, "-n", "1")
        check(re.search(r"tracked\.cc: *\d+ in ", text), text)
        plain, _ = self.record("graph")
        check(" in main" not in self.types("stats", plain, "--class", "cycle"), "a trace that nobody asked for")

    def labels(self):
        capture, _ = self.record("classes")
        rows = [row for row in self.json("stats", capture)["rows"] if row["label"]]
        equal("the label", [(row["label"], row["by"], row["size"]) for row in rows], [("the seventh", "annotation", 40)])
        check(rows[0]["birth_ns"] > 0 and rows[0]["death_ns"] >= rows[0]["birth_ns"] and rows[0]["tid"], f"{rows[0]}")
        check("the seventh" in self.types("stats", capture, "--sort", "repr", "--reverse", "-n", "1"), "the label is not printed")

    # ---- snapshots ----

    def threads(self):
        capture, _ = self.record("threads")
        times = [s["time_ns"] for s in self.json("summary", capture)["snapshots"]]
        equal("snapshots", (len(times), times == sorted(times)), (800, True))

    def label_text(self):
        capture, _ = self.record("classes")
        for s in self.json("summary", capture)["snapshots"]:
            check(re.fullmatch(re.escape(s["description"]) + r" \(\d+\.\d{3}s\)", s["label"]), s["label"])
        capture, _ = self.record("threads")
        check(re.fullmatch(r"\d+\.\d{3}s", self.json("summary", capture)["snapshots"][0]["label"]), "a label without a description")

    def reachable(self):
        capture, _ = self.record("lost")
        s, = self.json("summary", capture)["snapshots"]
        equal("parts", (s["reachable"] + s["unreachable"], s["unreachable"]), (s["heap_size"], 760))
        check("unreachable 760 B" in self.types("summary", capture), "the text does not say so")

    def process_totals(self):
        capture, said = self.record("nothing")
        found = self.json("summary", capture)
        s, = found["snapshots"]
        equal("no classes", found["rows"], [])
        check(0 < s["rss"] <= s["hwm"] and s["rss"] <= s["vsz"] <= s["peak"], f"{s}")
        check(s["minflt"] > 0 and s["stack"] > 0 and s["pte"] > 0 and s["code"] > 0 and s["data"] > 0, f"{s}")
        truth = {when: {what.split()[1]: n for what, n in said if what.startswith(when)} for when in ("before", "after")}
        equal("what malloc says", {k: s[k] for k in ("arena", "inuse", "free", "mmapped")}, {k: truth["before"][k] for k in ("arena", "inuse", "free", "mmapped")})
        for key, line in (("vsz", "VmSize"), ("peak", "VmPeak"), ("rss", "VmRSS"), ("hwm", "VmHWM"), ("data", "VmData"), ("stack", "VmStk"), ("code", "VmExe"), ("pte", "VmPTE"), ("lck", "VmLck")):
            low, high = truth["before"][line], truth["after"][line]  # the library makes room for itself meanwhile
            loose = 64 * 4096 * os.cpu_count() if line in ("VmRSS", "VmHWM") else 0  # the kernel adds these up now and then only
            check(low - loose <= s[key] <= high + loose, f"{line}: {s[key]}, the program says {low} and then {high}")
        check(s["tracker"] > 0, "tracker needs no memory?")
        check("Fragmentation: " in self.types("summary", capture), "no line about fragmentation")

    def periodic(self):
        capture, said = self.record("periodic")
        equal("codes, no thread of the program", [x for x in said if x[0] != "started for ms"], [("wrong", -3), ("not running", 0), ("long", 0), ("start", 0), ("start", 0), ("threads", 1), ("stop", 0), ("stopped", 1)])
        taken = [s["periodic"] for s in self.json("summary", capture)["snapshots"]]
        periods = dict(said)["started for ms"] // 100 + 1
        check(2 <= sum(taken) <= periods, f"{sum(taken)} in {periods} periods")  # a busy machine may leave some out
        equal("the last one is called for", taken[-1], False)

    def consistent(self):
        """Four threads replace parts of lists until all snapshots are taken: whatever moment one takes, no size is torn."""
        capture, _ = self.record("torn")
        rows = [row for row in self.json("summary", capture)["rows"] if row["class"] == "list"]
        check(rows and all(row["size"] % 100 == 0 for row in rows), f"{rows}")
        for row in self.json("stats", capture, "--class", "list")["rows"]:
            check(all(s["size"] == 1000 for s in row["sizes"]), f"{row}")

    def forked(self):
        capture, _ = self.record("forks")
        equal("each its own", self.sums(capture), {"child": {"geo::Node": (2, 80)}, "parent": {"geo::Node": (1, 40)}})

    def as_points(self):
        capture, _ = self.record("classes")
        at = {name: self.t.json("types", f"{capture}@{name}")["total_count"] for name in ("after mk", "fewer")}
        found = {s["description"]: s["heap_count"] for s in self.json("summary", capture)["snapshots"]}
        equal("a snapshot is a point", at, {name: found[name] for name in at})

    # ---- text ----

    def layout(self):
        capture, _ = self.record("classes")
        lines = self.types("summary", capture).splitlines()
        equal("head", lines[0], "---- SUMMARY " + "-" * 66)
        check("-" * WIDTH in lines, "no line below")
        head, row = lines[1], lines[2]
        check(re.fullmatch(r"after mk \(\d+\.\d{3}s\) +active +\S+ \S+ +average +pct", head) and len(head) == WIDTH, head)
        equal("columns", (head.index("active") + 6, head.index("average") + 7, len(head)), (47, 73, WIDTH))
        equal("a row", row.rsplit(None, 1)[0].rstrip(), "  %-33s %11d %12s %12s" % ("Baz", 1000, "39.1 KiB", "40 B"))

    def shares(self):
        capture, _ = self.record("classes")
        whole = self.json("summary", capture)
        for of, key in (("heap", "heap_size"), ("vsz", "vsz"), ("rss", "rss")):
            found = self.json("summary", capture, "--pct-of", of)["rows"][0]
            truth = 100 * found["size"] / whole["snapshots"][0][key]
            check(abs(found["share"] - truth) < 0.01 and found["average"] == 40, f"{found} {truth}")

    def limits(self):
        capture, _ = self.record("classes")
        for limit, count in (("3", 3), ("0.5", 500), ("0", 1000), ("5000", 1000)):
            equal(f"limit {limit}", len(self.json("stats", capture, "--limit", limit)["rows"]), count)
        equal("default", len(self.json("stats", capture)["rows"]), 1000)
        equal("a class", [len(self.json("stats", capture, "--class", c)["rows"]) for c in ("az", "Foo")], [1000, 0])

    def block(self):
        capture, _ = self.record("graph")
        lines = self.types("stats", capture, "--class", "root").splitlines()
        equal("a freed one", lines[0], "%-32s ( free )   %-35s" % ("root", ""))
        check(re.fullmatch(r"  \d\d:\d\d:\d\d\.\d\d {24}1000 B", lines[1]), lines[1])
        check(re.fullmatch(r"    plain:\S*\.\.\. 600 B {10} 60% \[1\]", lines[3]), lines[3])
        check(re.fullmatch(r"  \d\d:\d\d:\d\d\.\d\d {20}finalize", lines[-1]), lines[-1])
        first = self.types("stats", capture, "--class", "cycle").splitlines()[0]
        check(re.fullmatch(r"cycle {27} 0x[0-9a-f]{8,} {36}", first), first)

    def sorting(self):
        capture, _ = self.record("shared")
        for key, order in (("size", ["a", "b"]), ("birth", ["a", "b"]), ("classname", ["a", "b"]), ("tsize", ["b", "a"]), ("death,name", ["a", "b"])):
            equal(key, [row["class"] for row in self.json("stats", capture, "--sort", key)["rows"]], order)
            equal(f"{key}, reversed", [row["class"] for row in self.json("stats", capture, "--sort", key, "--reverse")["rows"]], order[::-1])
        r = subprocess.run([self.t.find("tracker-types"), "stats", "--sort", "colour", capture], capture_output=True, check=False)
        equal("refused", (r.returncode, b"Invalid sort criteria" in r.stderr), (2, True))

    def dumped(self):
        path = self.t.file(".bin")
        capture, said = self.record("dump", path)
        equal("codes", said, [("nowhere", -5), ("dump", 0)])
        equal("what is in it", self.sums(path), {"one": {"geo::Node": (100, 4000)}})
        for word in ("summary", "stats"):
            equal(f"{word} of both", self.types(word, path), self.types(word, capture))
        refused = self.t.file(".bin")
        os.remove(refused) if os.path.exists(refused) else None
        r = self.t.record([self.t.fixture("tracked"), "dump", refused], ["--aggregate"])
        check(r.stdout.splitlines()[-1].startswith(b"dump -") and not os.path.exists(refused), f"what cannot be dumped leaves no file: {r.stdout}")

    def by_type(self):
        """What came and went between two snapshots, in pympler's three columns."""
        capture, _ = self.record("classes")
        points = [f"{capture}@after mk", f"{capture}@fewer"]
        found = self.t.json("diff", "--group-by", "type", *points)
        rows = {row["key"]: row for row in found["rows"]}
        node = rows["geo::Node"]
        equal("1010, then 411", (node["count"], node["count_diff"], node["size"], node["size_diff"]), (411, -599, 411 * 40, -599 * 40))
        equal("all of it", sum(row["size"] for row in found["rows"]), found["new"]["total_size"])
        lines = [[cell.strip() for cell in line.split(" | ")] for line in self.t.text("diff", "-g", "type", *points).splitlines()]
        equal("columns", [lines[0], [set(cell) for cell in lines[1]]], [["types", "# objects", "total size"], [{"="}] * 3])
        check(["geo::Node", "-599", "-23.4 KiB"] in lines[2:] and len({len(line) for line in lines}) == 1, f"{lines}")
        equal("what did not change is left out", [line for line in lines[2:] if line[1] == "0" and line[2].split()[0] == "0"], [])
        table = self.t.json("table", "--group-by", "type", points[1])
        types = self.t.json("types", points[1])
        equal("the same as types says", {row["key"]: (row["count"], row["size"]) for row in table["rows"]},
              {row["type"]: (row["count"], row["size"]) for row in types["rows"]})
        equal("itself", len(self.t.text("diff", "-g", "type", points[0], points[0]).splitlines()), 2)

    def schema(self):
        capture, _ = self.record("classes")
        found = self.json("summary", capture)
        equal("schema", (found["schema"], found["schema_version"], found["report"]), ("tracker.types", 1, "summary"))
        for row in found["rows"]:
            equal("average", row["average"], row["size"] / row["active"])

    def listed(self):
        capture, _ = self.record("tables", "geo::Base+")
        equal("sorted", self.types("list", capture), "geo::Base\ngeo::Other\n")

    def page(self):
        capture, _ = self.record("graph")
        text = self.types("html", capture)
        check(not re.search(r"https?://|src=|<script|@import|url\(", text), "it needs something else")
        check("<h3>Memory distribution over time</h3>" in text and text.count("<svg") >= 3, "no charts")
        elements = Elements()
        elements.feed(text)
        elements.close()
        equal("elements that are not closed, or twice", (elements.open, elements.wrong), ([], []))
        check(elements.seen > 20, f"{elements.seen} elements")
        found = self.json("summary", capture)
        for s in found["snapshots"]:
            table = re.search(rf'data-snapshot="{s["snapshot"]}">(.*?)</table>', text, re.S)[1]
            rows = re.findall(r'<tr><td>(\w+)</td><td>(\d+)</td><td data-bytes="(\d+)"', table)
            equal("the numbers of --json", [(c, int(n), int(b)) for c, n, b in rows],
                  [(x["class"], x["active"], x["size"]) for x in found["rows"] if x["snapshot"] == s["snapshot"]])

    def small_shares(self):
        capture, said = self.record("tables", "geo::Base+")
        sizes = {row["class"]: row["size"] for row in self.json("summary", capture)["rows"]}
        share = int(100 * sizes["geo::Other"] / sum(sizes.values()))
        check(3 < share < 50, f"{sizes}")
        equal("others", ["others" in self.types("html", capture, "--min-share", str(n)) for n in (3, share, share + 1)], [False, False, True])

    def dead(self):
        capture, _ = self.record("graph")
        root, = [row for row in self.json("stats", capture)["rows"] if row["class"] == "root"]
        equal("no size after its end", max(s["snapshot"] for s in root["sizes"]), 4)

    def with_statement(self):
        """tracker.py's ClassTracker, of a program under tracker run."""
        script = ("import sys; sys.path.insert(0, %r)\nimport tracker\nwith tracker.ClassTracker() as t:\n"
                  " t.track_class('geo::*', name='Geo')\n t.create_snapshot(42)\n"
                  " for f, a, e in ((t.track_class, (int,), TypeError), (t.detach_class, ('unheard',), KeyError), (t.track_object, (12345,), TypeError),\n"
                  "                 (t.track_change, (12345,), KeyError)):\n  try: f(*a)\n  except e: print('refused')\n"
                  " o = type('O', (), {})(); t.track_object(o, name='an object'); t.create_snapshot('one')\n") % os.path.join(HERE, "..", "..", "reporters", "library")
        env = {"TRACKER_REPLAY_LIBRARY": os.path.join(self.t.build, "reporters", "library", "libtracker-replay.so.0"), "PYTHONMALLOC": "malloc"}
        r = self.t.record([sys.executable, "-c", script], env=env)
        equal("refusals", (r.status, r.stdout.decode().split(), r.stderr.decode()), (0, ["refused"] * 4, ""))
        found = self.sums(r.capture)
        equal("descriptions", sorted(found), ["42", "one"])
        equal("the object", found["one"]["an object"][0], 1)


def make_cases(t):
    c = Classes(t)
    return [
        ("c01 c15 c16 registered, named, detached", c.registered), ("c02 c03 1000 after 10, under the last name", c.registered),
        ("c04 its own name", c.own_name), ("c05 a program that nobody changed", c.unchanged_program), ("c06 c14 codes", c.codes), ("c06 never met", c.never),
        ("c07 derived classes", c.derived), ("c02 by an option", c.by_option), ("c08 c11 objects", c.objects), ("c09 c36 levels", c.levels), ("c10 shared data", c.sharing),
        ("c12 kept objects", c.kept), ("c13 traces", c.shown_trace), ("c17 clear", c.cleared), ("c18 c22 in python", c.with_statement), ("c19 history", c.series), ("c20 instances", c.labels),
        ("c21 eight threads", c.threads), ("c21 points", c.as_points), ("c22 labels of snapshots", c.label_text), ("c23 reachable and not", c.reachable),
        ("c24 c25 c28 the process", c.process_totals), ("c26 c27 periodic", c.periodic), ("c29 nothing torn", c.consistent), ("c26 forked", c.forked), ("c30 layout", c.layout),
        ("c31 shares", c.shares), ("c32 limits", c.limits), ("c33 objects as text", c.block), ("c34 c35 order", c.sorting), ("c37 dump", c.dumped),
        ("c38 schema", c.schema), ("c39 list", c.listed), ("c40 page", c.page), ("c41 small classes", c.small_shares), ("c42 the dead", c.dead), ("c43 differences by type", c.by_type)]


if __name__ == "__main__":
    harness.main(make_cases)
