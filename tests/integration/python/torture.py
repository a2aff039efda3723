"""torture MODE - what breaks profilers of Python, one function each. Prints the same at each run, and knows the stack of each allocation of a
size that occurs once; see own_word.py.
"""
import atexit
import ctypes
import faulthandler
import functools
import gc
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import weakref

from own_word import here, written

libc = ctypes.CDLL(None)  # its functions are called without the lock
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def deep(n, f):
    return functools.reduce(lambda a, b: deep(n - 1, f), [1, 2]) if n % 5 == 3 else deep(n - 1, f) if n else f()


def generator(n):
    for i in range(n):
        yield bytearray(here()) and i


def some_work(rounds):
    for i in range(rounds):
        deep(i % 9, lambda: bytearray(here()))
        sum(generator(3))
        try:
            deep(i % 4, lambda: [][i])
        except IndexError:
            bytearray(here())


def all_at_once(f, count, **more):
    threads = [threading.Thread(target=f, args=(i,), **more) for i in range(count)]
    for t in threads:
        t.start()
    return threads


def joined(threads):
    for t in threads:
        t.join()


def unlocked(i):
    while not stop.wait(0.0005):
        for _ in range(10):
            libc.free(libc.malloc(100))
            bytearray(3000)


stop = threading.Event()


def forks():
    """Children of a process whose threads run on."""
    threads = all_at_once(unlocked, 3)
    for i in range(12):
        pid = os.fork()
        if not pid:
            some_work(5)
            joined(all_at_once(lambda n: some_work(3), 2))
            written(f".{i}")
            os._exit(i)
        print(os.waitpid(pid, 0)[1] >> 8)
    stop.set()
    joined(threads)


def forks_of_threads():
    """Each thread forks a process, which forks a process."""
    statuses = {}

    def one(i):
        pid = os.fork()
        if not pid:
            some_work(3)
            pid = os.fork()
            if not pid:
                some_work(3)
                written(f".{i}.child")
                os._exit(i + 20)
            written(f".{i}")
            os._exit(os.waitpid(pid, 0)[1] >> 8)
        statuses[i] = os.waitpid(pid, 0)[1] >> 8
    joined(all_at_once(one, 6))
    print(sorted(statuses.items()))


def alarms():
    """A handler of a timer allocates wherever it comes, and raises sometimes."""
    seen, may_raise = [0], [False]

    class Late(Exception):
        pass

    def handler(number, frame):
        seen[0] += 1
        bytearray(here())
        if may_raise[0] and seen[0] % 3 == 0:
            may_raise[0] = False
            raise Late
    sys.unraisablehook = lambda what: None  # where nothing can be raised
    signal.signal(signal.SIGALRM, handler)
    while seen[0] < 40:
        signal.setitimer(signal.ITIMER_REAL, 0.0003)  # once: the handler itself may take longer
        try:
            may_raise[0] = True
            deep(30, lambda: sum(generator(2)))
            may_raise[0] = False
        except Late:
            pass
    print("alarms")


def too_deep():
    """Recursion until the interpreter forbids it: of functions, of C code that calls them, of comparisons, of what is printed."""
    class Same:
        def __eq__(self, other):
            return Same() == Same()

        def __repr__(self):
            return repr(self)

    def plain(n):
        plain(n + 1)

    def by_c(n):
        list(map(by_c, [n]))

    def caught(n):
        try:
            caught(n + 1)
        except RecursionError:
            if n % 100 == 0:
                bytearray(here())
            raise
    for f in plain, by_c, caught, lambda n: Same() == Same(), lambda n: repr(Same()):
        try:
            f(0)
        except RecursionError as e:
            print(str(e)[:32])
        some_work(2)


def no_memory():
    """The kernel refuses memory, and the program goes on with what it has."""
    with open("/proc/self/statm", encoding="ascii") as f:
        pages = int(f.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (24 << 20), resource.RLIM_INFINITY))
    for _ in range(5):
        kept = []
        try:
            while True:
                kept.append(deep(3, lambda: bytearray(300000)))
        except MemoryError:
            kept = None
        some_work(5)
    print("no memory, five times")


