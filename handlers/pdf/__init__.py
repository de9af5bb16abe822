"""Opens packets and cuts them, in a child process (``python -m handlers.pdf``): a PDF library is a large piece of C++,
and mail is hostile.
"""
