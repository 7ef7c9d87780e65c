"""A session in the formats of other people's tools. Reads session.db and, for the layout of events,
ctf/metadata.
"""
