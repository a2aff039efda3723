#!/usr/bin/env python3
"""alter - makes the golden captures that our own writer would never write.

alter.py DIRECTORY changes the captures made from text (good/NAME.bin) in the ways
that docs/FORMAT.md allows (good/NAME~how.bin: reads as NAME does), forgives
(damaged/NAME~how.bin) or forbids (bad/how.KIND.bin: refused as KIND). The
files it made stand in the repository, for captures stay readable for ever; run
it again only to add one.
"""
import ctypes
import os
import struct
import sys

from decode import (DOMAINS, EVENTS, INDEX, ITEMS_FREE, ITEMS_PER_BYTE, KEYFRAME, LZ4, MODULES, MUST_UNDERSTAND, NODES,
                    PREDICTED, PROCESSES, THREADS, U32, ZSTD, Capture, Reader)
from unpack import libzstd, xxh32

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def long_varint(n):
    """The same number in more bytes than it needs."""
    b = varint(n)
    return b[:-1] + bytes([b[-1] | 128, 0x80, 0]) if len(b) < 8 else b


def header(data, at=None, value=b"", checksum=True):
    h = bytearray(data[:60])
    if at is not None:
        h[at:at + len(value)] = value
    crc = struct.pack("<I", xxh32(bytes(h)))
    return bytes(h) + (crc if checksum else data[60:64])


def block(type, payload, flags=0, process=U32, items=0, times=(0, 0), raw_bytes=None):
    raw_bytes = len(payload) if raw_bytes is None else raw_bytes
    h = b"TRKB" + struct.pack("<HHIIIIQQI", type, flags, raw_bytes, len(payload), process, items,
                              *times, xxh32(payload))
    return h + struct.pack("<I", xxh32(h)) + payload


def zstd(payload):
    out = ctypes.create_string_buffer(len(payload) + 1024)
    size = libzstd.ZSTD_compress(out, len(out), payload, len(payload), 19)
    return out.raw[:size]


def again(b, payload=None, flags=None):
    """Block b with another payload (not compressed) or other flags."""
    if payload is None:
        return block(b.type, b.stored, b.flags if flags is None else flags, b.process, b.items,
                     (b.first_time, b.last_time), b.raw_bytes)
    return block(b.type, payload, flags or 0, b.process, b.items, (b.first_time, b.last_time))


def trailer(offset):
    t = struct.pack("<Q", offset)
    return t + struct.pack("<I", xxh32(t)) + b"TRKE"


def index(blocks, at):
    """INDEX payload over (offset, bytes) pairs."""
    out, before = b"", 0
    for offset, b in blocks:
        type, _, _, _, process, items, first, last = struct.unpack_from("<HHIIIIQQ", b, 4)
        out += varint(offset - before) + varint(type) + varint(0 if process == U32 else process + 1)
        out += varint(items) + varint(first) + varint(last)
        before = offset
    return block(INDEX, out, items=len(blocks))


