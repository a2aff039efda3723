#!/usr/bin/env python3
"""
bounded - captures of a few kilobytes that claim millions of things: what reports take of memory for them
follows from the file's length (docs/FORMAT.md, "Items"), and a line says that not all was believed.

usage: bounded.py FOLDER_OF_REPORTERS FOLDER_OF_GOLDEN_CAPTURES
"""
import os
import random
import sys
import tempfile

REPORTERS, GOLDEN = map(os.path.abspath, sys.argv[1:3])
sys.path[:0] = [GOLDEN, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")]
from alter import base, block, build, columns, header, join_keyframe, varint, zstd  # noqa: E402
from decode import HISTORY, KEYFRAME, LOOK, LZ4, MEMORY, MUST_UNDERSTAND, NODES, PREDICTED  # noqa: E402
from decode import PROCESSES, STRINGS, THREADS, ZSTD  # noqa: E402
import reports  # noqa: E402

failures = []


def packed(type, payload, flags=0, **fields):
    return block(type, zstd(payload), flags | ZSTD, raw_bytes=len(payload), **fields)


def lz4(start, byte, count):
    """`start`, then a byte `count` times, as an LZ4 block: literals, a match of distance 1, literals."""
    more = count - 1 - 5 - 4 - 15
    literals = start + byte
    assert len(literals) < 15
    return (bytes([len(literals) << 4 | 15]) + literals + b"\1\0" + b"\xff" * (more // 255) + bytes([more % 255]) +
            b"\x50" + byte * 5)


def strings(n):
    """A megabyte of empty strings, behind n such blocks."""
    count = 2**20 - 5
    first = varint(1 + n * count)
    return block(STRINGS, lz4(first, b"\0", count), LZ4, raw_bytes=len(first) + count, items=count)


def allocations(blocks, threads=0):
    """So many blocks of 2^17 allocations, which nobody releases; each by the thread and node after the last one."""
    per, out = 2**17, []
    for i in range(blocks):
        first, more, address = bytes([173 + 4]), bytes([128 + (2 * 3 + 2) * 5 + 1]), varint(((i + 1) << 33) // 8)
        if threads:
            ops, sizes = first + more * (per - 1), b"\x10" * per
            nodes = (b"\2" * 999 + varint(2 * 999 - 1)) * (per // 1000 + 1)
            switch = b"".join(varint(1000 if n else 0) + varint(n % threads) for n in range(per // 1000))
        else:  # what was once is told by one byte for 128 of them
            ops, sizes = first + more * 4 + b"\x7f" * (per // 128), b"\x10" * 5
            nodes, switch = b"\0" * 5, b""
        payload = columns(ops, nodes, sizes, b"", address, b"", b"", switch, b"\1")
        out.append(packed(PREDICTED, payload, MUST_UNDERSTAND, process=0, items=per, times=(i, i)))
    return out


def tables(threads, nodes):
    record = varint(threads - 1) + b"\0"
    return [block(THREADS, varint(len(record)) + record, items=1),
            block(NODES, b"\1" + b"\1\0" * nodes, items=nodes)]


def keyframe(parts, per):
    """A capture that begins with so many live blocks."""
    out = []
    for part in range(parts):
        addresses = varint((part << 33) // 8) + varint(4) * (per - 1)  # 32 bytes further each
        payload = join_keyframe([part, int(part == parts - 1), 0, 0],
                                [b"\0\0\0" + varint(per), addresses, b"\x10" * per, b"\0" * per, b"\0" * per,
                                 b"\0" * per, b"\1" * per, b""])
        out.append(packed(KEYFRAME, payload, MUST_UNDERSTAND, items=per, times=(1, 1)))
    return [processes(0)] + out


def processes(last):
    record = varint(last) + b"\0"
    return block(PROCESSES, varint(len(record)) + record, items=1)


def histories(blocks):
    """16 MiB of spans, in records of one process each."""
    out = []
    for i in range(blocks):
        records = [varint(n + 1) + b"\0\0" + varint(2048) + b"\2" * 2048 for n in range(i * 500, i * 500 + 500)]
        payload = b"".join(varint(len(r)) + r for r in records)
        out.append(packed(HISTORY, payload, items=len(records)))
    return out


def looks(count, per):
    """So many looks that judged so many blocks each, and say what the memory consisted of."""
    out, verdicts = [processes(0)], bytes(random.Random(1).choices(range(1, 5), k=per))
    for n in range(1, count + 1):
        head = varint(n) * 2 + b"\1\0\0\1\0\0\0" + varint(per) + b"\0\0"
        front = varint(n) + b"\0\1\0" + varint(len(head)) + head
        memory_head = b"\1" + varint(4096) + varint(n) * 4 + b"\0\0\0"
        out.append(packed(LOOK, front + varint(0) + varint(per) + varint(0) + verdicts, process=0, items=per, times=(n, n)))
        out.append(block(MEMORY, varint(n) + b"\0\1" + varint(len(memory_head)) + memory_head + b"\0" * 5, process=0, times=(n, n)))
    return out


# What it is, its blocks, MiB that no report may take, whether all of it is believed, and the only report of which that is said.
CASES = [
    ("20 million live blocks", allocations(153), 192, False),
    ("a million live blocks", allocations(8), 128, True),
    ("rows of 1,000 threads at 1,000 nodes", tables(1000, 1000) + allocations(100, 1000), 256, False),
    ("100,000 processes", [processes(99999)], 56, True),
    ("a keyframe of 20 million", keyframe(153, 2**17), 192, False),
    ("16 million strings", [strings(i) for i in range(16)], 96, False),
    ("16 million spans", histories(16), 96, False),
    ("100 looks at 100,000 blocks", looks(100, 100000), 48, True, ["memory"]),
]
REPORTS = [["stats"], ["stats", "--json"], ["info"], ["table"], ["leaks"], ["summary"], ["tree"]]


def run(args, path):
    """Status, stderr, MiB (no less than Python takes, which it was forked from)."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(os.path.join(REPORTERS, "tracker-" + args[0]), [*args, path])
    os.close(write)
    with os.fdopen(read, "rb") as f:
        said = f.read().decode()
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), said, usage.ru_maxrss >> 10


def check(path, sanitized, name, blocks, limit, whole, only=None):
    with open(path, "wb") as f:
        f.write(build(header(base("empty")), blocks))
    most = 0
    for args in [only] if only else REPORTS:
        status, said, mib = run(args, path)
        most = max(most, mib)
        if status != 0 or ("damaged" in said) == whole:
            failures.append(name)
            print("FAIL %s: %s ended with %d: %.300s" % (name, " ".join(args), status, said))
        if mib > limit and not sanitized:
            failures.append(name)
            print("FAIL %s: %s took %d MiB, not %d" % (name, " ".join(args), mib, limit))
    print("%-40s %8d bytes %5d MiB" % (name, os.path.getsize(path), most))


def main():
    REPORTS[:] = reports.commands(REPORTERS, REPORTS, "one capture", "document", "text")
    with open(os.path.join(REPORTERS, "tracker-stats"), "rb") as f:
        sanitized = b"__asan_init" in f.read()
    with tempfile.TemporaryDirectory() as d:
        for case in CASES:
            check(os.path.join(d, "hostile.bin"), sanitized, *case)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
