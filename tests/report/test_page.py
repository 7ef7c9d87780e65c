"""The HTML report in Chromium: what a reader sees and does. page.cjs does it, the judging is here."""

import json
import re
import shutil
import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from support import PALIMPSEST, reference, run

from build import Build
from html_report import libraries
from html_report.recipes import recipes

BROWSER_SECONDS = 300
# A recipe whose answer has text, numbers and fractions.
RECIPE = "Which single faults hurt most, and what did they wait for?"


def write_page(session: Path, *options: str) -> Path:
    run(PALIMPSEST, "report", "--html", *options, session)
    return session / "report.html"


def changed_copy(session: Path, copy: Path, script: str) -> Path:
    shutil.copytree(session, copy, ignore=shutil.ignore_patterns("ctf"))
    with closing(sqlite3.connect(copy / "session.db")) as database:
        database.executescript(script)
    return copy


# Nothing was ever swapped, reclaimed or killed.
CALM = "".join(f"DELETE FROM {table};" for table in (
    "oom_kill", "oom_candidate", "swap_span", "swap_cache_span", "swap_io", "refault", "eviction",
    "kswapd_span", "direct_reclaim", "reclaim_pass", "mark_victim", "page_evicted"))
# The second CPU lost events in the middle of the session.
LOSSY = """
    UPDATE loss SET discarded = 7, emitted = emitted + 7 WHERE cpu = 1;
    INSERT INTO loss_window SELECT 1, (min(value) + max(value)) / 2, (min(value) + max(value)) / 2 + 40000000, 7
        FROM session WHERE key IN ('t_first', 't_last');
"""


