"""A swap disk that fails: what cannot be written stays in memory; who needs what cannot be read
dies of it, and nobody else."""

import dataclasses
import json
import signal
import unittest
from collections.abc import Sequence
from contextlib import ExitStack

import support
from machine import MachineConfig
from recording import Recording
from support import program, scenario

EIO = 5
SECTORS_PER_SLOT = 8
# Not among the first few hundred, where the pages of the sleeping init go: they are the oldest.
BAD_SLOTS = (700, 900, 901, 1300)


class BadSlots(Recording):
    """A recording whose swap disk fails each transfer of that type that covers one of BAD_SLOTS."""

    io_type: str

    def _boot(self, stack: ExitStack, config: MachineConfig) -> None:
        image = {"driver": "file", "filename": str(config.swap)}
        rules = [{"event": "none", "iotype": self.io_type, "errno": EIO, "once": False,
                  "sector": slot * SECTORS_PER_SLOT} for slot in BAD_SLOTS]
        node = {"driver": "blkdebug", "node-name": "swap", "image": image, "inject-error": rules}
        super()._boot(stack, dataclasses.replace(config, swap=None, extra=(
            "-blockdev", json.dumps(node),
            "-device", "ide-hd,bus=ide.1,drive=swap,rerror=report,werror=report")))


class BadWrites(BadSlots):
    io_type = "write"


class BadReads(BadSlots):
    io_type = "read"


def listed(slots: Sequence[int]) -> str:
    return ", ".join(map(str, slots))


class WriteFaultTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("writes", scenario(
            [program("thrash", "--size", "20M", "--rounds", "1")], memory="16M", cpus=2),
            None, BadWrites)

    def test_no_page_is_lost(self):
        """The program verifies all pages, those included that could not be written."""
        self.assert_clean(self.recorded, [("thrash", 0)])

    def test_failed_writes_are_told(self):
        errors = self.recorded.column(
            "SELECT DISTINCT error FROM swap_out_end WHERE slot IN (SELECT slot FROM swap_out_end "
            "WHERE error <> 0) AND error <> 0")
        self.assertEqual(errors, [-EIO])
        self.assertGreater(self.recorded.value(
            f"SELECT count(*) FROM swap_out_end WHERE slot IN ({listed(BAD_SLOTS)})"), 0)
        self.assertEqual(self.recorded.rows(
            f"SELECT * FROM swap_out_end WHERE slot IN ({listed(BAD_SLOTS)}) AND error = 0"), [])

    def test_what_failed_is_kept(self):
        failed = self.recorded.value("SELECT count(*) FROM swap_out_end WHERE error <> 0")
        self.assertEqual(failed, self.recorded.value(
            "SELECT count(*) FROM lru_span WHERE why_in = 'write_failed'"))
        self.assertEqual(self.recorded.rows(
            f"SELECT * FROM eviction WHERE slot IN ({listed(BAD_SLOTS)})"), [])

    def test_the_rest_is_written(self):
        self.assertGreater(self.recorded.value("SELECT count(*) FROM eviction"), 1000)


class ReadFaultTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("reads", scenario(
            [program("thrash", "--size", "20M", "--rounds", "1"),
             program("forkshare", "--size", "2M", "--children", "2", "--rounds", "1")],
            memory="16M", cpus=2), None, BadReads)

    def test_who_needs_the_page_dies_and_the_others_go_on(self):
        self.assert_clean(self.recorded, [("thrash", signal.SIGBUS), ("forkshare", 0)])

    def test_the_fault_says_so(self):
        self.assertEqual(self.recorded.column("SELECT pid FROM fault WHERE result = 'sigbus'"),
                         [self.recorded.pid("thrash")])
        sent = self.recorded.rows("SELECT pid, sig FROM signal_generate WHERE sig <> :child",
                                  child=signal.SIGCHLD)
        self.assertEqual(sent, [(self.recorded.pid("thrash"), signal.SIGBUS)])

    def test_failed_reads_are_told(self):
        failed = self.recorded.rows("SELECT slot, error FROM swap_in_end WHERE error <> 0")
        self.assertEqual({error for _, error in failed}, {-EIO})
        self.assertTrue({slot for slot, _ in failed} & set(BAD_SLOTS), failed)


if __name__ == "__main__":
    unittest.main()
