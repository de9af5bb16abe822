"""Group commit for files: those that are ready at the same time get their names together, with one sync for all.

A renamed file is durable only when the folder that names it is synced, and a sync costs as much for one name as for
many. So the files of a group go into one folder, whoever they belong to.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from receiver.store.durable_files import Folders, sync_folder


@dataclass(slots=True)
class _Waiting:
    aside: Path
    owner: str
    name: str = ""
    error: OSError | None = None


class FileGroup:
    """Gives synced files their names under ``root``. Called by many threads at once."""

    def __init__(self, root: Path, folders: Folders) -> None:
        self._root = root
        self._folders = folders
        self._waiting: list[_Waiting] = []
        self._joining = threading.Lock()
        self._settling = threading.Lock()
        """Whoever holds it settles all that wait by then; they find it done when it is their turn."""

    def settle(self, aside: Path, owner: str) -> str:
        """Gives the file its name, durably. Returns the name; ``path_of`` has its path. Raises OSError."""
        mine = _Waiting(aside, owner)
        with self._joining:
            self._waiting.append(mine)
        with self._settling:
            if not mine.name:
                self._settle_group()
        if mine.error is not None:
            raise mine.error
        return mine.name

    def _settle_group(self) -> None:
        with self._joining:
            group, self._waiting = self._waiting, []
        shelf = token_hex(1)
        for item in group:
            item.name = f"{item.owner}.{shelf}-{token_hex(4)}"
        try:
            self._folders.make(self._root / shelf)
            self._rename(group)
            sync_folder(self._root / shelf)
        except OSError as error:
            for item in group:
                item.error = item.error or error

    def _rename(self, group: Sequence[_Waiting]) -> None:
        for item in group:
            try:
                item.aside.rename(path_of(self._root, item.name))
            except OSError as error:  # it concerns this file alone
                item.error = error


def shelf_of(name: str) -> str:
    """The folder of a file: that of its group. An earlier release named it by two characters of the document's id."""
    document, _, mark = name.partition(".")
    shelf, grouped, _ = mark.partition("-")
    return shelf if grouped else document.removeprefix("doc_")[:2]


def path_of(root: Path, name: str) -> Path:
    """The file of this name."""
    return root / shelf_of(name) / name