class PageTest(unittest.TestCase):
    """One browser for all; each test is about one thing that it saw."""

    @classmethod
    def setUpClass(cls) -> None:
        holder = tempfile.TemporaryDirectory(prefix="plm-report-")
        cls.addClassCleanup(holder.cleanup)
        directory = Path(holder.name)
        cls.session = session = reference()
        modules = libraries.install(Build().directory, for_tests=True)
        cls.sql = next(recipe["sql"] for recipe in recipes() if recipe["title"] == RECIPE)
        pages = {
            "whole": write_page(changed_copy(session, directory / "whole", "")),
            **{name: write_page(changed_copy(session, directory / name, script), "--without-npm")
               for name, script in (("bare", ""), ("calm", CALM), ("lossy", LOSSY))},
        }
        order = directory / "order.json"
        order.write_text(json.dumps({"pages": {name: str(page) for name, page in pages.items()},
                                     "sql": cls.sql}))
        chromium = shutil.which("chromium")
        if chromium is None:
            raise AssertionError("chromium is missing: install the package chromium")
        cls.found = json.loads(run("node", Path(__file__).with_name("page.cjs"),
                                   modules / "playwright-core", chromium, order,
                                   seconds=BROWSER_SECONDS))
        cls.page = cls.found["whole"]

    def test_no_error_and_nothing_fetched(self) -> None:
        for name, found in self.found.items():
            self.assertEqual((found["errors"], found["requests"]), ([], []), name)

    def test_every_panel_draws(self) -> None:
        for found in (self.page, self.found["bare"]):
            for name, colours in found["panels"].items():
                self.assertGreater(colours["different"], 8, name)
                self.assertLess(colours["commonest"], 0.995, name)

    def test_a_link_names_a_moment(self) -> None:
        with closing(sqlite3.connect(self.session / "session.db")) as database:
            t, = database.execute("SELECT t FROM oom_kill WHERE kill_id = 1").fetchone()
        self.assertEqual(self.page["link"], f"t = {t / 1e9:.9f} s")

    def test_the_brush_chooses_a_time(self) -> None:
        before, after = self.page["brush"]["before"], self.page["brush"]["after"]
        self.assertIn("whole session", before["view"])
        self.assertIn("in view", after["view"])
        counts = [int(re.search(r"in view: ([\d,]+) refault", text["refault"])[1].replace(",", ""))
                  for text in (before, after)]
        self.assertGreater(counts[0], counts[1])

    def test_the_address_restores_the_view(self) -> None:
        self.assertEqual(self.page["again"], {"view": self.page["brush"]["after"]["view"],
                                              "moment": self.page["link"]})

    def test_keys_reach_everything(self) -> None:
        found = self.page["keyboard"]
        self.assertNotEqual(*found["moments"])
        self.assertIn("in view (", found["zoomed"])
        self.assertIn("in view (", found["handle"])
        self.assertIn("whole session", found["all"])

    def test_the_console_answers_as_sqlite_does(self) -> None:
        with closing(sqlite3.connect(self.session / "session.db")) as database:
            cursor = database.execute(self.sql)
            columns = [column[0] for column in cursor.description]
            wanted = [["NULL" if value is None else str(value) for value in row] for row in cursor]
        self.assertEqual(self.page["answer"]["columns"], columns)
        self.assertEqual(self.page["answer"]["rows"], wanted)

    def test_a_wrong_file_leaves_the_database_of_the_page(self) -> None:
        self.assertEqual(self.page["again_answer"]["rows"], self.page["answer"]["rows"])

    def test_the_console_tells_an_error(self) -> None:
        self.assertIn("no such table", self.page["wrong"]["status"])

    def test_the_menu_is_the_cookbook(self) -> None:
        offered = recipes()
        self.assertEqual(self.page["recipes"]["menu"][1:], [recipe["title"] for recipe in offered])
        self.assertEqual(self.page["recipes"]["sql"], offered[0]["sql"])

    def test_the_slider_redraws_the_graph(self) -> None:
        for name in ("whole", "bare"):  # by Viz.js in the page, and by Graphviz before
            seen = self.found[name]["slider"]["seen"]
            self.assertEqual([one["state"] for one in seen], ["0", "3", "6"], name)
            for part in ("svg", "moment"):
                self.assertEqual(len({one[part] for one in seen}), 3, f"{name}: {part}")
            self.assertTrue(all(one["nodes"] >= 3 for one in seen[1:]), name)
            self.assertTrue(all("frame" in one["current"] for one in seen[1:]), name)

    def test_arrows_go_from_event_to_event(self) -> None:
        found = self.page["slider"]
        self.assertLess(found["before"], found["after"])

    def test_both_makers_draw_the_same_graph(self) -> None:
        nodes = [[one["nodes"] for one in self.found[name]["slider"]["seen"]] for name in ("whole", "bare")]
        self.assertEqual(*nodes)

    def test_colours_change(self) -> None:
        found = self.page["theme"]
        self.assertNotEqual(found["before"], found["after"])
        self.assertGreater(found["panels"]["different"], 8)

    def test_a_narrow_window_needs_no_scrolling_sideways(self) -> None:
        self.assertLessEqual(self.page["narrow"], 400)

    def test_without_npm_the_page_says_so(self) -> None:
        self.assertIn("built without npm", self.found["bare"]["empty"]["console"])

    def test_a_calm_session_says_what_did_not_happen(self) -> None:
        empty = self.found["calm"]["empty"]
        self.assertIn("did not act", empty["oom"])
        self.assertIn("came back", empty["refault"])
        self.assertIn("was ever used", empty["slots"])

    def test_losses_are_red(self) -> None:
        lossy = self.found["lossy"]
        self.assertIn("NOT complete", lossy["verdict"])
        self.assertIn("7 events discarded", lossy["verdict"])
        self.assertIn("7 events of CPU 1 are missing", lossy["verdict"])
        self.assertIn("may have changed or ended unseen", lossy["verdict"])
        self.assertGreater(lossy["red"], 20 * max(self.found["bare"]["red"], 1))


if __name__ == "__main__":
    unittest.main()
