"""The wire format of protocol buffers, as far as writing needs it: varints and length-delimited
fields.

A message is the concatenation of its encoded fields, so messages are bytes here.
"""

VARINT, BYTES = 0, 2  # wire types
_WORD = (1 << 64) - 1


def _encoded(value: int, continued: int) -> bytes:
    """A number of 14 bits; continued: bit 7 of its last byte."""
    if value < 0x80 and not continued:
        return bytes([value])
    return bytes([value & 0x7F | 0x80, value >> 7 | continued])


# Fourteen bits at a time, as almost all of writing a trace is this.
_LAST = [_encoded(value, 0) for value in range(1 << 14)]
_CONTINUED = [_encoded(value, 0x80) for value in range(1 << 14)]


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first, bit 7 set in all but the last. A negative number is its
    two's complement of 64 bits.
    """
    value &= _WORD
    if value < 0x4000:
        return _LAST[value]
    out = b""
    while value >= 0x4000:
        out += _CONTINUED[value & 0x3FFF]
        value >>= 14
    return out + _LAST[value]


def tag(number: int, wire_type: int) -> bytes:
    """What stands in front of a field's value."""
    return varint(number << 3 | wire_type)


def integer(number: int, value: int) -> bytes:
    """A field of type int32, int64, uint32, uint64, bool or enum."""
    return tag(number, VARINT) + varint(value)


def delimited(number: int, payload: bytes) -> bytes:
    """A field of type bytes, or a message in a message."""
    return tag(number, BYTES) + varint(len(payload)) + payload


def text(number: int, value: str) -> bytes:
    """A field of type string."""
    return delimited(number, value.encode())
