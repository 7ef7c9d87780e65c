"""The swap disk: a sparse file with the header that mkswap (version 1) writes.

  offset  size  field (little-endian)
    1024     4  version      1
    1028     4  last_page    the last slot; slots are 1..last_page, page 0 is this header
    1032     4  nr_badpages  0
    1036    16  uuid
    1052    16  label        NUL-padded
    4086    10  magic        SWAPSPACE2
"""

import struct
import uuid
from pathlib import Path

PAGE_BYTES = 4096
VERSION = 1
FIELDS = struct.Struct("<III16s16s")
FIELDS_OFFSET = 1024
MAGIC = b"SWAPSPACE2"


def header(size_bytes: int, ident: uuid.UUID, label: str = "palimpsest") -> bytes:
    """Page 0 of a swap disk of that size."""
    last_page = size_bytes // PAGE_BYTES - 1
    if last_page < 1:
        raise ValueError(f"a swap disk of {size_bytes} bytes has no slot")
    page = bytearray(PAGE_BYTES)
    FIELDS.pack_into(page, FIELDS_OFFSET, VERSION, last_page, 0, ident.bytes, label.encode()[:16])
    page[-len(MAGIC):] = MAGIC
    return bytes(page)


def create(path: Path, size_bytes: int) -> None:
    with open(path, "xb") as file:
        file.write(header(size_bytes, uuid.uuid4()))
        file.truncate(size_bytes)
