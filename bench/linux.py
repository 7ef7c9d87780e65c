"""The peer: Debian's kernel, from its package, in the same machine.

The package is fetched once by apt-get into build/bench/linux, and only what the machine needs is kept
of it: the kernel, unpacked, and the modules of the swap disk. Nothing of it is committed. It is
booted by the same PVH entry as this project's kernel.

Configuration: the CPU model of every machine here (no ERMS, FSRM, LA57), `mitigations=off
init_on_alloc=0 nokaslr`: what a kernel of this size does not do, the peer is not charged for.
"""

import io
import lzma
import re
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import initramfs
from build import Build
from errors import ToolError
from guest import Guest, Options

META_PACKAGE = "linux-image-amd64"
# The disk, with what the modules themselves say they depend on.
WANTED_MODULES = ("ahci", "sd_mod")
MODULE_FOLDERS = ("/kernel/drivers/ata/", "/kernel/drivers/scsi/", "/kernel/lib/",
                  "/kernel/block/", "/kernel/crypto/")
# Silent: a message would come between the counters that a program prints.
PARAMETERS = "console=ttyS0 loglevel=1 mitigations=off init_on_alloc=0 nokaslr panic=-1"


def _run(command: list[str], what: str, **options) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, check=True, capture_output=True, **options)
    except FileNotFoundError as error:
        raise ToolError(f"{what}: {command[0]} is missing (Debian's apt and dpkg are needed)") \
            from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ToolError(f"{what}: {' '.join(command)} failed: {' '.join(reason)}; is there a "
                        "network, and is `apt-get update` recent?") from error


def package_name() -> str:
    """The package that Debian's meta package stands for today."""
    listing = _run(["apt-cache", "depends", META_PACKAGE], "the Linux kernel").stdout.decode()
    match = re.search(r"Depends: (linux-image-\S+)", listing)
    if match is None:
        raise ToolError(f"apt knows no {META_PACKAGE}: run `apt-get update`")
    return match[1]


def module_name(path: str) -> str:
    return Path(path).name.partition(".ko")[0].replace("-", "_")


def dependencies(module: bytes) -> list[str]:
    """The modules that one says it needs."""
    match = re.search(rb"\0depends=([^\0]*)\0", module)
    names = match[1].decode().split(",") if match else []
    return [name.replace("-", "_") for name in names if name]


def load_order(wanted: Sequence[str], modules: dict[str, bytes]) -> list[str]:
    """Every module needed, each behind those it depends on."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name not in modules:
            raise ToolError(f"the Linux package has no module {name}")
        for needed in dependencies(modules[name]):
            visit(needed)
        order.append(name)

    for name in wanted:
        visit(name)
    return order


def unpacked(image: bytes) -> bytes:
    """The ELF file in a bzImage (Documentation/arch/x86/boot.rst: payload_offset, payload_length; the
    payload is XZ, followed by its size).
    """
    setup_sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    try:
        return lzma.decompress(image[begin:begin + length - 4], lzma.FORMAT_XZ)
    except lzma.LZMAError as error:
        raise ToolError(f"the Linux kernel is not packed by XZ: {error}") from error


def unpack(package: Path, directory: Path) -> None:
    """Keep the kernel as `vmlinux` and its modules as `NN-NAME.ko`, NN telling their order."""
    modules: dict[str, bytes] = {}
    kernel = None
    tar = _run(["dpkg-deb", "--fsys-tarfile", str(package)], "the Linux kernel").stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            if member.name.startswith("./boot/vmlinuz-"):
                kernel = archive.extractfile(member).read()
            elif member.name.endswith(".ko") and any(f in member.name for f in MODULE_FOLDERS):
                modules[module_name(member.name)] = archive.extractfile(member).read()
    if kernel is None:
        raise ToolError(f"{package.name}: no kernel in it")
    for number, name in enumerate(load_order(WANTED_MODULES, modules)):
        (directory / f"{number:02}-{name}.ko").write_bytes(modules[name])
    (directory / "vmlinux").write_bytes(unpacked(kernel))  # the last: it says that all is there


def fetch(build: Build) -> Path:
    """The directory with kernel and modules, fetched when it is not there yet."""
    cache = build.directory / "bench" / "linux"
    known = sorted(cache.glob("*/vmlinux"))
    if known:
        return known[-1].parent
    name = package_name()
    with tempfile.TemporaryDirectory(prefix="plm-linux-") as holder:
        _run(["apt-get", "download", name], f"fetching {name}", cwd=holder)
        package = next(Path(holder).glob("*.deb"), None)
        if package is None:
            raise ToolError(f"fetching {name}: apt-get brought nothing")
        version = package.name.split("_")[1]
        directory = cache / version
        directory.mkdir(parents=True, exist_ok=True)
        unpack(package, directory)
    return directory


class Linux(Guest):
    """Debian's kernel."""

    name = "linux"

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.directory = fetch(build)
        self.version = self.directory.name

    def kernel(self) -> Path:
        return self.directory / "vmlinux"

    def modules(self) -> list[Path]:
        return sorted(self.directory.glob("*.ko"))

    def command_line(self, options: Options) -> str:
        return " ".join([PARAMETERS, *options.parameters])

    def fill(self, archive: initramfs.CpioWriter) -> None:
        archive.add("modules", initramfs.DIRECTORY)
        for module in self.modules():
            archive.add(f"modules/{module.name}", initramfs.PLAIN, module.read_bytes())

    def steps(self, wanted: Sequence[Sequence[str]], options: Options) -> list[list[str]]:
        steps = [["mount", "devtmpfs", "/dev"], ["mount", "proc", "/proc"],
                 ["mount", "sysfs", "/sys"]]
        if options.swap_bytes:
            steps += [["insmod", f"/modules/{module.name}"] for module in self.modules()]
            steps += [["swapon", "/dev/sda"]]
        return steps + [list(words) for words in wanted] + [["off"]]
