-- The schema of session.db. Generated from trace/events.def, trace/enums.def and trace/ingest/*.sql by `make schema`: change
-- those, not this.
--
-- Three layers: event tables (one row per event, as the kernel emitted it), state tables (what existed when, by replaying
-- the events) and views (the usual questions). Times are nanoseconds since boot, addresses and frame numbers are integers;
-- an address above the user's half, as a program may try it, is negative. docs/trace-format.md tells how the
-- events came here.

PRAGMA application_id = 0x504c4d50; -- "PLMP"
PRAGMA user_version = 1; -- as session.schema_version

