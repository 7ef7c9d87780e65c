"""The report of a session as one HTML file: figures binned in Python, drawn by the scripts in js/.
Reads databases only.
"""
