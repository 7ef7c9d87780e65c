"""record --follow: the database can be read while the guest runs, and in the end it is the one that
reading the whole trace gives."""

import subprocess
import unittest
from contextlib import closing
from pathlib import Path

import support
import session  # found once support is imported
from build import Build
from recording import Recording
from support import program, scenario

WANTED = scenario([program("thrash", "--size", "24M", "--rounds", "1")], memory="20M", cpus=2)
OPEN_PAGES = f"SELECT count(*) FROM lru_span WHERE t_end = {support.FOREVER}"


class FollowTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        path = cls.directory / "followed"
        with Recording(WANTED, str(path), Build(), follow=True) as recording:
            cls.saw_live = False
            for _ in range(support.SESSION_SECONDS):
                # As the driver does while it watches.
                recording.machine.ctl("barrier")
                if cls.look(path) or recording.machine.wait(lambda: cls.look(path), 1):
                    cls.saw_live = cls.look(path) and not recording.machine.ended
                    break
            recording.run_to_end()
        cls.intact = recording.load()
        cls.path = path

    @classmethod
    def look(cls, path: Path) -> bool:
        """Whether the live database shows pages on lists by now."""
        if not (path / session.LIVE_DATABASE).exists():
            return False
        with closing(session.open_database(path)) as live:
            cls.violations = live.execute("SELECT count(*) FROM order_violation").fetchone()[0]
            return live.execute(OPEN_PAGES).fetchone()[0] > 100

    def test_it_is_read_while_the_guest_runs(self):
        self.assertTrue(self.saw_live)
        self.assertEqual(self.violations, 0)

    def test_the_end_is_what_ingest_makes(self):
        self.assertTrue(self.intact)
        self.assertFalse((self.path / session.LIVE_DATABASE).is_symlink())
        other = self.directory / "other.db"
        subprocess.run([str(Build().ingest), str(self.path), "-o", str(other)], check=True)
        with closing(session.open_database(self.path)) as database:
            database.execute("ATTACH ? AS other", (str(other),))
            names = [row[0] for row in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
            self.assertGreater(len(names), 50)
            for name in names:
                for one, two in (("main", "other"), ("other", "main")):
                    differs = database.execute(
                        f"SELECT count(*) FROM (SELECT * FROM {one}.{name} EXCEPT "
                        f"SELECT * FROM {two}.{name})").fetchone()[0]
                    self.assertEqual(differs, 0, (name, one))


if __name__ == "__main__":
    unittest.main()
