"""What the tools and the scenarios ask must be askable of the committed schema."""

import contextlib
import sqlite3
import unittest

import support
import instant
import report
import results
import scenario
import session


class SchemaTest(support.TemporaryDirectoryTest):

    def setUp(self) -> None:
        super().setUp()
        with contextlib.closing(sqlite3.connect(self.directory / session.DATABASE)) as database:
            database.executescript((support.ROOT / "schema.sql").read_text())
        self.database = session.open_database(self.directory)
        self.addCleanup(self.database.close)

    def test_report_of_nothing(self):
        lines = report.render(report.collect(self.database, self.directory, None))
        self.assertLess(len(lines), 40)
        self.assertFalse(results.loss(self.database).complete)
        self.assertEqual(results.program_runs(self.database), [])

    def test_moments(self):
        for sql in instant.MARKS.values():
            self.assertEqual(self.database.execute(sql, {"n": 1}).fetchall(), [])

    def test_expectations_of_committed_scenarios(self):
        for path in sorted((support.ROOT / "scenarios").glob("*.toml")):
            for expectation in scenario.load(path).expectations:
                if expectation.source == "sql":
                    with self.subTest(scenario=path.name, sql=expectation.text):
                        self.database.execute(expectation.text).fetchone()


if __name__ == "__main__":
    unittest.main()