def build(head, blocks, parts=1):
    """A complete file of these blocks, its index in so many parts."""
    out, placed = head, []
    for b in blocks:
        placed.append((len(out), b))
        out += b
    at = len(out)
    for i in range(parts):
        out += index(placed[len(placed) * i // parts:len(placed) * (i + 1) // parts], at)
    return out + trailer(at)


def records(payload, change):
    """Applies change(body) to every record of a payload; a leading `first` is the caller's."""
    r, out = Reader(payload), b""
    while r.left():
        body = change(r.string())
        out += varint(len(body)) + body
    return out


def longer(b):
    """Records with fields of a future version behind those of today; a process's last three are missing in the base."""
    today = b"\0\0\0" if b.type == PROCESSES else b""
    more = lambda body: body + today + b"\x07\x03new\xff\x01"
    payload = b.payload()
    if b.type == MODULES:
        return again(b, payload[:1] + records(payload[1:], more))
    return again(b, records(payload, more)) if b.type in (PROCESSES, THREADS) else again(b)


def good_domains(data):
    """Records of a later version, and numbers that are longer than they need be."""
    blocks, more = Capture(data).blocks[:-1], lambda body: body + b"\x07\x03new\xff\x01"

    def longer_numbers(body):
        r = Reader(body)
        return b"".join(long_varint(r.varint()) for _ in range(3)) + long_varint(body[r.at]) + body[r.at + 1:]

    def each(change):
        return [again(b, records(b.payload(), change)) if b.type == DOMAINS else again(b) for b in blocks]
    return {"longer-records": build(header(data), each(more)), "long-varints": build(header(data), each(longer_numbers)),
            "empty-records": build(header(data), each(lambda body: body) + [block(DOMAINS, b"\0\1\0", items=2)])}


def damaged_domains(data):
    """Names are lost, and nothing else; those before the damage count."""
    blocks = Capture(data).blocks[:-1]

    def instead(*other):
        return build(header(data), [again(b) for b in blocks if b.type != DOMAINS] + list(other))
    name = b"\6\0\0\x90\3\1a"
    return {
        "flipped": flip(data, next(b for b in blocks if b.type == DOMAINS).offset + 50),
        "domain-beyond-32-bits": instead(block(DOMAINS, name + b"\x09\0\0" + varint(2**32) + b"\1b", items=2)),
        "process-beyond-32-bits": instead(block(DOMAINS, name + b"\x0a" + varint(2**32) + b"\0\x90\3\1b", items=2)),
        "record-too-long": instead(block(DOMAINS, name + b"\x20\0\0\5\1b", items=2)),
        "beyond-its-items": instead(block(DOMAINS, name + name, items=1)),
    }


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


def good(data):
    blocks = Capture(data).blocks[:-1]
    plain = [again(b) for b in blocks]
    unknown = block(99, b"from the future", items=1)
    with_unknown = plain[:2] + [unknown] + plain[2:] + [unknown]
    head = header(data)
    return {
        "uncompressed": build(head, [again(b, b.payload()) for b in blocks]),
        "unknown-block": build(head, with_unknown),
        "longer-records": build(head, [longer(b) for b in blocks]),
        "longer-header": build(header(data, 12, struct.pack("<I", 100)) + b"f" * 36, plain),
        "newer-minor": build(header(data, 10, b"\x07\x00"), plain),
        "reserved-bits": build(header(data, 48, b"\xff" * 12),
                               [again(b, flags=b.flags | 0x7FFE) for b in blocks]),
        "understood": build(head, [again(b, flags=b.flags | MUST_UNDERSTAND) for b in blocks]),
        "index-in-3": build(head, plain, parts=3),
        "long-varints": build(head, [again(b, long_first(b)) if b.type == NODES else again(b)
                                     for b in blocks]),
    }


def columns(*parts):
    return b"".join(map(varint, map(len, parts))) + b"".join(parts)


def split(payload):
    r = Reader(payload)
    return [r.bytes(n) for n in [r.varint() for _ in range(9)]]


def changed(b, payload=None, stored=None, **fields):
    """A PREDICTED block with another payload, or one that is stored so, or other fields of its header."""
    payload = b.payload() if payload is None else payload
    h = dict(flags=MUST_UNDERSTAND, process=b.process, items=b.items, times=(b.first_time, b.last_time),
             raw_bytes=len(payload))
    h.update(fields)
    return block(PREDICTED, payload if stored is None else stored, **h)


def good_predicted(data):
    blocks = Capture(data).blocks[:-1]

    def each(change):
        return build(header(data), [change(b, b.payload()) if b.type == PREDICTED else again(b) for b in blocks])

    def longer_lengths(payload):
        parts = split(payload)
        return b"".join(long_varint(len(part)) for part in parts) + b"".join(parts)

    return {
        "uncompressed": each(changed),
        "zstd": each(lambda b, p: changed(b, p, zstd(p), flags=MUST_UNDERSTAND | ZSTD)),
        "not-must-understand": each(lambda b, p: changed(b, p, flags=0)),
        "long-varints": each(lambda b, p: changed(b, longer_lengths(p))),
        "more-than-its-items": each(lambda b, p: changed(b, columns(*(
            c if i in (6, 7) else c + b"\0\1" for i, c in enumerate(split(p)))) + b"more")),
    }


def damaged_predicted(data):
    """The first block of events; what is wrong stands behind right checksums."""
    blocks = Capture(data).blocks[:-1]
    at = [b.type for b in blocks].index(PREDICTED)
    first = blocks[at]
    payload = first.payload()
    parts = split(payload)

    def with_first(b):
        return build(header(data), [again(b) for b in blocks[:at]] + [b] + [again(b) for b in blocks[at + 1:]])

    def one(ops, refs=b"", sizes=b"", others=b"", items=1, depths=b""):
        return changed(first, columns(ops, b"", sizes, refs, b"", depths, b"", b"", others), items=items)

    packed = zstd(payload)
    return {name: with_first(b) for name, b in {
        "items-too-large": changed(first, items=2**17 + 1),
        "items-beyond-the-ops": changed(first, items=first.items + 1),
        "column-too-long": changed(first, varint(len(payload)) + payload[2:]),
        "column-endless": changed(first, varint(2**64 - 1) + payload[2:]),
        "payload-empty": changed(first, b""),
        "columns-empty": changed(first, columns(*[b""] * 9)),
        "columns-swapped": changed(first, columns(*parts[::-1])),
        "run-of-nothing": one(b"\x7f"),
        "ref-out-of-range": one(b"\xb3", refs=b"\0"),
        "ref-endless": one(b"\xf1", refs=varint(2**64 - 1), others=b"\x18\2"),
        "bin-empty": one(b"\xad", sizes=b"\x18", others=b"\1"),
        "no-op": one(b"\xff"),
        "both-compressions": changed(first, payload, packed, flags=MUST_UNDERSTAND | LZ4 | ZSTD),
        "zstd-of-another-length": changed(first, payload, packed, flags=MUST_UNDERSTAND | ZSTD,
                                          raw_bytes=len(payload) + 1),
        "zstd-cut": changed(first, payload, packed[:-9], flags=MUST_UNDERSTAND | ZSTD),
        "zstd-as-lz4": changed(first, payload, packed, flags=MUST_UNDERSTAND | LZ4),
    }.items()}


def split_keyframe(payload):
    r = Reader(payload)
    head = [r.varint() for _ in range(4)]
    return head, [r.bytes(n) for n in [r.varint() for _ in range(8)]]


def join_keyframe(head, parts, longer=varint):
    return b"".join(map(longer, head)) + b"".join(longer(len(p)) for p in parts) + b"".join(parts)


def changed_keyframe(b, payload, **fields):
    h = dict(flags=b.flags & MUST_UNDERSTAND, items=b.items, times=(b.first_time, b.last_time))
    h.update(fields)
    return block(KEYFRAME, payload, **h)


def good_keyframes(data):
    blocks = Capture(data).blocks[:-1]

    def each(change):
        return build(header(data), [change(b, b.payload()) if b.type == KEYFRAME else again(b) for b in blocks])

    return {
        "uncompressed": each(changed_keyframe),
        "zstd": each(lambda b, p: block(KEYFRAME, zstd(p), ZSTD, items=b.items, times=(b.first_time, b.last_time),
                                        raw_bytes=len(p))),
        "long-varints": each(lambda b, p: changed_keyframe(b, join_keyframe(*split_keyframe(p), long_varint))),
        "more-than-its-columns": each(lambda b, p: changed_keyframe(b, p + b"more")),
    }


def damaged_keyframes(data):
    """The second keyframe; no event is lost with it."""
    blocks = Capture(data).blocks[:-1]
    at = [i for i, b in enumerate(blocks) if b.type == KEYFRAME][1]
    it = blocks[at]
    head, parts = split_keyframe(it.payload())

    def instead(*other):
        return build(header(data), [again(b) for b in blocks[:at]] + list(other) + [again(b) for b in blocks[at + 1:]])

    def column(n, value):
        return instead(changed_keyframe(it, join_keyframe(head, parts[:n] + [value] + parts[n + 1:])))

    return {
        "flipped": flip(data, it.offset + 60),
        "empty": instead(changed_keyframe(it, b"")),
        "column-endless": instead(changed_keyframe(it, b"".join(map(varint, head)) + varint(2**64 - 1) * 8)),
        "addresses-short": column(1, parts[1][:-1]),
        "nodes-beyond-32-bits": column(3, varint(2**40) + parts[3]),
        "kinds-reserved": column(6, b"\x81" + parts[6][1:]),
        "kinds-release": column(6, b"\x10" + parts[6][1:]),
        "items-endless": column(0, b"\0\0\0" + varint(2**63)),
        "process-twice": column(0, parts[0] + b"\0\0\0\0"),
        "too-early": instead(changed_keyframe(it, it.payload(), times=(1, 1))),
        "begins-in-the-middle": instead(changed_keyframe(it, it.payload(), flags=MUST_UNDERSTAND)),
    }


def claiming(blocks, which, items):
    """The file, but one block says that it has so many items."""
    out = [again(b) if b is not which else
           block(b.type, b.stored, b.flags, b.process, items, (b.first_time, b.last_time), b.raw_bytes)
           for b in blocks[:-1]]
    return build(header(base("blocks")), out)


def long_first(b):
    """A NODES payload in longer varints."""
    r, out = Reader(b.payload()), b""
    while r.left():
        out += long_varint(r.varint())
    return out


def damaged(data):
    blocks = Capture(data).blocks
    events = [b for b in blocks if b.type == EVENTS]
    nodes = [b for b in blocks if b.type == NODES]
    giant = bytearray(block(EVENTS, b"")[:44])
    giant[8:16] = b"\xff" * 8
    giant = bytes(giant) + struct.pack("<I", xxh32(bytes(giant)))
    at = events[1].offset
    count = block(NODES, varint(U32) + b"\x01\x01", items=U32)
    return {
        "torn": data[:events[-1].end - 1],
        "no-trailer": data[:-16],
        "half-trailer": data[:-7],
        "trailer-elsewhere": data[:-16] + trailer(blocks[0].offset + 1),
        "trailer-beyond": data[:-16] + trailer(2**64 - 1),
        "flipped-events": flip(data, events[0].offset + 60),
        "flipped-header": flip(data, events[0].offset + 20),
        "more-than-its-items": claiming(blocks, events[0], events[0].items - 1),
        "items-beyond-the-file": claiming(blocks, events[0], ITEMS_FREE + ITEMS_PER_BYTE * len(data)),
        "flipped-nodes": flip(data, nodes[0].offset + 50),
        "noise-between": data[:at] + b"TRKB noise TRKBTRKB" + data[at:],
        "giant-lengths": data[:at] + giant + data[at:],
        "giant-first": data[:at] + count + data[at:],
        "lost-middle": data[:at] + data[at + 100:],
    }


def bad(data):
    unknown = block(77, b"?", flags=MUST_UNDERSTAND, items=1)
    return {
        "empty.magic": b"",
        "text.magic": b"This is not a capture.\n" * 10,
        "elf.magic": b"\x7fELF" + bytes(200),
        "dos-line-ends.magic": data.replace(b"\r\n", b"\n"),
        "first-half.magic": b"\x89TRX",
        "header-cut.corrupt": data[:63],
        "magic-only.corrupt": data[:8],
        "header-flipped.corrupt": flip(data, 30),
        "version-flipped.corrupt": flip(data, 8),
        "version-0.corrupt": header(data, 8, b"\x00\x00") + data[64:],
        "header-short.corrupt": header(data, 12, b"\x20\x00") + data[64:],
        "header-huge.corrupt": header(data, 12, b"\xff\xff\xff\xff") + data[64:],
        "version-2.version": header(data, 8, b"\x02\x00") + data[64:],
        "version-65535-and-feature.version": header(data, 8, b"\xff\xff" + bytes(6) + b"\x01") + data[64:],
        "feature-0.feature": header(data, 16, b"\x01") + data[64:],
        "feature-63.feature": header(data, 23, b"\x80") + data[64:],
        "sampled-0.corrupt": header(header(data, 16, b"\x02"), 48, bytes(8)) + data[64:],
        "sampled-2-to-the-40-and-1.corrupt": header(header(data, 16, b"\x02"), 48, struct.pack("<Q", 2**40 + 1)) + data[64:],
        "content-2.feature": header(data, 32, b"\x02") + data[64:],
        "must-understand.feature": build(header(data), [unknown]),
        "must-understand-no-trailer.feature": data[:-16] + unknown,
        "must-understand-24.feature": build(header(data), [block(24, b"?", flags=MUST_UNDERSTAND, items=1)]),
    }


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name + ".bin"), "wb") as f:
        f.write(data)


