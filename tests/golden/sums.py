#!/usr/bin/env python3
"""
sums - what an aggregated capture must say of events, counted the plainest way; and such a capture out of them:
from docs/FORMAT.md alone, too. Of blocks of malloc and its like; mappings are not counted here.

usage: sums.py EVENTS.bin DIRECTORY

EVENTS.bin: made of aggregated.txt. Writes good/aggregated*.bin and damaged/aggregated~*.bin; what stands in the
repository is never made anew.
"""
import os
import struct
import sys

import alter
from decode import (FIGURES, FRAMES, HEALTH, HISTORY, MAPPINGS, MODULES, NODES, PROCESSES, SIZES, STRINGS, SUMMARY, SUMS,
                    SYMBOLS, THREADS, TOTAL_NAMES, TOTAL_RESERVED, TOTALS, Capture, Reader)
from events import KINDS

SHIFT = 20
KIND = {name: number for number, name in enumerate(KINDS)}
REALLOCS = (KIND["realloc"], KIND["reallocarray"])


class Block:
    def __init__(self, e, kind, made_before):
        self.key = (e["node"], e["process"], e["thread"], kind, e["domain"])
        self.size, self.thread, self.made_before = e["size"], e["thread"], made_before


class Tally:
    """Of the whole tree, or of a process."""

    def __init__(self):
        self.total = dict.fromkeys(TOTAL_NAMES, 0)
        self.kinds, self.sizes, self.moments = {}, {}, []  # moments: (time, live bytes after it)


class Sums:
    """Events of all processes in their order, one after another."""

    def __init__(self, capture, threshold=1):
        self.threshold, self.made, self.live, self.aside = threshold, {}, {}, {}
        self.rows, self.tallies, self.peaks, self.leaked = {}, {-1: Tally()}, {}, {}
        self.last = 0
        ends = sorted((p["end_ns"], n) for n, p in capture.processes.items() if p["end_ns"] >= 0)
        every = [e for process in capture.events.values() for e in process]
        for e in sorted(every, key=lambda e: (e["time_ns"], e["process"])):
            while ends and ends[0][0] < e["time_ns"]:
                self.end(*ends.pop(0))
            self.apply(e)
        for process in list(self.tallies):
            self.count_left(process)
        for process, tally in self.tallies.items():
            tally.total["live_blocks"], tally.total["live_bytes"] = self.now(process, self.leaked)

    # ---- what is live ----

    def now(self, process, held):
        sizes = [b.size for (p, _), b in held.items() if process in (-1, p)]
        return len(sizes), sum(sizes)

    def count_left(self, process):
        """What lives at the end of its process is leaked, and lives no more."""
        for key in [key for key in self.live if key[0] == process]:
            self.leaked[key] = self.live.pop(key)

    def end(self, time, process):
        self.count_left(process)
        self.note(process, time)

    def of(self, e):
        return self.tallies[-1], self.tallies.setdefault(e["process"], Tally())

    def row(self, key):
        return self.rows.setdefault(key, {"total": [0, 0], "temporary": [0, 0]})

    def born(self, e, kind):
        made = self.made.get(e["thread"], 0)
        self.made[e["thread"]] = made + 1
        b = self.live[e["process"], e["address"]] = Block(e, kind, made)
        for figure in [self.row(b.key)["total"], *[t.kinds.setdefault(kind, [0, 0]) for t in self.of(e)]]:
            figure[0] += 1
            figure[1] += e["size"]
        for t in self.of(e):
            t.total["allocations"] += 1
            t.total["bytes_allocated"] += e["size"]
            t.sizes[e["size"]] = t.sizes.get(e["size"], 0) + 1

    def died(self, e, b):
        for t in self.of(e):
            if b is None:
                t.total["unmatched_frees"] += 1
                continue
            t.total["frees"] += 1
            t.total["bytes_freed"] += b.size
        between = self.made.get(e["thread"], 0) - (b.made_before + 1) if b else 0
        if b is None or b.thread != e["thread"] or between > self.threshold:
            return
        row = self.row(b.key)["temporary"]
        row[:] = row[0] + 1, row[1] + b.size
        for t in self.of(e):
            t.total["temporary"] += 1
            t.total["temporary_bytes"] += b.size

    # ---- events ----

    def apply(self, e):
        kind, at, old = e["kind"], (e["process"], e["address"]), (e["process"], e["old_address"])
        aside = (e["process"], e["thread"], e["old_address"])
        for t in self.of(e):
            t.total["events"] += 1
        if kind in REALLOCS:
            if e["old_address"]:
                self.died(e, self.live.pop(old, None))
            self.born(e, kind)
        elif KINDS[kind] == "realloc_release":
            self.aside[aside] = self.live.pop(old)
        elif KINDS[kind] == "realloc_acquire":
            self.died(e, self.aside.pop(aside))
            self.born(e, e["call"])
        elif KINDS[kind] in ("exec", "clear"):
            self.wipe(e)
        elif 1 <= kind <= 11:
            self.born(e, kind)
        elif 16 <= kind <= 21:
            self.died(e, self.live.pop(at, None))
        self.note(e["process"], e["time_ns"])

    def wipe(self, e):
        gone = [key for key in self.live if key[0] == e["process"]]
        for t in self.of(e):
            t.total["wiped_blocks"] += len(gone)
            t.total["wiped_bytes"] += sum(self.live[key].size for key in gone)
        for key in gone:
            del self.live[key]
        for t in self.of(e) if KINDS[e["kind"]] == "clear" else ():
            t.total["peak_bytes"], t.total["peak_blocks"] = 0, -1

    def note(self, process, time):
        """The present of the tree and of the process; perhaps a peak of theirs."""
        self.last = max(self.last, time)
        for p in (-1, process):
            t = self.tallies[p]
            blocks, size = self.now(p, self.live)
            t.moments.append((time, size))
            if size >= t.total["peak_bytes"] and (size, blocks) != (t.total["peak_bytes"], t.total["peak_blocks"]):
                t.total.update(peak_bytes=size, peak_blocks=blocks, peak_time_ns=time, peak_event=self.events())
                self.peaks[p] = self.by_key(self.live, p)

    def events(self):
        """Up to now, of the whole tree."""
        return self.tallies[-1].total["events"]

    @staticmethod
    def by_key(held, process=-1):
        figures = {}
        for (p, _), b in held.items():
            if process in (-1, p):
                count, size = figures.get(b.key, (0, 0))
                figures[b.key] = [count + 1, size + b.size]
        return figures

    # ---- as decode.py has them ----

    def sums(self):
        left, out = self.by_key(self.leaked), []
        for key in sorted(self.rows):
            node, process, thread, kind, domain = key
            out.append(dict(node=node, process=process, thread=thread, kind=kind, domain=domain,
                            total=self.rows[key]["total"], peak=self.peaks[-1].get(key, [0, 0]),
                            own_peak=self.peaks[process].get(key, [0, 0]), leaked=left.get(key, [0, 0]),
                            temporary=self.rows[key]["temporary"]))
        return out

    def totals(self):
        return [dict(process=p, kinds={str(k): f for k, f in sorted(t.kinds.items())}, **t.total,
                     **dict.fromkeys(TOTAL_RESERVED, 0))
                for p, t in sorted(self.tallies.items())]

    def sizes(self):
        return [dict(process=p, size=size, count=t.sizes[size])
                for p, t in sorted(self.tallies.items()) if p >= 0 for size in sorted(t.sizes)]

    def histories(self):
        return [dict(process=p, shift=SHIFT, **history(t.moments)) for p, t in sorted(self.tallies.items())]


