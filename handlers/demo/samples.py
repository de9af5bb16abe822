"""The demo's routing table, and its mail: a checkout's ``samples/``, or else the output of the generator.

The mail is not in the wheel, because installers refuse an archive with the hostile name of one document.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

from handlers.demo.install import INSTALL
from receiver.core.errors import Misconfigured

TABLE = Path(__file__).with_name("mailroom.yaml")
CHECKOUT = Path(__file__).parents[2] / "samples"
_NOT_MAIL = {".md", ".yaml", ".json"}


@dataclass(frozen=True)
class Samples:
    """A folder with the sample mail."""

    folder: Path

    @property
    def letters(self) -> tuple[Path, ...]:
        """The single documents, in the order of their names."""
        return tuple(sorted(item for item in self.folder.iterdir() if item.is_file() and item.suffix not in _NOT_MAIL))

    @property
    def packet(self) -> Path:
        """A packet: the mail of a morning in one PDF."""
        return self.folder / "packets" / "morning-mail.pdf"

    @property
    def scanned_packet(self) -> Path:
        """Another packet, of pictures only."""
        return self.folder / "packets" / "scanned-mail.pdf"


async def samples(scratch: Path) -> Samples:
    """The sample mail. Outside a checkout it is generated below ``scratch``. Raises Misconfigured if that fails."""
    if (CHECKOUT / "packets").is_dir():
        return Samples(CHECKOUT)
    folder = scratch / "samples"
    command = [sys.executable, "-m", "llamacloud_sandbox.sample_mail", str(folder)]
    child = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
    _, complaint = await child.communicate()
    if child.returncode:
        raise Misconfigured(
            f"the sample mail could not be written: {complaint.decode(errors='replace').strip()[-500:]}",
            fix=f"{INSTALL}; or name mail of your own: mailroom demo FILE…",
        )
    return Samples(folder)
