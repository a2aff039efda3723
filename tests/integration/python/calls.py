"""calls - the ways in which Python calls Python; see own_word.py."""
import asyncio
import ctypes
import functools
import gc
import json
import os
import re
import signal
import sys
import threading
import weakref

from own_word import here, written


def plain():
    bytearray(here())


def two_lines(x=1):
    a = bytearray(here())
    if x:
        a = bytearray(here())
    return a, \
        bytearray(here())


def gen(k):
    for _ in range(k):
        bytearray(here())
        yield bytearray(here())


def gen_outer(k):
    yield from gen(k)
    bytearray(here())


async def coro(k):
    bytearray(here())
    if k:
        await coro(k - 1)
    await asyncio.sleep(0)
    bytearray(here())


async def agen(k):
    for i in range(k):
        bytearray(here())
        yield i


async def main_co():
    await asyncio.gather(coro(2), coro(3))
    async for _ in agen(2):
        bytearray(here())
    [bytearray(here()) async for i in agen(2)]


def rec(n):
    if n:
        return rec(n - 1)
    bytearray(here())


def rec2(n):
    if n:
        return functools.reduce(lambda a, b: rec2(n - 1), [1, 2]) if n % 7 == 0 else rec2(n - 1)
    bytearray(here())


class K:
    def __init__(self):
        bytearray(here())

    def __lt__(self, other):
        bytearray(here())
        return False

    def __del__(self):
        bytearray(here())

    @property
    def p(self):
        return bytearray(here())

    def __enter__(self):
        bytearray(here())

    def __exit__(self, *a):
        bytearray(here())

    def __iter__(self):
        return self

    def __next__(self):
        if hasattr(self, "done"):
            raise StopIteration
        bytearray(here())
        self.done = 1


def deco(f):
    @functools.wraps(f)
    def w(*a, **k):
        bytearray(here())
        return f(*a, **k)
    return w


@deco
def decorated():
    bytearray(here())


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def callback(a, b):
    bytearray(here())
    return 0


def exceptions():
    try:
        try:
            raise ValueError(bytearray(here()))
        except ValueError:
            bytearray(here())
            raise KeyError(1)
        finally:
            bytearray(here())
    except KeyError:
        bytearray(here())


def overflow(n):
    try:
        overflow(n + 1)
    except RecursionError:
        if n % 100 == 0:
            bytearray(here())
        raise


def comprehensions():
    return [bytearray(here()) for i in range(3)], {i: bytearray(here()) for i in range(2)}, list(bytearray(here()) for i in range(2))


def one_call_many_lines():
    def f(x):
        return bytearray(here())
    for _ in range(3):
        list(map(f, [1]))
        list(map(f, [1]))
        list(map(f, [1])), list(map(f, [1]))


def code_comes_and_goes():
    for i in range(300):
        source = "def fn_%d():\n%s    bytearray(here())\n" % (i, "    pass\n" * (i % 5))
        names = {"here": here}
        exec(compile(source, "gen_%d.py" % (i % 7), "exec"), names)
        names["fn_%d" % i]()
        del names


def closure():
    x = 1

    def inner():
        nonlocal x
        x += 1
        bytearray(here())
        return x
    return inner() + inner()


def left_generator():
    def g():
        try:
            yield 1
        finally:
            bytearray(here())
    i = g()
    next(i)
    del i


def thrown_into():
    def g():
        try:
            yield 1
        except ValueError:
            bytearray(here())
            yield 2
    i = g()
    next(i)
    i.throw(ValueError())


def collected():
    class C:
        def __del__(self):
            bytearray(here())
    a = C()
    a.me = a
    del a
    gc.collect()


def weak():
    o = decorated.__wrapped__.__class__
    o = K()
    r = weakref.ref(o, lambda r: bytearray(here()))
    del o
    return r


def accents():
    names = {"here": here}
    exec(compile("def café():\n    bytearray(here())\ncafé()\n", "/srv/\u00e9\u4e16\U0001f40d.py", "exec"), names)


def many_lines():
    """A table of lines that is told in several pieces."""
    source = "def long_one():\n" + "    x = 1; y = x; z = y\n" * 1500 + "    bytearray(here())\n" + "    x = 2\n" * 300 + "    bytearray(here())\n"
    names = {"here": here}
    exec(compile(source, "long_one.py", "exec"), names)
    names["long_one"]()


def handler(number, frame):
    bytearray(here())


def from_c():
    functools.reduce(lambda a, b: bytearray(here()), [1, 2, 3])
    list(map(lambda x: bytearray(here()), [1, 2]))
    re.sub("a", lambda m: str(len(bytearray(here()))), "aba")
    json.loads('{"a":{"b":1}}', object_hook=lambda o: bytearray(here()) and o)
    numbers = (ctypes.c_int * 6)(6, 5, 4, 3, 2, 1)
    ctypes.CDLL(None).qsort(numbers, 6, 4, CALLBACK(callback))
    exec("bytearray(here())")
    eval("bytearray(here())")


def classes():
    sorted([K(), K(), K()])
    K().p
    with K():
        pass
    for _ in K():
        pass

    class Meta(type):
        def __new__(m, *a):
            bytearray(here())
            return type.__new__(m, *a)

    class X(metaclass=Meta):
        bytearray(here())


def everything():
    plain()
    two_lines()
    two_lines(0)
    list(gen(3))
    list(gen_outer(3))
    g = gen(3)
    next(g)
    next(g)
    asyncio.run(main_co())
    for n in 0, 10, 200:
        rec(n)
    rec2(20)
    decorated()
    for f in classes, from_c, exceptions, comprehensions, one_call_many_lines, code_comes_and_goes, closure, left_generator, thrown_into, collected, weak, accents, many_lines:
        f()
    try:
        overflow(0)
    except RecursionError:
        pass
    signal.signal(signal.SIGUSR1, handler)
    os.kill(os.getpid(), signal.SIGUSR1)
    plain()


def of_thread(k):
    for i in range(10):
        rec(i % 5)
        list(gen(2))
        plain()


def threads():
    all_of_them = [threading.Thread(target=of_thread, args=(i,)) for i in range(8)]
    for t in all_of_them:
        t.start()
    for t in all_of_them:
        t.join()


sys.setrecursionlimit(400)
everything()
threads()
rec(350)
pid = os.fork()
if pid == 0:
    everything()
    threads()
    written(".child")
    os._exit(0)
os.waitpid(pid, 0)
plain()
written()
