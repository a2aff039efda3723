#!/usr/bin/env python3
"""
keyframes - reports at a point: whether it is there, and what lives there, by a naive replay; the same with
keyframes, without them, and with what stands before them destroyed.

usage: keyframes.py FOLDER_OF_REPORTERS FOLDER_OF_GOLDEN_CAPTURES [CAPTURE...]

Of each CAPTURE (as large as you like) only the second part is asked.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

REPORTERS, GOLDEN = map(os.path.abspath, sys.argv[1:3])
sys.path[:0] = [GOLDEN, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")]
import alter  # noqa: E402
import decode  # noqa: E402
import keyframes  # noqa: E402
import reports  # noqa: E402

POINTS = ["", "@90%", "@10%", "@50%", "@99.9%", "@100%", "@0%", "@end", "@peak", "@#1", "@#2", "@#5", "@#900", "@m1",
          "@m3", "@m6", "@nix", "@1500ns", "@1113ns", "@1114ns", "@3h", "@30%..60%", "@60%..30%", "@..50%", "@90%..",
          "@50%..50%", "@peak..95%", "@20%..peak", "@#1..#2", "@#2..m1", "@m1..1700ns", "@1200ns..1600ns",
          "@1600ns..1200ns", "@0.1s..0.9s", "@0.5s", "@1.2s"]
POINTS = POINTS[::int(os.environ.get("POINTS_STEP", "1"))]  # a night has time for some of them
REPORTS = [["table"], ["table", "--list"], ["tree"], ["summary"], ["flamegraph", "--format", "json"],
           ["flamegraph", "--format", "folded"], ["table", "--allocations"], ["summary", "--temporary-allocations"],
           ["tree", "--allocations"]]
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
failures = compared = succeeded = 0


def expect(what, got, want):
    global failures, compared
    compared += 1
    if got != want:
        failures += 1
        print("FAIL %s\n  got  %.400s\n  want %.400s" % (what, got, want))


def rows(result):
    """Without what is said of the capture's state."""
    j = json.loads(result[1])
    return {k: v for k, v in j.items() if k not in ("capture", "complete", "incomplete")}


def report(args, capture, *more):
    name = os.path.join(REPORTERS, "tracker-" + args[0])
    json_option = [] if "folded" in args else ["--json"]
    p = subprocess.run([name, *args[1:], *json_option, *more, os.path.basename(capture[0]) + capture[1]],
                       capture_output=True, cwd=os.path.dirname(os.path.abspath(capture[0])))
    return p.returncode, p.stdout, p.stderr


def good(args, capture, *more):
    """The same, and it must succeed."""
    result = report(args, capture, *more)
    expect("%s%s: %s succeeds" % (os.path.basename(capture[0]), capture[1], " ".join([*args, *more])),
           (result[0], bool(result[1]) or "folded" in args), (0, True))
    return result


def rewritten(data, change):
    """The file with other block headers or payloads: change(type, flags, header, payload) may alter both."""
    out, at = bytearray(data), 64
    while out[at:at + 4] == b"TRKB":
        kind, flags, _, stored = struct.unpack_from("<HHII", out, at + 4)
        header, payload = out[at:at + 44], out[at + 48:at + 48 + stored]
        if change(kind, flags, header, payload):
            out[at:at + 48] = header + struct.pack("<I", decode.xxh32(bytes(header)))
            out[at + 48:at + 48 + stored] = payload
        at += 48 + stored
    return bytes(out)


def without_keyframes(data):
    def change(kind, flags, header, payload):
        if kind not in (decode.KEYFRAME, decode.MARKS) or flags & decode.MUST_UNDERSTAND:
            return False
        struct.pack_into("<H", header, 4, kind + 100)
        return True
    return rewritten(data, change)


def without_past(data, last):
    """Blocks of events before the last keyframe become noise."""
    def change(kind, flags, header, payload):
        old = kind in (decode.EVENTS, decode.PREDICTED) and struct.unpack_from("<Q", header, 32)[0] <= last
        if old:
            payload[:] = bytes(b ^ 0x55 for b in payload)
        return old
    return rewritten(data, change)


