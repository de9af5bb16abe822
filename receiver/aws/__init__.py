"""AWS without botocore, for the receiving Lambda function, whose cold start LlamaCloud waits for (docs/decisions.md).

Four services use one plain protocol, JSON over POST (DynamoDB, SQS, Secrets Manager, SSM). That, a signature and
the credentials of the environment are all that receiving needs. Everything else uses boto3 (receiver/aws/boto.py).
"""
