"""What happens when an event arrives: one file for each family of event types. Jobs that failed are
alike in all families: pipeline/job_failure.py.

A new family is a file here with its ``router`` (receiver/pipeline/registry.py), and its name in handlers/app.py.
"""
