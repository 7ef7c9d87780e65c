"""A session in the formats of other people's tools. Reads session.db."""
