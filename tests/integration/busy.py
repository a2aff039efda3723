"""busy - whether a part of the life of fx/busy.c is in a capture without a gap."""
from harness import check, equal

CALLS = ("malloc", "calloc", "realloc", "posix_memalign")  # of the n-th round of a thread, in this order: of 10000, 20000 ... bytes, and n
STEPS = 4096  # after so many rounds n is 0 again


def nothing_missed(events):
    """Each thread's allocations are one run of what it does in turn, from where recording began to where it ended."""
    threads = {}
    for e in events:
        if e["kind"] in CALLS and 10000 <= e.get("size", 0) < 40000 + STEPS:
            which, n = divmod(e["size"] - 10000, 10000)
            equal("the call that allocates so much", e["kind"], CALLS[which])
            threads.setdefault(e["tid"], []).append(4 * n + which)
    check(threads, "no thread was at work")
    for tid, seen in threads.items():
        want = [(seen[0] + i) % (4 * STEPS) for i in range(len(seen))]
        check(seen == want, f"thread {tid}: {next(((i, a, b) for i, (a, b) in enumerate(zip(seen, want)) if a != b), None)} of {len(seen)}")
