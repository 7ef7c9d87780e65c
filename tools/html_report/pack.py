"""Figures for the page: a JSON tree whose large arrays lie behind it as bytes.

  length of the JSON in bytes (u32), JSON, padding to 8, arrays, each padded to 8

An array stands in the JSON as {"$": [type, offset, length]}; the offset counts from the first array. Everything is little
endian. js/unpack.js reads it.
"""

import base64
import gzip
import json
import struct
import sys
from array import array
from typing import Any

ALIGN = 8
# array's type code -> the name of the typed array that holds the same.
TYPES = {"B": "Uint8Array", "H": "Uint16Array", "i": "Int32Array", "I": "Uint32Array",
         "f": "Float32Array", "d": "Float64Array"}


def pack(tree: Any) -> bytes:
    """tree: what JSON can hold, and arrays of the types above."""
    blobs: list[bytes] = []
    size = 0

    def replace(value: Any) -> Any:
        nonlocal size
        if isinstance(value, array):
            if sys.byteorder == "big":
                value = array(value.typecode, value)
                value.byteswap()
            data = value.tobytes()
            place = {"$": [TYPES[value.typecode], size, len(value)]}
            blobs.append(data + b"\0" * (-len(data) % ALIGN))
            size += len(blobs[-1])
            return place
        if isinstance(value, dict):
            return {str(key): replace(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [replace(item) for item in value]
        return value

    head = json.dumps(replace(tree), ensure_ascii=False, separators=(",", ":")).encode()
    head = struct.pack("<I", len(head)) + head
    return head + b"\0" * (-len(head) % ALIGN) + b"".join(blobs)


def armour(data: bytes) -> str:
    """Compressed, and as text that HTML takes as it is. The same data gives the same text."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode("ascii")
