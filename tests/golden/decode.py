#!/usr/bin/env python3
"""decode - a second reader of captures, written only from docs/FORMAT.md.

decode.py CAPTURE prints what the capture holds, one JSON object a line, in an
order that does not depend on the order of blocks: the header, the tables by id,
the events of each process in their order, and how whole the file is. Bytes that
may be any bytes are printed as Latin-1, build-ids in hexadecimal. Slow, simple,
and nothing but the standard library, and libzstd: it is there to disagree with the
other one.
"""
import json
import struct
import sys

import memories
from keyframes import read_keyframe
from references import read_references
from unpack import lz4_block, xxh32, zstd_frame
from events import KINDS, U32, U64, Corrupt, Events, Predicted, Reader, Record, Refused, text  # noqa: F401

RAW_MAX, STORED_MAX = 1 << 20, (1 << 20) + 4096
LZ4, ZSTD, MUST_UNDERSTAND = 1, 2, 0x8000
ENTRIES_MAX = 1 << 20  # of one block
ITEMS_FREE, ITEMS_PER_BYTE = 1 << 20, 32
BLOCK_MAGIC = b"TRKB"

MODULES, FRAMES, NODES, STRINGS, PROCESSES, THREADS, MAPPINGS, EVENTS = range(1, 9)
RSS, SYMBOLS, NOTICES, HEALTH, SUMMARY, INDEX, PREDICTED = range(9, 16)
SUMS, TOTALS, SIZES, HISTORY = range(16, 20)
FIGURES = ("peak", "own_peak", "leaked", "temporary")  # bits of a shape, from the lowest
TOTAL_NAMES = """allocations frees unmatched_frees bytes_allocated bytes_freed live_bytes live_blocks
peak_bytes peak_blocks peak_time_ns peak_event temporary temporary_bytes lost overwritten wiped_blocks
wiped_bytes events""".split()
TOTAL_ERRORS = "allocated freed live peak temporary".split()
TOTAL_RESERVED = ["reserved_" + name for name in "bytes mappings most_bytes most_mappings peak_bytes".split()]
HISTORY_MAX = 2048
KEYFRAME, MARKS, PADDING, DOMAINS, LOOK = range(20, 25)
MEMORY = 30
VERDICTS = "unknown reachable possibly indirectly definitely".split()


class Block:
    def __init__(self, data, offset):
        h = data[offset:offset + 48]
        if len(h) < 48 or h[:4] != BLOCK_MAGIC or xxh32(h[:44]) != struct.unpack("<I", h[44:])[0]:
            raise Corrupt("no block header")
        (self.type, self.flags, self.raw_bytes, self.stored_bytes, self.process, self.items,
         self.first_time, self.last_time, self.checksum) = struct.unpack("<HHIIIIQQI", h[4:44])
        if self.raw_bytes > RAW_MAX or self.stored_bytes > STORED_MAX:
            raise Corrupt("block beyond the limits")
        self.packed = self.flags & (LZ4 if 1 <= self.type <= INDEX else LZ4 | ZSTD)
        if self.packed == LZ4 | ZSTD:
            raise Corrupt("compressed in both ways")
        if not self.packed and self.raw_bytes != self.stored_bytes:
            raise Corrupt("lengths differ without compression")
        self.offset, self.end = offset, offset + 48 + self.stored_bytes
        if self.end > len(data):
            raise Corrupt("block beyond the end of the file")
        self.stored, self.taken = data[offset + 48:self.end], 0
        if xxh32(self.stored) != self.checksum:
            raise Corrupt("checksum of the payload")

    def another(self, r):
        """Whether another item follows in r, the payload."""
        if not r.left():
            return False
        if self.taken == self.items:
            raise Corrupt("more than its items")
        self.taken += 1
        return True

    def payload(self):
        unpack = {LZ4: lz4_block, ZSTD: zstd_frame}.get(self.packed)
        return unpack(self.stored, self.raw_bytes) if unpack else self.stored


