"""own_word - what the interpreter says about the stack at each allocation of a size that occurs once.

here() gives such a size; bytearray(here()) allocates it, and one byte more. written() writes {size: [[function, file, line], ...]},
most recent first, to the file $OUT.
"""
import itertools
import json
import os
import sys
import threading

T = {}
numbers = itertools.count(1000003, 8)
lock = threading.Lock()


def frames(f):
    s = []
    while f is not None:
        c = f.f_code
        s.append([getattr(c, "co_qualname", c.co_name), c.co_filename, f.f_lineno])
        f = f.f_back
    return s


def here():
    s = frames(sys._getframe(1))
    with lock:
        n = next(numbers)
    T[n] = s
    return n


def number():
    with lock:
        return next(numbers)


def written(suffix=""):
    with open(os.environ["OUT"] + suffix, "w") as f:
        json.dump(T, f)
