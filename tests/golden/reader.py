"""reader - numbers and strings out of bytes, for decode.py; from docs/FORMAT.md alone, too."""

U32, U64 = 2**32 - 1, 2**64 - 1


class Corrupt(Exception):
    """The block at hand."""


class Refused(Exception):
    """The whole file: kind is magic, version, feature or corrupt."""

    def __init__(self, kind, why):
        super().__init__(why)
        self.kind = kind


def text(b):
    return b.decode("latin-1")


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def byte(self):
        if not self.left():
            raise Corrupt("ends inside an item")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = 0
        for i in range(10):
            b = self.byte()
            value |= (b & 0x7F) << (7 * i)
            if b < 0x80:
                if value > U64:
                    break
                return value
        raise Corrupt("varint beyond 64 bits")

    def u32(self):
        value = self.varint()
        if value > U32:
            raise Corrupt("number beyond 32 bits")
        return value

    def zigzag(self):
        v = self.varint()
        return v >> 1 if v & 1 == 0 else -(v >> 1) - 1

    def bytes(self, n):
        if n > self.left():
            raise Corrupt("length beyond the payload")
        self.at += n
        return self.data[self.at - n:self.at]

    def string(self):
        return self.bytes(self.varint())

    def addr(self, last):
        v = self.varint()
        if v & 1 and v != 1:
            raise Corrupt("address code")
        if v == 1:
            d = self.zigzag()
        else:
            v >>= 1
            d = 16 * (v >> 1 if v & 1 == 0 else -(v >> 1) - 1)
        return (last + d) & U64


class Record(Reader):
    """A record's body: what is missing at its end is 0 or empty."""

    def varint(self):
        return super().varint() if self.left() else 0

    def string(self):
        return super().string() if self.left() else b""