def tracing():
    """Functions that the interpreter calls at each call, line and return."""
    calls = [0]

    def trace(frame, event, argument):
        calls[0] += 1
        if calls[0] % 7 == 0 and event != "return":  # up to 3.9, f_lineno is that of the last event then, not that of the instruction
            bytearray(here())
        return trace
    sys.settrace(trace)
    deep(10, lambda: sum(generator(3)))
    sys.settrace(None)
    sys.setprofile(trace)
    deep(10, lambda: sum(generator(3)))
    sys.setprofile(None)
    print("traced" if calls[0] > 50 else calls)


def moved():
    """Generators begun in one thread, continued in others, and closed by the collector."""
    begun = [generator(40) for _ in range(20)]

    def one(i):
        for n, g in enumerate(begun):
            if n % 5 == i:
                deep(i, lambda: next(g))
    for _ in range(6):
        joined(all_at_once(one, 5))
    print(sum(next(g) for g in begun))

    def endless():
        try:
            while True:
                yield bytearray(here())
        finally:
            bytearray(here())
    for _ in range(20):
        g = endless()
        next(g)
        me = [g]
        me.append(me)
        del g, me
    gc.collect()


def at_the_end():
    """What runs when the interpreter ends."""
    class Last:
        def __del__(self):
            bytearray(10000)
            print("the last")
    atexit.register(lambda: print("at exit", some_work(3)))
    last = Last()
    last.me = last
    sys.modules["last"] = last
    weakref.finalize(last, print, "finalized")


def daemons():
    """Threads allocate while the interpreter ends."""
    all_at_once(unlocked, 6, daemon=True)
    some_work(3)


def daemons_without_lock():
    def deep_and_unlocked(i):
        def f():
            while True:
                for _ in range(50):
                    libc.free(libc.malloc(100))
                time.sleep(0.0002)
        deep(i * 5 + 20, f)
    all_at_once(deep_and_unlocked, 6, daemon=True)
    some_work(3)


def ends_in_thread():
    """The process ends in a thread, while others run."""
    threads = all_at_once(unlocked, 3)
    some_work(3)
    written()
    sys.stdout.flush()
    all_at_once(lambda i: os._exit(7), 1)
    joined(threads)


def executes():
    """A process is replaced while its threads run."""
    all_at_once(unlocked, 3)
    some_work(3)
    written(".first")
    os.execv(sys.executable, [sys.executable, __file__, "some_work"])


def aborts():
    """A signal that ends the process, with the interpreter's own traceback before."""
    faulthandler.enable(all_threads=False)
    all_at_once(unlocked, 2, daemon=True)
    some_work(3)
    written()
    deep(12, os.abort)


def interpreters():
    """Other interpreters beside this one, made and ended while threads run."""
    try:
        import _xxsubinterpreters as other
    except ImportError:
        import _interpreters as other
    threads = all_at_once(unlocked, 2)
    for i in range(6):
        one = other.create()
        other.run_string(one, f"def sub(n):\n    return sub(n - 1) if n else bytearray(1001)\nsub({i * 3})\n"
                              "class A:\n    def __del__(self): sub(2)\na = A()\n")
        some_work(2)
        other.destroy(one)
        some_work(2)
    stop.set()
    joined(threads)
    print("six others")


def square(n):
    bytearray(here())
    return n * n


def pools():
    """The three ways in which multiprocessing starts processes."""
    for how in "fork", "spawn", "forkserver":
        with multiprocessing.get_context(how).Pool(2) as pool:
            print(how, pool.map(square, range(8)))


def children():
    """Programs that are executed by way of fork and exec, or vfork."""
    for i in range(4):
        r = subprocess.run([sys.executable, "-c", f"print(len(bytearray({5000 + i})))"], capture_output=True, check=True)
        print(r.stdout)
        some_work(1)


def small_stacks():
    """Threads with the smallest stacks that work."""
    threading.stack_size(128 << 10)

    def one(i):
        for _ in range(5):
            deep(4, lambda: sum(generator(2)))
    joined(all_at_once(one, 20))
    print("twenty threads")


if __name__ == "__main__":
    globals()[sys.argv[1]](*[4] * (sys.argv[1] == "some_work"))
    written()
