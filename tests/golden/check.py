#!/usr/bin/env python3
"""check - two readers, one specification: check.py MKCAPTURE RAWDUMP

Every golden capture is read by decode.py (written from docs/FORMAT.md alone) and
by rawdump (the replay library). They must print the same. What they must print
follows from the text that a capture was made of, read once more here.

    good/NAME.txt, NAME.bin     made by mkcapture from the text, and complete
    good/NAME~how.bin           the same content in another legal form
    good/aggregated.bin         the sums of aggregated.txt, by sums.py: read from FORMAT.md, too
    damaged/NAME~how.bin        NAME with something lost
    bad/how.KIND.bin            refused, as KIND
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter

import alter
import decode
import keyframes
import sums

HERE = os.path.dirname(os.path.abspath(__file__))
MKCAPTURE, RAWDUMP = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

# Which blocks of events a damage costs; what is not listed costs none in blocks.bin, the first in predicted.bin.
LOST = {"torn": [-1], "flipped-events": [0], "flipped-header": [0], "lost-middle": [1, 2], "items-beyond-the-ops": [],
        "items-beyond-the-file": [0], "more-than-its-items": []}
LOST_EVENTS = {"more-than-its-items": 1}  # beside those
LOST_FIRST = {"blocks": [], "predicted": [0], "keyframes": [], "aggregated": [], "domains": []}
WHOLE = {"trailer-elsewhere", "trailer-beyond"}  # only the short way to the index is lost

# Fields that records were given after kinds~longer-records.bin was made, which has other bytes in their place: what, names.
LATER_FIELDS = {"process": ("titled", "title")}

failures = []


def expect(what, got, want):
    if got != want:
        failures.append(what)
        print("FAIL %s\n  got  %.600s\n  want %.600s" % (what, got, want))


# ---- the two readers ----

def by_python(path):
    with open(path, "rb") as f:
        capture = decode.Capture(f.read())
    return capture, [json.loads(json.dumps(line)) for line in capture.lines()]


def by_library(*paths):
    p = subprocess.run([RAWDUMP, *paths], capture_output=True, timeout=600)
    if p.returncode not in (0, 1) or p.stderr:
        failures.append(paths)
        print("FAIL %s: rawdump ended with %d\n%s" % (" ".join(paths), p.returncode, p.stderr.decode()))
    return [json.loads(line) for line in p.stdout.splitlines()]


def each_by_library(paths):
    """The same of many files, by one process for some of them: to begin one takes longer than to read a small file."""
    for first in range(0, len(paths), 40):
        some, outputs = paths[first:first + 40], []
        for line in by_library(*some):
            if line == dict(what="file"):
                outputs.append([])
            else:
                outputs[-1].append(line)
        if len(outputs) < len(some):
            expect("rawdump came to an end of %s" % some[len(outputs) - 1], False, True)
        yield from outputs


def refused_as(path):
    try:
        by_python(path)
        return "not refused"
    except decode.Refused as refused:
        return refused.kind


# ---- what the text says ----

SHAPES = {"realloc": "oasS", "reallocarray": "oasS", "mremap": "opasS", "track": "dasS",
          "munmap": "as", "untrack": "da", "exec": "l", "gap": "s", "skipped": "s",
          "reserve": "asS", "arena": "asS", "mprotect": "asxS", "madvise": "asxS", "touched": "as", "clear": "S", "look": "s",
          "releasing": "aS", "request": "asxpS", "annotate": "aslS", "class": "aslS",
          "unknown": "sxlS"}
PARTS = {call + "_" + part: (call, "realloc_" + part) for call in ("realloc", "reallocarray", "mremap")
         for part in ("release", "acquire", "withdraw")}
for name, (call, part) in PARTS.items():
    shape = {"realloc_release": "o", "realloc_acquire": "oasS", "realloc_withdraw": "osS"}[part]
    SHAPES[name] = shape.replace("o", "op") if call == "mremap" else shape
SHAPES.update(dict.fromkeys(decode.KINDS[1:13], "asS") | SHAPES)
SHAPES.update(dict.fromkeys(decode.KINDS[16:22], "a"))
SHAPES.update(dict.fromkeys(("mark", "region_begin", "region_end"), "lS"))
FIELDS = dict(a="address", o="old_address", s="size", p="old_size", d="domain", l="label", x="detail", S="stack")
UNITS = {"": 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def words(line):
    """Quoting as mkcapture has it: escapes are known inside "" only."""
    quoted = re.sub(rb'\\(x[0-9a-f]{2}|.)', lambda m: b"\\" + m[1], line).decode("latin-1")
    out, word, inside, at = [], None, False, 0
    while at < len(quoted):
        c = quoted[at]
        if inside and c == "\\":
            c = quoted[at + 1]
            at += 1
            if c == "x":
                c = chr(int(quoted[at + 1:at + 3], 16))
                at += 2
            else:
                c = {"n": "\n", "0": "\0"}.get(c, c)
            word += c
        elif c == '"':
            inside, word = not inside, word or ""
        elif not inside and c.isspace():
            out, word = out + ([word] if word is not None else []), None
        elif not inside and word is None and c == "#":
            break
        else:
            word = (word or "") + c
        at += 1
    return out + ([word] if word is not None else [])


def duration(s):
    number, unit = re.fullmatch(r"(\d+)(\D*)", s).groups()
    return int(number) * UNITS[unit]


class Text:
    """The events of a capture as its text says them, with the names of their stacks."""

    def __init__(self, path):
        self.frames, self.stacks, self.names, self.depths = {}, {"-": []}, {}, {}
        self.thread, self.process_of, self.time, self.events = 0, {0: 0}, 0, {}
        self.domains = {}
        self.unseen, self.before = False, keyframes.Live(4096)
        with open(path, "rb") as f:
            for line in f:
                w = words(line)
                if w and w[0] in SHAPES:
                    self.event(w)
                elif w and hasattr(self, "do_" + w[0]):
                    getattr(self, "do_" + w[0])(*w[1:])

    def do_frame(self, name, file, line, *options):
        function = dict(o.split("=") for o in options if "=" in o).get("as", name)
        known = "bare" not in options and (function != "-" or file != "-")
        self.frames[name] = [function.replace("-", "")] if known else []

    def do_inlined(self, name, function, file, line):
        self.frames[name].append(function)

    def do_stack(self, name, *frames):
        self.stacks[name] = frames

    def do_view(self, name, stack, frames):
        self.stacks[name] = self.stacks[stack][:int(frames)]

    def do_depth(self, name, stack, frames):
        self.stacks[name], self.depths[name] = self.stacks[stack], int(frames)

    def do_thread(self, index, *options):
        process = dict(o.split("=") for o in options if "=" in o).get("process")
        if process:
            self.process_of[int(index)] = int(process)

    def do_in(self, index):
        self.thread = int(index)

    def do_domain(self, process, domain, name, execs="0"):
        if name and int(domain) > 3:
            self.domains[int(domain), int(process), int(execs)] = name[:127]

    def do_at(self, time):
        self.time = duration(time)

    def do_unseen(self):
        self.unseen = True

    def do_begin(self):
        self.unseen = False

    def do_after(self, time):
        self.time += duration(time)

    def address(self, text):
        if text[0].isdigit():
            return int(text, 0)
        return self.names.setdefault(text, (len(self.names) + 1) << 20)

    def event(self, w):
        call, kind = PARTS.get(w[0], ("none", w[0]))
        e = dict(kind=kind, call=decode.KINDS.index(call), time_ns=self.time, thread=self.thread, address=0, size=0,
                 old_address=0, old_size=0, domain=0, label="", detail=0, stack="-")
        for shape, value in zip(SHAPES[w[0]], w[1:]):
            if shape in "ao":
                value = self.address(value)
            elif shape in "spdx":
                value = int(value, 0)
            e[FIELDS[shape]] = value
        e["depth"] = self.depths.get(e["stack"], 0)
        e["stack"] = [f for name in self.stacks[e["stack"]] for f in self.frames[name]]
        process = self.process_of.get(self.thread, 0)
        if self.unseen:
            self.before.apply(dict(e, kind=decode.KINDS.index(kind), process=process, node=e["stack"]))
        else:
            self.events.setdefault(process, []).append(e)


class Printed:
    """The same out of the lines that a reader printed."""

    def __init__(self, lines):
        self.nodes, self.strings, self.symbols, self.events, self.frames = {}, {}, {}, {}, {}
        self.threads = set()
        for l in lines:
            if l["what"] == "thread":
                self.threads.add(l["id"])
            elif l["what"] == "node":
                self.nodes[l["id"]] = l
            elif l["what"] == "frame":
                self.frames[l["id"]] = l
            elif l["what"] == "string":
                self.strings[l["id"]] = l["text"]
            elif l["what"] == "symbols":
                self.symbols[l["frame"]] = [e[0] for e in l["entries"]]
        for l in lines:
            if l["what"] == "event":
                self.event(dict(l))
        self.sums = [l for l in lines if l["what"] in ("sum", "totals", "size", "history")]
        self.complete = lines[-1]["complete"]

    def frame(self, node):
        return self.frames.get(self.nodes.get(node, {}).get("frame"), dict(module=1, offset=0))

    def depth(self, node):
        frame = self.frame(node)
        return frame["offset"] - (3 << 62) if not frame["module"] and frame["offset"] >> 62 == 3 else 0

    def stack(self, node):
        names, left = [], None
        if self.depth(node):
            node = self.nodes[node]["parent"]
        frame = self.frame(node)
        if not frame["module"] and frame["offset"] >> 63:  # a view of its parent
            node, left = self.nodes[node]["parent"], frame["offset"] - 2**63
        while node in self.nodes and left != 0:
            left = left and left - 1
            names += [self.strings.get(s, "") for s in self.symbols.get(self.nodes[node]["frame"], [])]
            node = self.nodes[node]["parent"]
        return names

    def event(self, l):
        process = l.pop("process")
        del l["what"]
        l["kind"] = decode.KINDS[l["kind"]]
        l["depth"] = self.depth(l["node"])
        l["stack"] = self.stack(l.pop("node"))
        if l["thread"] not in self.threads:  # lost with its block
            l["thread"] = 0
        self.events.setdefault(process, []).append(l)


def count(events):
    return Counter(json.dumps([p, e], sort_keys=True) for p in events for e in events[p])


# ---- the checks ----

def check_keyframes(name, capture):
    """Each holds what a naive replay of the events before it finds."""
    for n, k in enumerate(capture.keyframes):
        state, divides, events, marks = keyframes.expected(capture, k)
        what = "%s: keyframe %d" % (name, n)
        expect(what + " divides the times", divides, True)
        if not k["begins"]:  # what was before only its text knows: check_beginning
            expect(what + " holds what is live", keyframes.held(k), state)
        expect(what + " is whole", [(p["part"], p["last"]) for p in k["parts"]],
               [(i, int(i == len(k["parts"]) - 1)) for i in range(len(k["parts"]))])
        expect(what + " counts", {(p["events"], p["marks"]) for p in k["parts"]}, {(events, marks)})
    if capture.marks:
        order = lambda m: (m["process"], m["time_ns"], m["thread"], m["label"])
        every = [e for p in capture.events.values() for e in p if decode.KINDS[e["kind"]] == "mark"]
        expect(name + ": lists its marks", sorted(map(order, capture.marks)), sorted(map(order, every)))


def check_beginning(name, text, capture, lines):
    """What it begins with is what its text's unseen events left."""
    printed, got = Printed(lines), keyframes.held(capture.keyframes[0])
    for _, _, blocks, pieces in got.values():
        for b in blocks + pieces:
            b["node"] = printed.stack(b["node"])
    want = {p: (0, 0, blocks, pieces) for p, (_, _, blocks, pieces) in text.before.state(set()).items()}
    expect(name + ": begins with what was live", got, want)
    expect(name + ": something was", any(blocks for _, _, blocks, _ in want.values()), True)


