"""AWS without botocore, for the receiving Lambda function: LlamaCloud waits for its cold start (docs/decisions.md).

Four services (DynamoDB, SQS, Secrets Manager, SSM) use one simple protocol, JSON over POST. Receiving needs only that,
a signature and the credentials of the environment. Everything else uses boto3 (receiver/aws/boto.py).
"""
