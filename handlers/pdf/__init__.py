"""Opens packets and cuts them, in a process of its own (``python -m handlers.pdf``, handlers/child.py): a PDF library
is a large piece of C++, and mail is hostile.
"""
