"""events - the events of EVENTS and PREDICTED blocks, for decode.py; from docs/FORMAT.md alone, too."""

from reader import U32, U64, Corrupt, Reader, Record, Refused, text  # noqa: F401


KINDS = """none malloc calloc realloc reallocarray posix_memalign aligned_alloc memalign valloc pvalloc
new new[] mmap mremap track skipped free delete delete[] free_sized free_aligned_sized cfree munmap untrack
realloc_release realloc_acquire realloc_withdraw mark region_begin region_end exec gap
reserve arena mprotect madvise touched clear""".split()
HAS_STACK = set(range(1, 15)) | {25, 27, 28, 29} | {32, 33, 34, 35, 37, 39, 40, 41, 42}
ESCAPE, PLAIN_MAX, PAYLOAD_MAX, ESCAPED = 63, 37, 1088, {37, 38, 39, 40, 41, 42}  # escaped: of all that are known
KINDS += ["look", "releasing", "request", "annotate", "class"] + [""] * (ESCAPE - len(KINDS) - 5) + ["unknown"]


def event(process, kind, time, thread, node=0):
    return dict(what="event", process=process, kind=kind, time_ns=time, thread=thread, node=node,
                address=0, size=0, old_address=0, old_size=0, domain=0, label="", call=0, detail=0)


class Events:
    """The state of one EVENTS block, or of the OTHERS of a PREDICTED one."""

    def __init__(self, block, payload):
        self.r, self.process, self.items = Reader(payload), block.process, block.items
        self.time, self.thread, self.node, self.last = block.first_time, 0, 0, 0

    def __iter__(self):
        for _ in range(self.items):
            if not self.r.left():
                return
            yield self.next()
        if self.r.left():
            raise Corrupt("more than its items")

    def addr(self):
        self.last = self.r.addr(self.last)
        return self.last

    def part(self, e):
        part, call = self.r.byte(), self.r.byte()
        if part > 3 or call not in (3, 4, 13) or (part == 3 and call != 13):
            raise Corrupt("part of a realloc")
        e["kind"], e["call"] = (24, 25, 26, 13)[part], 0 if part == 3 else call
        e["old_address"] = self.addr()
        if call == 13:
            e["old_size"] = self.r.varint()
        if part == 1:
            e["address"] = self.addr()
        if part:
            e["size"] = self.r.varint()

    def realloc(self, e):
        form = self.r.varint()
        if form == 4 and e["kind"] == 3:
            return self.part(e)
        if form == 0:
            e["address"] = self.addr()
        elif form == 1:
            e["old_address"] = self.addr()
            e["address"] = self.addr()
        elif form == 2:
            e["address"] = e["old_address"] = self.addr()
        elif form == 3:
            e["old_address"] = self.addr()
        else:
            raise Corrupt("form of a realloc")
        e["size"] = self.r.varint()

    def operands(self, kind, e):
        r = self.r
        if kind in (3, 4):
            self.realloc(e)
        elif kind == 13:
            e["old_address"], e["old_size"] = self.addr(), r.varint()
            e["address"], e["size"] = self.addr(), r.varint()
        elif kind == 14:
            e["domain"], e["address"], e["size"] = r.u32(), self.addr(), r.varint()
        elif kind in (34, 35):
            e["address"], e["size"], e["detail"] = self.addr(), r.varint(), r.u32()
        elif kind in (40, 41, 42):
            e["address"], e["size"] = self.addr(), r.varint()
            e.update(dict(detail=r.u32(), old_size=r.varint()) if kind == 40 else dict(label=text(r.string())))
        elif kind <= 12 or kind in (22, 32, 33, 36):
            e["address"], e["size"] = self.addr(), r.varint()
        elif 16 <= kind <= 21 or kind == 39:
            e["address"] = self.addr()
        elif kind == 23:
            e["domain"], e["address"] = r.u32(), self.addr()
        elif 24 <= kind <= 26:
            e["call"], e["old_address"] = 3, self.addr()
            if kind == 25:
                e["address"] = self.addr()
            if kind != 24:
                e["size"] = r.varint()
        elif 27 <= kind <= 30:
            e["label"] = text(r.string())
        else:
            e["size"] = r.varint()

    def parts(self, head, has_stack):
        if head & 32:
            self.thread = self.r.u32()
        if head & 64:
            self.time += self.r.varint()
        if head & 128:
            self.node += self.r.zigzag()
            if not has_stack or not 0 <= self.node <= U32:
                raise Corrupt("node")
        if self.time > U64:
            raise Corrupt("time beyond 64 bits")

    def escaped(self, head):
        what = self.r.varint()
        kind, required, has_stack = what >> 2, what & 1, what & 2
        self.parts(head, has_stack)
        size = self.r.varint()
        payload = self.r.bytes(size)
        if size > PAYLOAD_MAX or kind > U32 or kind == ESCAPE or kind <= PLAIN_MAX and kind not in ESCAPED:
            raise Corrupt("escape")
        e = event(self.process, kind, self.time, self.thread, self.node if has_stack else 0)
        if kind in ESCAPED:
            outer, self.r, self.last = (self.r, self.last), Reader(payload), 0
            self.operands(kind, e)
            self.r, self.last = outer
        elif required:
            raise Refused("feature", "event kind %d" % kind)
        else:
            e.update(kind=ESCAPE, size=kind, detail=what & 3, label=text(payload))
        return e

    def next(self):
        head = self.r.byte()
        kind = head & 31
        if kind == 0:
            kind = self.r.byte()
            if kind == ESCAPE:
                return self.escaped(head)
            if not 32 <= kind <= PLAIN_MAX:
                raise Corrupt("no kind")
        self.parts(head, kind in HAS_STACK)
        e = event(self.process, kind, self.time, self.thread, self.node if kind in HAS_STACK else 0)
        self.operands(kind, e)
        if e["kind"] == 24:
            if head & 128:
                raise Corrupt("node of a release")
            e["node"] = 0
        return e