def put(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


class Moments:
    """Where the points of a capture lie, by what the man pages say of them and what decode.py reads."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.capture = decode.Capture(f.read())
        self.times = sorted(e["time_ns"] for _, e in self.capture.event_blocks)
        self.live = {}

    def live_at(self, time, pid=None, of_ended=False):
        """of_ended: with what was left of processes that have ended, as at the end of a capture."""
        key = time, pid, of_ended
        if key not in self.live:
            self.live[key] = naive(self.capture, *key)[0]
        return self.live[key]

    def mark(self, point, pid):
        of = {n for n, p in self.capture.processes.items() if pid in (None, p["pid"])}
        marks = [m for m in self.capture.marks if m["process"] in of]
        if point.startswith("#"):
            return marks[int(point[1:]) - 1]["time_ns"] if int(point[1:]) <= len(marks) else None
        return next((m["time_ns"] for m in marks if m["label"] == point), None)

    def moment(self, point, pid=None):
        """In ns; None: no such point. Of a share of the events, and of the peak, about when."""
        share, time = re.fullmatch(r"([0-9.]+)%", point), re.fullmatch(r"([0-9.]+)(ns|us|ms|s|m|h)", point)
        if share:
            return self.times[min(int(len(self.times) * float(share[1]) / 100), len(self.times) - 1)]
        if time:
            ns = int(float(time[1]) * UNITS[time[2]])
            return ns if ns <= self.times[-1] else None
        if point in ("", "peak"):
            return max(self.times[::50], key=lambda t: self.live_at(t, pid))
        return self.times[-1] if point == "end" else self.mark(point, pid)

    def is_there(self, point, pid):
        first, dots, second = point[1:].partition("..")
        moments = [self.moment(first, pid)] if not dots else \
            [self.moment(first, pid) if first else self.times[0], self.moment(second or "end", pid)]
        return None not in moments and moments == sorted(moments)

    def exact(self, point):
        """The moment, of a point that lies at no other event than its own."""
        name = point[1:]
        if not re.fullmatch(r"end|#\d+|m\d+|\d+ns", name) or self.moment(name) is None:
            return None
        moment = self.moment(name)
        return moment if not re.match("[#m]", name) or self.times.count(moment) == 1 else None


def total(args, out):
    """Bytes that it says live."""
    if "folded" in args:
        return sum(int(line.rsplit(b" ", 1)[1]) for line in out.splitlines())
    j = json.loads(out)
    return j["total_bytes" if args[0] == "flamegraph" else "total_size"]


def check_said(what, args, result, moments, point, more):
    """It succeeds where the point is there, with what a naive replay finds there; else it is one message, and nothing else."""
    global succeeded
    code, out, err = result
    if not moments.is_there(point, int(more[1]) if more else None):
        expect(what + " has no such point", (code, out, err.startswith(b"tracker-" + args[0].encode() + b": ")), (1, b"", True))
        return
    expect(what + " succeeds", (code, bool(out) or "folded" in args), (0, True))
    succeeded += 1
    exact = moments.exact(point)
    if exact is not None and not more and not args[-1].endswith("allocations") and args != ["table", "--list"]:
        expect(what + ": live bytes", total(args, out), moments.live_at(exact, None, point == "@end"))


def check_equal(folder, path, points=POINTS):
    """All reports, with keyframes and without; of golden captures, against what the points are."""
    moments = Moments(path) if points is POINTS else None
    with open(path, "rb") as f:
        data = f.read()
    name = os.path.basename(path)
    same = put(os.path.join(folder, "with"), name, data)
    plain = put(os.path.join(folder, "without"), name, without_keyframes(data))
    for point in points:
        for args in REPORTS:
            for more in ([], ["--pid", "100"], ["--pid", "102"]) if points is POINTS else ([],):
                what = " ".join(["%s%s:" % (name, point), *args, *more])
                got = report(args, (same, point), *more)
                expect(what, got, report(args, (plain, point), *more))
                if moments:
                    check_said(what, args, got, moments, point, more)
    for more in ([], ["--pid", "102"]):
        expect(name + " diff", good(["diff"], (same, "@40%"), *more, name + "@80%"),
               report(["diff"], (plain, "@40%"), *more, name + "@80%"))


def naive(capture, time, pid=None, of_ended=False):
    """Bytes and blocks that live, of that process or of all, when all events up to that time are done."""
    live = keyframes.Live(capture.header["page_bytes"])
    if capture.keyframes and capture.keyframes[0]["begins"]:
        live.start(capture.keyframes[0])
    for _, e in capture.event_blocks:
        if e["time_ns"] <= time:
            live.apply(e)
    ended = {n for n, p in capture.processes.items() if 0 <= p["end_ns"] <= time and not of_ended}
    size = count = 0
    for process, (_, _, blocks, pieces) in live.state(ended).items():
        if pid not in (None, capture.processes[process]["pid"]):
            continue
        held = [b for b in blocks if b["aside"] < 0]
        size += sum(b["size"] for b in held + pieces)
        count += len(held) + len({b["mapping"] for b in pieces})
    return size, count


def check_naive(path):
    with open(path, "rb") as f:
        capture = decode.Capture(f.read())
    first = capture.event_blocks[0][1]["time_ns"]
    last = max(e["time_ns"] for _, e in capture.event_blocks)
    for time in range(first, last, max((last - first) // 40, 1)):
        got = json.loads(report(["table"], (path, "@%dns" % time))[1])
        expect("%s at %d ns" % (os.path.basename(path), time), (got["total_size"], got["total_count"]),
               naive(capture, time))


def check_past_unread(folder, path):
    """Behind the last keyframe nothing before it is even unpacked."""
    with open(path, "rb") as f:
        data = f.read()
    capture = decode.Capture(data)
    last = capture.keyframes[-1]["time_ns"]
    name = os.path.basename(path)
    noise = put(os.path.join(folder, "noise"), name, without_past(data, last))
    marks = sum(m["time_ns"] <= last for m in capture.marks)
    expect(name + " has a mark behind its last keyframe", len(capture.marks) > marks, True)
    for point in ("@%dns" % (last + 20), "@99%", "@#" + str(marks + 1), "@99%..99.5%",
                  "@#%d..99.9%%" % (marks + 1), "@%dns..99.9%%" % (last + 5)):
        for args in REPORTS:
            if ".." not in point and args[-1].endswith("allocations"):
                continue  # all that was ever allocated
            if args[0] == "types":
                continue  # the program may have said the type of a block long after it was allocated, so all is read
            expect("%s%s without what was before: %s" % (name, point, " ".join(args)),
                   good(args, (noise, point)), report(args, (path, point)))


def flipped(data, keyframe):
    at = keyframe["offset"] + 60  # in its payload
    return data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1:]


def check_damage_is_said(folder, path):
    """By info of any keyframe; by all others only of what the capture begins with: nothing else is missing then."""
    with open(path, "rb") as f:
        data = f.read()
    name, of = os.path.basename(path), decode.Capture(data).keyframes
    damaged = put(os.path.join(folder, "damaged"), name, flipped(data, of[0]))
    info = json.loads(report(["info"], (damaged, ""))[1])
    expect(name + ": info of a damaged keyframe", (info["complete"], info["damage"], info["damaged_blocks"]),
           (False, "a keyframe is damaged", int(of[0]["begins"])))
    for args in [["stats"], ["table"], ["tree"], ["summary"], ["leaks"], ["flamegraph", "--format", "json"], ["dump"]]:
        code, _, err = report(args, (damaged, ""))
        want = report(args, (path, ""))[2]
        if of[0]["begins"] and args != ["dump"]:
            want = b"tracker-%s: warning: %s: 1 damaged block skipped: totals are lower bounds\n" % (
                args[0].encode(), name.encode())
        expect("%s of %s without its first keyframe" % (args[0], name), (code, err), (0, want))


def long_varint(n, size=10):
    return bytes(n >> 7 * i & 127 | 128 for i in range(size - 1)) + bytes([n >> 7 * (size - 1)])


def part_of_many(number, last, first, count, size):
    """Of a keyframe, in as many bytes as numbers can take: count blocks of 16 bytes each, side by side."""
    addresses = long_varint(first // 16 << 2) + long_varint(1 << 2) * (count - 1)
    columns = [alter.varint(0) * 3 + alter.varint(count), addresses, long_varint(size) * count,
               *[long_varint(0) * count] * 3, b"\1" * count, b""]
    payload = alter.join_keyframe([number, int(last), 0, 0], columns)
    return alter.block(decode.KEYFRAME, alter.zstd(payload), decode.ZSTD | decode.MUST_UNDERSTAND, items=count,
                       times=(1, 1), raw_bytes=len(payload))


def check_many(folder):
    """However small the file, what it begins with is all there."""
    parts, count, size = 70, 15000, 123
    with open(os.path.join(GOLDEN, "good", "begins.bin"), "rb") as f:
        data = f.read()
    tables = [alter.again(b) for b in decode.Capture(data).blocks[:-1]
              if b.type in (decode.PROCESSES, decode.THREADS)]
    path = put(os.path.join(folder, "many"), "many.bin", alter.build(alter.header(data), tables + [
        part_of_many(n, n == parts - 1, (1 << 20) + n * count * 16, count, size) for n in range(parts)]))
    expect("a small file of many blocks", os.path.getsize(path) < 20000, True)
    code, out, err = report(["table"], (path, ""))
    got = json.loads(out)
    expect("many blocks", (code, err, got["total_count"], got["total_size"]),
           (0, b"", parts * count, parts * count * size))


def check_many_marks(folder, path):
    """The list of marks takes bounded memory; what of it is left out changes no answer."""
    with open(path, "rb") as f:
        data = f.read()
    mark = b"\0\0\0" + alter.varint(60) + b"m" * 60
    payload = mark * ((1 << 20) // len(mark))
    many = alter.block(decode.MARKS, alter.zstd(payload), decode.ZSTD, items=len(payload) // len(mark),
                       raw_bytes=len(payload))
    blocks = [alter.again(b) for b in decode.Capture(data).blocks[:-1]]
    marked = put(os.path.join(folder, "marked"), os.path.basename(path), alter.build(alter.header(data), [many] * 40 + blocks))
    for point in ("", "@m3", "@#5", "@50%"):
        expect("many marks" + point, good(["table"], (marked, point)), report(["table"], (path, point)))


def main():
    REPORTS[:] = reports.commands(REPORTERS, REPORTS, "one capture", "live set")
    golden = [os.path.join(GOLDEN, "good", n + ".bin") for n in ("keyframes", "begins")]
    damaged = sorted(os.path.join(GOLDEN, "damaged", n) for n in os.listdir(os.path.join(GOLDEN, "damaged"))
                     if n.startswith("keyframes~"))
    with tempfile.TemporaryDirectory() as folder:
        for path in golden:
            check_naive(path)
            check_equal(folder, path)
            check_damage_is_said(folder, path)
        check_many(folder)
        check_many_marks(folder, golden[0])
        check_past_unread(folder, golden[0])
        for path in damaged:
            name = os.path.basename(path)
            for point in ("@30%", "@50%", "@90%", "@m3", "@#5", "@30%..60%"):
                for args in REPORTS[:5]:
                    expect("%s%s: %s" % (name, point, args), rows(good(args, (path, point))),
                           rows(report(args, (golden[0], point))))
        for path in sys.argv[3:]:
            check_equal(folder, path, ["@90%", "@50%", "@10%", "", "@0.5s", "@30%..60%", "@end"])
    expect("many reports succeed", succeeded > 14 * len(POINTS), True)
    print("%d comparisons, %d failures, %d reports at points that are there" % (compared, failures, succeeded))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
