"""unpack - checksums and compressed payloads of blocks, as their own specifications say. For decode.py."""
import ctypes
import struct

from events import U32, Corrupt


def xxh32(data):
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393

    def rotl(x, r):
        return ((x << r) | (x >> (32 - r))) & U32

    size, at = len(data), 0
    if size >= 16:
        v = [(p1 + p2) & U32, p2, 0, (-p1) & U32]
        while at + 16 <= size:
            for i, lane in enumerate(struct.unpack_from("<4I", data, at)):
                v[i] = rotl((v[i] + lane * p2) & U32, 13) * p1 & U32
            at += 16
        h = (rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18)) & U32
    else:
        h = p5
    h = (h + size) & U32
    while at + 4 <= size:
        h = rotl((h + struct.unpack_from("<I", data, at)[0] * p3) & U32, 17) * p4 & U32
        at += 4
    for b in data[at:]:
        h = rotl((h + b * p5) & U32, 11) * p1 & U32
    h = (h ^ h >> 15) * p2 & U32
    h = (h ^ h >> 13) * p3 & U32
    return h ^ h >> 16


def lz4_block(data, raw_bytes):
    out, at = bytearray(), 0

    def length(n):
        nonlocal at
        if n == 15:
            while True:
                n += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        return n

    try:
        while True:
            token = data[at]
            at += 1
            literals = length(token >> 4)
            if literals > len(data) - at:
                raise Corrupt("literals beyond the payload")
            out += data[at:at + literals]
            at += literals
            if at == len(data):
                break
            offset = data[at] | data[at + 1] << 8
            at += 2
            match = length(token & 15) + 4
            if not 0 < offset <= len(out) or len(out) + match > raw_bytes:
                raise Corrupt("match outside of the payload")
            for _ in range(match):
                out.append(out[-offset])
    except IndexError:
        raise Corrupt("the payload ends inside a sequence") from None
    if len(out) != raw_bytes:
        raise Corrupt("the payload decodes to another length")
    return bytes(out)


libzstd = ctypes.CDLL("libzstd.so.1")  # Python has none of its own
libzstd.ZSTD_decompress.restype = ctypes.c_size_t
libzstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2


def zstd_frame(data, raw_bytes):
    out = ctypes.create_string_buffer(raw_bytes + 1)
    # an error is a number near 2^64
    if libzstd.ZSTD_decompress(out, raw_bytes, data, len(data)) != raw_bytes:
        raise Corrupt("no zstd frame of that length")
    return out.raw[:raw_bytes]