ALLOCATE, RELEASE, REALLOCATE, OTHER = 1, 2, 3, 4  # classes; 0: none
BIN, NEXT, FRESH, HELD, FAR, SAME = range(6)
ADDRESS, BACK, BESIDE = range(3)
PREDICTED_MAX = 1 << 17
K1, K2, K3 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
W1, W2, W3 = 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB


def class_of(e):
    kind, address, old = e["kind"], e["address"], e["old_address"]
    if 16 <= kind <= 21:
        return RELEASE
    if kind == 3 and address and old:
        return REALLOCATE
    return ALLOCATE if address and kind in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11) else OTHER


class Expected:
    """An event as a context knows it."""

    def __init__(self, which=0, node=0, size=0, kind=0, place=0, mode=0, ref=0):
        self.which, self.node, self.size, self.kind = which, node, size, kind
        self.place, self.mode, self.ref = place, mode, ref

    def token(self):
        if self.which == RELEASE:
            return (self.ref * K1 + self.mode * K2 + self.which * K3) & U64
        return (self.node * K1 + self.size * K2 + self.which * K3) & U64

    def is_whole(self):
        if self.which == ALLOCATE:
            return self.place in (BIN, NEXT, FRESH)
        if self.which == REALLOCATE and self.place not in (BIN, NEXT, FRESH, SAME):
            return False
        return self.which in (RELEASE, REALLOCATE) and self.mode in (BACK, BESIDE)


class Moments:
    """TIMES or THREADS: pairs of a distance and a value."""

    def __init__(self, column):
        self.column, self.ahead, self.begun = column, None, False

    def distance(self):
        return self.column.varint() if self.column.left() else None

    def due(self):
        """The value that takes effect before this event, or None."""
        if not self.begun:
            self.ahead, self.begun = self.distance(), True
        value = None
        if self.ahead == 0:
            value, self.ahead = self.column.varint(), self.distance()
            if self.ahead == 0:
                raise Corrupt("two changes before one event")
        if self.ahead is not None:
            self.ahead -= 1
        return value


