"""Reads e-mails, in a child process: ``python -m handlers.mail`` (docs/ways-in.md).

``tree`` parses a mail, ``envelopes`` opens parts that contain mails or files, ``part_outcomes`` decides the outcome of
each part, and ``text`` makes a document of what the sender wrote. ``child_reader`` is the parent's side: it starts the
process.
"""
