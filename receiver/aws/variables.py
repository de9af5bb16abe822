"""Checks the variables that can keep botocore from creating a client, before a document fails because of them.

botocore is only imported if one of them is set, which is never the case on Lambda.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from receiver.core.forms import Wrong


def variable_faults(environ: Mapping[str, str]) -> Iterator[Wrong]:
    """What is wrong with each of them, by name."""
    for name, check in _CHECKS.items():
        if text := environ.get(name):
            try:
                check(text)
            except Wrong as wrong:
                yield Wrong(f"{name} {wrong}", wrong.fix)


def _profile(text: str) -> None:
    from botocore.exceptions import ConfigParseError, ProfileNotFound
    from botocore.session import Session

    try:
        Session(profile=text).get_scoped_config()
    except ProfileNotFound:
        raise Wrong(
            "names a profile that does not exist", "list them with aws configure list-profiles; or unset it"
        ) from None
    except ConfigParseError:
        return  # reported for AWS_CONFIG_FILE


def _file(text: str) -> None:
    from botocore.configloader import raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    try:
        raw_config_parse(text)
    except ConfigNotFound:
        return  # botocore treats it as empty
    except ConfigParseError:
        raise Wrong("names a file that AWS clients cannot read", "fix the file, or unset the variable") from None


def _attempts(text: str) -> None:
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise Wrong("is not a whole number from 1", "unset it")


def _retry_mode(text: str) -> None:
    if text not in ("legacy", "standard", "adaptive"):
        raise Wrong("is not legacy, standard or adaptive", "unset it")


_CHECKS: dict[str, Callable[[str], None]] = {
    "AWS_PROFILE": _profile,
    "AWS_DEFAULT_PROFILE": _profile,
    "AWS_CONFIG_FILE": _file,
    "AWS_SHARED_CREDENTIALS_FILE": _file,
    "AWS_MAX_ATTEMPTS": _attempts,
    "AWS_RETRY_MODE": _retry_mode,
}