class Model:
    """What writer and reader of a PREDICTED block both expect."""

    def __init__(self):
        self.contexts, self.sites, self.nexts, self.bins = {}, {}, {}, {}
        self.usual = {10: 17, 11: 18}
        self.token = self.second = self.older = 0
        self.last_address = self.next = self.fresh = 0
        self.last_node = self.last_released = 0
        self.blocks = [(0, 0, 0)]  # by number: address, kind, bin

    def count(self):
        return len(self.blocks) - 1

    def context_number(self):
        return ((self.token * W1 + self.older) & U64) >> 52

    def context(self):
        return self.contexts.get(self.context_number(), Expected())

    def site(self, node):
        return self.sites.get(node % 4096, (0, 0))

    def next_node(self):
        return self.nexts.get(self.last_node % 4096, 0)

    def learn(self, e):
        self.older = (self.token * W2 + self.second * W3) & U64
        self.second, self.token = self.token, e.token()
        if e.which in (ALLOCATE, REALLOCATE):
            self.sites[e.node % 4096] = (e.size, e.kind)
            self.nexts[self.last_node % 4096] = e.node
            self.last_node = e.node

    @staticmethod
    def bin_of(size):
        return 0 if size > 1000 else 2 if size <= 24 else (size + 23) // 16

    def take(self, size, depth):
        held = self.bins.get(self.bin_of(size), [])  # the youngest is the last
        if depth >= len(held):
            raise Corrupt("a bin does not hold that much")
        address = held[-1 - depth]
        held[-1 - depth] = held[-1]
        held.pop()
        return address

    def born(self, e, address):
        end = (address + (32 if e.size <= 24 else ((e.size + 23) & U64) & ~15)) & U64
        self.last_address, self.next = address, end
        if e.place in (NEXT, FRESH, FAR):
            self.fresh = end
        self.blocks.append((address, e.kind, self.bin_of(e.size)))

    def released(self, number, stayed):
        address, _, at = self.blocks[number]
        if number:
            self.last_released = number
            if at and not stayed:
                self.bins[at] = (self.bins.get(at, []) + [address])[-32:]


