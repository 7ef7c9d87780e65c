"""What a program takes with it into the guest: files, interpreters, busybox."""

import os
import shutil
import unittest
from pathlib import Path

import support
import programs
from build import Build
from errors import ToolError
from initramfs import DIRECTORY, EXECUTABLE, SYMLINK, Member
from packing import Packing
from scenario import Program


class PackingTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        self.packing = Packing(Build(str(self.directory / "build")))

    def file(self, name: str, text: str = "") -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o640)
        return path

    def program(self, name: str, **options):
        path = self.directory / name
        return self.packing.program(Program(path.name, str(path), **options))

    def test_tree(self):
        self.file("tree/a", "A")
        self.file("tree/below/b")
        (self.directory / "tree" / "empty").mkdir()
        (self.directory / "tree" / "link").symlink_to("no/where")
        self.packing.add(self.directory / "tree", "/data/")
        members = self.packing.members
        self.assertEqual(members["/data/a"], Member(0o100640, self.directory / "tree" / "a"))
        self.assertEqual(members["/data/link"], Member(SYMLINK, text=b"no/where"))
        self.assertEqual(members["/data/empty"].mode & 0o170000, DIRECTORY & 0o170000)
        self.assertIn("/data/below/b", members)

    def test_link_by_name_is_followed(self):
        self.file("a")
        (self.directory / "link").symlink_to("a")
        self.packing.add(self.directory / "link", "/x")
        self.assertEqual(self.packing.members["/x"].mode, 0o100640)

    def test_mistakes(self):
        with self.assertRaisesRegex(ToolError, "nothing: no such file"):
            self.packing.add(self.directory / "nothing", "/x")
        os.mkfifo(self.directory / "pipe")
        with self.assertRaisesRegex(ToolError, "pipe: neither a file"):
            self.packing.add(self.directory / "pipe", "/x")
        self.packing.add(self.file("a"), "/x")
        with self.assertRaisesRegex(ToolError, "/x in the guest is to be both .*/a and .*/b"):
            self.packing.add(self.file("b"), "/x")

    def test_program_with_settings(self):
        support.static_program(self.directory / "p")
        line = self.program("p", args=("1",), stdin=str(self.file("in")), cwd="/tmp",
                            env=(("A", "1"),))
        self.assertEqual((line.path, line.arguments, line.stdin, line.directory, line.environment),
                         ("/bin/p", ("1",), "/stdin/p", "/tmp", (("A", "1"),)))
        self.assertEqual(self.packing.members["/stdin/p"].file, self.directory / "in")

    def test_program_in_the_guest(self):
        support.static_program(self.directory / "p")
        self.packing.add(self.directory / "p", "/opt/p")
        line = self.packing.program(Program("p", "/opt/p"))
        self.assertEqual(line.path, "/opt/p")

    @unittest.skipUnless(shutil.which("busybox"), "busybox is what the script needs")
    def test_script_of_sh_takes_busybox_with_it(self):
        self.file("s", "#!/usr/bin/env sh\n")
        self.assertEqual(self.program("s").path, "/bin/s")
        members = self.packing.members
        self.assertEqual(members["/bin/busybox"].mode, EXECUTABLE)
        self.assertEqual(members["/bin/sh"], Member(SYMLINK, text=b"busybox"))
        self.assertEqual(members["/usr/bin/env"], Member(SYMLINK, text=b"/bin/busybox"))

    @unittest.skipUnless(shutil.which("busybox"), "busybox is what is packed")
    def test_applet_is_a_program(self):
        self.packing.add_busybox()
        self.assertEqual(self.packing.program(Program("sort", "sort")).path, "/bin/sort")

    def test_interpreter_of_the_guest_is_taken(self):
        support.static_program(self.directory / "lang")
        self.packing.add(self.directory / "lang", "/opt/lang")
        self.file("s", "#!/opt/lang -x\n")
        self.program("s")
        self.assertEqual(set(self.packing.members), {"/tmp", "/opt/lang", "/bin/s"})

    def test_scripts_that_cannot_run(self):
        for text, message in (("#!\n", "no interpreter"),
                              ("#!/opt/none\n", "interpreter /opt/none is not on this host"),
                              ("#!/usr/bin/python3\n", "interpreter .* dynamically linked")):
            self.file("s", text)
            with self.assertRaisesRegex(ToolError, f"s: .*{message}"):
                self.program("s")

    def test_dynamic_program_is_told_what_to_do(self):
        for name, advice in (("bash", "bash-static"), ("sh", "--busybox"), ("x", "-static")):
            self.assertIn(advice, programs._advice(Path(name)))


if __name__ == "__main__":
    unittest.main()
