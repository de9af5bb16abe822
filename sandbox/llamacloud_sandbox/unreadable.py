"""The one error of reading."""


class Unreadable(Exception):
    """The file gives no pages; `str(error)` says why, in words fit for a job's `error_message`."""
