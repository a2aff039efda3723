"""pairs - what may leave both stacks as they were and change which native frame runs which function; see own_word.py."""
import random
import sys

from own_word import T, frames, here, number, written


def g(n):
    bytearray(n)


def h(n):
    g(n)


class P:
    def __init__(self, n):
        bytearray(n)


def gen(n):
    while True:
        n = yield bytearray(n)


def line_of(f):
    return [getattr(f.__code__, "co_qualname", f.__code__.co_name), f.__code__.co_filename, f.__code__.co_firstlineno + 1]


def in_turn(order):
    """One place in one line calls C, Python, a class, two levels."""
    for f, inner in order:
        n = number()
        T[n] = inner + frames(sys._getframe())
        T[n][len(inner)][2] += 2
        f(n)


def rec(n):
    bytearray(here())
    if n:
        rec(n - 1)
    bytearray(here())
    if n > 5:
        rec(n - 5)
    bytearray(here())


def drive(x):
    for _ in range(6):
        n = number()
        T[n] = [line_of(gen)] + frames(sys._getframe())
        T[n][0][2] += 1
        T[n][1][2] += 3
        x.send(n)


C = (bytearray, [])
G = (g, [line_of(g)])
H = (h, [line_of(g), line_of(h)])
K = (P, [line_of(P.__init__)])
random.seed(2)
for _ in range(2):
    in_turn([C, G] * 10)
    in_turn([C, C, G, H, G, C, H, H, C, K, C, K, G] * 6)
    in_turn([G, H] * 10)
    in_turn(random.choices([C, G, H, K], k=150))
for _ in range(3):
    rec(10)
generators = [gen(5000) for i in range(3)]
for x in generators:
    next(x)
for x in generators * 3:
    drive(x)
written()
