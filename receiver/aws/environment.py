"""Region, endpoints and credentials of AWS, from the usual ``AWS_*`` variables; else from botocore.

On Lambda the variables have everything. Elsewhere (a profile, the role of an ECS task or a VM) botocore finds them and
renews the credentials, but takes time to load.
"""

from collections.abc import Callable, Mapping

from receiver.aws.regions import host_suffix
from receiver.aws.sign import Credentials
from receiver.core.errors import AccessDenied, Misconfigured


def named_region(environ: Mapping[str, str]) -> str | None:
    """The region that a variable names; None if botocore must find it (it reads AWS_DEFAULT_REGION only)."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


def region_of(environ: Mapping[str, str]) -> str:
    """The region. Raises Misconfigured if none is configured."""
    if named := named_region(environ):
        return named
    from botocore.session import get_session

    configured = get_session().get_config_variable("region")
    if not configured:
        raise Misconfigured("no AWS region is set", fix="export AWS_DEFAULT_REGION=eu-central-1, or your own")
    return str(configured)


def endpoint_of(service: str, region: str, environ: Mapping[str, str]) -> str:
    """The service's URL: ``AWS_ENDPOINT_URL_<SERVICE>`` or ``AWS_ENDPOINT_URL`` if one is set, as in boto3."""
    given = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
    return given or f"https://{service}.{region}.{host_suffix(region)}"


def has_own_endpoint(service: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable or the profile in use replaces AWS's endpoint of this service, or may do so."""
    if environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL"):
        return True
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        profile = Session(profile=environ.get("AWS_PROFILE")).get_scoped_config()
    except BotoCoreError:  # receiver/aws/variables.py reports it
        return True
    return bool({"endpoint_url", "services"} & set(profile))


def credentials_of(environ: Mapping[str, str]) -> Callable[[], Credentials]:
    """A function that returns credentials which are valid when it is called. Raises AccessDenied if there are none."""
    if environ.get("AWS_ACCESS_KEY_ID"):
        ours = Credentials(
            environ["AWS_ACCESS_KEY_ID"], environ.get("AWS_SECRET_ACCESS_KEY", ""), environ.get("AWS_SESSION_TOKEN", "")
        )
        return lambda: ours
    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        raise AccessDenied(
            "there are no AWS credentials", fix="give the process a role, or set AWS_ACCESS_KEY_ID and its secret"
        )

    def renewed() -> Credentials:
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")

    return renewed
