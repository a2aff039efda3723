"""killed FILE - threads and children allocate until somebody kills the process whose pid stands in FILE, mapped shared.

Behind the pid come counts, each written when the allocation has returned: of this process's threads, of whose stacks the recording must have
as many, and of the children's.
"""
import functools
import mmap
import os
import struct
import sys
import threading

THREADS, FORKED = 3, 2
counts = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 8 * (1 + THREADS + THREADS * FORKED))


def counted(place):
    n = struct.unpack_from("=Q", counts, 8 * place)[0]
    struct.pack_into("=Q", counts, 8 * place, n + 1)


def block(place):
    return bytearray(100000 + 8 * place)


def by_c(place, n):
    return functools.reduce(lambda a, b: by_c(place, n - 1), [1, 2]) if n else block(place)


def generated(place):
    yield block(place)


def work(place, rounds=1 << 62):
    for i in range(rounds):
        by_c(place, i % 5) if i % 2 else next(generated(place))
        counted(place)


def child(i):
    others = [threading.Thread(target=work, args=(1 + THREADS * (i + 1) + t, 20)) for t in range(1, THREADS)]
    for t in others:
        t.start()
    work(1 + THREADS * (i + 1), 20)
    for t in others:
        t.join()
    os._exit(0)


for t in range(1, THREADS):
    threading.Thread(target=work, args=(1 + t,), daemon=True).start()
struct.pack_into("=Q", counts, 0, os.getpid())
for i in range(FORKED):
    if not os.fork():
        child(i)
work(1)
