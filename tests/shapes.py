"""Packets of all the shapes in which pages share, hold and refer to things, each thing marked with whose it is.

A mark such as ``OWN-02-form`` is on everything that page 2 shows or carries: in streams, strings and names. Marks such
as ``WITH-02-private`` are on what is about page 2 and stays with the packet: outlines, structure, private data.
"""

import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import pikepdf
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String

_MARK = re.compile(rb"(OWN|WITH)-(\d\d)-[a-z]+")
RESOURCES = ("own", "shared", "inherited", "parts")
"""Whose the resources of pages are: each page's, one dictionary of all, that of the node above, or shared parts."""
DRAWN = (
    *("picture", "form", "bare_form", "form_in_form", "pattern", "shading", "glyphs", "drawn_glyph", "mask", "layer"),
    *("inline", "odd", "stray"),
)
STANDING = (
    *("stamp", "shared_stamp", "direct_note", "notes", "links", "named_link", "field", "kid", "choice", "attachment"),
    *("associated", "metadata", "thumb"),
)
FEATURES = (*DRAWN, *STANDING, "private")
AROUND = ("outlines", "structure", "information", "script", "articles", "files", "action", "labels", "signature")
"""What the packet has besides its pages."""


@dataclass(frozen=True)
class Shape:
    """The features of each page, whose its resources are, and what is around the pages."""

    pages: tuple[frozenset[str], ...]
    resources: str = "shared"
    around: frozenset[str] = frozenset()


def shapes() -> st.SearchStrategy[Shape]:
    """All shapes."""
    page = st.frozensets(st.sampled_from(FEATURES), max_size=9)
    return st.builds(
        Shape,
        pages=st.lists(page, min_size=2, max_size=5).map(tuple),
        resources=st.sampled_from(RESOURCES),
        around=st.frozensets(st.sampled_from(AROUND), max_size=5),
    )


def marks(content: bytes) -> set[tuple[str, int, str]]:
    """All marks in a file, in whatever object, whether anything refers to it or not: OWN or WITH, page, whole mark."""
    found: set[tuple[str, int, str]] = set()
    with pikepdf.open(BytesIO(content)) as pdf:
        for item in pdf.objects:
            data = item.unparse(resolved=True)
            if isinstance(item, pikepdf.Stream):
                data = item.stream_dict.unparse() + item.read_bytes()
            found |= {(mark[1].decode(), int(mark[2]), mark[0].decode()) for mark in _MARK.finditer(data)}
    return found


def made(shape: Shape) -> bytes:
    """The packet of this shape."""
    with _Maker(shape).pdf as pdf:
        buffer = BytesIO()
        pdf.save(buffer, static_id=True)
    return buffer.getvalue()


def own(page: int, what: str) -> str:
    return f"OWN-{page:02d}-{what}"


def _with(page: int, what: str) -> str:
    return f"WITH-{page:02d}-{what}"


