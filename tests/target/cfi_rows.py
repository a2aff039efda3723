#!/usr/bin/env python3
"""Compares libtracker's reading of unwind tables with readelf's, row by row.

usage: cfi_rows.py [--readelf PROGRAM] LIBRARIES COMMAND...
  LIBRARIES  files with commas between them
  COMMAND    the program cfi_rows, and what runs it where it is another processor's
"""
import argparse
import random
import re
import subprocess
import sys

ROWS_PER_LIBRARY = 20000


def readelf_rows(readelf, library):
    """(address in the middle of the row or at its start, {column: rule}) of every row."""
    text = subprocess.run([readelf, "--wide", "--debug-dump=frames-interp", library],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    columns, end, rows, cie = [], 0, [], True
    for line in text.stdout.decode().splitlines():
        head = re.match(r"[0-9a-f]{8} .* (CIE|FDE) ", line)
        if head:
            cie = head.group(1) == "CIE"
            span = re.search(r"pc=([0-9a-f]+)\.\.([0-9a-f]+)", line)
            end = int(span.group(2), 16) if span else 0
        elif line.lstrip().startswith("LOC"):
            columns = line.split()[1:]
        elif re.match(r"[0-9a-f]{16} ", line) and not cie:
            words = line.split()
            if int(words[0], 16) < end and len(words) == len(columns) + 1:
                rows.append((int(words[0], 16), dict(zip(columns, words[1:]))))
    return rows


def expected_matches(want, got):
    """readelf prints u for registers that nothing was said about (unless set: same).

    Columns that are no register of ours (vectors) are nobody's CFA or return address.
    """
    for column, rule in want.items():
        if column not in got:
            continue
        mine = got[column]
        if column == "CFA" and rule == "exp" and mine == "exp":
            continue
        if column != "CFA" and rule == "u" and mine in ("s", "u"):
            continue
        if mine != rule:
            return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("libraries")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    compared = 0
    for library in args.libraries.split(","):
        rows = readelf_rows(args.readelf, library)
        random.Random(1).shuffle(rows)
        rows = rows[:ROWS_PER_LIBRARY]
        answer = subprocess.run([*args.command, library], check=True, stdout=subprocess.PIPE,
                                input="".join("%x\n" % at for at, _ in rows).encode())
        lines = answer.stdout.decode().splitlines()
        if len(lines) != len(rows):
            sys.exit("%s: asked for %d rows, got %d" % (library, len(rows), len(lines)))
        for (at, want), line in zip(rows, lines):
            words = line.split()
            got = dict(w.split("=") for w in words[2:])
            got["CFA"] = words[1]
            if words[1] == "none" or not expected_matches(want, got):
                sys.exit("%s: at %x readelf says %r, we say %r" % (library, at, want, line))
        compared += len(rows)
    if compared < 10000:
        sys.exit("only %d rows compared: readelf's output was not understood" % compared)
    print("%d rows equal to readelf's" % compared)


main()
