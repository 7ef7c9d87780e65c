"""The guest's own memory, read out of a dump: no event, no database, no kernel code."""
