"""The store of one machine: one SQLite file, written by one thread in group commits (receiver/store/README.md)."""
