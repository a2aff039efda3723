"""keyframes - KEYFRAME blocks for decode.py, and what they must hold: from docs/FORMAT.md alone, too."""
from events import KINDS, U32, U64, Corrupt, Reader

MMAP, MREMAP, MPROTECT, REALLOC = (KINDS.index(k) for k in ("mmap", "mremap", "mprotect", "realloc"))
PIECES = (MMAP, MREMAP, MPROTECT)
MORE, DOMAIN, STATE = 32, 64, 128
OF_MPROTECT, RESERVED, ARENA, UNTOUCHED = 1, 2, 4, 8
DONTNEED, REMOVE, POPULATE_WRITE = 4, 9, 23


def small(n):
    if not 0 <= n <= U32:
        raise Corrupt("id beyond 32 bits")
    return n


class Columns:
    def __init__(self, columns):
        (self.processes, self.addresses, self.sizes, self.nodes, self.threads, self.times, self.kinds,
         self.others) = columns
        self.address = self.node = self.thread = self.time = 0

    def item(self):
        bits = self.kinds.byte()
        kind = bits & 31
        if not 1 <= kind <= 14 or (bits & STATE and kind not in PIECES):
            raise Corrupt("kind of a live block")
        self.address = self.addresses.addr(self.address)
        size = self.sizes.varint()
        self.node = small(self.node + self.nodes.zigzag())
        self.thread = small(self.thread + self.threads.zigzag())
        self.time = (self.time + self.times.zigzag()) & U64
        b = dict(what="keyframe_block", address=self.address, size=size, time_ns=self.time, thread=self.thread,
                 node=self.node, kind=kind, domain=self.others.u32() if bits & DOMAIN else 0, aside=-1, end=0,
                 asked=0, back=0, state=0)
        if kind in PIECES:
            b["end"] = self.address + size + self.others.varint()
            b["asked"], b["back"] = (self.others.varint(), self.others.u32()) if bits & MORE else (size, 0)
            if b["end"] > U64 or b["end"] == self.address or b["asked"] < size:
                raise Corrupt("a piece without sense")
        elif bits & MORE:
            b["aside"] = self.others.u32()
        if bits & STATE:
            self.state(b)
        return b

    def state(self, b):
        b["state"] = s = self.others.varint()
        if s > 15 or (s & RESERVED and s & (ARENA | UNTOUCHED)) or (s & UNTOUCHED and not s & ARENA):
            raise Corrupt("state of a piece")
        if s & OF_MPROTECT:
            b["kind"] = MPROTECT


def read_keyframe(r, blocks):
    """One part: its head, and what it holds in order, at most so many blocks."""
    part, flags = r.u32(), r.varint()
    head = dict(part=part, last=flags & 1, events=r.varint(), marks=r.varint())
    c = Columns([Reader(r.bytes(n)) for n in [r.varint() for _ in range(8)]])
    items, index = [], None
    while c.processes.left():
        step = c.processes.u32()
        if index is not None and step == 0:
            raise Corrupt("a process twice")
        index = small((index or 0) + step)
        items.append(dict(what="keyframe_process", index=index, events=c.processes.varint(),
                          marks=c.processes.varint()))
        more = c.processes.varint()
        blocks -= more
        items += [c.item() for _ in range(min(more, more + blocks))]
        if blocks < 0:
            raise Corrupt("more than its items")
    return dict(head, items=items)


def held(keyframe):
    """A keyframe in the form of Live.state: {process: (events, marks, sorted blocks, sorted pieces)}."""
    out, process = {}, None
    for part in keyframe["parts"]:
        for item in part["items"]:
            if item["what"] == "keyframe_process":
                process = out.setdefault(item["index"], (item["events"], item["marks"], [], []))
                continue
            b = {k: v for k, v in item.items() if k not in ("what", "back")}
            if b["kind"] in PIECES:
                n = len(process[3])
                if item["back"] > n:
                    raise Corrupt("a piece of no mapping")
                b["mapping"] = process[3][n - item["back"]]["mapping"] if item["back"] else n
                process[3].append(b)
            else:
                process[2].append(b)
    return {p: (e, m, sorted(blocks, key=place), pieces) for p, (e, m, blocks, pieces) in out.items()}


def place(b):
    return b["address"], b["domain"], b["aside"]


def in_order(pieces):
    """What is heap, with arenas, comes before what is reserved."""
    return sorted(pieces, key=lambda b: (b["state"] & RESERVED, b["address"]))


