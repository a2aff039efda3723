"""naive_replay - dumped events, replayed the slow and obvious way: what is live, and the totals. For harness.py."""
import collections

PAGE = 4096
ALLOCATES = {"malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc",
             "memalign", "valloc", "pvalloc", "new", "new[]", "track"}
RELEASES = {"free", "delete", "delete[]", "free_sized", "free_aligned_sized", "cfree", "untrack"}
REALLOCS = {"realloc", "reallocarray"}


def number(value):
    return int(value, 0) if isinstance(value, str) else (value or 0)


class Heap:
    """One process's blocks, replayed the slow and obvious way."""

    def __init__(self):
        self.live = {}        # address -> size
        self.aside = {}       # id of a call -> size of the block that its first half released; None: there was none
        self.pages = {}       # page address -> (mapping, how much of the page was asked for)
        self.mappings = {}    # mapping -> pages left
        self.arenas = {}      # page address -> how much of it counts when it is touched; until then it is 0 above
        self.reserved = {}    # page address -> reservation, not heap
        self.reservations = {}  # reservation -> [pages left, whether mmap made it]

    def blocks(self):
        return len(self.live) + len(self.mappings)

    def bytes(self):
        return sum(self.live.values()) + sum(asked for _, asked in self.pages.values())

    def pages_in(self, start, size, pages=None):
        """Those of its mappings, or of other pages of it, in any order."""
        end, pages = start + size, self.pages if pages is None else pages
        if size // PAGE > len(pages):
            return [page for page in pages if start <= page < end]
        return [page for page in range(start, end, PAGE) if page in pages]

    def state(self, page):
        return "reserved" if page in self.reserved else "arena" if page in self.arenas else None


