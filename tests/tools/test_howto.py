"""The diffs in docs/adding-*.md apply to the tree as it is; tests/system/test_howto.py builds
them."""

import unittest

import support
import howto


class HowtoTest(unittest.TestCase):

    def test_every_diff_applies(self):
        for page in howto.PAGES:
            with self.subTest(page=page):
                done = howto.apply(howto.diff_of(page), support.ROOT, "--check")
                self.assertEqual(done.returncode, 0,
                                 f"docs/{page}: its diff no longer applies: {done.stderr}")

    def test_every_page_is_found_from_the_readme(self):
        text = (support.ROOT / "README.md").read_text()
        for path in sorted((support.ROOT / "docs").glob("*.md")):
            self.assertIn(f"(docs/{path.name})", text)


if __name__ == "__main__":
    unittest.main()