def base(name):
    with open(os.path.join(HERE, "good", name + ".bin"), "rb") as f:
        return f.read()


def main():
    out = sys.argv[1]
    for how, data in good(base("kinds")).items():
        write(os.path.join(out, "good"), "kinds~" + how, data)
    for how, data in good_predicted(base("predicted")).items():
        write(os.path.join(out, "good"), "predicted~" + how, data)
    for how, data in damaged_predicted(base("predicted")).items():
        write(os.path.join(out, "damaged"), "predicted~" + how, data)
    for how, data in good_keyframes(base("keyframes")).items():
        write(os.path.join(out, "good"), "keyframes~" + how, data)
    for how, data in damaged_keyframes(base("keyframes")).items():
        write(os.path.join(out, "damaged"), "keyframes~" + how, data)
    for how, data in good_domains(base("domains")).items():
        write(os.path.join(out, "good"), "domains~" + how, data)
    for how, data in damaged_domains(base("domains")).items():
        write(os.path.join(out, "damaged"), "domains~" + how, data)
    for how, data in damaged(base("blocks")).items():
        write(os.path.join(out, "damaged"), "blocks~" + how, data)
    for how, data in bad(base("kinds")).items():
        write(os.path.join(out, "bad"), how, data)


if __name__ == "__main__":
    main()
