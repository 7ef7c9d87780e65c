"""A swap disk that fails: what cannot be written stays in memory; who needs what cannot be read
dies of it, and nobody else."""

import dataclasses
import signal
import unittest
from collections.abc import Sequence

import support
from scenario import Program, Scenario
from support import program, scenario
from swapdisk import SwapBehaviour

EIO = 5
EAGAIN = 11
# Not among the first few hundred, where the pages of the sleeping init go: they are the oldest.
BAD_SLOTS = (700, 900, 901, 1300)


def misbehaving(behaviour: SwapBehaviour, *programs: Program, **parameters) -> Scenario:
    """Programs that need the swap disk, which behaves like that."""
    return dataclasses.replace(scenario(programs, memory="16M", cpus=2, **parameters),
                               swap_behaviour=behaviour)


def listed(slots: Sequence[int]) -> str:
    return ", ".join(map(str, slots))


class WriteFaultTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("writes", misbehaving(
            SwapBehaviour(write_errors=BAD_SLOTS),
            program("thrash", "--size", "20M", "--rounds", "1")))

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
        cls.recorded = cls.record("reads", misbehaving(
            SwapBehaviour(read_errors=BAD_SLOTS),
            program("thrash", "--size", "20M", "--rounds", "1"),
            program("forkshare", "--size", "2M", "--children", "2", "--rounds", "1")))

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


class SlowDiskTest(support.SystemTest):
    """Two hundred transfers a second, where a disk makes thousands."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("slow", misbehaving(
            SwapBehaviour(iops=200), program("seqscan", "--size", "14M", "--passes", "1")))

    def test_the_run_completes(self):
        self.assert_clean(self.recorded, [("seqscan", 0)])

    def test_the_trace_shows_who_waited(self):
        slow = self.recorded.value(
            "SELECT count(*) FROM fault WHERE result = 'major' AND latency_ns > 4000000")
        self.assertGreater(slow, 20)
        self.assertGreater(self.recorded.value(
            "SELECT count(*) FROM block_rq_complete WHERE latency_ns > 4000000"), 50)


class OverdueDiskTest(support.SystemTest):
    """Four transfers a second, and a kernel that awaits an answer for one second: of many in flight
    together most are overdue, alone each is in time. (A disk that never answers cannot be had:
    QEMU carries a port's reset out only when what was in flight has ended.)"""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("overdue", misbehaving(
            SwapBehaviour(iops=4), program("seqscan", "--size", "13M", "--passes", "0"),
            disk_timeout_ms=1000))

    def test_nothing_is_lost(self):
        self.assert_clean(self.recorded, [("seqscan", 0)])

    def test_the_limit_is_told_and_overdue_requests_are_tried_again(self):
        self.assertIn("disk swap: does not answer: reset", self.recorded.lines)
        again = self.recorded.value(
            f"SELECT count(*) FROM block_rq_complete WHERE error = {-EAGAIN}")
        self.assertGreater(again, 0)
        self.assertGreater(self.recorded.value("SELECT max(latency_ns) FROM block_rq_complete"),
                           1000000000)


if __name__ == "__main__":
    unittest.main()
