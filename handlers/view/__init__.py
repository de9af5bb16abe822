"""Renders documents for people, as pictures of pages and text, in a child process (``python -m handlers.view``)."""
