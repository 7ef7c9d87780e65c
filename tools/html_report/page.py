"""The page: template, styles, scripts, figures, libraries and the database in one file."""

import html
import os
import sqlite3
import tempfile
from pathlib import Path

from . import collect, embed, libraries, story
from .choices import Choice
from .pack import armour, pack
from .recipes import recipes

HERE = Path(__file__).resolve().parent
LIMIT_BYTES = 24_500_000
# In this order: what a script needs when it is read stands before it.
SCRIPTS = ("unpack", "format", "theme", "view", "plot", "panel", "brush", "verdict", "lines", "heatmap",
           "strip", "histogram", "oom", "story", "console", "main")
# At once; the others when they are first needed.
EAGER = ("uplot",)
BASE64 = 3 / 4  # bytes for each character


def build(database: sqlite3.Connection, directory: Path, found: libraries.Libraries,
          wanted: Choice | None = None) -> str:
    """wanted: a page whose story is told besides those that have the most to tell."""
    figures = collect.figures(database, directory, wanted)
    figures["libraries_missing"] = found.missing
    if "viz" not in found.scripts:
        figures["drawings_missing"] = story.render(figures["biography"]["stories"])
    figures["recipes"] = recipes()
    parts = {
        "css": _css(found), "notices": html.escape(_notices(found)),
        "session": html.escape(directory.name), "js": _js(), "scripts": _libraries(found),
    }
    inside = embed.Embedded("none", b"", 0)
    if "sql" in found.scripts:
        figures["embedding"] = {}
        room = LIMIT_BYTES - sum(map(len, parts.values())) - len(armour(pack(figures)))
        path = Path(database.execute("PRAGMA database_list").fetchone()[2])
        inside = embed.embed(path, int(room * BASE64))
    figures["embedding"] = {"kind": inside.kind, "size_bytes": inside.size_bytes,
                            "left_out": inside.left_out}
    parts["figures"] = armour(pack(figures))
    parts["database"] = embed.as_text(inside.data)
    return _filled((HERE / "template.html").read_text(), parts)


def _filled(template: str, parts: dict[str, str]) -> str:
    """Every {{name}} of the template once; what is filled in is not looked at again."""
    first, *rest = template.split("{{")
    pieces = [first]
    for piece in rest:
        name, _, text = piece.partition("}}")
        pieces += [parts[name], text]
    return "".join(pieces)


def _css(found: libraries.Libraries) -> str:
    """The dark colours stand in one place and hold both when chosen and when the system is dark."""
    dark = (HERE / "dark.css").read_text()
    both = (f':root[data-theme="dark"] {{\n{dark}}}\n@media (prefers-color-scheme: dark) {{\n'
            f':root:not([data-theme="light"]) {{\n{dark}}}\n}}')
    return _filled((HERE / "report.css").read_text(), {"dark": both}) + found.styles


def _js() -> str:
    return "\n".join((HERE / "js" / f"{name}.js").read_text() for name in SCRIPTS)


def _notices(found: libraries.Libraries) -> str:
    if not found.scripts:
        return "The page carries nothing but what is its own."
    return (HERE / "notices.txt").read_text()


def _libraries(found: libraries.Libraries) -> str:
    made = []
    for name, source in found.scripts.items():
        # The end of a script is recognised in its strings, too.
        safe = source.replace("</script", "<\\/script").replace("<!--", "<\\!--")
        kind = "" if name in EAGER else ' type="text/plain"'
        made.append(f'<script id="lib-{name}"{kind}>\n{safe}\n</script>')
    return "\n".join(made)


def write(path: Path, text: str) -> None:
    """At once: a reader sees the old file or the new one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False,
                                     prefix=f".{path.name}.") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