class _Maker:
    def __init__(self, shape: Shape) -> None:
        self.pdf = pikepdf.new()
        self._count = len(shape.pages)
        self._font = self._object(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        self._all = self._object()
        """One dictionary for the resources of all pages."""
        self._letters = self._object()
        """One font of drawn glyphs for all pages."""
        self._group = self._object(T=String("together"))
        """One field with kids on many pages."""
        self._choices = self._object(T=String("choice"), FT=Name.Btn, Ff=32768, Kids=Array(), Opt=Array())
        """One choice with buttons on many pages."""
        self._form_font = Dictionary(F=self._font)
        self._fields: list[Any] = []
        self._layers: list[tuple[int, Any]] = []
        self._aims: dict[str, Any] = {}
        self._signed: list[Any] = []
        self._resources: list[dict[str, dict[str, Any]]] = []
        self._contents: list[list[str]] = []
        for page in range(1, self._count + 1):
            self.pdf.add_blank_page(page_size=(200, 300)).obj.Annots = Array()
            self._resources.append({"/Font": {"/F": self._font}})
            shown = f"% {own(page, 'text')}\nBT /F 9 Tf 10 280 Td (Page {page} {own(page, 'shown')}) Tj ET"
            self._contents.append([shown])
        for page, features in enumerate(shape.pages, start=1):
            for feature in sorted(features):
                getattr(self, f"_{feature}")(page)
        self._give_resources(shape.resources)
        self._finish()
        for what in sorted(shape.around):
            getattr(self, f"_{what}")()

    # --- making things

    def _object(self, **entries: Any) -> Any:
        return self.pdf.make_indirect(Dictionary(**entries))

    def _stream(self, data: str | bytes, **entries: Any) -> Any:
        stream = self.pdf.make_stream(b"", **entries)
        stream.write(zlib.compress(data.encode("latin-1") if isinstance(data, str) else data), filter=Name.FlateDecode)
        return stream

    def _image(self, page: int, what: str) -> Any:
        data = own(page, what).encode() + bytes((page * 37 + at * 7) % 251 for at in range(64))
        return self._stream(
            data[:64], Type=Name.XObject, Subtype=Name.Image, Width=8, Height=8, BitsPerComponent=8,
            ColorSpace=Name.DeviceGray, Secret=String(own(page, what + "note")),
        )  # fmt: skip

    def _xform(self, content: str, resources: Any = None, **entries: Any) -> Any:
        given = {"Resources": resources} if resources is not None else {}
        box = Array([0, 0, 50, 50])
        return self._stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=box, **given, **entries)

    def _pictured(self, page: int, what: str) -> Any:
        """Resources with one picture in them."""
        return Dictionary(XObject=Dictionary({f"/In{page}": self._image(page, what)}))

    def _add(self, page: int, category: str, what: str, thing: Any) -> str:
        """A resource of the page, and its name."""
        self._resources[page - 1].setdefault(category, {})[f"/{what}{page}"] = thing
        return f"/{what}{page}"

    def _draw(self, page: int, operators: str) -> None:
        place = len(self._contents[page - 1])
        self._contents[page - 1].append(f"q 1 0 0 1 {10 + 45 * (place % 4)} {220 - 45 * (place // 4)} cm {operators} Q")

    def _annotate(self, page: int, **entries: Any) -> Any:
        there = self.pdf.pages[page - 1].obj
        at = len(there.Annots) * 25
        note = self._object(Type=Name.Annot, Rect=Array([at, 5, at + 20, 25]), F=4, P=there, **entries)
        there.Annots.append(note)
        return note

    def _file(self, page: int, what: str) -> Any:
        content = self._stream(own(page, f"{what}content"), Type=Name.EmbeddedFile)
        return self._object(Type=Name.Filespec, UF=String(own(page, what)), EF=Dictionary(F=content))

    def _next(self, page: int) -> int:
        return page % self._count + 1

    # --- what pages draw

    def _picture(self, page: int) -> None:
        self._draw(page, f"40 0 0 40 0 0 cm {self._add(page, '/XObject', 'Im', self._image(page, 'picture'))} Do")

    def _form(self, page: int) -> None:
        form = self._xform(f"% {own(page, 'form')}\n30 0 0 30 0 0 cm /In{page} Do", self._pictured(page, "formpicture"))
        self._draw(page, f"{self._add(page, '/XObject', 'Fm', form)} Do")

    def _bare_form(self, page: int) -> None:
        """A form without resources: its names are looked for on the page."""
        picture = self._add(page, "/XObject", "Bp", self._image(page, "barepicture"))
        form = self._xform(f"% {own(page, 'bare')}\n30 0 0 30 0 0 cm {picture} Do")
        self._draw(page, f"{self._add(page, '/XObject', 'Bf', form)} Do")

    def _form_in_form(self, page: int) -> None:
        """A form whose resources are those of all pages."""
        inner = self._xform(f"% {own(page, 'inner')}\n0.{page} g 0 0 20 20 re f")
        name = self._add(page, "/XObject", "Fi", inner)
        self._all.XObject = self._all.get("/XObject", Dictionary())
        self._all.XObject[name] = inner
        outer = self._xform(f"% {own(page, 'outer')}\n{name} Do", self._all)
        self._draw(page, f"{self._add(page, '/XObject', 'Fo', outer)} Do")

    def _pattern(self, page: int) -> None:
        pattern = self._stream(
            f"% {own(page, 'pattern')}\n10 0 0 10 0 0 cm /In{page} Do", Type=Name.Pattern, PatternType=1, PaintType=1,
            TilingType=1, BBox=Array([0, 0, 10, 10]), XStep=10, YStep=10,
            Resources=self._pictured(page, "patternpicture"),
        )  # fmt: skip
        self._draw(page, f"/Pattern cs {self._add(page, '/Pattern', 'Pa', pattern)} scn 0 0 40 40 re f")

    def _shading(self, page: int) -> None:
        ends = Array([0, 1])
        function = self._stream(f"{{ % {own(page, 'function')}\n}}", FunctionType=4, Domain=ends, Range=ends)
        shading = self._object(
            ShadingType=2, ColorSpace=Name.DeviceGray, Coords=Array([0, 0, 40, 40]), Function=function
        )
        self._draw(page, f"0 0 40 40 re W n {self._add(page, '/Shading', 'Sh', shading)} sh")

    def _glyphs(self, page: int) -> None:
        """A letter of the font that all pages have."""
        self._add(page, "/Font", "Ty", self._letters)
        glyph = self._stream(f"600 0 0 0 600 600 d1\n% {own(page, 'glyph')}\n0 0 {100 * page} 500 re f")
        self._letters.CharProcs = self._letters.get("/CharProcs", Dictionary())
        self._letters.CharProcs[f"/g{page}"] = glyph
        self._draw(page, f"BT /Ty{page} 40 Tf ({chr(64 + page)}) Tj ET")

    def _drawn_glyph(self, page: int) -> None:
        """A font without resources: what its glyph draws is looked for on the page."""
        picture = self._add(page, "/XObject", "Gi", self._image(page, "glyphpicture"))
        glyph = self._stream(f"600 0 d0\n% {own(page, 'drawn')}\n500 0 0 500 0 0 cm {picture} Do")
        font = self._object(CharProcs=Dictionary(a=glyph), Encoding=_encoding(97, "/a"), **_type3(97, 1))
        self._draw(page, f"BT {self._add(page, '/Font', 'Ud', font)} 40 Tf (a) Tj ET")

    def _mask(self, page: int) -> None:
        group = Dictionary(Type=Name.Group, S=Name.Transparency, CS=Name.DeviceGray)
        content = f"% {own(page, 'mask')}\n40 0 0 40 0 0 cm /In{page} Do"
        form = self._xform(content, self._pictured(page, "maskpicture"), Group=group)
        state = self._object(Type=Name.ExtGState, SMask=Dictionary(Type=Name.Mask, S=Name.Luminosity, G=form))
        self._draw(page, f"{self._add(page, '/ExtGState', 'Gs', state)} gs 0.2 g 0 0 40 40 re f")

    def _layer(self, page: int) -> None:
        """A layer; on even pages it is switched off."""
        layer = self._object(Type=Name.OCG, Name=String(own(page, "layer")))
        self._layers.append((page, layer))
        self._draw(page, f"/OC {self._add(page, '/Properties', 'Oc', layer)} BDC 0.5 g 0 0 30 30 re f EMC")

    def _inline(self, page: int) -> None:
        data = "\x10\x60\x20\x70"
        self._draw(page, f"% {own(page, 'inline')}\n40 0 0 40 0 0 cm BI /W 2 /H 2 /BPC 8 /CS /G ID {data} EI")

    def _odd(self, page: int) -> None:
        """Garbage behind an operator."""
        self._draw(page, f"q 40 0 0 40 0 0 cm {self._add(page, '/XObject', 'Od', self._image(page, 'odd'))} Do Q }}")

    def _stray(self, page: int) -> None:
        """A picture that a program has tied to that of another page."""
        other = self._image(self._next(page), "strayed")
        self._add(self._next(page), "/XObject", "Sd", other)
        self._draw(self._next(page), f"10 0 0 10 0 0 cm /Sd{self._next(page)} Do")
        picture = self._image(page, "stray")
        picture.Program, picture.PieceInfo = Dictionary(Neighbour=other), Dictionary(Private=other)
        self._draw(page, f"40 0 0 40 0 0 cm {self._add(page, '/XObject', 'Sp', picture)} Do")

    # --- what stands on pages

    def _stamp(self, page: int) -> None:
        form = self._xform(f"% {own(page, 'stamp')}\n40 0 0 40 0 0 cm /In{page} Do", self._pictured(page, "stamped"))
        said = String(own(page, "stampnote"))
        self._annotate(page, Subtype=Name.Stamp, AP=Dictionary(N=form), Contents=said, StructParent=page)

    def _shared_stamp(self, page: int) -> None:
        """Its look names a picture among those of all pages."""
        picture = self._add(page, "/XObject", "Ss", self._image(page, "sharedstamp"))
        self._all.XObject = self._all.get("/XObject", Dictionary())
        self._all.XObject[picture] = self._resources[page - 1]["/XObject"][picture]
        form = self._xform(f"% {own(page, 'sharing')}\n40 0 0 40 0 0 cm {picture} Do", self._all)
        self._resources[page - 1]["/XObject"].pop(picture)
        self._annotate(page, Subtype=Name.Stamp, AP=Dictionary(N=Dictionary(On=form)), AS=Name.On)

    def _direct_note(self, page: int) -> None:
        there = self.pdf.pages[page - 1].obj
        said = String(own(page, "direct"))
        there.Annots.append(Dictionary(Subtype=Name.Text, Rect=Array([150, 5, 170, 25]), Contents=said, P=there))

    def _notes(self, page: int) -> None:
        note = self._annotate(page, Subtype=Name.Text, Contents=String(own(page, "note")))
        note.Popup = self._annotate(page, Subtype=Name.Popup, Parent=note)
        self._annotate(page, Subtype=Name.Text, Contents=String(own(page, "reply")), IRT=note)

    def _links(self, page: int) -> None:
        """Links to the next page, and into the world."""
        aim = self.pdf.make_indirect(Array([self.pdf.pages[self._next(page) - 1].obj, Name.Fit]))
        self._annotate(page, Subtype=Name.Link, A=self._object(S=Name.GoTo, D=aim))
        self._annotate(page, Subtype=Name.Link, Dest=aim)
        world = Dictionary(S=Name.URI, URI=String(f"https://example.com/{own(page, 'link')}"))
        self._annotate(page, Subtype=Name.Link, A=world)

    def _named_link(self, page: int) -> None:
        name = _with(self._next(page), "aim")
        self._aims[name] = Array([self.pdf.pages[self._next(page) - 1].obj, Name.Fit])
        self._annotate(page, Subtype=Name.Link, Dest=String(name))

    def _widget(self, page: int, what: str, **entries: Any) -> Any:
        look = f"% {own(page, what)}\nBT /F 8 Tf 2 2 Td ({own(page, what + 'look')}) Tj ET"
        form = self._xform(look, Dictionary(Font=Dictionary(F=self._font)))
        return self._annotate(page, Subtype=Name.Widget, FT=Name.Tx, AP=Dictionary(N=form), **entries)

    def _field(self, page: int) -> None:
        script = Dictionary(S=Name.JavaScript, JS=String(own(page, "keystroke")))
        name, value = String(own(page, "fieldname")), String(own(page, "fieldvalue"))
        drawn = String(f"/Df{page} 8 Tf 0 g")
        self._fields.append(self._widget(page, "field", T=name, V=value, DA=drawn, AA=Dictionary(K=script)))
        said = String(own(page, "fieldfont"))
        font = self._object(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Own=said)
        self._form_font[f"/Df{page}"] = font

    def _kid(self, page: int) -> None:
        name, value = String(own(page, "kidname")), String(own(page, "kidvalue"))
        kid = self._widget(page, "kid", T=name, V=value, Parent=self._group)
        self._group.Kids = self._group.get("/Kids", Array())
        self._group.Kids.append(kid)

    def _choice(self, page: int) -> None:
        """One of the buttons of a choice that goes over many pages."""
        button = self._annotate(page, Subtype=Name.Widget, Parent=self._choices, AS=Name.Off)
        self._choices.Kids.append(button)
        self._choices.Opt.append(String(_with(page, "option")))

    def _attachment(self, page: int) -> None:
        self._annotate(page, Subtype=Name.FileAttachment, FS=self._file(page, "attachment"))

    def _associated(self, page: int) -> None:
        self.pdf.pages[page - 1].obj.AF = Array([self._file(page, "associated")])

    def _metadata(self, page: int) -> None:
        self.pdf.pages[page - 1].obj.Metadata = self._stream(own(page, "metadata"), Type=Name.Metadata)

    def _thumb(self, page: int) -> None:
        self.pdf.pages[page - 1].obj.Thumb = self._image(page, "thumb")

    def _private(self, page: int) -> None:
        """A program's private data, about the whole packet."""
        everything = Array([self._stream(_with(number, "private")) for number in range(1, self._count + 1)])
        self.pdf.pages[page - 1].obj.PieceInfo = Dictionary(Prog=Dictionary(Private=everything))

    # --- putting it together

    def _give_resources(self, whose: str) -> None:
        parts = {category: self._object() for given in self._resources for category in given}
        for given in self._resources:
            for category, entries in given.items():
                self._all[category] = self._all.get(category, Dictionary())
                for name, thing in entries.items():
                    self._all[category][name] = thing
                    parts[category][name] = thing
        for page, given in zip(self.pdf.pages, self._resources, strict=True):
            if whose == "own":
                page.obj.Resources = Dictionary({item: Dictionary(entries) for item, entries in given.items()})
            elif whose == "shared":
                page.obj.Resources = self._all
            elif whose == "parts":
                page.obj.Resources = Dictionary(parts)
            else:
                del page.obj.Resources
        if whose == "inherited":
            self.pdf.Root.Pages.Resources = self._all

    def _finish(self) -> None:
        for page, contents in zip(self.pdf.pages, self._contents, strict=True):
            page.obj.Contents = Array([self._stream(item) for item in contents])
        if "/CharProcs" in self._letters:
            names = [f"/g{page}" for page in range(1, self._count + 1)]
            for name, value in {**_type3(65, self._count), "Encoding": _encoding(65, *names)}.items():
                self._letters[f"/{name}"] = value
        fields = [*self._fields, *([self._group] if "/Kids" in self._group else [])]
        fields += [self._choices] if len(self._choices.Kids) else []
        if fields:
            self.pdf.Root.AcroForm = Dictionary(
                Fields=Array(fields), DA=String("/F 8 Tf 0 g"), DR=Dictionary(Font=self._form_font)
            )
        if self._layers:
            off = Array([layer for page, layer in self._layers if page % 2 == 0])
            every = Array([layer for _, layer in self._layers])
            self.pdf.Root.OCProperties = Dictionary(OCGs=every, D=Dictionary(OFF=off, Order=every))
        if self._aims:
            pairs = [item for name in sorted(self._aims) for item in (String(name), self._aims[name])]
            self.pdf.Root.Names = Dictionary(Dests=Dictionary(Names=Array(pairs)))

    # --- what is around the pages

    def _outlines(self) -> None:
        root = self._object(Type=Name.Outlines)
        items = [
            self._object(Title=String(_with(number, "outline")), Parent=root, Dest=Array([page.obj, Name.Fit]))
            for number, page in enumerate(self.pdf.pages, start=1)
        ]
        root.First, root.Last, root.Count = items[0], items[-1], len(items)
        for item, other in pairwise(items):
            item.Next, other.Prev = other, item
        self.pdf.Root.Outlines = root

    def _structure(self) -> None:
        root = self._object(Type=Name.StructTreeRoot)
        kids = []
        for number, page in enumerate(self.pdf.pages, start=1):
            kids.append(self._object(S=Name.P, P=root, Pg=page.obj, K=0, Alt=String(_with(number, "structure"))))
            page.obj.StructParents = number
        root.K = Array(kids)
        self.pdf.Root.StructTreeRoot = root
        self.pdf.Root.MarkInfo = Dictionary(Marked=True)

    def _information(self) -> None:
        everything = " ".join(_with(number, "information") for number in range(1, self._count + 1))
        self.pdf.trailer.Info = self._object(Title=String(everything))
        self.pdf.Root.Metadata = self._stream(everything, Type=Name.Metadata, Subtype=Name.XML)

    def _script(self) -> None:
        names = self.pdf.Root.get("/Names", Dictionary())
        script = Dictionary(S=Name.JavaScript, JS=String(_with(1, "script")))
        names.JavaScript = Dictionary(Names=Array([String("all"), script]))
        self.pdf.Root.Names = names

    def _articles(self) -> None:
        thread = self._object(Type=Name.Thread, I=Dictionary(Title=String(_with(1, "article"))))
        beads = [self._object(T=thread, P=page.obj, R=Array([0, 0, 9, 9])) for page in self.pdf.pages]
        for item, other in zip(beads, [*beads[1:], beads[0]], strict=True):
            item.N, other.V = other, item
        for page, bead in zip(self.pdf.pages, beads, strict=True):
            page.obj.B = Array([bead])
        thread.F = beads[0]
        self.pdf.Root.Threads = Array([thread])

    def _files(self) -> None:
        content = self._stream(_with(1, "filecontent"), Type=Name.EmbeddedFile)
        file = self._object(Type=Name.Filespec, UF=String(_with(1, "file")), EF=Dictionary(F=content))
        names = self.pdf.Root.get("/Names", Dictionary())
        names.EmbeddedFiles = Dictionary(Names=Array([String("file"), file]))
        self.pdf.Root.Names, self.pdf.Root.AF = names, Array([file])

    def _action(self) -> None:
        self.pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String(_with(1, "action")))
        for number, page in enumerate(self.pdf.pages, start=1):
            said = String(_with(self._next(number), "opened"))
            page.obj.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=said))

    def _labels(self) -> None:
        self.pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(P=String(_with(1, "label")))]))

    def _signature(self) -> None:
        """A signature of the whole packet, in a field on page 1."""
        reference = Dictionary(Type=Name.SigRef, TransformMethod=Name.DocMDP, Data=self.pdf.Root)
        value = self._object(
            Type=Name.Sig, ByteRange=Array([0, 1, 2, 3]), Reason=String(_with(1, "signature")),
            Reference=Array([reference]),
        )  # fmt: skip
        field = self._annotate(1, Subtype=Name.Widget, FT=Name.Sig, T=String(own(1, "signed")), V=value)
        form = self.pdf.Root.get("/AcroForm", Dictionary(Fields=Array()))
        form.Fields.append(field)
        form.SigFlags = 3
        self.pdf.Root.AcroForm = form
        self.pdf.Root.Perms = Dictionary(DocMDP=value)


def _type3(first: int, count: int) -> dict[str, Any]:
    return {
        "Type": Name.Font, "Subtype": Name.Type3, "FontBBox": Array([0, 0, 600, 600]), "FirstChar": first,
        "FontMatrix": Array([0.001, 0, 0, 0.001, 0, 0]), "LastChar": first + count - 1, "Widths": Array([600] * count),
    }  # fmt: skip


def _encoding(first: int, *names: str) -> Any:
    return Dictionary(Type=Name.Encoding, Differences=Array([first, *map(Name, names)]))