class Process:
    def __init__(self):
        self.events = self.marks = 0
        self.blocks, self.aside = {}, {}  # by (domain, address); by (thread, old address)
        self.pieces = []  # each with a `mapping` of its own identity


class Live:
    """A naive replay: what lives after the events that it was given."""

    def __init__(self, page):
        self.page, self.processes = page, {}

    def start(self, keyframe):
        for index, (_, _, blocks, pieces) in held(keyframe).items():
            p = self.processes.setdefault(index, Process())
            for b in blocks:
                if b["aside"] >= 0:
                    p.aside[b["aside"], b["address"]] = b
                else:
                    p.blocks[b["domain"], b["address"]] = b
            names = [object() for _ in pieces]
            p.pieces = [dict(b, mapping=names[b["mapping"]]) for b in pieces]

    def up(self, address):
        return min((address + self.page - 1) // self.page * self.page, U64 // self.page * self.page)

    def block(self, e, kind=None):
        return dict(address=e["address"], size=e["size"], time_ns=e["time_ns"], thread=e["thread"], node=e["node"],
                    kind=kind or e["kind"], domain=e["domain"], aside=-1, end=0, asked=0, state=0)

    def unmap(self, p, start, size):
        end = self.up(start + size)
        if not size or start >= end:
            return
        left = []
        for b in p.pieces:
            for lo, hi in ((b["address"], min(b["end"], start)), (max(b["address"], end), b["end"])):
                if lo < hi:
                    asked = max(min(b["address"] + b["size"], hi) - lo, 0)
                    left.append(dict(b, address=lo, end=hi, size=asked))
        p.pieces = in_order(left)

    def map(self, p, e, kind=None, state=0):
        start, end = e["address"], self.up(e["address"] + e["size"])
        if not start or not e["size"] or start >= end:
            return
        self.unmap(p, start, e["size"])
        b = self.block(e, kind)
        b.update(end=end, size=min(e["size"], end - start), mapping=object())
        b.update(asked=b["size"], state=state, kind=kind or (MREMAP if e["kind"] == MREMAP else MMAP))
        p.pieces = in_order(p.pieces + [b])

    def divide(self, p, start, end):
        """So that each piece lies in [start, end) or outside; those that lie in it."""
        kept = p.pieces
        self.unmap(p, start, end - start)
        outside = p.pieces
        p.pieces = kept
        self.unmap(p, 0, start)
        self.unmap(p, end, U64 // self.page * self.page - end)
        inside, p.pieces = p.pieces, outside
        return inside

    def protect(self, p, e):
        start, end = e["address"], self.up(e["address"] + e["size"])
        if not e["size"] or start >= end:
            return
        name, stay = object(), [b for b in p.pieces if bool(b["state"] & RESERVED) != bool(e["detail"])]
        p.pieces = [b for b in p.pieces if b not in stay]
        for b in self.divide(p, start, end):
            p.pieces.append(dict(self.block(e), address=b["address"], size=b["size"], end=b["end"], asked=b["size"],
                                 mapping=name, kind=MPROTECT, state=OF_MPROTECT | (0 if e["detail"] else RESERVED)))
        p.pieces = in_order(p.pieces + stay)

    def touch(self, p, start, size, touched):
        start, end = start // self.page * self.page, self.up(start + size)
        if not size or start >= end:
            return
        before, after = (ARENA | UNTOUCHED, ARENA) if touched else (ARENA, ARENA | UNTOUCHED)
        stay = [b for b in p.pieces if b["state"] != before]
        p.pieces = [b for b in p.pieces if b["state"] == before]
        inside = [dict(b, state=after) for b in self.divide(p, start, end)]
        joined = []
        for b in in_order(p.pieces + inside + stay):
            last = joined[-1] if joined else None
            if last and (last["mapping"], last["end"], last["state"]) == (b["mapping"], b["address"], b["state"]) and \
                    last["state"] & ARENA:
                last.update(end=b["end"], size=last["size"] + b["size"])
            else:
                joined.append(dict(b))
        p.pieces = joined

    def remap(self, p, e):
        if not e["address"]:
            return
        start, end = e["old_address"], self.up(e["old_address"] + max(e["old_size"], 1))
        old = [b for b in p.pieces if b["address"] < end and start < b["end"]]
        if not old:
            return
        first = [b for b in old if b["address"] <= start < b["end"]]
        state = first[0]["state"] if first else 0
        state = ARENA | UNTOUCHED if state & ARENA else state & RESERVED
        touched = [(max(b["address"], start) - start, min(b["end"], end) - start) for b in old
                   if b["state"] & ARENA and not b["state"] & UNTOUCHED]
        self.unmap(p, start, e["old_size"])
        self.map(p, e, state=state)
        for lo, hi in touched:
            if state & ARENA and lo < e["size"]:
                self.touch(p, e["address"] + lo, min(hi, e["size"]) - lo, True)

    def realloc(self, p, e):
        if e["address"]:
            p.blocks.pop((0, e["old_address"]), None)
            p.blocks[0, e["address"]] = self.block(e)

    def release(self, p, e):
        if KINDS[e["call"]] == "mremap":
            return self.unmap(p, e["old_address"], e["old_size"])
        key = e["thread"], e["old_address"]
        p.aside.pop(key, None)
        if (0, e["old_address"]) in p.blocks:
            p.aside[key] = dict(p.blocks.pop((0, e["old_address"])), aside=e["thread"])

    def acquire(self, p, e):
        if KINDS[e["call"]] == "mremap":
            return self.map(p, e, MREMAP)
        p.aside.pop((e["thread"], e["old_address"]), None)
        if e["address"]:
            p.blocks[0, e["address"]] = self.block(e, e["call"])

    def withdraw(self, p, e):
        if KINDS[e["call"]] == "mremap":
            return self.map(p, dict(e, address=e["old_address"], size=e["old_size"]), MREMAP)
        b = p.aside.pop((e["thread"], e["old_address"]), None)
        p.blocks.pop((0, e["old_address"]), None)
        if b:
            p.blocks[0, e["old_address"]] = dict(b, aside=-1)

    def apply(self, e):
        p = self.processes.setdefault(e["process"], Process())
        kind = KINDS[e["kind"]]
        p.events += 1
        p.marks += kind == "mark"
        if kind in ("realloc", "reallocarray"):
            self.realloc(p, e)
        elif kind.startswith("realloc_"):
            getattr(self, kind[8:])(p, e)
        elif kind == "mmap":
            self.map(p, e)
        elif kind == "mremap":
            self.remap(p, e)
        elif kind == "munmap":
            self.unmap(p, e["address"], e["size"])
        elif kind in ("reserve", "arena"):
            self.map(p, e, state=RESERVED if kind == "reserve" else ARENA | UNTOUCHED)
        elif kind == "mprotect":
            self.protect(p, e)
        elif kind == "touched" or kind == "madvise" and e["detail"] in (DONTNEED, REMOVE, POPULATE_WRITE):
            self.touch(p, e["address"], e["size"], kind == "touched" or e["detail"] == POPULATE_WRITE)
        elif kind in ("exec", "clear"):
            p.blocks, p.aside, p.pieces = {}, {}, []
        elif 1 <= e["kind"] <= 14:
            if e["address"]:
                p.blocks[e["domain"], e["address"]] = self.block(e)
        elif 16 <= e["kind"] <= 23:
            p.blocks.pop((e["domain"], e["address"]), None)

    def state(self, ended):
        out = {}
        for index, p in self.processes.items():
            if index in ended:
                continue
            first, pieces = {}, []
            for n, b in enumerate(p.pieces):
                pieces.append(dict(b, mapping=first.setdefault(id(b["mapping"]), n)))
            blocks = sorted([*p.blocks.values(), *p.aside.values()], key=place)
            out[index] = (p.events, p.marks, blocks, pieces)
        return out


def expected(capture, keyframe):
    """What that keyframe of the capture must hold, by the events before it; and whether it divides the times."""
    live = Live(capture.header["page_bytes"])
    if capture.keyframes[0]["begins"] and not keyframe["begins"]:
        live.start(capture.keyframes[0])
    time, divides, events, marks = keyframe["time_ns"], True, 0, 0
    for block, e in capture.event_blocks:
        before = block.offset < keyframe["offset"]
        divides &= (e["time_ns"] <= time) == before
        if before:
            live.apply(e)
            events += 1
            marks += KINDS[e["kind"]] == "mark"
    ended = {n for n, p in capture.processes.items() if 0 <= p["end_ns"] <= time}
    return live.state(ended), divides, events, marks
