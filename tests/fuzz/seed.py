#!/usr/bin/env python3
"""seed - first inputs for the fuzz targets, out of the golden captures: seed.py CORPUS"""
import glob
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import decode  # noqa: E402


SUMS = [16, 17, 18, 19, 13]  # in fuzz_sums.c's order


def put(target, data):
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, hashlib.sha1(data).hexdigest()[:16]), "wb") as f:
        f.write(data)


def described(block):
    payload = block.payload()
    return bytes([block.type, min(block.process, 255), min(block.items, 255),
                  0]) + struct.pack("<H", len(payload)) + payload


def checked(data):
    """With the checksum that the last four bytes of a part are; XXH32 is the decoder's."""
    return data + struct.pack("<I", decode.xxh32(data))


def hello(header):
    return checked(b"\x89TRS\r\n\x1a\n" + struct.pack("<HHIQ", 1, 0, 0, 0) + header + bytes(4))


def record(kind, payload, number):
    return checked(struct.pack("<4sHHIIQQQI", b"TRKS", kind, 0, 0, len(payload), 0, number, 0, decode.xxh32(payload))) + payload


def main():
    for path in glob.glob(os.path.join(HERE, "..", "golden", "*", "*.bin")):
        with open(path, "rb") as f:
            data = f.read()
        put("capture", b"\0" + data)
        if len(data) < 4000:
            put("capture", b"\2" + data)
            put("stream", hello(data[:64]) + data[64:])
            put("stream", data[64:] + record(1, b"rest", 0) + record(2, b"", len(data)))
        try:
            blocks = decode.Capture(data).blocks
            put("capture", b"\1" + b"".join(map(described, blocks)))
        except (decode.Refused, decode.Corrupt):
            continue
        for b in blocks:
            put("block", data[b.offset:b.end])
            put("block", struct.pack("<HI", b.flags, b.raw_bytes) + b.stored)
            if b.type == decode.EVENTS:
                put("events", b.payload())
            elif b.type == decode.KEYFRAME:
                put("keyframe", b.payload())
            elif b.type == decode.MEMORY:
                put("memory", b.payload())
            elif b.type in SUMS:
                payload = b.payload()[:0xFFFF]
                put("sums", b"\0" + bytes([SUMS.index(b.type)]) + struct.pack("<H", len(payload)) + payload)
            elif b.type == decode.PREDICTED:
                put("predict", struct.pack("<I", min(b.items, 0xFFFFFF) | 99 << 24) + b.payload())
    for what in (64 << 2, 70 << 2 | 2, 99 << 2 | 1, 37 << 2 | 3):  # behind the escape: thread, time, node, payload
        escape = bytes([0x60, 63, what & 127 | 128, what >> 7, 3, 5, 4]) + b"\0abc"
        put("events", escape + bytes([0xE0 & (0x80 if what & 2 else 0), 63]) + escape[2:4] + b"\x0e\1\0" + b"\x10\x02")
        put("predict", struct.pack("<I", 1 | 99 << 24) + bytes([1, 0, 0, 0, 0, 0, 0, 0, 7, 240, 0]) + escape[1:4] + b"\2\0a")
    for kind in (31, 37, 30, 64, 71, 255):  # behind the wire's escape
        put("wire", bytes([0x3F, 1, kind, 5, 0xDF, 2, 1, 4, 0x80, 0x20, 0, 0, 9, 0, 0, 0x80, kind, 0, 1, 0x40, 5]))
    for kind in range(32):  # head, epoch, time, pops, pushes, two frames or a wide one, operands of any kind
        for pushed in (b"\x04" + bytes([0x80, 0x20, 0, 0, 9, 0, 0, 0x80]), b"\x03" + bytes(range(8))):
            put("wire", bytes([kind | 0xE0, 1, 2, 1]) + pushed + bytes([3, 2, 0x40, 5]) + b"\x02ab" * 3)
        put("wire", bytes([kind | 0xE0, 1, 2, 5, 1, 3, 2, 0x40, 5]) + b"\x02ab" * 3)  # a known stack
        put("wire", bytes([kind, 3, 1, 0x40, 5, 0x21, 1, 0x20, 8]))
    texts()
    for seed in segments():
        for way in (0, 1, 2, 4, 5, 8, 10, 16, 18):
            put("segment", bytes([way]) + seed)
    elfs()
    frames()
    links()
    attached()
    go_tables()
    codes()
    interpreters()
    for expression in expressions():
        put("cfi", bytes([1, 1, 0xF8, 0, 0, 0x0F, len(expression)]) + expression)


