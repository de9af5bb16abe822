"""Creates the DynamoDB table without CloudFormation: ``python -m receiver.store.dynamodb.table NAME``.

A test compares it with infra/tables.yml.
"""

import sys
from typing import Any

from receiver.aws.service import botocore_client

INDEXES = 5


def table_of(name: str) -> dict[str, Any]:
    """The arguments of CreateTable. Indexes contain only keys, so a change that leaves the keys alone costs nothing
    there."""
    keys = ["pk", *(f"gsi{number}{part}" for number in range(1, INDEXES + 1) for part in ("pk", "sk"))]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": f"gsi{number}",
                "KeySchema": [
                    {"AttributeName": f"gsi{number}pk", "KeyType": "HASH"},
                    {"AttributeName": f"gsi{number}sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for number in range(1, INDEXES + 1)
        ],
    }


def create_table(client: Any, name: str, *, time_to_live: bool = True) -> None:
    """Creates the table, and waits until it can be used. Does nothing if it exists."""
    try:
        client.create_table(**table_of(name))
    except client.exceptions.ResourceInUseException:
        return
    client.get_waiter("table_exists").wait(TableName=name)
    if time_to_live:
        attribute = {"Enabled": True, "AttributeName": "expires_at"}
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=attribute)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m receiver.store.dynamodb.table NAME")
    create_table(botocore_client("dynamodb"), sys.argv[1])
