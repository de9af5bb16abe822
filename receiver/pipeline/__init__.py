"""The steps from a file to its deliveries, about one file each, in the order of docs/flow.md.

``ingest`` stores a document, ``submit`` creates its job, ``receive`` stores an event, ``process`` runs one task,
``handle_event`` finds the handler of an event, ``job_result`` turns a job's result into a plan, and
``deliver`` carries it out.
"""
