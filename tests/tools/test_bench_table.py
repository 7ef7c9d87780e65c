"""Goals, the file of results, and the table."""

import json
import sys

import support

sys.path[:0] = [str(support.ROOT / "bench")]

import boot  # noqa: E402
import figures  # noqa: E402
import micro  # noqa: E402
import table  # noqa: E402
import tracing  # noqa: E402
import vdso  # noqa: E402
from counts import Count, Counts, Section  # noqa: E402
from errors import ToolError  # noqa: E402
from figures import MET, MISSED, OPEN, Goal, Part, Row  # noqa: E402
from guest import Run  # noqa: E402


def part(*rows: Row) -> Part:
    return Part(list(rows), "abc", "today", 12.0, {"qemu": "QEMU 7.2"})


class GoalTest(support.TemporaryDirectoryTest):
    def test_bounds_include_their_ends(self):
        self.assertEqual(Goal(at_most=40).verdict(40, None), MET)
        self.assertEqual(Goal(at_most=40).verdict(40.1, None), MISSED)
        self.assertEqual(Goal(at_least=2).verdict(2, None), MET)
        self.assertEqual(Goal(at_least=2).verdict(1.9, None), MISSED)

    def test_linux_is_a_bound_only_where_it_was_measured(self):
        self.assertEqual(Goal(not_above_linux=True).verdict(10, 9), MISSED)
        self.assertEqual(Goal(not_above_linux=True).verdict(9, 9), MET)
        self.assertEqual(Goal(not_above_linux=True).verdict(9, None), OPEN)

    def test_what_could_not_be_measured_misses_its_goal(self):
        self.assertEqual(Goal(at_most=40).verdict(None, None), MISSED)


class ResultsFileTest(support.TemporaryDirectoryTest):
    def test_what_was_saved_is_loaded(self):
        path = self.directory / "results.json"
        parts = {"trace": part(Row("event", "instructions", 38.5, None, Goal(at_most=40)))}
        figures.save(path, parts)
        self.assertEqual(figures.load(path), parts)

    def test_no_file_is_no_parts(self):
        self.assertEqual(figures.load(self.directory / "none.json"), {})

    def test_another_version_is_refused(self):
        path = self.directory / "results.json"
        path.write_text(json.dumps({"schema_version": 99, "parts": {}}))
        with self.assertRaisesRegex(ToolError, "schema_version 99"):
            figures.load(path)

    def test_the_committed_document_is_made_from_the_committed_results(self):
        parts = figures.load(support.ROOT / "bench" / "results.json")
        written = (support.ROOT / "docs" / "performance.md").read_text()
        self.assertEqual(written, table.document(parts), "docs/performance.md is stale: "
                         "bench/run --render writes it anew")


class TableTest(support.TemporaryDirectoryTest):
    def test_numbers_keep_three_digits(self):
        for value, text in ((1234567.8, "1,234,568"), (138.6, "139"), (38.54, "38.5"),
                            (2.987, "2.99"), (0.0, "0"), (None, "—")):
            self.assertEqual(table.number(value), text)

    def test_a_row_shows_value_goal_and_verdict(self):
        rows = [Row("null call", "instructions", 139, 359, Goal(at_most=150))]
        self.assertIn("| null call | instructions | 139 | 359 | ≤ 150 | met |",
                      table.document({"micro": part(*rows)}))

    def test_what_is_missing_says_why(self):
        document = table.document({"micro": part(Row("pipe", "", None, 5, missing="no pipe"))})
        self.assertIn("| pipe |  | missing | 5 |  |  |", document)
        self.assertIn("- pipe: missing here: no pipe.", document)

    def test_missed_goals_are_listed_with_their_distance(self):
        document = table.document({"trace": part(Row("on", "instructions", 60, None,
                                                     Goal(at_most=40)))})
        self.assertIn("- on: 60 instructions for a goal of ≤ 40 (+50 %).", document)