def without_later_fields(lines):
    return [{k: v for k, v in l.items() if k not in LATER_FIELDS.get(l["what"], ())} for l in lines]


def check_good(path):
    name = os.path.basename(path)[:-4]
    capture, lines = by_python(path)
    expect(name + ": readers agree", by_library(path), lines)
    expect(name + ": complete", (capture.complete, capture.index_holds()), (name != "cut",) * 2)
    check_keyframes(name, capture)
    for block in capture.blocks:
        expect(name + ": no block larger than its payload", block.stored_bytes <= block.raw_bytes, True)
    if "~" in name:
        base = by_python(os.path.join(HERE, "good", name.split("~")[0] + ".bin"))[1]
        same = without_later_fields if name.endswith("~longer-records") else list
        expect(name + ": reads as its base", same(lines[1:]), same(base[1:]))


def check_text(path):
    name, text = os.path.basename(path)[:-4], Text(path)
    capture, lines = by_python(path[:-4] + ".bin")
    expect(name + ": says what its text says", Printed(lines).events, text.events)
    expect(name + ": names domains as its text does", capture.domains, text.domains)
    if capture.keyframes and capture.keyframes[0]["begins"]:
        check_beginning(name, text, capture, lines)
    with tempfile.TemporaryDirectory() as d, open(path, "rb") as source:
        fresh = os.path.join(d, "fresh.bin")
        subprocess.run([MKCAPTURE, fresh], stdin=source, check=True)
        today = by_python(fresh)[1]
        if not any(l["what"] == "listed_mark" for l in lines):  # made before marks were listed
            today = [l for l in today if l["what"] != "listed_mark"]
        expect(name + ": reads as one made today", today, lines)


