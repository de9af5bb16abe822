"""The steps of the story, one file each: ingest, submit, receive, process, job_result, deliver."""