class MicroTest(support.TemporaryDirectoryTest):
    def run_of(self, lines: list[str], *counts: Count) -> Run:
        sections = [Section(count) for count in counts]
        return Run(lines, Counts([], sections, {}, [], Count(0, 0)), {})

    def test_names_and_sections_are_joined_in_order(self):
        rounds = micro.read(self.run_of(
            ["micro a 10 operations 1 2 ns", "missing b pipe: none", "micro c 4 operations 3 4 ns",
             "swapin c 7 faults"], Count(10, 90), Count(0, 8)))
        self.assertEqual((rounds.each("a"), rounds.each("b"), rounds.each("c")), (10, None, 2))
        self.assertEqual((rounds.missing, rounds.majors), ({"b": "pipe: none"}, {"c": [7]}))

    def test_a_section_without_a_name_is_an_error(self):
        with self.assertRaisesRegex(ToolError, "named 0 sections and marked 1"):
            micro.read(self.run_of([], Count(1, 1)))

    def test_clearing_is_left_out_of_the_net_figure(self):
        rounds = micro.read(self.run_of(["micro a 2 operations 1 2 ns"], Count(0, 3000, 1024)))
        self.assertEqual(micro.net_of_clearing(rounds.of("a")), 988)

    def test_the_summary_counts_what_is_above_linux_or_missing(self):
        here = self.rounds({"null_call": 10, "anon_fault": 30, "stat": 5})
        there = self.rounds({"null_call": 20, "anon_fault": 20, "stat": 20, "poll": 7})
        above, ratio = micro.summary(here, there)
        self.assertEqual((above.value, above.details["above"]), (2, ["anon_fault", "poll"]))
        self.assertEqual(ratio.value, 1.0)  # the mean of 0.5 and 1.5, between 0.25 and infinity

    def test_a_function_of_the_vdso_is_net_of_its_loop(self):
        rounds = self.rounds({"nothing": 7, "vdso_time": 12, "call_time": 126})
        self.assertEqual((rounds.vdso("vdso_time"), vdso.times(rounds, "time")), (6, 20))
        self.assertIsNone(vdso.times(rounds, "getcpu"))

    def rounds(self, each: dict[str, int]) -> micro.Rounds:
        return micro.read(self.run_of([f"micro {name} 1 operations 1 2 ns" for name in each],
                                      *(Count(count, 0) for count in each.values())))


class TracingTest(support.TemporaryDirectoryTest):
    def test_checks_are_found_in_the_disassembly(self):
        self.assertEqual(tracing.check_lengths(
            "ffffffff80102a97:\tcmpb   $0x0,0x3ce67(%rip)        # ff05 <trace_enabled+0x5>\n"
            "ffffffff80102a9e:\tjne    ffffffff80102ba8 <make_room+0x168>\n"
            "ffffffff80102aa0:\tmovzbl 0x3ce67(%rip),%eax        # ff05 <trace_enabled+0x5>\n"),
            [2, 3])


class BootTest(support.TemporaryDirectoryTest):
    def test_the_least_size_is_found(self):
        for least in (8, 9, 23, 64):
            self.assertEqual(boot.least(lambda size: size >= least, 7, 64, 1), least)

    def test_a_size_that_never_works_is_an_error(self):
        with self.assertRaisesRegex(ToolError, "not even run"):
            boot.least(lambda size: False, 7, 64, 1)

    def test_a_small_session_is_the_scenario_with_another_size(self):
        smoke = 'memory = "64M"\ncpus = 1\n'
        self.assertEqual(boot.session_text(smoke, 8 << 20, 0), 'memory = "8192K"\ncpus = 1\n')
        self.assertIn('args = ["--size", "12288K"', boot.session_text(smoke, 8 << 20, 1.5))

    def test_the_entry_note_is_found(self):
        other = b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0abcd"
        entry = b"\x04\0\0\0\x08\0\0\0\x12\0\0\0Xen\0" + (0x100000).to_bytes(8, "little")
        self.assertEqual(boot._entry_note(other + entry), 0x100000)
        self.assertIsNone(boot._entry_note(other))
