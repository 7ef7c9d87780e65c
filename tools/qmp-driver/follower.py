"""palimpsest-ingest --follow beside QEMU: the database grows while the session is recorded.

The follower ends when its standard input does, so it also ends, with what there is, should this process be killed.
"""

import subprocess
from pathlib import Path


class Follower:
    """Starts with the first stream files there; a context manager."""

    def __init__(self, directory: Path, ingest: Path) -> None:
        # A session of its own: Ctrl-C at the terminal is for the driver.
        self._process = subprocess.Popen([str(ingest), str(directory), "--follow"],
                                         stdin=subprocess.PIPE, start_new_session=True)

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def end(self) -> int:
        """Nothing more will be written: waits until the database is in its place; its exit status."""
        self._process.stdin.close()
        return self._process.wait()
