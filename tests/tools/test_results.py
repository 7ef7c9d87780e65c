"""Expectations, moments, the report's arithmetic and `query`, on small databases."""

import json
import sqlite3
import unittest

import support
import expect
import instant
import report
import results
from errors import ToolError
from scenario import Expectation, Program, Scenario

TASKS = """
CREATE TABLE sched_process_fork (id INTEGER PRIMARY KEY, t, comm, parent_pid, child_pid);
CREATE TABLE task_span (pid, tgid, comm, t_begin, t_end, t_exit, status);
INSERT INTO sched_process_fork VALUES (1, 10, 'init', 1, 5), (2, 20, 'a', 5, 6), (3, 30, 'init', 1, 7);
INSERT INTO task_span VALUES (5, 5, 'init', 10, 15, NULL, NULL), (5, 5, 'a', 15, 50, 40, 9), (6, 6, 'a', 20, 60, 55, 256),
    (8, 5, 'thread', 35, 45, NULL, NULL), (5, 5, 'a', 45, 60, 58, 0), (7, 7, 'init', 30, 9223372036854775807, NULL, NULL);
"""


def database(sql: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(sql)
    return connection


class ExpectTest(unittest.TestCase):

    def failures(self, expectation: Expectation, lines: list[str] = ()) -> list[str]:
        db = database("CREATE TABLE t (x); INSERT INTO t VALUES (3), (4);")
        self.addCleanup(db.close)
        scenario = Scenario((), expectations=(expectation,))
        return expect.check(scenario, db, list(lines), [])[1]

    def sql(self, query: str, **bounds) -> list[str]:
        named = tuple((key.rstrip("_"), value) for key, value in bounds.items())
        return self.failures(Expectation("sql", query, named, "why"))

    def test_bounds(self):
        self.assertEqual(self.sql("SELECT sum(x) FROM t", is_=7), [])
        self.assertEqual(self.sql("SELECT sum(x) FROM t", min=7, max=7), [])
        self.assertEqual(self.sql("SELECT 'text'", is_="text"), [])
        self.assertEqual(self.sql("SELECT sum(x) FROM t", min=8),
                         ["why: SELECT sum(x) FROM t: 7 is below 8"])
        self.assertRegex(self.sql("SELECT sum(x) FROM t", max=6)[0], "7 is above 6")
        self.assertRegex(self.sql("SELECT sum(x) FROM t", is_=6)[0], "7 is not 6")

    def test_no_value_never_holds(self):
        self.assertRegex(self.sql("SELECT x FROM t WHERE x > 9", min=0)[0], "None is below 0")
        self.assertRegex(self.sql("SELECT NULL", is_=0)[0], "None is not 0")
        self.assertRegex(self.sql("SELECT '5'", min=1)[0], "'5' is below 1")
        self.assertRegex(self.sql("SELECT y FROM t", is_=1)[0], "no such column: y")

    def test_console_lines_are_counted(self):
        lines = ["mm_check: clean", "x mm_check: clean"]
        count = Expectation("console", "^mm_check", (("is", 1),), "why")
        self.assertEqual(self.failures(count, lines), [])
        self.assertEqual(len(self.failures(count, [])), 1)

    def test_statuses(self):
        scenario = Scenario((Program("a", "a", status=0), Program("b", "b", status=3),
                             Program("c", "c", status=None), Program("d", "d", status=1)))
        count, failures = expect.check(scenario, None, [], [("b", 9), ("a", 0), ("c", 0)])
        self.assertEqual(count, 3)
        self.assertEqual(failures, ["b ended with status 137, expected 3", "d did not end"])
        db = database(TASKS)
        self.addCleanup(db.close)
        scenario = Scenario((Program("a", "a"), Program("b", "b")))
        self.assertEqual(expect.check(scenario, db, [], [])[1], ["b did not end"])


class ResultsTest(unittest.TestCase):

    def test_loss(self):
        for values, complete in (("(0, 5, 5, 0, 1, 'none'), (1, 6, 6, 0, 2, 'none')", True),
                                 ("(0, 5, 5, 0, 1, 'none'), (1, 6, 5, 1, 2, 'none')", False),
                                 ("(0, 5, 4, 0, 1, 'none')", False),
                                 ("(0, 5, 5, 0, 1, 'none'), (1, 6, 6, 0, 2, 'unknown')", False)):
            db = database("CREATE TABLE loss (cpu, emitted, received, discarded, stalled_ns, tail);"
                          f"INSERT INTO loss VALUES {values}")
            self.addCleanup(db.close)
            self.assertEqual(results.loss(db).complete, complete, values)

    def test_exit_code(self):
        self.assertEqual([results.exit_code(status) for status in (0, 7 << 8, 9, 11 | 0x80)],
                         [0, 7, 137, 139])

    def test_percentile(self):
        self.assertEqual(report.percentile([5], 0.99), 5)
        self.assertEqual(report.percentile(list(range(1, 101)), 0.5), 50)
        self.assertEqual(report.percentile(list(range(1, 101)), 0.99), 99)

    def test_foreign_database(self):
        db = database("")
        self.addCleanup(db.close)
        with self.assertRaisesRegex(ToolError, "no such table: loss; rebuild it"):
            results.loss(db)


class InstantTest(unittest.TestCase):

    def test_marks(self):
        db = database("CREATE TABLE trace_barrier (t, n); INSERT INTO trace_barrier VALUES (50, 2);"
                      "CREATE TABLE oom_kill (t, kill_id); INSERT INTO oom_kill VALUES (70, 1);"
                      "CREATE TABLE pte_set (id, t); INSERT INTO pte_set VALUES (7, 40);"
                      "CREATE TABLE event_count (event, n);"
                      "INSERT INTO event_count VALUES ('of_another_kernel', 9), ('pte_set', 1);")
        self.addCleanup(db.close)
        self.assertEqual(instant.resolve(db, "123"), 123)
        self.assertEqual(instant.resolve(db, "barrier#2"), 50)
        self.assertEqual(instant.resolve(db, "oom#1"), 70)
        self.assertEqual(instant.resolve(db, "event#7"), 40)
        for text, message in (("barrier#3", "no barrier of that number"), ("oom", "expected"),
                              ("event#8", "no event"), ("-1", "expected")):
            with self.assertRaisesRegex(ToolError, message):
                instant.resolve(db, text)


class QueryTest(support.TemporaryDirectoryTest):

    def test_text_and_json(self):
        with sqlite3.connect(self.directory / "session.db") as db:
            db.executescript(support.MARK)
            db.execute("CREATE TABLE t (a, b)")
            db.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x\ty\n\\"), (None, b"\x01\xff")])
        db.close()

        def query(*arguments: str):
            return support.palimpsest("query", *arguments, str(self.directory), "--at", "9",
                                      sessions=self.directory / "none")

        self.assertEqual(query("SELECT a, b, :at AS at FROM t").stdout,
                         "a\tb\tat\n1\tx\\ty\\n\\\\\t9\n\t01ff\t9\n")
        document = json.loads(query("SELECT * FROM t", "--json").stdout)
        self.assertEqual(document, {"schema_version": 1, "columns": ["a", "b"],
                                    "rows": [[1, "x\ty\n\\"], [None, "01ff"]]})
        for sql, message in (("SELEC", "syntax error"), ("DELETE FROM t", "readonly"),
                             ("", "no rows"), ("SELECT :other", "binding")):
            done = query(sql)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
