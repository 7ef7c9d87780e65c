"""The memory state at an instant, as the tools ask for it."""

import unittest

import support
import state


class StateTest(support.DatabaseTest):

    def test_a_span_holds_from_its_begin_until_just_before_its_end(self):
        self.add("swap_cache_span", slot=1, pfn=10, t_begin=100, t_end=200)
        self.add("swap_cache_span", slot=1, pfn=11, t_begin=200, t_end=support.OPEN)
        for t, pfns in ((99, []), (100, [10]), (199, [10]), (200, [11]), (10_000, [11])):
            found = state.at(self.database, t).rows("swap_cache_span", "pfn")
            self.assertEqual([pfn for pfn, in found], pfns, f"at {t}")

    def test_a_condition_with_a_parameter(self):
        for pfn in (10, 11):
            self.add("swap_cache_span", slot=1, pfn=pfn, t_begin=1, t_end=support.OPEN)
        found = state.at(self.database, 5).rows("swap_cache_span", "pfn",
                                                "pfn = :pfn OR pfn = 99", pfn=11)
        self.assertEqual(found, [(11,)])


if __name__ == "__main__":
    unittest.main()
