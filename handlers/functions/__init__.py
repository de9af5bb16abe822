"""The Lambda functions of serverless.yml: receive, process, intake, sweep and console, one module each.

``application`` builds what they share; ``gateway`` and ``s3_events`` translate AWS's events.
"""
