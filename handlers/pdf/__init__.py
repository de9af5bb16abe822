"""Opens and cuts packets, in a child process (``python -m handlers.pdf``).

The PDF libraries are large C++ programs, and the files are untrusted.
"""
