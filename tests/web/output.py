#!/usr/bin/env python3
"""What tracker-flamegraph writes, checked without a browser: output.py FLAMEGRAPH MKCAPTURE [STATS]"""
import base64
import gzip
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import captures

FLAMEGRAPH, MKCAPTURE = sys.argv[1:3]
STATS = sys.argv[3] if len(sys.argv) > 3 else None


def run(*args, code=0, cwd=None):
    p = subprocess.run([FLAMEGRAPH, *args], capture_output=True, cwd=cwd)
    assert p.returncode == code, f"{args}: exit {p.returncode}, not {code}: {p.stderr.decode()}"
    return p


def nodes(root):
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo += node["children"]


def by_name(root):
    found = {}
    for node in nodes(root):
        value, own = found.get(node["name"], (0, 0))
        found[node["name"]] = (value + node["value"], own + node["own"])
    return found


def folded(text):
    sums = {}
    for line in text.splitlines():
        stack, _, weight = line.rpartition(" ")
        assert re.fullmatch(r"[1-9]\d*", weight), line
        assert stack not in sums, f"said twice: {line}"
        sums[stack] = int(weight)
    return sums


class Page:
    """The page as a program without a browser reads it."""

    def __init__(self, html):
        meta = re.search(rb'<script type="application/json" id="meta">(.*?)</script>', html, re.S).group(1)
        packed = re.search(rb'<script type="text/plain" id="columns">(.*?)</script>', html, re.S).group(1)
        self.meta, self.columns, at = json.loads(meta), {}, 0
        data = gzip.decompress(base64.b64decode(packed))
        for c in self.meta["columns"]:
            code, size = {"u8": ("B", 1), "u32": ("I", 4), "f64": ("d", 8)}[c["type"]]
            self.columns[c["name"]] = struct.unpack_from(f"<{c['count']}{code}", data, at)
            at += -(-c["count"] * size // 8) * 8
        assert at - len(data) in range(0, 8), "columns and data differ in length"

    def totals(self, view=None):
        parent = self.columns["parent"]
        total = [0] * len(parent)
        view = self.meta["first"]["view"] if view is None else view
        for node, of, value in zip(self.columns["row_node"], self.columns["row_view"], self.columns["row_bytes"]):
            total[node] += value if of == view else 0
        for i in range(len(parent) - 1, 0, -1):
            assert parent[i] < i
            total[parent[i]] += total[i]
        return total


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def capture(self, text, name="app.bin"):
        return captures.make(MKCAPTURE, os.path.join(self.dir.name, name), text)

    def json(self, cap, *args):
        doc = json.loads(run("--json", *args, cap).stdout)
        self.assertEqual((doc["schema"], doc["schema_version"]), ("tracker.flamegraph", 1))
        return doc


class Views(Case):
    def test_peak_is_the_default(self):
        root = self.json(self.capture(captures.fx_flame()))["root"]
        self.assertEqual(by_name(root), captures.FX_FLAME)

    def test_children_add_up(self):
        for node in nodes(self.json(self.capture(captures.fx_flame()))["root"]):
            self.assertEqual(node["value"], node["own"] + sum(c["value"] for c in node["children"]))
            self.assertEqual(node["count"], node["own_count"] + sum(c["count"] for c in node["children"]))

    def test_other_views(self):
        cap = self.capture(captures.fx_flame())
        self.assertEqual(self.json(cap, "--leaks")["root"]["value"], 100000)
        self.assertEqual(self.json(cap, "--allocations")["root"]["value"], 550000)
        self.assertEqual(self.json(cap, "--temporary-allocations")["root"]["value"], 100000 + 50000)
        self.assertEqual(self.json(cap, "--temporary-allocation-threshold", "0")["root"]["value"], 100000)
        self.assertIn("missing", by_name(self.json(cap, "--allocations")["root"]))

    def test_points(self):
        cap = self.capture(captures.fx_flame())
        self.assertEqual(self.json(cap + "@45ms")["root"]["value"], 300000)
        self.assertEqual(self.json(cap + "@built")["root"]["value"], 450000)
        self.assertEqual(self.json(cap + "@end")["root"]["value"], 100000)

    def test_inverted(self):
        root = self.json(self.capture(captures.fx_inverted()), "--inverted")["root"]
        self.assertEqual([(c["name"], c["value"]) for c in root["children"]], [("a", 3000000), ("a1", 1000000)])
        self.assertEqual({c["name"]: c["value"] for c in root["children"][0]["children"]}, {"b": 2000000, "f": 1000000})

    def test_threads_add_up_to_the_whole(self):
        cap = self.capture(captures.threads())
        whole, split = self.json(cap)["root"], self.json(cap, "--split-threads")["root"]
        self.assertEqual({c["thread"]: c["value"] for c in split["children"]},
                         {"0x1092 (app)": 100000, "0x1093 (worker)": 20000, "0x10cc (child)": 3000})
        self.assertEqual({n: v for n, (v, _) in by_name(whole).items()}, {n: v for n, (v, _) in by_name(split).items()})
        self.assertNotIn("thread", whole["children"][0])

    def test_pid(self):
        cap = self.capture(captures.threads())
        self.assertEqual(self.json(cap, "--pid", "4300")["root"]["value"], 3000)

    def test_no_skip_shows_irrelevant_frames(self):
        cap = self.capture(captures.fx_flame())
        shown = by_name(self.json(cap, "--no-skip")["root"])
        self.assertEqual(shown["malloc"], (450000, 450000))
        self.assertEqual(shown["_start"][0], 450000)

    def test_deep_stacks(self):
        cap = self.capture(captures.deep(2000))
        sys.setrecursionlimit(20000)
        self.assertEqual(len(list(nodes(self.json(cap)["root"]))), 2002)
        line = run("--format", "folded", cap).stdout.decode()
        self.assertEqual(line.count(";"), 2000)


class Folded(Case):
    def test_sum_is_the_peak(self):
        cap = self.capture(captures.fx_flame())
        stacks = folded(run("--format", "folded", cap).stdout.decode())
        self.assertEqual(stacks, {"main;a;b;c;d;e": 100000, "main;a;b;c;d;f;g": 200000, "main;a;b;c;d": 50000,
                                  "main;a;h;i": 100000})

    def test_counts(self):
        cap = self.capture(captures.fx_flame())
        self.assertEqual(sum(folded(run("--format", "folded", "--metric", "count", cap).stdout.decode()).values()), 4)

    def test_names_cannot_break_lines(self):
        text = run("--format", "folded", self.capture(captures.hostile())).stdout.decode()
        self.assertEqual(sum(folded(text).values()), sum(1000 + i for i in range(1, len(captures.HOSTILE) + 1)))
        self.assertEqual(len(text.splitlines()), len(captures.HOSTILE))
        self.assertNotIn(";", text)


class Pages(Case):
    def page(self, text, *args):
        cap = self.capture(text)
        run("-f", *args, cap)
        with open(os.path.join(os.path.dirname(cap), "tracker-flamegraph-" + os.path.basename(cap)[:-4] + ".html"), "rb") as f:
            self.html = f.read()
        return Page(self.html)

    def test_totals(self):
        page = self.page(captures.fx_flame())
        self.assertEqual(page.totals()[0], 450000)
        self.assertEqual(page.meta["totals"]["peak_bytes"], 450000)
        self.assertEqual(page.meta["command_line"], "./app --fast")
        self.assertEqual(max(page.columns["plot_heap"]), 450000)
        self.assertEqual(page.meta["marks"], [{"time_ns": 60000000, "label": "built"}])

    def test_history_has_the_resident_set(self):
        page = self.page(captures.fx_flame() + "rss 0 7000000\nat 110ms\nrss 0 9000000\n")
        self.assertEqual(max(page.columns["plot_rss"]), 9000000)
        self.assertEqual(len(page.columns["plot_rss"]), len(page.columns["plot_heap"]))
        self.assertLessEqual(len(page.columns["plot_heap"]), 1000)

    def test_processes_that_ended_have_no_resident_set(self):
        text = captures.threads() + "at 10ms\nrss 0 5000\nrss 1 300\nat 40ms\nrss 1 400\nprocess 1 end=50ms\nat 60ms\nrss 0 7000\n"
        rss = self.page(text).columns["plot_rss"]
        at = lambda ms: rss[round(ms / 100 * (len(rss) - 1))]
        self.assertEqual([at(ms) for ms in (5, 20, 45, 55, 80)], [0, 5300, 5400, 5000, 7000])

    def test_what_is_missing_is_said(self):
        self.assertEqual(self.page(captures.fx_flame()).meta["warnings"], [])
        page = self.page(captures.fx_flame() + 'gap 12\nhealth truncated_stacks 3\nnotice "no stacks of x"\ncut\n')
        said = " ".join(page.meta["warnings"])
        for part in ("is incomplete", "12 events were lost", "3 stacks were cut", "no stacks of x"):
            self.assertIn(part, said)

    def test_no_address_of_any_network(self):
        self.page(captures.fx_flame())
        self.assertNotRegex(self.html, rb"(?i)https?:|//[a-z0-9.-]+\.[a-z]{2,}/|@import|url\(")
        self.assertIn(b"default-src 'none'", self.html)

    def test_hostile_names_stay_data(self):
        self.page(captures.hostile())
        for bad in (b"alert(", b"<img", b"<iframe", b"onmouseover", b"<svg onload", b"window.hit"):
            self.assertNotIn(bad, self.html.replace(b"\\u003c", b"").replace(b"\\u003e", b"")
                             if bad[:1] == b"<" else re.sub(rb'id="meta">.*?</script>', b"", self.html, flags=re.S))
        meta = re.search(rb'id="meta">(.*?)</script>', self.html, re.S).group(1)
        self.assertNotRegex(meta, rb"[<>&]")
        self.assertIn("\ufffd", json.loads(meta)["command_line"])

    def test_merging_keeps_every_byte(self):
        whole, page = self.page(captures.deep(500)), self.page(captures.deep(500), "--max-nodes", "20")
        self.assertEqual(page.totals()[0], whole.totals()[0])
        self.assertLessEqual(len(page.columns["parent"]), 40)
        self.assertEqual(page.meta["nodes"]["total"] - page.meta["nodes"]["merged"], 20)
        self.assertEqual([v["merged_bytes"] for v in page.meta["views"]], [4096, 4096, 0, 4096])

    def test_heaviest_nodes_stay(self):
        page = self.page(captures.fx_flame(), "--max-nodes", "12")
        totals = sorted(page.totals(), reverse=True)
        self.assertEqual(totals[:4], [450000] * 4)
        self.assertEqual(page.totals()[0], 450000)

    def test_what_is_heavy_in_one_tab_stays(self):
        """What leaks is a hundredth of what forty other functions allocate and free again, and all of its tab."""
        text = captures.fx_flame()
        for i in range(40):
            text += captures.frames(("big", 100 + i)) + captures.stack(f"big{i}", f"big{100 + i}")
            text += f"malloc big{i} 300000 big{i}\nfree big{i}\n"
        page = self.page(text, "--max-nodes", "24")
        self.assertEqual([page.totals(i)[0] for i in range(4)], [v["bytes"] for v in page.meta["views"]])
        self.assertEqual(page.meta["views"][1]["merged_bytes"], 0)
        self.assertGreater(page.meta["views"][3]["merged_bytes"], 0)

    def test_a_point_has_one_tab(self):
        page = self.page(captures.fx_flame())
        self.assertEqual([v["name"] for v in page.meta["views"]], ["Peak", "Not freed", "Temporary", "Allocated"])
        with open(os.path.join(self.dir.name, "at.html"), "wb") as f:
            f.write(run("-o", "-", os.path.join(self.dir.name, "app.bin") + "@end").stdout)
        with open(f.name, "rb") as f:
            self.assertEqual(len(Page(f.read()).meta["views"]), 1)

    def test_same_totals_as_stats(self):
        if not STATS:
            self.skipTest("tracker-stats is not built")
        cap = self.capture(captures.fx_flame())
        stats = json.loads(subprocess.run([STATS, "--json", cap], capture_output=True, check=True).stdout)
        page = self.page(captures.fx_flame())
        self.assertEqual(stats["metadata"]["peak_memory"], page.totals()[0])
        self.assertEqual(stats["total_num_allocations"], page.meta["totals"]["allocations"])
        self.assertEqual(stats["total_bytes_allocated"], page.meta["totals"]["bytes_allocated"])
        self.assertEqual(stats["leaked_bytes"], page.meta["totals"]["live_bytes"])


class CommandLine(Case):
    def test_default_name_and_refusal(self):
        cap = self.capture(captures.fx_flame())
        page = os.path.join(self.dir.name, "tracker-flamegraph-app.html")
        self.assertEqual(run(cap).stdout.decode(), f"Wrote {page}\n")
        refused = run(cap, code=1)
        self.assertIn(f"File already exists, will not overwrite without --force: {page}", refused.stderr.decode())
        self.assertEqual(refused.stdout, b"")
        run("--force", cap)

    def test_stdout(self):
        cap = self.capture(captures.fx_flame())
        self.assertTrue(run("-o", "-", cap).stdout.startswith(b"<!DOCTYPE html>"))
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["app.bin"])
        self.assertEqual(run("--json", cap).stdout, run("--format", "json", cap).stdout)

    def test_questions_exclude_each_other(self):
        cap = self.capture(captures.fx_flame())
        p = run("--leaks", "--temporary-allocations", cap, code=2)
        self.assertIn("argument --leaks: not allowed with argument --temporary-allocations", p.stderr.decode())
        for args in (("--allocations", "--leaks"), ("--temporary-allocations", "--temporary-allocation-threshold", "2"),
                     ("--format", "svg"), ("--metric", "time"), ("--json", "--format", "html"), ("--max-nodes", "0")):
            p = run(*args, cap, code=2)
            self.assertEqual(len(p.stderr.decode().splitlines()), 1, p.stderr)

    def test_missing_file(self):
        p = run(os.path.join(self.dir.name, "none.bin"), code=1)
        self.assertIn("No such file", p.stderr.decode())

    def test_same_input_same_output(self):
        cap = self.capture(captures.threads())
        self.assertEqual(run("-o", "-", cap).stdout, run("-o", "-", cap).stdout)

    def test_full_disk(self):
        cap = self.capture(captures.fx_flame())
        run("-o", "/dev/full", cap, code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
