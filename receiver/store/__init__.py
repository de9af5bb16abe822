"""Where every record is stored: one class per kind of store, all of them tested by tests/contracts/store.py."""
