#!/usr/bin/env python3
"""seed - first inputs for the fuzz targets, out of the golden captures: seed.py CORPUS"""
import glob
import hashlib
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import decode  # noqa: E402


def put(target, data):
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, hashlib.sha1(data).hexdigest()[:16]), "wb") as f:
        f.write(data)


def described(block):
    payload = block.payload()
    return bytes([block.type, min(block.process, 255), min(block.items, 255),
                  0]) + struct.pack("<H", len(payload)) + payload


def main():
    for path in glob.glob(os.path.join(HERE, "..", "golden", "*", "*.bin")):
        with open(path, "rb") as f:
            data = f.read()
        put("capture", b"\0" + data)
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
            elif b.type == decode.PREDICTED:
                put("predict", struct.pack("<I", min(b.items, 0xFFFFFF) | 99 << 24) + b.payload())
    for kind in range(32):  # head, epoch, time, pops, pushes, two frames, operands of any kind
        put("wire", bytes([kind | 0xE0, 1, 2, 1, 2, 0x80, 0x20, 9, 3, 2, 0x40, 5]) + b"\x02ab" * 3)
        put("wire", bytes([kind, 3, 1, 0x40, 5, 0x21, 1, 0x20, 8]))


if __name__ == "__main__":
    main()
