"""A session in a role that was taken on through STS; its credentials renew themselves before they are over."""

from collections.abc import Mapping
from typing import Any

from receiver.aws.boto import Aws, DestinationAccess

SESSION_NAME = "mailroom"
"""What CloudTrail shows beside the role."""


def session_in_role(source: Aws, access: DestinationAccess, *, region: str | None) -> Any:
    """A boto3 session whose clients sign as this role. STS is asked by ``source`` when the first of them signs.

    Its refusal is the ClientError of the call that needed it.
    """
    import boto3
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
    from botocore.session import get_session

    def taken_on() -> dict[str, str]:
        return _credentials(source.client("sts").assume_role(**_wanted(access))["Credentials"])

    class InRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
        METHOD = "assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(refresh_using=taken_on, method=self.METHOD)

    core = get_session()
    core.register_component("credential_provider", CredentialResolver([InRole()]))
    return boto3.session.Session(botocore_session=core, region_name=region)


def _wanted(access: DestinationAccess) -> dict[str, str]:
    asked = {"RoleArn": access.role, "RoleSessionName": SESSION_NAME}
    return asked | ({"ExternalId": access.external_id} if access.external_id else {})


def _credentials(answer: Mapping[str, Any]) -> dict[str, str]:
    """As botocore's refreshable credentials take them."""
    return {
        "access_key": answer["AccessKeyId"],
        "secret_key": answer["SecretAccessKey"],
        "token": answer["SessionToken"],
        "expiry_time": answer["Expiration"].isoformat(),
    }