def history(moments):
    """The most that was live in each span, and what was from then on."""
    first, last, most, now, i = moments[0][0] >> SHIFT, moments[-1][0] >> SHIFT, [], 0, 0
    for span in range(first, last + 1):
        values = [now]
        while i < len(moments) and moments[i][0] >> SHIFT == span:
            now = moments[i][1]
            values.append(now)
            i += 1
        most.append(max(values))
    return dict(first=first, most=most + [now])


# ---- bytes ----

def zigzag(n, longer=alter.varint):
    return longer((n << 1 ^ n >> 63) & (1 << 64) - 1)


def sum_items(sums, explicit=False, number=alter.varint):
    """`explicit`: figures that go without saying are said."""
    out, before = b"", 0
    for s in sums:
        shape = 0
        for bit, name in enumerate(FIGURES):
            without = s["peak"] if name == "own_peak" else [0, 0]
            shape |= (explicit or s[name] != without) << bit
        out += zigzag(s["node"] - before, number) + b"".join(
            number(s[name]) for name in ("process", "thread", "kind", "domain")) + number(shape)
        before = s["node"]
        for name in ["total"] + [n for bit, n in enumerate(FIGURES) if shape >> bit & 1]:
            out += number(s[name][0]) + number(s[name][1])
    return out


def record(body):
    return alter.varint(len(body)) + body


