"""docs/cookbook.md: every recipe runs on the reference session, and the page shows what it gives."""

import difflib
import unittest

import support


class CookbookTest(unittest.TestCase):

    def test_outputs_are_current(self):
        cookbook = support.cookbook()
        page = cookbook.PAGE.read_text()
        stale = "\n".join(difflib.unified_diff(page.splitlines(),
                                               cookbook.current(page).splitlines(),
                                               "docs/cookbook.md", "now", n=1, lineterm=""))
        self.assertEqual(stale, "", "run `make cookbook`")

    def test_every_query_is_a_recipe_with_an_explanation(self):
        cookbook = support.cookbook()
        page = cookbook.PAGE.read_text()
        recipes = cookbook.RECIPE.findall(page)
        self.assertGreaterEqual(len(recipes), 15)
        self.assertEqual(page.count("```sql\n") + page.count("```sh\n"), len(recipes))
        for section in page.split("\n## ")[1:]:
            title, *lines = section.rstrip().splitlines()
            self.assertTrue(title.endswith("?"), title)
            self.assertFalse(lines[-1].startswith("```"), f"{title}: how is it to be read?")

    def test_table(self):
        self.assertEqual(support.cookbook().table(["n", "name"], [(5, "a"), (None, "long"), (10, None)]),
                         " n  name\n 5  a\n    long\n10\n")


if __name__ == "__main__":
    unittest.main()
