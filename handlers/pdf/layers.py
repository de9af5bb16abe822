"""Layers (optional content) of a piece: those of its pages, shown or hidden as in the packet."""

from collections.abc import Iterable, Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

from handlers.pdf.landmarks import DIRECT, Place, children

_LISTS = ("/ON", "/OFF", "/Locked")
_WORDS = ("/BaseState", "/Intent", "/ListMode")


def layers_of(piece: pikepdf.Pdf, source: pikepdf.Pdf) -> Dictionary | None:
    """The optional content properties for the layers in the piece; None if it has no layers."""
    properties = source.Root.get("/OCProperties")
    present = {item.objgen for item in piece.objects if isinstance(item, Dictionary) and item.get("/Type") == Name.OCG}
    if not present or not isinstance(properties, Dictionary):
        return None
    copies = dict(_copies(children(properties, "/OCGs"), piece, present))
    default = properties.get("/D")
    shown = _configuration(default if isinstance(default, Dictionary) else Dictionary(), copies)
    return Dictionary(OCGs=Array(list(copies.values())), D=shown)


def _copies(layers: Iterable[Dictionary], piece: pikepdf.Pdf, present: set[Place]) -> Iterator[tuple[Place, Any]]:
    """The piece's layers by the place of the original. Each is copied once."""
    for item in layers:
        copy = piece.copy_foreign(item) if item.objgen != DIRECT else None
        if copy is not None and copy.objgen in present:
            yield item.objgen, copy


def _configuration(default: Dictionary, copies: dict[Place, Any]) -> Dictionary:
    """Which layers are shown, and what changes that: printing, zooming, exclusive groups."""

    def those(owner: Dictionary, name: str) -> Array:
        return Array([copies[item.objgen] for item in children(owner, name) if item.objgen in copies])

    made = Dictionary({name: default[name] for name in _WORDS if isinstance(default.get(name), Name)})
    for name in _LISTS:
        if name in default:
            made[name] = those(default, name)
    made.Order = Array(list(copies.values()))
    used = [(item, those(item, "/OCGs")) for item in children(default, "/AS")]
    made.AS = Array([
        Dictionary(Event=item.Event, Category=Array(list(item.Category)), OCGs=layers)
        for item, layers in used
        if len(layers) and isinstance(item.get("/Event"), Name) and isinstance(item.get("/Category"), Array)
    ])  # fmt: skip
    groups = default.get("/RBGroups")
    one_of = [those(Dictionary(G=group), "/G") for group in (groups if isinstance(groups, Array) else ())]
    made.RBGroups = Array([layers for layers in one_of if len(layers) > 1])
    return made
