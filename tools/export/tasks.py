"""Tasks as readers of Linux traces expect to find them."""

import sqlite3

from export.tables import stream

IDLE_COMM = "swapper"
# Linux has one kswapd for each NUMA node and numbers them; readers look for that name.
LINUX_COMMS = {"kswapd": "kswapd0"}
PRIORITY = 120  # what Linux calls nice 0: there are no others
# enum task_state: as Linux 4.13 and older number it, which readers assume of a trace without a
# kernel version.
LINUX_STATES = {0: 0, 1: 1, 2: 2, 3: 32, 4: 16, 5: 4, 6: 130}


def linux_comm(comm: str) -> str:
    return LINUX_COMMS.get(comm, comm)


class Comms:
    """What each task is called at a time that only goes forward; exec changes it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._changes = stream(database, "SELECT t_begin, pid, comm FROM task_span ORDER BY t_begin")
        self._next = next(self._changes, None)
        self._comms = {0: IDLE_COMM}

    def advance(self, t: int) -> None:
        while self._next and self._next[0] <= t:
            self._comms[self._next[1]] = linux_comm(self._next[2])
            self._next = next(self._changes, None)

    def __getitem__(self, pid: int) -> str:
        """Empty for a task that the trace did not introduce."""
        return self._comms.get(pid, "")
