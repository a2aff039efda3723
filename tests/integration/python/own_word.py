"""own_word - what the interpreter says about the stack at each allocation of a size that occurs once.

here() gives such a size; bytearray(here()) allocates it, and one byte more. written() writes {size: [[function, file, line], ...]},
most recent first, to the file $OUT.

$EVALUATOR: a library whose function begin(interpreter) has C code of its own run each function of Python (PEP 523).
"""
import ctypes
import itertools
import json
import os
import sys

T = {}
numbers = itertools.count(1000003, 8)

if os.environ.get("EVALUATOR"):
    ctypes.pythonapi.PyInterpreterState_Get.restype = ctypes.c_void_p
    ctypes.PyDLL(os.environ["EVALUATOR"]).begin(ctypes.c_void_p(ctypes.pythonapi.PyInterpreterState_Get()))


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
