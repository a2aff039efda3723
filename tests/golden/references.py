"""references - which block points to which, in LOOK blocks (docs/FORMAT.md)."""
from events import Corrupt


def read_references(r, blocks):
    """Of a LOOK block: runs of references to blocks, of which there are so many."""
    found, block = [], 0
    while r.left():
        block = target = block + r.u32()
        count = r.u32()
        if not count or block >= blocks:
            raise Corrupt("a run of no references, or of no block")
        for _ in range(count):
            target += r.zigzag()
            if not 0 <= target < blocks:
                raise Corrupt("a reference to no block")
            found.append(dict(block=block, to=target))
    return found