def codes():
    """What compilers at run time write down."""
    lines = b"1000 10 first\n0x1008 0x20 a b c\n1000 10 first\nzz\n7fff00000000 ffffffffffff x\n" + b"2000 8 " + b"n" * 40 + b"\r\n3000 1 end"
    for piece in (0, 16, 255):
        put("perf_map", bytes([piece]) + lines)

    def record(kind, time, body, size=None):
        return struct.pack("<IIQ", kind, size or 16 + len(body), time) + body

    def load(time, address, name):
        return record(0, time, struct.pack("<IIQQQQ", 1, 1, address, address, 32, 0) + name + b"\0" + bytes(32))
    header = struct.pack("<IIIIIIQQ", 0x4A695444, 1, 40, 62, 0, 1, 1000, 0)
    move = record(1, 1150, struct.pack("<IIQQQQQ", 1, 1, 0x2000, 0x1100, 0x2000, 32, 0))
    whole = load(1010, 0x1100, b"first") + load(1120, 0x1110, b"second") + move + record(2, 0, bytes(8)) + record(3, 0, b"")
    for piece in (0, 60, 255):
        put("jitdump", bytes([piece]) + header + whole)
    put("jitdump", b"\xff" + header[:32] + b"\1" + bytes(7) + whole)
    put("jitdump", b"\xff" + header + record(0, 1, bytes(48), 0xFFFFFFFF) + whole)
    put("jitdump", b"\xff" + header + record(0, 1, b"", 8) + whole)


def interpreters():
    """A thread's state, its frames and a code object, as each version of CPython has them: whole, in a circle, at the end of what is mapped."""
    code_at = {8: (104, 112, 112, 120, 48), 9: (104, 112, 112, 120, 48), 10: (104, 112, 112, 120, 48), 11: (112, 120, 128, 136, 0), 12: (112, 120, 128, 136, 0),
               13: (112, 120, 128, 136, 0)}
    bytes_at = {11: 184, 12: 192, 13: 200}
    for minor, (file, name, qualified, lines, contents) in code_at.items():
        for older in (0, 0x600, 0x4ff8):
            memory = bytearray(0x2000)

            def put_word(at, value, here=True):
                struct.pack_into("<Q", memory, at, value | 0x7e << 56 if here else value)
            state, frame, code, string, table, cframe = 0x200, 0x600, 0xa00, 0xe00, 0x1000, 0x1200
            put_word(string + 8, 16)
            put_word(table + 8, 24)
            put_word(table + 16, 40, False)
            put_word(code + 8, 8)
            put_word(code + 16, 20, False)
            for field in (file, name, qualified):
                put_word(code + field, string)
            put_word(code + lines, table)
            put_word(code + contents, table) if contents else None
            if minor < 11:
                put_word(state + 24, frame)
                put_word(frame + 32, code)
                put_word(frame + 24, older, older != 0)
                put_word(state + 48, cframe)
                put_word(cframe + 8, cframe)
            else:
                put_word(state + (72 if minor == 13 else 56), frame if minor == 13 else cframe)
                put_word(cframe + (8 if minor == 11 else 0), frame)
                put_word(frame + (32 if minor == 11 else 0), code)
                put_word(frame + (48 if minor == 11 else 8), older, older != 0)
                put_word(frame + 56, code + bytes_at[minor])
            put("python", bytes([minor - 8]) + bytes(memory).rstrip(b"\0"))


