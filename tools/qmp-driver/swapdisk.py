"""How the swap disk behaves: well, or failing at some slots, or slowly.

QEMU's layers, from the device down: throttle, blkdebug, the file; each only where it is asked for.
"""

import json
from dataclasses import dataclass
from pathlib import Path

EIO = 5
SECTORS_PER_SLOT = 8
LIMITS = "swap-limits"


@dataclass(frozen=True)
class SwapBehaviour:
    """Slots of which every read (write) fails, and limits: 0 is none. A transfer of several slots
    fails as a whole.
    """

    read_errors: tuple[int, ...] = ()
    write_errors: tuple[int, ...] = ()
    iops: int = 0  # transfers a second
    bandwidth: int = 0  # bytes a second

    @property
    def fails(self) -> bool:
        return bool(self.read_errors or self.write_errors)

    @property
    def is_slow(self) -> bool:
        return bool(self.iops or self.bandwidth)


def qemu_arguments(image: Path, behaviour: SwapBehaviour) -> list[str]:
    """The disk at port 1 of the AHCI controller. Errors go to the guest, whatever their kind."""
    arguments: list[str] = []
    node: dict = {"driver": "file", "filename": str(image), "cache": {"direct": False}}
    if behaviour.fails:
        node = {"driver": "blkdebug", "image": node, "inject-error": [
            {"event": "none", "iotype": kind, "errno": EIO, "once": False,
             "sector": slot * SECTORS_PER_SLOT}
            for kind, slots in (("read", behaviour.read_errors), ("write", behaviour.write_errors))
            for slot in slots]}
    if behaviour.is_slow:
        arguments += ["-object", f"throttle-group,id={LIMITS},x-iops-total={behaviour.iops},"
                                 f"x-bps-total={behaviour.bandwidth}"]
        node = {"driver": "throttle", "throttle-group": LIMITS, "file": node}
    node = {"driver": "raw", "node-name": "swap", "file": node}
    return arguments + ["-blockdev", json.dumps(node), "-device",
                        "ide-hd,bus=ide.1,drive=swap,rerror=report,werror=report"]