class Capture:
    def __init__(self, data):
        self.data = data
        self.modules, self.frames, self.nodes, self.strings = {}, {}, {}, {}
        self.processes, self.threads, self.symbols = {}, {}, {}
        self.mappings, self.rss, self.notices = [], [], []
        self.health, self.summary = {}, {}
        self.events, self.event_blocks = {}, []
        self.marks, self.keyframes, self.domains, self.looks, self.memories = [], [], {}, {}, {}
        self.sums, self.totals, self.sizes, self.histories = [], [], [], []
        self.damaged = False
        self.read_header()
        self.blocks = list(self.scan())
        self.complete = self.trailer() is not None and not self.damaged
        for block in self.blocks:
            self.read_block(block)
        for s in self.sums:
            s["node"] = s["node"] if s["node"] in self.nodes else 0
            s["thread"] = s["thread"] if s["thread"] <= max(self.threads, default=0) else 0

    def read_header(self):
        d = self.data
        magic = b"\x89TRK\r\n\x1a\n"
        if not d or d[:8] != magic[:len(d)]:
            raise Refused("magic", "not a capture")
        if len(d) < 64 or xxh32(d[:60]) != struct.unpack_from("<I", d, 60)[0]:
            raise Refused("corrupt", "header")
        (version, minor, self.header_bytes, required, start, content, page,
         ident, sample) = struct.unpack_from("<HHIQQIIQQ", d, 8)
        if version > 1:
            raise Refused("version", str(version))
        unknown = required & ~6
        if unknown:
            raise Refused("feature", "bit %d" % ((unknown & -unknown).bit_length() - 1))
        if content > 1:
            raise Refused("feature", "content %d" % content)
        if version < 1 or not 64 <= self.header_bytes <= 4096:
            raise Refused("corrupt", "header")
        if not required & 2:
            sample = 0
        elif not 1 <= sample <= 2**40:
            raise Refused("corrupt", "header")
        self.header = dict(what="header", version=version, minor=minor, start_unix_ns=start,
                           content=content, page_bytes=page, id=ident,
                           sample_bytes=sample)

    def scan(self):
        """Every valid block, in file order; notes whether anything else lay between them."""
        at, end, items = self.header_bytes, len(self.data), 0
        if self.trailer() is not None:
            end -= 16
        while at < end:
            try:
                block = Block(self.data, at)
                if block.flags & MUST_UNDERSTAND and not (1 <= block.type <= MARKS or block.type == DOMAINS):
                    raise Refused("feature", "block type %d" % block.type)
                at = block.end
                items += block.items if block.type != INDEX else 0
                if items <= ITEMS_FREE + ITEMS_PER_BYTE * block.end:
                    yield block
                else:
                    items -= block.items
                    self.damaged = True
            except Corrupt:
                self.damaged = True
                at = self.data.find(BLOCK_MAGIC, at + 1)
                if at < 0:
                    return

    def trailer(self):
        t = self.data[-16:]
        if len(self.data) < self.header_bytes + 16 or t[12:] != b"TRKE":
            return None
        offset, checksum = struct.unpack("<QI", t[:12])
        return offset if xxh32(t[:8]) == checksum else None

    def index_holds(self):
        """Whether the INDEX that the trailer points at lists what the scan found."""
        offset = self.trailer()
        index = [b for b in self.blocks if b.offset >= (offset or 0)]
        if offset is None or not index or index[0].offset != offset:
            return False
        listed = []
        for block in index:
            if block.type != INDEX:
                return False
            r, before = Reader(block.payload()), 0
            for _ in range(block.items):
                before += r.varint()
                listed.append((before, r.u32(), r.varint(), r.u32(), r.varint(), r.varint()))
        return listed == [(b.offset, b.type, 0 if b.process == U32 else b.process + 1, b.items,
                           b.first_time, b.last_time)
                          for b in self.blocks if b.offset < offset]

    def read_block(self, block):
        readers = {MODULES: self.read_modules, FRAMES: self.read_frames, NODES: self.read_nodes,
                   STRINGS: self.read_strings, PROCESSES: self.read_processes,
                   THREADS: self.read_threads, MAPPINGS: self.read_mappings, RSS: self.read_rss,
                   SYMBOLS: self.read_symbols, NOTICES: self.read_notices,
                   HEALTH: self.read_values, SUMMARY: self.read_values, EVENTS: self.read_events,
                   PREDICTED: self.read_events, SUMS: self.read_sums, TOTALS: self.read_totals,
                   SIZES: self.read_sizes, HISTORY: self.read_history,
                   KEYFRAME: self.read_keyframe, MARKS: self.read_marks, DOMAINS: self.read_domains,
                   LOOK: self.read_look, MEMORY: self.read_memory}
        if block.type not in readers:
            return
        try:
            readers[block.type](block, Reader(block.payload()))
        except Corrupt:
            self.damaged, self.complete = True, False

    def ids(self, table, block, r):
        """The ids of a block's entries, one after another, until the payload ends."""
        next_id, free = r.u32(), max(table, default=0) + 1
        if not free <= next_id <= free + ENTRIES_MAX:
            raise Corrupt("first below the next free id, or far beyond")
        while block.another(r):
            yield next_id
            next_id += 1

    def read_modules(self, block, r):
        for n in self.ids(self.modules, block, r):
            b = Record(r.string())
            self.modules[n] = dict(path=text(b.string()), build_id=b.string().hex(), flags=b.u32())

    def read_frames(self, block, r):
        before = 0
        for n in self.ids(self.frames, block, r):
            module = r.u32()
            before = (before + r.zigzag()) & U64
            self.frames[n] = dict(module=module, offset=before)

    def read_nodes(self, block, r):
        for n in self.ids(self.nodes, block, r):
            up = r.varint()
            if not 1 <= up <= n:
                raise Corrupt("parent of a node")
            self.nodes[n] = dict(parent=n - up, frame=r.u32())

    def read_strings(self, block, r):
        for n in self.ids(self.strings, block, r):
            self.strings[n] = text(r.string())

    def read_processes(self, block, r):
        while block.another(r):
            b = Record(r.string())
            index = b.u32()
            self.processes[index] = dict(
                pid=b.u32(), parent=b.varint() - 1, ppid=b.u32(), origin=b.u32(), start_ns=b.varint(),
                end_ns=b.varint() - 1, ended=b.u32(), code=b.u32(), name=text(b.string()),
                executable=text(b.string()), command_line=text(b.string()), execs=b.u32(),
                libc=text(b.string()), host=text(b.string()), system=text(b.string()),
                titled=b.u32(), title=text(b.string()))

    def read_threads(self, block, r):
        while block.another(r):
            b = Record(r.string())
            index = b.u32()
            self.threads[index] = dict(process=b.u32(), tid=b.u32(), start_ns=b.varint(),
                                       end_ns=b.varint() - 1, name=text(b.string()), main=b.u32())

    def read_mappings(self, block, r):
        while block.another(r):
            b = Record(r.string())
            self.mappings.append(dict(process=b.u32(), module=b.u32(), bias=b.varint(),
                                      start=b.varint(), end=b.varint(), load_time_ns=b.varint(),
                                      unload_time_ns=b.varint() - 1))

    def read_rss(self, block, r):
        time = block.first_time
        while block.another(r):
            process = r.u32()
            time += r.varint()
            self.rss.append(dict(process=process, time_ns=time, rss_bytes=r.varint()))

    def read_symbols(self, block, r):
        while block.another(r):
            frame, n = r.u32(), r.varint()
            if n > r.left():
                raise Corrupt("count beyond the payload")
            self.symbols[frame] = [[r.u32(), r.u32(), r.u32(), r.varint()] for _ in range(n)]

    def read_notices(self, block, r):
        while block.another(r):
            self.notices.append(text(r.string()))

    def read_values(self, block, r):
        table = self.health if block.type == HEALTH else self.summary
        while block.another(r):
            key = text(r.string())
            table[key] = r.varint()

    def read_events(self, block, r):
        events = self.events.setdefault(block.process, [])
        for e in (Events if block.type == EVENTS else Predicted)(block, r.data):
            if e["node"] and e["node"] not in self.nodes:
                e["node"] = 0
            events.append(e)
            self.event_blocks.append((block, e))

    def read_marks(self, block, r):
        time = 0
        while block.another(r):
            process, thread = r.u32(), r.u32()
            time = (time + r.zigzag()) & U64
            self.marks.append(dict(process=process, thread=thread, time_ns=time, label=text(r.string())))

    def read_domains(self, block, r):
        while block.another(r):
            b = Record(r.string())
            process, execs, domain, name = b.u32(), b.u32(), b.u32(), text(b.string())
            if name and domain > 3:
                self.domains[domain, process, execs] = name

    def read_look(self, block, r):
        number, part, flags, first = r.u32(), r.u32(), r.varint(), r.varint()
        head = Record(r.string())
        names = "time_ns pid why how flags threads stopped_ns took_ns memory_bytes judged".split()
        told = {name: head.varint() for name in names}
        told.update(label=text(head.string()), reason=text(head.string()))
        lengths = [r.varint() if flag & (1 | flags) else 0 for flag in (1, 1, 1, 2, 2, 4)]
        roots, verdicts, parents, types, type_of, references = [Reader(r.bytes(n)) for n in lengths]
        if not number:
            raise Corrupt("a look without a number")
        known = self.looks.get((block.process, number))
        if (part == 0) == (known is not None) or first != (len(known["blocks"]) if known else 0):
            raise Corrupt("a part of a look that does not follow the one before")
        look = self.looks.setdefault((block.process, number), dict(told, roots=[], types=[], blocks=[], references=[], last=False))
        while roots.left():
            b = Record(roots.string())
            look["roots"].append(dict(kind=b.varint(), start=b.varint(), end=b.varint(), tid=b.varint(),
                                      name=text(b.string())))
        while types.left():
            b = Record(types.string())
            look["types"].append(dict(name=text(b.string()), bases=text(b.string())))
        while verdicts.left():
            if len(look["blocks"]) - first == block.items:
                raise Corrupt("more than its items")
            bits, index = verdicts.byte(), len(look["blocks"])
            come = bits >> 3 & 3
            parent = index + parents.zigzag() if come == 1 else parents.varint() if come == 2 else 0
            if not 0 <= parent <= U32:
                raise Corrupt("parent beyond 32 bits")
            offset = parents.varint() if come == 2 else 0
            number, held = divmod(max(0, (type_of.varint() if flags & 2 else 0) + 2), 3)
            look["blocks"].append(dict(verdict=bits & 7, come=come, parent=parent, offset=offset, type=number, held=held if number else 0))
        look["references"] += read_references(references, len(look["blocks"]))
        look["last"] = bool(flags & 1)

    def read_memory(self, block, r):
        memories.read(self.memories, block, r)

    def read_keyframe(self, block, r):
        before = [b.last_time for b in self.blocks if b.offset < block.offset and b.type in (EVENTS, PREDICTED)]
        last, begins = self.keyframes[-1] if self.keyframes else None, bool(block.flags & MUST_UNDERSTAND)
        part = read_keyframe(r, block.items)
        if last and last["end"] == block.offset and last["time_ns"] == block.first_time:
            last["parts"].append(part)
            last["end"] = block.end
            return
        if before and (begins or block.first_time < max(before)) or \
                last and (begins or block.first_time <= last["time_ns"]):
            raise Corrupt("no place for a keyframe")
        self.keyframes.append(dict(time_ns=block.first_time, begins=begins, parts=[part], end=block.end,
                                   offset=block.offset))

    @staticmethod
    def index(number):
        if not 0 <= number < U32:
            raise Corrupt("index beyond 32 bits")
        return number

    @staticmethod
    def figure(r):
        count = r.varint()
        return [count, r.varint()]

    def figure_with_error(self, r):
        return self.figure(r) + self.error(r)

    @staticmethod
    def error(r):
        """Of a sampled capture: variances of bytes and of count, and the most that a block stood for."""
        return list(struct.unpack("<3d", r.bytes(24)))

    def read_sums(self, block, r):
        node = 0
        while block.another(r):
            node = self.index(node + r.zigzag())
            s = dict(node=node, process=self.index(r.varint()), thread=self.index(r.varint()), kind=r.varint(),
                     domain=r.u32())
            shape = r.varint()
            if not 1 <= s["kind"] <= 63 or shape > 31:
                raise Corrupt("kind or shape of a sum")
            figure = self.figure_with_error if shape & 16 else self.figure
            s["total"] = figure(r)
            for bit, name in enumerate(FIGURES):
                without = s["peak"] if name == "own_peak" else [0, 0]
                s[name] = figure(r) if shape >> bit & 1 else without
            self.sums.append(s)

    def process_or_all(self, r):
        """-1: the whole tree."""
        number = r.varint()
        return self.index(number - 1) if number else -1

    def read_totals(self, block, r):
        while block.another(r):
            b = Record(r.string())
            t = dict(process=self.process_or_all(b), kinds={})
            for _ in range(b.varint()):
                kind = b.varint()
                if kind > 63:
                    raise Corrupt("kind of an allocation")
                if not b.left():
                    raise Corrupt("ends inside a record")
                t["kinds"][str(kind)] = self.figure(b)
            t.update((name, b.varint()) for name in TOTAL_NAMES)
            t.update((name + "_error", self.error(b)) for name in TOTAL_ERRORS
                     if b.left() and self.header["sample_bytes"])
            t.update((name, b.varint() if b.left() else 0) for name in TOTAL_RESERVED)
            self.totals.append(t)

    def read_sizes(self, block, r):
        process, size = 0, 0
        while block.another(r):
            number = self.index(r.varint())
            size = (size if number == process else 0) + r.varint() & U64
            process = number
            self.sizes.append(dict(process=process, size=size, count=r.varint()))

    def read_history(self, block, r):
        while block.another(r):
            b = Record(r.string())
            h = dict(process=self.process_or_all(b), shift=b.varint(), first=b.varint(), most=[])
            count, most = b.varint(), 0
            if h["shift"] > 63 or count > HISTORY_MAX:
                raise Corrupt("spans of a history")
            for _ in range(count):
                most = (most + b.zigzag()) & U64
                h["most"].append(most)
            self.histories.append(h)

    def string(self, n):
        return self.strings.get(n, "")

    def lines(self):
        yield self.header
        for what in ("module", "frame", "node", "string", "process", "thread"):
            table = getattr(self, what + ("es" if what == "process" else "s"))
            for n in sorted(table):
                entry = table[n]
                yield dict(what=what, id=n, **(entry if isinstance(entry, dict) else dict(text=entry)))
        for n in sorted(self.symbols):
            yield dict(what="symbols", frame=n, entries=self.symbols[n])
        for what, table in (("mapping", self.mappings), ("rss", self.rss)):
            for entry in table:
                yield dict(what=what, **entry)
        for sentence in self.notices:
            yield dict(what="notice", text=sentence)
        for what, table in (("health", self.health), ("summary", self.summary)):
            for key in sorted(table):
                yield dict(what=what, key=key, value=table[key])
        for what, table in (("sum", self.sums), ("totals", self.totals), ("size", self.sizes),
                            ("history", self.histories)):
            for entry in table:
                yield dict(what=what, **entry)
        for mark in self.marks:
            yield dict(what="listed_mark", **mark)
        for (domain, process, execs), name in sorted(self.domains.items()):
            yield dict(what="domain", process=process, execs=execs, domain=domain, name=name)
        for process, number in sorted(self.looks):
            look = dict(self.looks[process, number])
            parts = [("look_" + key[:-1], look.pop(key)) for key in ("roots", "types", "blocks", "references")]
            look["last"] = int(look["last"])
            yield dict(what="look", process=process, number=number, **look)
            for what, entries in parts:
                for entry in entries:
                    yield dict(what=what, **entry)
            yield from self.memories.get((process, number), {}).get("lines") or []
        for k in self.keyframes:
            yield dict(what="keyframe", time_ns=k["time_ns"], begins=int(k["begins"]), parts=len(k["parts"]))
            for part in k["parts"]:
                yield dict(what="keyframe_part", **{n: part[n] for n in ("part", "last", "events", "marks")})
                yield from part["items"]
        for process in sorted(self.events):
            yield from self.events[process]
        yield dict(what="end", complete=self.complete)

    def stack(self, node):
        """Function names of a call-tree node, most recent first, inlined ones included."""
        names = []
        while node in self.nodes:
            n = self.nodes[node]
            names += [self.string(s[0]) for s in self.symbols.get(n["frame"], [])]
            node = n["parent"]
        return names


def main():
    try:
        with open(sys.argv[1], "rb") as f:
            capture = Capture(f.read())
    except Refused as refused:
        print(json.dumps(dict(what="error", kind=refused.kind)))
        return 1
    for line in capture.lines():
        print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
