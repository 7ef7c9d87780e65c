"""Swap is switched off and on under load: everything comes back, no slot is in use at the end, nothing is lost."""

import unittest

import support
from support import program, scenario


class SwapoffTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("load", scenario(
            [program("swapoff", "--rounds", "6")], memory="32M", swap="64M", cpus=4))

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("swapoff", 0)])
        self.assertIn("ok swapoff_under_load", self.recorded.lines)

    def test_swap_was_full_when_it_was_switched_off(self):
        self.assertGreater(self.recorded.value("SELECT count(*) FROM swap_off"), 3)
        self.assertGreater(self.recorded.value("SELECT count(*) FROM swap_in_begin"), 1000)

    def test_no_slot_is_in_use_while_it_is_off(self):
        self.assertEqual(self.recorded.value("""
            SELECT count(*) FROM swap_off JOIN swap_span ON swap_span.t_begin < swap_off.t AND swap_off.t < swap_span.t_end
            """), 0)


if __name__ == "__main__":
    unittest.main()
