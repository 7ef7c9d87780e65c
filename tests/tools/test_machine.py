"""A Machine with the tiny guest: console, monitor, every way to end."""

import os
import signal
import unittest
from pathlib import Path
from unittest import mock

import support
from errors import MachineError, MachineTimeout, ToolError
from machine import Machine, MachineConfig, qemu_arguments


class MachineTest(support.TemporaryDirectoryTest):

    def machine(self, behaviour: str, **options) -> Machine:
        kernel = self.directory / behaviour
        support.build_guest(kernel, behaviour)
        return Machine(MachineConfig(kernel=kernel, **options))

    def test_lines_and_end_in_order(self):
        with self.machine("ENDS") as machine:
            machine.console.wait_line("^tiny guest$", 30)
            self.assertEqual(machine.console.wait_line(r"start (\w+)", 30).group(1), "tiny")
            machine.wait_end(30)
            self.assertTrue(machine.ended_in_order)
            self.assertEqual(machine.console.lines[-1], "palimpsest: session end")
            with self.assertRaisesRegex(MachineError, "the guest ended; console: .*session end"):
                machine.console.wait_line("tiny guest", 30)

    def test_end_out_of_order(self):
        with self.machine("RESETS") as machine:
            machine.wait_end(30)
            self.assertFalse(machine.ended_in_order)

    def test_monitor(self):
        with self.machine("MONITOR") as machine:
            machine.console.wait_line("tiny guest", 30)
            visit = machine.monitor(["lru", "rmap 12"])
            self.assertEqual(visit.barrier, 7)
            self.assertEqual(visit.answers, [("lru", ["an answer"]), ("rmap 12", ["an answer"])])
            machine.wait_end(30)
            self.assertTrue(machine.ended_in_order)

    def test_time_limits(self):
        with self.machine("HANGS") as machine:
            with self.assertRaisesRegex(MachineTimeout, "/never/: not within 0.1 s"):
                machine.console.wait_line("never", 0.1)
            with self.assertRaises(MachineTimeout):
                machine.wait_end(0.1)
        self.assertIsNotNone(machine.exit_status)

    def test_qemu_ends_when_the_block_fails(self):
        with self.assertRaises(ZeroDivisionError), self.machine("HANGS") as machine:
            1 / 0
        self.assertIsNotNone(machine.exit_status)

    def test_qemu_is_killed(self):
        with self.machine("HANGS") as machine:
            os.kill(machine.pid, signal.SIGKILL)
            with self.assertRaisesRegex(MachineError, "the guest ended"):
                machine.console.wait_line("never", 30)
            self.assertEqual(machine.wait_end(30), -signal.SIGKILL)

    def test_qemu_does_not_start(self):
        with self.assertRaisesRegex(MachineError, "QEMU ended at once .*invalid accelerator"):
            with Machine(MachineConfig(accel="bogus")):
                self.fail("there is a machine")
        not_a_kernel = self.directory / "kernel"
        not_a_kernel.write_bytes(b"\x7fELF" + bytes(100))
        with self.assertRaisesRegex(MachineError, "QEMU ended at once"):
            with Machine(MachineConfig(kernel=not_a_kernel)):
                self.fail("there is a machine")

    def test_qemu_is_not_installed(self):
        with mock.patch.dict(os.environ, PATH=str(self.directory)):
            with self.assertRaisesRegex(ToolError, "not found: run `make deps`"):
                with Machine(MachineConfig()):
                    self.fail("there is a machine")


class ArgumentsTest(unittest.TestCase):

    def test_devices(self):
        config = MachineConfig(cpus=2, swap=Path("/s,1/swap.img"), trace_directory=Path("/s,1/ctf"))
        text = " ".join(qemu_arguments(config, Path("/tmp/x")))
        self.assertIn("path=/s,,1/ctf/cpu1", text)
        self.assertIn("nr=2,chardev=trace1,name=org.palimpsest.trace.1", text)
        self.assertIn("nr=3,chardev=ctl,name=org.palimpsest.ctl", text)
        self.assertIn('"filename": "/s,1/swap.img"', text)
        self.assertNotIn("throttle", text)
        self.assertNotIn("blkdebug", text)
        self.assertIn("ide-hd,bus=ide.1,drive=swap", text)
        self.assertIn("tcg,thread=multi", text)


if __name__ == "__main__":
    unittest.main()
