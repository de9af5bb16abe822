"""The store on AWS: one DynamoDB table."""