class Predicted:
    """The events of one PREDICTED block."""

    def __init__(self, block, payload):
        r = Reader(payload)
        lengths = [r.varint() for _ in range(9)]
        (self.ops, self.nodes, self.sizes, self.refs, self.addresses, self.depths, times, threads,
         others) = (Reader(r.bytes(n)) for n in lengths)
        if block.items > PREDICTED_MAX:
            raise Corrupt("more events than a block may hold")
        self.times, self.threads = Moments(times), Moments(threads)
        self.process, self.items = block.process, block.items
        self.time, self.thread = block.first_time, 0
        self.model, self.others = Model(), Events(block, b"")
        self.others.r = others
        self.run = 0

    def __iter__(self):
        for _ in range(self.items):
            self.moment()
            yield self.next()

    def moment(self):
        step, thread = self.times.due(), self.threads.due()
        self.time += step or 0
        if thread is not None:
            self.thread = thread
        if self.time > U64 or self.thread > U32:
            raise Corrupt("time or thread")

    def next(self):
        op = None if self.run else self.ops.byte()
        if op in (238, 239):
            if op == 239:
                self.back()
            op = self.ops.byte()
            if op in (238, 239):
                raise Corrupt("nothing behind what was lost")
        if op is not None and op < 128:
            self.run = op + 1
        if self.run:
            self.run -= 1
            e = self.model.context()
            if not e.is_whole():
                raise Corrupt("nothing is expected")
            return self.happen(e)
        if op > 241:
            raise Corrupt("no op")
        if op >= 240:
            return self.other(op == 241)
        e = self.said(op)
        number = self.model.context_number()
        found = self.happen(e)
        self.model.contexts[number] = e
        return found

    def back(self):
        """A ref as in mode BACK, of a block of this block."""
        ref = self.refs.varint() + 1
        if ref > self.model.count():
            raise Corrupt("before the block's first allocation")
        return ref

    def said(self, op):
        """The event of an op that is no run."""
        if op < 173:
            source, place = divmod(op - 128, 5)
            return self.allocation(ALLOCATE, *divmod(source, 3), place)
        if op < 178:
            return self.allocation(ALLOCATE, 2, 2, op - 173, self.others.r.byte())
        if op < 184:
            return self.release(*divmod(op - 178, 3))
        source, mode = divmod(op - 184, 3)
        e = self.allocation(REALLOCATE, source // 6, 2, source % 6, 3)
        e.mode, e.ref = mode, self.ref(mode)
        return e

    def allocation(self, which, node_from, size_from, place, kind=None):
        m, context = self.model, self.model.context()
        node = context.node if node_from == 0 else m.next_node()
        if node_from == 2:
            node = m.last_node + self.nodes.zigzag()
            if not 0 <= node <= U32:
                raise Corrupt("node")
        size, usual_kind = m.site(node)
        kind = usual_kind if kind is None else kind
        if not 1 <= kind <= 11 or kind == 4:
            raise Corrupt("kind of an allocation")
        if size_from != 1:
            size = self.sizes.varint() if size_from == 2 else context.size
        return Expected(which, node, size, kind, place)

    def release(self, kind_said, mode):
        e = Expected(RELEASE, mode=mode, ref=self.ref(mode))
        kind = self.model.blocks[self.number(e)][1]
        if kind_said:
            said = self.others.r.byte()
            if not 16 <= said <= 21:
                raise Corrupt("kind of a release")
            self.model.usual[kind] = said
        e.kind = self.model.usual.get(kind, 16)
        return e

    def ref(self, mode):
        v = 0 if mode == ADDRESS else self.refs.varint()
        if v > PREDICTED_MAX:
            raise Corrupt("ref")
        if mode == BACK:
            return v + 1
        return v >> 1 if v & 1 == 0 else -(v >> 1) - 1

    def number(self, e):
        m = self.model
        number = {ADDRESS: 0, BACK: m.count() + 1 - e.ref, BESIDE: m.last_released + e.ref}[e.mode]
        if e.mode != ADDRESS and not 1 <= number <= m.count():
            raise Corrupt("no such block")
        return number

    def addr(self):
        self.model.last_address = self.addresses.addr(self.model.last_address)
        return self.model.last_address

    def old_address(self, number):
        return self.model.blocks[number][0] if number else self.addr()

    def place(self, e, old):
        if e.place in (BIN, HELD):
            return self.model.take(e.size, self.depths.byte() if e.place == HELD else 0)
        if e.place == FAR:
            return self.addr()
        return {NEXT: self.model.next, FRESH: self.model.fresh, SAME: old}[e.place]

    def happen(self, e):
        m = self.model
        got = event(self.process, e.kind, self.time, self.thread, e.node)
        number = 0 if e.which == ALLOCATE else self.number(e)
        old = 0 if e.which == ALLOCATE else self.old_address(number)
        if e.which == RELEASE:
            got["address"] = old
        else:
            got.update(address=self.place(e, old), old_address=old, size=e.size)
            m.born(e, got["address"])
        if number:
            m.released(number, e.which == REALLOCATE and e.place == SAME)
        m.learn(e)
        return got

    def other(self, with_ref):
        if with_ref:
            self.back()
        o = self.others
        o.time, o.thread = self.time, self.thread
        e = o.next()
        if class_of(e) != OTHER or (o.time, o.thread) != (self.time, self.thread):
            raise Corrupt("an event that does not stand among the others")
        self.model.contexts[self.model.context_number()] = Expected(OTHER)
        self.model.learn(Expected(OTHER))
        return e
