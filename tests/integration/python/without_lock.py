"""without_lock - allocations without the interpreter's lock, native threads that call Python, another interpreter; see own_word.py."""
import ctypes
import sys
import threading

from own_word import here, written

libc = ctypes.CDLL(None)  # its calls give the lock away
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def nested(k):
    if k:
        nested(k - 1)
    libc.free(libc.malloc(here() + 1))


def busy(stop):
    while not stop.is_set():
        sum(i for i in range(200))


def worker():
    for i in range(60):
        nested(i % 4)


def run(targets):
    all_of_them = [threading.Thread(target=t, args=a) for t, a in targets]
    for t in all_of_them:
        t.start()
    return all_of_them


stop = threading.Event()
others = run([(busy, (stop,))])
for t in run([(worker, ())] * 4):
    t.join()
stop.set()
others[0].join()

START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


@START
def native_thread(argument):
    for _ in range(3):
        bytearray(here())
        nested(2)


libc.pthread_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, START, ctypes.c_void_p]
libc.pthread_join.argtypes = [ctypes.c_ulong, ctypes.c_void_p]
for _ in range(10):
    ids = [ctypes.c_ulong() for i in range(4)]
    for i in ids:
        libc.pthread_create(ctypes.byref(i), None, native_thread, None)
    for i in ids:
        libc.pthread_join(i, None)
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    try:
        import _interpreters as interpreters
    except ImportError:
        interpreters = None
if interpreters and sys.version_info >= (3, 8):
    other = interpreters.create()
    interpreters.run_string(other, "def sub():\n    return bytearray(7000003)\nsub()\n")
    interpreters.destroy(other)
bytearray(here())
written()
