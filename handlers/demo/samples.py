"""The sample mail, its packets and its routing table, in ``samples/`` of a checkout.

They are not in the wheel: one of them has a name so hostile that installers refuse an archive with it.
"""

from pathlib import Path

from receiver.core.errors import Misconfigured

SAMPLES = Path(__file__).parents[2] / "samples"
TABLE = SAMPLES / "mailroom.yaml"
PACKET = SAMPLES / "packets" / "morning-mail.pdf"
SCANNED_PACKET = SAMPLES / "packets" / "scanned-mail.pdf"
_NOT_MAIL = {".md", ".yaml", ".json"}


def sample_mail() -> tuple[Path, ...]:
    """The documents in ``samples/``, in the order of their names. Raises Misconfigured outside of a checkout."""
    if not SAMPLES.is_dir():
        raise Misconfigured(
            "the sample mail is not installed, only checked out",
            fix="name mail of your own and a table: MAILROOM_CONFIG=mailroom.yaml mailroom demo FILE…",
        )
    return tuple(sorted(item for item in SAMPLES.iterdir() if item.is_file() and item.suffix not in _NOT_MAIL))
