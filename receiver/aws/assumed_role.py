"""A boto3 session in an assumed role; its credentials are renewed before they expire."""

from collections.abc import Callable, Mapping
from typing import Any

SESSION_NAME = "mailroom"
"""What CloudTrail shows next to the role."""


def session_in_role(open_sts: Callable[[], Any], role: str, *, external_id: str = "", region: str | None) -> Any:
    """A boto3 session whose clients sign as this role. ``open_sts()`` makes the STS client when the first of them
    signs.

    If STS refuses, the call that needed the credentials raises its ClientError.
    """
    import boto3
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
    from botocore.session import get_session

    wanted = {"RoleArn": role, "RoleSessionName": SESSION_NAME} | ({"ExternalId": external_id} if external_id else {})

    def taken_on() -> dict[str, str]:
        return _credentials(open_sts().assume_role(**wanted)["Credentials"])

    class InRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
        METHOD = "assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(refresh_using=taken_on, method=self.METHOD)

    core = get_session()
    core.register_component("credential_provider", CredentialResolver([InRole()]))
    return boto3.session.Session(botocore_session=core, region_name=region)


def _credentials(answer: Mapping[str, Any]) -> dict[str, str]:
    """In the form that botocore's refreshable credentials expect."""
    return {
        "access_key": answer["AccessKeyId"],
        "secret_key": answer["SecretAccessKey"],
        "token": answer["SessionToken"],
        "expiry_time": answer["Expiration"].isoformat(),
    }