def by_name(entries):
    return sorted(json.dumps(e, sort_keys=True) for e in entries)


def check_sums():
    """Of every sort of figure: what the capture says is what counting the events of the text gives."""
    capture, _ = by_python(os.path.join(HERE, "good", "aggregated.bin"))
    with tempfile.TemporaryDirectory() as d, open(os.path.join(HERE, "aggregated.txt"), "rb") as source:
        fresh = os.path.join(d, "events.bin")
        subprocess.run([MKCAPTURE, fresh], stdin=source, check=True)
        events, _ = by_python(fresh)
    counted = sums.Sums(events)
    for what in ("sums", "totals", "sizes", "histories"):
        expect("aggregated: " + what, by_name(getattr(capture, what)), by_name(getattr(counted, what)()))
    expect("aggregated: summary", capture.summary, sums.summary(counted, events))
    # and a few by hand
    total, last = counted.totals()[0], counted.totals()[-1]
    expect("aggregated: allocated", total["bytes_allocated"], 1000 + 1000 + 300 + 50 + 5000 + 70 + 4096 + 20000 + 8 +
           123 + 9 + 6000 + 0 + 11 + 7000 + 2)
    expect("aggregated: peak", total["peak_bytes"], 5000 + 70 + 4096 + 20000 + 8)
    expect("aggregated: leaked", (total["live_bytes"], last["live_bytes"]), (70 + 11 + 7000 + 123, 123))
    expect("aggregated: wiped by exec", (last["wiped_blocks"], last["wiped_bytes"]), (2, 20008))


