"""Invented mail to try things with: one module for each kind of document, all set in type by `paper`.

`python -m llamacloud_sandbox.sample_mail FOLDER` writes it; it needs the extra `samples`. Every company, person,
address, number and account in it is made up.
"""
