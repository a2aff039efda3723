"""own_word - what the interpreter says about the stack at each allocation of a size that occurs once.

here() gives such a size; bytearray(here()) allocates it, and one byte more. written() writes {size: [[function, file, line], ...]},
most recent first, to the file $OUT.
"""
import itertools
import json
import os
import sys

T = {}
numbers = itertools.count(1000003, 8)


def frames(f):
    s = []
    while f is not None:
        c = f.f_code
        s.append([getattr(c, "co_qualname", c.co_name), c.co_filename, f.f_lineno])
        f = f.f_back
    return s


def here():
    s = frames(sys._getframe(1))
    n = next(numbers)  # without a lock: a handler of a signal may come here, too
    T[n] = s
    return n


def number():
    return next(numbers)


def written(suffix=""):
    with open(os.environ["OUT"] + suffix, "w") as f:
        json.dump(T, f)
