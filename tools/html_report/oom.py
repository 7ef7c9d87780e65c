"""OOM decisions with every term of every score."""

import sqlite3

from results import rows

MAX_DECISIONS = 50
MAX_CANDIDATES = 40
KILL = ("kill_id", "t", "pid", "predicted_pages", "freed_pages", "t_done", "invoker_pid", "order",
        "nr_free", "nr_free_slots")
CANDIDATE = ("pid", "comm", "score", "resident", "swapped", "page_tables", "eligible")


def decisions(database: sqlite3.Connection) -> dict:
    kills = [dict(zip(KILL, kill)) for kill in rows(
        database, f'SELECT {_quoted(KILL)} FROM oom_kill ORDER BY t LIMIT :n', n=MAX_DECISIONS)]
    for kill in kills:
        found = rows(database, f"SELECT {_quoted(CANDIDATE)} FROM oom_candidate "
                               "WHERE kill_id = :kill ORDER BY points DESC, pid",
                     kill=kill["kill_id"])
        kill["candidates"] = [dict(zip(CANDIDATE, row)) for row in found[:MAX_CANDIDATES]]
        kill["more"] = max(len(found) - MAX_CANDIDATES, 0)
        kill["invoker"] = next((comm for pid, comm, *_ in found if pid == kill["invoker_pid"]), "")
    total = rows(database, "SELECT count(*) FROM oom_kill")[0][0]
    return {"kills": kills, "total": total}


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
