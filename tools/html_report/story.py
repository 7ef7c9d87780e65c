"""The story of one page: the events of its biography, and its reverse map as a drawing for every instant
at which something about it changed.
"""

import sqlite3
import subprocess
from array import array

from biography import Biography
from results import rows
from visualize.session_db import hexadecimal

from . import story_graph
from .choices import Choice, choose
from .clock import Clock
from .story_spans import Spans

MAX_EVENTS = 500
MAX_STATES = 300
DOT_SECONDS = 120
# Lanes of the strip, and what stands in them.
ENTRY_KINDS = ("page", "swap", "zero")
LISTS = ("active_anon", "inactive_anon", "isolated", "unevictable")


def tell(database: sqlite3.Connection, choice: Choice, clock: Clock) -> dict:
    biography = Biography(database)
    biography.add_address(choice.mm_id, choice.va)
    events = biography.finish()
    spans = Spans(database, choice.mm_id, choice.va)
    states = _states(spans, clock)
    return {
        "title": f"{hexadecimal(choice.va)} of {_task(database, choice.mm_id)}", "why": choice.why,
        "events": [[event.t, event.where, event.text] for event in events[:MAX_EVENTS]],
        "more_events": max(len(events) - MAX_EVENTS, 0),
        "entry": _lane(spans.own, "kind", ENTRY_KINDS, clock),
        "lists": _lane(spans.own_lists(), "list", LISTS, clock),
        **states,
    }


def tell_all(database: sqlite3.Connection, wanted: Choice | None, clock: Clock) -> dict:
    """Of the pages with the most to tell; the wanted one first."""
    found = [*([wanted] if wanted else []), *choose(database)]
    return {"stories": [tell(database, choice, clock) for choice in dict.fromkeys(found)],
            "legend": story_graph.LEGEND, "themed": story_graph.THEMED}


def render(stories: list[dict]) -> str:
    """Adds `svgs` to each, one for each of its drawings, and drops these. Returns why not, or nothing."""
    for told in stories:
        try:
            done = subprocess.run(["dot", "-Tsvg"], input="\n".join(told["dots"]), check=False,
                                  capture_output=True, text=True, timeout=DOT_SECONDS)
        except FileNotFoundError:
            return "dot is missing (package graphviz)"
        except subprocess.TimeoutExpired:
            return f"dot took more than {DOT_SECONDS} s"
        svgs = ["<svg" + text.partition("<svg")[2] for text in done.stdout.split("<?xml")[1:]]
        if done.returncode or len(svgs) != len(told["dots"]):
            return f"dot failed: {done.stderr.strip()[:200]}"
        told["svgs"] = svgs
        del told["dots"]
    return ""


def _task(database: sqlite3.Connection, mm_id: int) -> str:
    found = rows(database, "SELECT comm, pid FROM task_span WHERE mm_id = :mm "
                           "ORDER BY t_begin DESC LIMIT 1", mm=mm_id)
    return f"{found[0][0]} (pid {found[0][1]})" if found else f"address space {mm_id}"


def _lane(spans: list, field: str, names: tuple[str, ...], clock: Clock) -> dict:
    """Spans with the number of their name; those of other names are left out."""
    kept = [span for span in spans if span[field] in names]
    return {"begin": array("d", (max(span["t_begin"], clock.begin) for span in kept)),
            "end": array("d", (min(span["t_end"], clock.end) for span in kept)),
            "what": array("B", (names.index(span[field]) for span in kept))}


def _states(spans: Spans, clock: Clock) -> dict:
    """times: when each drawing begins to hold; until the first there is nothing to draw."""
    times, drawings = array("d"), []
    for t in spans.instants():
        dot = story_graph.draw(spans, t)
        if drawings and dot == drawings[-1]:
            continue
        if len(drawings) == MAX_STATES:
            break
        times.append(max(t, clock.begin))
        drawings.append(dot)
    fullest = max(range(len(drawings)), key=lambda index: len(drawings[index]), default=0)
    return {"times": times, "dots": drawings, "fullest": fullest,
            "last": len(drawings) < MAX_STATES}