def expressions():
    """Every operation of DWARF that libtracker knows, on a stack that has enough; one too few; one unknown."""
    binary = [0x1A, 0x1C, 0x1E, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E]
    everything = b"\x31" + b"".join(bytes([0x32, op]) for op in binary)
    for op in range(0x08, 0x10):  # const1u to const8s
        everything += bytes([op]) + b"\x85" * (1 << (op - 8) // 2) + b"\x13"
    everything += b"\x03" + bytes(8) + b"\x13\x10\x85\x01\x13\x11\x7f\x13"
    everything += b"\x12\x13\x12\x14\x13\x16\x13\x1f\x20\x23\x05\x96\x77\x08\x13\x92\x07\x00\x13"
    yield everything
    yield everything + b"\x06"
    yield b"\x31\x22"
    yield b"\x31\x92\x7f\x00"
    yield b"\x31\x31\xff"
    yield b"\x31" * 20


def texts():
    for text in ("a.bin", "a@peak", "a@end", "a@mark", "a@#3", "a@1.5s", "a@200ms", "a@90%", "a@10%..90%", "a@..#2", "a@b@1h"):
        put("options", text.encode())
    for text in ("0", "1.5s", "3m", "200ms", "4096", "100MB", "1.5g", "64KiB", "18446744073709551615", "1e9"):
        put("options", text.encode())
    for rule in ("leak:foo", "# no\nleak:^a*b$\n", "race:x\nleak:*z*", "leak:", "junk", "^fo$o", "f*$"):
        put("suppress", bytes([7]) + b"foo::bar" + rule.encode())
    for name in ("_ZNSt6vectorIiSaIiEE9push_backERKi", "_RNvC6_123foo3bar", "_ZN3foo3bar17h05af221e174051e9E",
                 "std::vector<int, std::allocator<int> >::push_back(int const&) const [clone .cold]",
                 "<alloc::vec::Vec<u8> as core::ops::Drop>::drop", "operator new(unsigned long)", "/a/./b//../c.c",
                 "foo(int (*)(char))::{lambda(auto:1)#1}::operator()<int>(int) const", "(anonymous namespace)::f()"):
        put("names", name.encode())


def segments():
    """Deeds of fuzz_segment.c: a process, two threads, records, rounds."""
    start = bytes([0, 0, 1, 3, 1, 0, 0, 1, 1, 0x10])
    malloc = bytes([1 | 0x20 | 0x40 | 0x80, 1, 2, 0, 2 << 1, 0x80, 0x20, 0, 0, 0x90, 1, 0, 0x80, 0x20, 24])
    free = bytes([16, 0x1f])
    begin, end = bytes([24, 0x20]), bytes([25, 3, 0, 0x40, 48])
    module = bytes([30, 0, 0, 0x7f, 1, 4]) + b"/lib" + bytes([2, 1, 2])

    def publish(thread, records):
        return bytes([3, thread | 8, len(records)]) + records
    run, tick = bytes([15]), bytes([13])
    yield start + publish(0, module + malloc) + run + publish(1, malloc + free) + run
    yield start + publish(0, malloc) + publish(1, malloc + begin) + run + publish(1, end) + run + bytes([2, 1]) + run
    yield start + publish(0, malloc) + run + bytes([12]) + run
    yield start + publish(0, module + malloc) + run + tick + publish(1, malloc * 9) + tick + publish(0, free) + tick + run
    yield start + publish(0, malloc) + run + start + publish(0, malloc) + run
    for what in range(6, 11):
        yield start + publish(0, malloc) + bytes([what, 0, 0, 40]) + bytes(range(40)) + run + publish(0, free) + run
    yield start + bytes([0, 0xC1, 5, 0]) + run + bytes([11]) + run


SOURCE = """
static inline __attribute__((always_inline)) int deep(int x) { int y = x * 3; return y ^ (y >> 2); }
__attribute__((noinline)) int middle(int *p, int n) { int s = 0; for (int i = 0; i < n; i++) s += deep(p[i]); return s; }
int outer(int *p, int n) { return middle(p, n) + middle(p + 1, n - 1); }
"""


def elfs():
    """Small modules with unwind and debug information in several forms; nothing without a compiler."""
    forms = (["-g"], ["-g", "-gdwarf-4"], ["-g", "-gz"], ["-g", "-gsplit-dwarf"], ["-s"], ["-g1"])
    with tempfile.TemporaryDirectory() as scratch:
        source, module = os.path.join(scratch, "a.c"), os.path.join(scratch, "a.so")
        with open(source, "w") as f:
            f.write(SOURCE)
        for form in forms:
            subprocess.run(["gcc", "-O2", "-shared", "-nostdlib", "-fPIC", "-Wl,-z,noseparate-code", "-Wl,--eh-frame-hdr",
                            *form, "-o", module, source], cwd=scratch, check=True)
            with open(module, "rb") as f:
                data = f.read()
            put("elf", data)
            put("cfi", b"\0" + unwind_information(data))


def section(data, name):
    """The bytes of a section, as they are in the file."""
    at, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<IIQQQQ", data, at + i * size) for i in range(count)]
    for header in headers:
        start = headers[names][4] + header[0]
        if data[start:data.index(b"\0", start)] == name:
            return data[header[4]:header[4] + header[5]]
    return b""


def frames():
    """Modules that have .debug_frame alone, packed or not, and the section by itself; streams of zlib of each kind of block."""
    with tempfile.TemporaryDirectory() as scratch:
        source, module = os.path.join(scratch, "a.c"), os.path.join(scratch, "a.so")
        with open(source, "w") as f:
            f.write(SOURCE + "".join(f"int more{i}(int x) {{ return x; }}\n" for i in range(6)))
        for form in (["-gz=none"], ["-gz=zlib"], ["-gz=zlib-gnu"], ["-gz=none", "-gdwarf-2"]):
            subprocess.run(["gcc", "-g1", "-O2", "-shared", "-nostdlib", "-fPIC", "-fno-asynchronous-unwind-tables", "-Wl,-z,noseparate-code",
                            *form, "-o", module, source], cwd=scratch, check=True)
            subprocess.run(["objcopy", "-R", ".debug_info", "-R", ".debug_abbrev", "-R", ".debug_line", "-R", ".debug_str", "--strip-unneeded",
                            "--keep-section=.debug_frame", "--keep-section=.zdebug_frame", module], check=True)
            with open(module, "rb") as f:
                data = f.read()
            put("debug_frame", b"\1" + data)
            if "-gz=none" in form:
                put("debug_frame", b"\0" + section(data, b".debug_frame"))
    texts = (b"a" * 300, bytes(range(256)), b"frame entry " * 20 + bytes(range(40)))
    for level in (0, 1, 9):
        for text in texts:
            size = len(text) - 1
            put("inflate", bytes([0, size & 255, size >> 8, 0]) + zlib.compress(text, level))
            put("inflate", bytes([1 + 2 * level]) + text)
    fixed = zlib.compressobj(9, zlib.DEFLATED, 15, 8, zlib.Z_FIXED)
    put("inflate", bytes([0, 23, 1, 0]) + fixed.compress(texts[2]) + fixed.flush())


def links():
    """Modules that name other files, as strip and dwz write it."""
    with tempfile.TemporaryDirectory() as scratch:
        source, module, debug = (os.path.join(scratch, name) for name in ("a.c", "a.so", "a.debug"))
        with open(source, "w") as f:
            f.write("int a;\n")
        with open(debug, "wb") as f:
            f.write(b"common/name.dwz\0" + bytes(range(20)))
        for form in (["-g1"], ["-s"]):
            for change in (["--add-gnu-debuglink=" + debug], ["--add-section=.gnu_debugaltlink=" + debug]):
                subprocess.run(["gcc", "-shared", "-nostdlib", "-Wl,-z,noseparate-code", *form, "-o", module, source], check=True)
                subprocess.run(["objcopy", *change, module], check=True)
                with open(module, "rb") as f:
                    put("debug_link", f.read())


def go_tables():
    """Two functions in a table of each version of Go's."""
    names = b"main.main\0main.(*T).f\0"
    for magic, words in ((0xFFFFFFFB, 1), (0xFFFFFFFA, 7), (0xFFFFFFF0, 8), (0xFFFFFFF1, 8)):
        narrow = words == 8
        number = struct.Struct("<I" if narrow else "<Q")
        head = 8 + 8 * words
        base = head + len(names) if words > 1 else 0
        pairs = head + len(names) if words > 1 else head
        entries = 5 * number.size + (0 if words > 1 else head)
        pair = [0x10, entries, 0x40, entries + number.size + 4, 0x80]
        body = b"".join(number.pack(n) for n in pair)
        first = head if words > 1 else entries + 2 * (number.size + 4)
        at = 0 if words > 1 else first
        functions = number.pack(0x10) + struct.pack("<I", at) + number.pack(0x40) + struct.pack("<I", at + 10)
        numbers = {1: [2], 7: [2, 0, head, 0, 0, 0, base], 8: [2, 0, 0x1000, head, 0, 0, 0, base]}[words]
        table = struct.pack("<IHBB", magic, 0, 1, 8) + struct.pack(f"<{words}Q", *numbers)
        table += names + body + functions if words > 1 else body + functions + names
        assert pairs <= len(table)
        put("go_names", b"\0" + table + bytes(64))


def attached():
    """Small modules, with a thread that stands in each of their functions; filters as libseccomp writes them."""
    with tempfile.TemporaryDirectory() as scratch:
        source, module = os.path.join(scratch, "a.c"), os.path.join(scratch, "a.so")
        with open(source, "w") as f:
            f.write("void *malloc(unsigned long n) { return (void *)n; }\nvoid free(void *p) { malloc(1); }\nint dlopen(void) { free(0); return 1; }\n"
                    "int work(int n) { return n ? work(n - 1) + dlopen() : 7; }\nint last(void) { return work(3) + 1; }\n")
        for form in ([], ["-Wl,--hash-style=sysv"], ["-fno-asynchronous-unwind-tables"]):
            subprocess.run(["gcc", "-shared", "-nostdlib", "-O1", "-fno-builtin", "-Wl,-soname,libfuzzed.so", "-Wl,-z,noseparate-code", *form, "-o", module, source], check=True)
            with open(module, "rb") as f:
                data = loaded(f.read())
            table = subprocess.run(["nm", "-D", module], stdout=subprocess.PIPE, check=True).stdout.decode()
            end = (len(data) + 7) // 8 * 8 + 256
            for pc in [int(line.split()[0], 16) for line in table.splitlines() if " T " in line]:
                stack = struct.pack("<8Q", 0x10000 + pc + 4, 0, 0x10000 + pc + 8, 0, 0, 0, 0, 0)
                registers = [end - 128] * 17
                registers[16] = pc + 1
                put("attach", struct.pack("<18I", *registers, end - 64) + data.ljust(end - 128, b"\0") + stack + bytes(64))
    allow, kill = (6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x80000000)
    number = (0x20, 0, 0, 0)
    for code in ([allow], [kill], [number, (0x15, 0, 1, 319), kill, allow], [number, (0x35, 1, 0, 0x40000000), (0x15, 1, 0, 202), allow, kill],
                 [(0x20, 0, 0, 16), (0x54, 0, 0, 255), (2, 0, 0, 3), (0x61, 0, 0, 3), (0x1d, 0, 0, 0), (0x16, 0, 0, 0)],
                 [(0, 0, 0, 7), (7, 0, 0, 0), (0x3c, 0, 0, 0), (0x6c, 0, 0, 0), (0x87, 0, 0, 0), (5, 0, 0, 0), allow]):
        put("bpf", b"".join(struct.pack("<HBBI", *f) for f in code))


def loaded(data):
    """A module's file as it stands in memory."""
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    memory = bytearray()
    for i in range(count):
        kind, _, offset, address, _, size, *_ = struct.unpack_from("<IIQQQQQQ", data, at + 56 * i)
        if kind == 1:
            memory = memory.ljust(address, b"\0") + data[offset:offset + size]
    return bytes(memory)


def unwind_information(data):
    """From .eh_frame_hdr to the end of .eh_frame, which lies behind it, by the program headers."""
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for i in range(count):
        kind, _, offset, *_, = struct.unpack_from("<IIQQQQQQ", data, at + 56 * i)
        if kind == 0x6474E550:
            return data[offset:offset + 600]
    return b""


if __name__ == "__main__":
    main()