def check_damaged(path):
    base, how = os.path.basename(path)[:-4].split("~")
    name = "%s~%s" % (base, how)
    whole, lines = by_python(os.path.join(HERE, "good", base + ".bin"))
    python, library = Printed(by_python(path)[1]), Printed(by_library(path))
    expect(name + ": complete", (python.complete, library.complete), (how in WHOLE,) * 2)
    expect(name + ": readers agree", library.events, python.events)
    if base in ("aggregated", "domains"):  # nothing but what stands in a block is lost with it
        expect(name + ": readers agree on the rest", by_library(path), by_python(path)[1])
    if base == "aggregated":
        return
    blocks = [b for b in whole.blocks if b.type in (decode.EVENTS, decode.PREDICTED)]
    lost = sum(blocks[i].items for i in LOST.get(how, LOST_FIRST[base])) + LOST_EVENTS.get(how, 0)
    want, got = count(Printed(lines).events), count(python.events)
    if how != "flipped-nodes":  # its stacks are gone, nothing else
        expect(name + ": nothing invented", list((got - want).items()), [])
    expect(name + ": loses what was damaged", sum(got.values()), sum(want.values()) - lost)


def all_same_or_refused(changed):
    """Of each (name, data) both readers refuse, as the same kind, or find the same events and completeness."""
    with tempfile.TemporaryDirectory() as d:
        names, paths = [], []
        for name, data in changed:
            names.append(name)
            paths.append(os.path.join(d, "%d.bin" % len(paths)))
            with open(paths[-1], "wb") as f:
                f.write(data)
        compared = 0
        for name, path, library in zip(names, paths, each_by_library(paths)):
            same_or_refused(name, path, library)
            compared += 1
        expect("all were compared", compared, len(paths))


