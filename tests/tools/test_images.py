"""The files that the guest reads: initramfs and swap disk; and the programs that may go into the
one.
"""

import shutil
import struct
import subprocess
import unittest
import uuid

import support
import initramfs
import programs
import swapfile
from build import Build
from errors import ToolError


def read_newc(archive: bytes) -> list[tuple[str, int, bytes]]:
    """(name, mode, content) of every member, by the format's own description."""
    members, at = [], 0
    while True:
        if archive[at:at + 6] != b"070701" or at % 4:
            raise ValueError(f"no member at {at}")
        fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        at = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            if archive[at:].strip(b"\0"):
                raise ValueError("bytes behind the trailer")
            return members
        members.append((name, mode, archive[at:at + size]))
        at = (at + size + 3) & ~3


class InitramfsTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        for name, content in (("init", b"I"), ("a", b"four"), ("b", b"12345")):
            (self.directory / name).write_bytes(content)

    @staticmethod
    def line(name: str, *arguments: str, mode: str = "fg", **more):
        return initramfs.PlanLine(name, mode, arguments, f"/bin/{name}", **more)

    def member(self, name: str) -> initramfs.Member:
        return initramfs.Member(initramfs.EXECUTABLE, self.directory / name)

    def test_members_and_plan(self):
        archive = initramfs.build(self.directory / "init", [
            self.line("a", "-x", "two words", mode="bg"), self.line("b"), self.line("a", "")],
            {"/bin/b": self.member("b"), "/bin/a": self.member("a"),
             "/etc": initramfs.Member(0o040700), "/bin/c": initramfs.Member(initramfs.SYMLINK, text=b"a")})
        self.assertEqual(read_newc(archive), [
            ("init", 0o100755, b"I"),
            ("plan", 0o100644, b"a\tbg\t/bin/a\t-x\ttwo words\nb\tfg\t/bin/b\na\tfg\t/bin/a\t\n"),
            ("bin", 0o040755, b""), ("bin/a", 0o100755, b"four"), ("bin/b", 0o100755, b"12345"),
            ("bin/c", 0o120777, b"a"), ("etc", 0o040700, b"")])

    def test_settings_come_before_their_program(self):
        self.assertEqual(initramfs.plan_text([
            self.line("a", "x\ty\n\\", environment=(("A", "1"), ("B", "")), directory="/d", stdin="/s",
                      terminal=True),
            self.line("b")]),
            "\tenv\tA=1\n\tenv\tB=\n\tcwd\t/d\n\tstdin\t/s\n\tterminal\t/dev/ttyS0\n"
            "a\tfg\t/bin/a\tx\\ty\\n\\\\\nb\tfg\t/bin/b\n")

    def test_same_input_same_bytes(self):
        plan = [self.line("a")]
        init = self.directory / "init"
        members = {"/bin/a": self.member("a")}
        self.assertEqual(initramfs.build(init, plan, members), initramfs.build(init, plan, members))

    @unittest.skipUnless(shutil.which("busybox"), "busybox reads cpio archives")
    def test_another_reader_agrees(self):
        archive = initramfs.build(self.directory / "init", [self.line("b")],
                                  {"/bin/b": self.member("b")})
        listed = subprocess.run(["busybox", "cpio", "-t"], input=archive, capture_output=True,
                                check=True)
        self.assertEqual(listed.stdout.split(), [b"init", b"plan", b"bin", b"bin/b"])

    def test_what_init_cannot_read_is_refused(self):
        for plan, message in (
                ([self.line("a", "x\0y")], "cannot be passed a NUL"),
                ([self.line("a", *["x"] * 32768)], "more than 32768 arguments"),
                ([self.line("a", "x" * 262144)], "more than 262143 bytes"),
                ([self.line("a")] * 257, "257 programs")):
            with self.assertRaisesRegex(ToolError, message):
                initramfs.plan_text(plan)


class SwapTest(support.TemporaryDirectoryTest):

    def test_header(self):
        ident = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
        page = swapfile.header(1 << 20, ident, "label")
        self.assertEqual(len(page), 4096)
        self.assertEqual(struct.unpack_from("<III", page, 1024), (1, 255, 0))
        self.assertEqual(page[1036:1052], ident.bytes)
        self.assertEqual(page[1052:1068], b"label" + bytes(11))
        self.assertEqual(page[4086:], b"SWAPSPACE2")

    def test_file_is_sparse_and_never_overwritten(self):
        path = self.directory / "swap.img"
        swapfile.create(path, 64 << 20)
        self.assertEqual(path.stat().st_size, 64 << 20)
        self.assertLess(path.stat().st_blocks * 512, 1 << 20)
        with self.assertRaises(FileExistsError):
            swapfile.create(path, 64 << 20)

    def test_too_small(self):
        with self.assertRaises(ValueError):
            swapfile.header(4096, uuid.uuid4())


class ProgramsTest(support.TemporaryDirectoryTest):

    def refused(self, content: bytes, message: str) -> None:
        path = self.directory / "p"
        path.write_bytes(content)
        with self.assertRaisesRegex(ToolError, message):
            programs.check_static(path)

    def test_static_program(self):
        support.static_program(self.directory / "p")
        programs.check_static(self.directory / "p")

    def test_others_are_refused(self):
        self.refused(b"", "not an ELF program")
        self.refused(b"#!/bin/sh\n" + bytes(64), "not an ELF program")
        header = bytearray(64)
        header[:6] = b"\x7fELF\x02\x01"
        header[16:20] = b"\x02\x00\xb7\x00"
        self.refused(bytes(header), "not an x86-64 program")
        header[18] = 62  # x86-64, and one program header, PT_INTERP, right behind
        header[32], header[54], header[56] = 64, 56, 1
        self.refused(bytes(header) + struct.pack("<I52x", 3), "dynamically linked")

    def test_finding(self):
        build = Build(str(self.directory))
        (self.directory / "user").mkdir()
        support.static_program(self.directory / "user" / "thrash")
        self.assertEqual(programs.find("thrash", build), self.directory / "user" / "thrash")
        with self.assertRaisesRegex(ToolError, "no-such: no such program"):
            programs.find("no-such", build)
        with self.assertRaisesRegex(ToolError, "x/y: no such program"):
            programs.find("x/y", build)


if __name__ == "__main__":
    unittest.main()
