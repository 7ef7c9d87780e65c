"""What `make` built and a session needs, by name; a missing file is an error that says what to
do.
"""

import os
from pathlib import Path

from errors import ToolError

ROOT = Path(__file__).resolve().parents[2]

# What a debug kernel keeps of all RAM: KASAN's shadow, and two backtraces of each frame. Its image
# and its slabs, with their red zones, are this much larger.
PAGE_SIZE = 4096
DEBUG_SHARE = 1 / 8 + 72 / PAGE_SIZE
DEBUG_BYTES = 2 << 20


class Build:
    """A build directory: --build, else $PALIMPSEST_BUILD, else build/ of this tree."""

    def __init__(self, directory: str | None = None) -> None:
        self.directory = Path(directory or os.environ.get("PALIMPSEST_BUILD") or ROOT / "build")

    def require(self, name: str) -> Path:
        path = self.directory / name
        if not path.is_file():
            raise ToolError(f"{path} is missing: run `make`")
        return path

    @property
    def kernel(self) -> Path:
        return self.require("kernel.elf")

    @property
    def is_debug(self) -> bool:
        flags = self.directory / "kernel" / "flags"
        return flags.is_file() and "-DCONFIG_DEBUG" in flags.read_text()

    def machine_memory(self, wanted: int) -> int:
        """RAM of the machine, in bytes, for a scenario that wants so much: under a debug kernel
        programs find what the other would leave them, and the same pressure."""
        if not self.is_debug:
            return wanted
        return int((wanted + DEBUG_BYTES) / (1 - DEBUG_SHARE)) // PAGE_SIZE * PAGE_SIZE

    @property
    def init(self) -> Path:
        return self.require("user/init")

    @property
    def ingest(self) -> Path:
        return self.require("palimpsest-ingest")

    @property
    def recover(self) -> Path:
        return self.require("palimpsest-recover")

    @property
    def trace_metadata(self) -> tuple[Path, Path]:
        """What a session keeps of the contract: CTF metadata, and the ids, sizes and layouts of the
        events.
        """
        return self.require("ctf/metadata"), self.require("ctf/events.tsv")

    def program(self, name: str) -> Path | None:
        """A user program of this tree, or None."""
        path = self.directory / "user" / name
        return path if path.is_file() else None


def set_build_option(parser) -> None:
    parser.add_argument("--build", metavar="DIR",
                        help="directory of built files (default: $PALIMPSEST_BUILD, else build/)")
