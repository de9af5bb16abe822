"""Finds which page, annotation or field an object of a packet is, and what a page can reach."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from handlers.pdf.glyphs import drawn_glyphs

Place = tuple[int, int]
"""Number and generation of an indirect object; (0, 0) for a direct one."""
DIRECT: Place = (0, 0)


class Landmarks:
    """The landmarks of one open source; the rarely used ones are found on demand."""

    def __init__(self, source: pikepdf.Pdf) -> None:
        self._source = source
        self._reached: dict[int, set[Place]] = {}
        self.pages = [page.obj for page in source.pages]
        self.number = {page.objgen: number for number, page in enumerate(self.pages, start=1)}

    def has(self, place: Place) -> bool:
        """Whether this is a page, an annotation or a field, which are not part of what a page draws."""
        return place in self.number or place in self.annotations or place in self._fields

    @cached_property
    def form(self) -> Dictionary:
        """The packet's interactive form; empty if it has none."""
        form = self._source.Root.get("/AcroForm")
        return form if isinstance(form, Dictionary) else Dictionary()

    @cached_property
    def annotations(self) -> set[Place]:
        """The annotations of all pages."""
        return {item.objgen for page in self.pages for item in annotations(page)} - {DIRECT}

    @cached_property
    def _fields(self) -> set[Place]:
        found: set[Place] = set()
        todo = list(children(self.form, "/Fields"))
        while todo:
            item = todo.pop()
            if item.objgen not in found:
                found.add(item.objgen)
                todo += children(item, "/Kids")
        return found - {DIRECT}

    def destination(self, aim: Any) -> Any:
        """The explicit destination, [page, view]; None if it has no target."""
        if isinstance(aim, pikepdf.String | Name):
            aim = self._named(aim)
        if isinstance(aim, Dictionary):
            aim = aim.get("/D")
        return aim if isinstance(aim, Array) and len(aim) else None

    def _named(self, name: Any) -> Any:
        root = self._source.Root
        if isinstance(name, Name):
            known = root.get("/Dests")
            return known.get(name) if isinstance(known, Dictionary) else None
        names = root.get("/Names")
        tree = names.get("/Dests") if isinstance(names, Dictionary) else None
        return next((aim for key, aim in name_tree(tree) if key == bytes(name)), None)

    def shared(self, resources: Any, others: Iterable[int]) -> bool:
        """Whether these resources contain anything but fonts that one of the other pages (from 1) could draw, too."""
        mine = _reach(resources)
        return any(mine & self._reach_of(number) for number in others)

    def _reach_of(self, number: int) -> set[Place]:
        if number not in self._reached:
            self._reached[number] = _reach(inherited(self.pages[number - 1], "/Resources"))
        return self._reached[number]


def inherited(page: Dictionary, name: str) -> Any:
    """A page's attribute, its own or inherited; None if there is none."""
    node: Any = page
    seen: set[Place] = set()
    while isinstance(node, Dictionary) and node.objgen not in seen:
        if (value := node.get(name)) is not None:
            return value
        seen.add(node.objgen)
        node = node.get("/Parent")
    return None


def annotations(page: Dictionary) -> list[Dictionary]:
    """The page's annotations."""
    return list(children(page, "/Annots"))


def children(owner: Dictionary, name: str) -> Iterator[Dictionary]:
    """The dictionaries in this array; none if there is no array."""
    listed = owner.get(name)
    for item in listed if isinstance(listed, Array) else ():
        if isinstance(item, Dictionary):
            yield item


def name_tree(root: Any) -> Iterator[tuple[bytes, Any]]:
    """The names of a name tree with their values. Each node is visited once, even in a malformed tree."""
    todo: list[Any] = [root]
    seen: set[Place] = set()
    while todo:
        node = todo.pop()
        if not isinstance(node, Dictionary) or (node.objgen in seen and node.objgen != DIRECT):
            continue
        seen.add(node.objgen)
        listed = node.get("/Names")
        pairs: list[Any] = list(listed) if isinstance(listed, Array) else []
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            if isinstance(key, pikepdf.String):
                yield bytes(key), value
        todo += reversed(list(children(node, "/Kids")))


def _reach(resources: Any) -> set[Place]:
    """The objects that are reachable from these resources, except fonts whose glyphs are outlines."""
    reached: set[Place] = set()
    todo = [resources]
    while todo:
        item = todo.pop()
        if not isinstance(item, Object) or _is_page(item):
            continue
        if item.objgen != DIRECT:
            if item.objgen in reached:
                continue
            reached.add(item.objgen)
        todo += _inside(item)
    return reached


def _is_page(item: Any) -> bool:
    return isinstance(item, Dictionary) and item.get("/Type") in (Name.Page, Name.Pages, Name.Catalog)


def _inside(item: Any) -> Iterator[Any]:
    if isinstance(item, Array):
        yield from item
    if isinstance(item, Dictionary | Stream):
        for name, value in item.items():
            if name != "/Font":
                yield value
            elif isinstance(value, Dictionary):
                yield from (font for font in value.values() if drawn_glyphs(font))
