"""memories - MEMORY blocks, for decode.py: {(process, number of the look): what was read}."""
from reader import U32, Corrupt, Reader, Record, text


def read(memories, block, r):
    number, part, flags = r.u32(), r.u32(), r.varint()
    head = Record(r.string())
    names = "flags page_bytes resident anonymous files shared swapped took_ns".split()
    told = {name: head.varint() for name in names}
    told["lacks"] = text(head.string())
    lengths = [r.varint() for _ in range(5)]
    columns = [r.bytes(n) for n in lengths]
    if not number:
        raise Corrupt("a look without a number")
    told["flags"] &= U32
    m = memories.setdefault((block.process, number), dict(told=told, columns=[b""] * 5, items=0, parts=0, lines=None, bad=False))
    m["bad"] = m["bad"] or part != m["parts"] or m["lines"] is not None
    if m["bad"]:
        m["lines"] = None
        raise Corrupt("a part that does not follow the one before")
    m["parts"] += 1
    m["items"] += block.items
    m["columns"] = [a + b for a, b in zip(m["columns"], columns)]
    if flags & 1:
        m["bad"] = True
        m["lines"] = list(lines_of(m))
        m["bad"] = False


def lines_of(m):
    areas, runs, chunks, extras, contents = [Reader(c) for c in m["columns"]]
    told, page, heaps, items, heap_end = m["told"], m["told"]["page_bytes"], [], 0, 0
    if not 4096 <= page <= 1 << 20 or page & page - 1:
        raise Corrupt("no size of a page")
    yield dict(what="memory", **told)
    while areas.left():
        b = Record(areas.string())
        kind, start, size = b.varint() & U32, b.varint(), b.varint()
        area = dict(kind=kind, start=start, end=start + size, resident=b.varint(), swapped=b.varint(), huge=b.varint(), tid=b.varint() & U32, name=text(b.string()))
        if 4 <= kind <= 7:
            if start < heap_end or not size or (start | start + size) & page - 1:
                raise Corrupt("heaps that overlap, or are no pages")
            heap_end = start + size
            heaps.append((start, start + size))
        items += 1
        yield dict(what="memory_area", **area)
    at = heaps[0][0] if heaps else 0
    while runs.left():
        value = runs.varint()
        pages, state = value >> 2, value & 3
        if not pages or not heaps or pages > (heaps[0][1] - at) // page:
            raise Corrupt("pages behind the heaps")
        if state:
            items += 1
            yield dict(what="memory_run", start=at, end=at + pages * page, state=state)
        at += pages * page
        if at == heaps[0][1]:
            heaps.pop(0)
            at = heaps[0][0] if heaps else 0
    end = 0
    while chunks.left():
        gap, value = chunks.varint(), chunks.varint()
        if not value >> 3 or end > 1 << 60:
            raise Corrupt("a chunk of nothing")
        start, end = end + gap * 16, end + gap * 16 + (value >> 3) * 16
        items += 1
        yield dict(what="memory_chunk", start=start, bytes=end - start, kind=value & 7)
    block = 0
    while extras.left():
        block += extras.varint()
        if block > U32:
            raise Corrupt("blocks beyond 32 bits")
        items += 1
        yield dict(what="memory_extra", block=block, slack=extras.varint(), header=extras.varint())
        block += 1
    while contents.left():
        value = contents.varint()
        if value > U32:
            raise Corrupt("contents beyond 32 bits")
        items += 1
        yield dict(what="memory_content", content=value)
    if items > m["items"]:
        raise Corrupt("more than its items")