class Replay:
    """Totals by the rules of reporters/replay/heap.h, from dumped events."""

    def __init__(self, events, ends=()):
        self.heaps = collections.defaultdict(Heap)
        self.kinds = collections.Counter()       # (kind, size)
        self.by_pid = collections.defaultdict(collections.Counter)
        self.allocations = self.frees = self.bytes = self.unmatched = self.failed = 0
        self.live = self.peak = self.events = self.mapping = self.lost = 0
        self.faults, self.tids, self.reallocs = [], set(), 0
        ends, over = list(ends), 0
        for e in events:
            while over < len(ends) and ends[over][0] < e["time_ns"]:
                self.live -= self.heaps[ends[over][1]].bytes()
                over += 1
            self.apply(e)

    def apply(self, e):
        kind, heap = e["kind"], self.heaps[e["pid"]]
        self.events += 1
        self.tids.add(e.get("tid"))
        if e.get("failed") and "half" not in e:
            self.failed += 1
        elif e.get("half") == "release":
            self.release(e, heap)
        elif "half" in e:
            self.acquire(e, heap)
        elif kind in ALLOCATES:
            self.born(e, heap)
        elif kind in RELEASES:
            self.died(kind, e, heap)
        elif kind == "mmap":
            self.map(e, heap)
        elif kind == "mremap":  # that releases nothing
            moved = self.moving(heap, number(e["old_address"]), number(e["old_size"]))
            if moved:  # else a file's
                self.map(e, heap, moved["state"])
        elif kind == "mprotect":
            self.protect(e, heap, number(e["address"]), number(e["size"]))
        elif kind == "touched" or e.get("advice") == "populate_write":
            self.touch(heap, number(e["address"]), number(e["size"]), True)
        elif kind == "madvise" and e["advice"] in ("dontneed", "remove"):
            self.touch(heap, number(e["address"]), number(e["size"]), False)
        elif kind == "munmap":
            self.unmap(heap, number(e["address"]), number(e["size"]))
        elif kind == "exec":
            self.live -= heap.bytes()
            self.heaps[e["pid"]] = Heap()
        elif kind == "gap":
            self.lost += number(e["size"])
        if self.live >= self.peak:
            self.peak = self.live

    def count(self, e, kind, size):
        self.kinds[kind, size] += 1
        self.by_pid[e["pid"]][kind, size] += 1

    def born(self, e, heap):
        address, size = number(e["address"]), number(e["size"])
        if address in heap.live:
            self.faults.append(f"event {e['seq']}: {address:#x} is live already")
        heap.live[address] = size
        self.allocations += 1
        self.bytes += size
        self.live += size
        self.count(e, e["kind"], size)

    def died(self, kind, e, heap):
        size = heap.live.pop(number(e["address"]), None)
        if size is None:
            self.unmatched += 1
            return
        self.frees += 1
        self.live -= size
        self.count(e, kind, size)

    def release(self, e, heap):
        """The first half: the block, or the pages, are somebody else's from now on."""
        address = number(e["address"])
        if "size" in e:  # an mremap's
            heap.aside[e["id"]] = self.moving(heap, address, number(e["size"]))
            self.unmap(heap, address, number(e["size"]))
        else:
            heap.aside[e["id"]] = heap.live.pop(address, None)
            self.live -= heap.aside[e["id"]] or 0

    def moving(self, heap, start, size):
        """What goes with the pages of an mremap; None: they are a file's."""
        pages = heap.pages_in(start, size or 1)
        if not pages and not heap.pages_in(start, size or 1, heap.reserved):
            return None
        return {"state": heap.state(start),
                "touched": [page - start for page in pages if page in heap.arenas and heap.pages[page][1]]}

    def acquire(self, e, heap):
        if e["id"] not in heap.aside:
            self.faults.append(f"event {e['seq']}: no first half")
            return
        old = heap.aside.pop(e["id"])
        if e["kind"] == "mremap":
            self.failed += e["half"] == "withdraw"
            if e["half"] == "withdraw":
                e = dict(e, address=e["old_address"], size=e["old_size"])
            if old:
                self.map(e, heap, old["state"])
                for offset in old["touched"]:
                    if offset < number(e["size"]):
                        self.touch(heap, number(e["address"]) + offset, PAGE, True)
            return
        if e["half"] == "withdraw":
            self.failed += 1
            heap.live[number(e["old_address"])] = old or 0
            self.live += old or 0
            return
        self.reallocs += 1
        if old is None:
            self.unmatched += 1
        else:
            self.frees += 1
            self.count(e, "realloc-old", old)
        self.born(e, heap)

    def protect(self, e, heap, start, size):
        some = e["access"] == "some"
        pages = heap.pages_in(start, size, heap.reserved if some else heap.pages)
        for page in pages:
            self.unmap(heap, page, PAGE)
        if not some:
            self.reserve(heap, pages, False)
        elif pages:
            self.hold(heap, {page: PAGE for page in pages})
            self.allocations += 1
            self.add(len(pages) * PAGE)
            self.count(e, "mprotect", len(pages) * PAGE)

    def touch(self, heap, start, size, touched):
        for page in heap.pages_in(start, size, heap.arenas):
            mapping, was = heap.pages[page]
            asked = heap.arenas[page] if touched else 0
            heap.pages[page] = (mapping, asked)
            self.live -= was if not touched else 0
            self.add(asked - was if touched else 0)

    def reserve(self, heap, pages, by_mmap):
        self.mapping += 1
        heap.reservations[self.mapping] = [len(pages), by_mmap]
        heap.reserved.update(dict.fromkeys(pages, self.mapping))

    def hold(self, heap, pages):
        self.mapping += 1
        heap.mappings[self.mapping] = len(pages)
        for page, asked in pages.items():
            heap.pages[page] = (self.mapping, asked)

    def add(self, size):
        self.bytes += size
        self.live += size

    def unmap(self, heap, start, size):
        for page in heap.pages_in(start, size, heap.reserved):
            left = heap.reservations[heap.reserved.pop(page)]
            left[0] -= 1
            self.frees += left == [0, True]
        for page in heap.pages_in(start, size):
            mapping, asked = heap.pages.pop(page)
            heap.arenas.pop(page, None)
            self.live -= asked
            heap.mappings[mapping] -= 1
            if not heap.mappings[mapping]:
                del heap.mappings[mapping]
                self.frees += 1

    def map(self, e, heap, state=None):
        start, size = number(e["address"]), number(e["size"])
        whole = -(-size // PAGE) * PAGE
        state = state or ("reserved" if e.get("reserved") else "arena" if e.get("arena") else None)
        pages = {page: min(PAGE, start + size - page) for page in range(start, start + whole, PAGE)}
        self.unmap(heap, start, whole)
        self.allocations += 1
        self.count(e, e["kind"], size)
        if state == "reserved":
            self.reserve(heap, pages, True)
        elif state == "arena":
            self.hold(heap, dict.fromkeys(pages, 0))
            heap.arenas.update(pages)
        else:
            self.hold(heap, pages)
            self.add(size)

    def leaked(self):
        sizes = collections.Counter()
        for heap in self.heaps.values():
            sizes.update(heap.live.values())
        return sizes
