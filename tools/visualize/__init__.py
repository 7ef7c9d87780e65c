"""Pictures of a session: rows of its SQLite database drawn as SVG. Reads databases only."""
