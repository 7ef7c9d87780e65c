"""The stream of one CPU as ftrace's ring buffer has it: pages of events with time differences.

A page: u64 time of its beginning, u64 bytes of data (commit), data. Bit 31 of commit says that events
were lost before the page, bit 30 that a u64 with their number stands behind the data. An event: a
word whose low 5 bits are type_len and whose upper 27 are the nanoseconds since the event before it,
then its data:

  type_len  meaning
  1 to 28   so many words of data follow
  0         the next word is the size of the data with that word itself
  30        no event: the next word has the upper bits of a longer time difference
"""

import struct
from typing import BinaryIO

PAGE_SIZE = 4096
HEADER_SIZE = 16
DATA_SIZE = PAGE_SIZE - HEADER_SIZE
MAX_TYPE_LEN, TIME_EXTEND = 28, 30
DELTA_BITS = 27
EVENTS_LOST, LOST_NUMBER = 1 << 31, 1 << 30

PAGE_FORMAT = f"""\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:{HEADER_SIZE};\tsize:{DATA_SIZE};\tsigned:1;
"""
EVENT_FORMAT = f"""# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   {DELTA_BITS} bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == {TIME_EXTEND}
\ttime_stamp : type == 31
\tdata max type_len  == {MAX_TYPE_LEN}
"""

_WORD = struct.Struct("<I").pack
_TWO_WORDS = struct.Struct("<II").pack
_PAGE = struct.Struct("<QQ").pack


class RingBuffer:
    """Writes the pages of one CPU to a file; who has no more events calls finish_page()."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._data: list[bytes] = []  # of the page that is being filled
        self._used = 0
        self._t_page = self._t = 0
        self._flags, self._behind = 0, b""  # of commit, and what stands behind the data

    def add(self, t: int, event: bytes) -> None:
        """An event, not before the last one (ns); its size is a multiple of 4."""
        words = len(event) >> 2
        if words > MAX_TYPE_LEN:
            words, event = 0, _WORD(len(event) + 4) + event
        delta = t - self._t
        size = 4 + len(event) + (8 if delta >> DELTA_BITS else 0)
        if not self._data or self._used + size > DATA_SIZE - len(self._behind):
            self.finish_page()
            self._t_page, delta, size = t, 0, 4 + len(event)
        if delta >> DELTA_BITS:
            self._data.append(_TWO_WORDS(delta << 5 & 0xFFFFFFFF | TIME_EXTEND, delta >> DELTA_BITS))
            delta = 0
        self._data.append(_WORD(delta << 5 | words))
        self._data.append(event)
        self._used += size
        self._t = t

    def lost(self, number: int | None) -> None:
        """Events are missing between the last one and the next; None: nobody knows how many."""
        self.finish_page()
        self._flags = EVENTS_LOST if number is None else EVENTS_LOST | LOST_NUMBER
        self._behind = b"" if number is None else struct.pack("<Q", number)

    def finish_page(self) -> None:
        """Write what there is as a page."""
        if self._data:
            page = (_PAGE(self._t_page, self._used | self._flags) + b"".join(self._data)
                    + self._behind)
            self.file.write(page.ljust(PAGE_SIZE, b"\0"))
            self._data, self._used, self._flags, self._behind = [], 0, 0, b""
