"""What happens when an event arrives: one file for each family of event types.

A new family is a file here with its ``router`` (receiver/pipeline/registry.py), and its name in handlers/app.py.
"""
