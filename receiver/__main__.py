"""``python -m receiver``: the same as ``mailroom``."""

from receiver.cli import main

main()
