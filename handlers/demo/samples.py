"""The sample mail, its packets and its routing table: in ``samples/`` of a checkout, beside us when installed."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "samples"
SAMPLES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "samples"
TABLE = SAMPLES / "mailroom.yaml"
PACKET = SAMPLES / "packets" / "morning-mail.pdf"
SCANNED_PACKET = SAMPLES / "packets" / "scanned-mail.pdf"
_NOT_MAIL = {".md", ".yaml", ".json"}


def sample_mail() -> tuple[Path, ...]:
    """The documents in ``samples/``, in the order of their names."""
    return tuple(sorted(one for one in SAMPLES.iterdir() if one.is_file() and one.suffix not in _NOT_MAIL))
