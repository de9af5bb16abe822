"""The invented mail of `samples/`: one module for each kind of document, all set in type by `paper`.

`scripts/make-samples` writes it. Every company, person, address, number and account in it is made up.
"""
