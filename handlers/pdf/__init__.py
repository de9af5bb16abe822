"""Opens and cuts packets, in a child process (``python -m handlers.pdf``).

A PDF library is a large piece of C++, and the files are untrusted.
"""
