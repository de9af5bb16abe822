"""AWS without botocore, for the one process that starts while somebody waits for its answer: docs/decisions.md.

Four services speak one plain protocol, JSON over POST (DynamoDB, SQS, Secrets Manager, SSM). That, a signature and
the credentials of the environment are all that receiving needs. Everything else uses boto3 (receiver/aws/boto.py).
"""
