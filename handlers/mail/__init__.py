"""Reads e-mails, in a process of its own: ``python -m handlers.mail FILE FOLDER`` (docs/ways-in.md).

``tree`` takes a mail apart, ``envelopes`` opens what holds mails or files inside, ``fates`` says what becomes of each
part, ``text`` makes a document of what the sender wrote. ``reader`` is the other side: it starts the process.
"""