def totals_records(totals):
    out = b""
    for t in totals:
        body = alter.varint(t["process"] + 1) + alter.varint(len(t["kinds"]))
        for kind, (count, size) in t["kinds"].items():
            body += alter.varint(int(kind)) + alter.varint(count) + alter.varint(size)
        out += record(body + b"".join(alter.varint(t[name]) for name in TOTAL_NAMES))
    return out


def size_items(sizes):
    out, process, size = b"", 0, 0
    for s in sizes:
        before = size if s["process"] == process else 0
        process, size = s["process"], s["size"]
        out += alter.varint(process) + alter.varint(size - before) + alter.varint(s["count"])
    return out


def history_records(histories):
    out = b""
    for h in histories:
        body = b"".join(map(alter.varint, (h["process"] + 1, h["shift"], h["first"], len(h["most"]))))
        before = 0
        for most in h["most"]:
            body += zigzag(most - before)
            before = most
        out += record(body)
    return out


def values(table):
    return b"".join(record(key.encode()) + alter.varint(n) for key, n in table.items())


def summary(s, capture):
    t = s.tallies[-1].total
    names = dict(leaked_blocks="live_blocks", leaked_bytes="live_bytes")
    out = {k: t[names.get(k, k)] for k in ("allocations frees unmatched_frees bytes_allocated bytes_freed peak_bytes "
                                           "peak_blocks peak_time_ns peak_event leaked_blocks leaked_bytes temporary "
                                           "temporary_bytes").split()}
    return dict(out, processes=len(capture.processes), threads=len(capture.threads),
                temporary_threshold=s.threshold, last_event_ns=s.last)


def captures(data):
    """The capture of sums of that capture of events, its legal variations, and damaged ones."""
    events = Capture(data)
    s = Sums(events)
    tables = [alter.again(b) for b in events.blocks if b.type in
              (MODULES, FRAMES, NODES, STRINGS, PROCESSES, THREADS, MAPPINGS, SYMBOLS)]
    ends = [alter.block(SUMMARY, values(summary(s, events)), items=17),
            alter.block(HEALTH, values(dict(events=s.tallies[-1].total["events"])), items=1)]
    sums, head = s.sums(), alter.header(data, 32, struct.pack("<I", 1))
    others = [alter.block(TOTALS, totals_records(s.totals()), items=len(s.tallies)),
              alter.block(SIZES, size_items(s.sizes()), items=len(s.sizes())),
              alter.block(HISTORY, history_records(s.histories()), items=len(s.tallies))]

    def of(*blocks):
        return alter.build(head, tables + list(blocks) + others + ends)

    def block(part, **how):
        return alter.block(SUMS, sum_items(part, **how), items=len(part))

    whole = block(sums)
    kind_0 = sum_items(sums[:1])[:3] + b"\0\0\0\1\1"
    good = {"aggregated": of(whole), "aggregated~explicit": of(block(sums, explicit=True)),
            "aggregated~long-varints": of(block(sums, number=alter.long_varint)),
            "aggregated~one-a-block": of(*[block([one]) for one in sums]),
            "aggregated~zstd": of(alter.block(SUMS, alter.zstd(sum_items(sums)), alter.ZSTD, items=len(sums),
                                              raw_bytes=len(sum_items(sums)))),
            "aggregated~longer-records": alter.build(head, tables + [whole, alter.block(
                TOTALS, alter.records(totals_records(s.totals()), lambda body: body + bytes(119) + b"new"),
                items=len(s.tallies))] + others[1:] + ends)}
    damaged = {"aggregated~flipped": alter.flip(of(whole), Capture(of(whole)).blocks[len(tables)].offset + 60),
               "aggregated~kind-0": of(alter.block(SUMS, kind_0, items=1), block(sums[1:])),
               "aggregated~shape-32": of(block(sums[1:]), alter.block(SUMS, sum_items(sums[:1])[:5] + b"\x20\1\1", items=1)),
               "aggregated~ends-in-a-figure": of(alter.block(SUMS, sum_items(sums)[:-1], items=len(sums))),
               "aggregated~node-below-0": of(alter.block(SUMS, zigzag(-1) + b"\0\0\1\0\0\1\1", items=1), whole),
               "aggregated~history-of-2049": alter.build(head, tables + [whole] + others[:2] + [alter.block(
                   HISTORY, record(b"\0\x14\0" + alter.varint(2049) + bytes(2049)), items=1)] + ends)}
    return good, damaged


def main():
    with open(sys.argv[1], "rb") as f:
        good, damaged = captures(f.read())
    for folder, made in (("good", good), ("damaged", damaged)):
        for name, data in made.items():
            alter.write(os.path.join(sys.argv[2], folder), name, data)


if __name__ == "__main__":
    main()