def same_or_refused(name, path, library):
    try:
        python = Printed(by_python(path)[1])
    except decode.Refused as refused:
        expect(name, library, [dict(what="error", kind=refused.kind)])
        return
    got = Printed(library)
    expect(name, (got.complete, got.events, got.sums), (python.complete, python.events, python.sums))


def check_every(path, step=61):
    """A file cut, and a file with a byte changed, at every step-th byte."""
    with open(path, "rb") as f:
        data = f.read()
    places = range(0, len(data), step)
    all_same_or_refused([("cut at %d" % at, data[:at]) for at in places] +
                        [("changed at %d" % at, data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1:]) for at in places])


def check_every_payload(path, step=3):
    """A block of events changed at every step-th byte, behind right checksums: not even what is wrong is in doubt."""
    with open(path, "rb") as f:
        data = f.read()
    blocks = decode.Capture(data).blocks[:-1]
    events = [b for b in blocks if b.type == decode.PREDICTED][1]
    tables, payload = [alter.again(b) for b in blocks if b.type != decode.PREDICTED], events.payload()
    def changed(at):
        value = (payload[at] + (1, 255, 128, 97)[at // step % 4]) % 256
        block = alter.changed(events, payload[:at] + bytes([value]) + payload[at + 1:])
        return "payload changed at %d" % at, alter.build(alter.header(data), tables + [block])

    all_same_or_refused([changed(at) for at in range(0, len(payload), step)])


def check_bad(path):
    name, kind = os.path.basename(path)[:-4].rsplit(".", 1)
    expect(name + ": refused by decode.py", refused_as(path), kind)
    # what is found in an event comes behind the tables
    expect(name + ": refused by the library", by_library(path)[-1:], [dict(what="error", kind=kind)])


def main():
    total = 0
    for pattern, check in (("good/*.bin", check_good), ("good/*.txt", check_text),
                           ("damaged/*.bin", check_damaged), ("bad/*.bin", check_bad)):
        paths = sorted(glob.glob(os.path.join(HERE, pattern)))
        expect(pattern + ": there are some", bool(paths), True)
        for path in paths:
            check(path)
        total += len(paths)
    check_sums()
    check_every(os.path.join(HERE, "good", "aggregated.bin"), 7)
    check_every(os.path.join(HERE, "good", "blocks.bin"))
    check_every(os.path.join(HERE, "good", "predicted.bin"))
    check_every_payload(os.path.join(HERE, "good", "predicted.bin"))
    print("%d captures and texts, %d failures" % (total, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
