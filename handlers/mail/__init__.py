"""Reads e-mails, in a child process: ``python -m handlers.mail FILE FOLDER`` (docs/ways-in.md).

``tree`` parses a mail, ``envelopes`` opens parts that contain mails or files, ``fates`` decides what becomes of each
part, ``text`` makes a document of what the sender wrote. ``reader`` is the parent's side: it starts the process.
"""
