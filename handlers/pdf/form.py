"""The interactive form of a piece: the fields on its pages, and the resources that draw their texts."""

from pikepdf import Array, Dictionary

from handlers.pdf.annotations import Copies
from handlers.pdf.landmarks import Landmarks, children
from handlers.pdf.resources import Needs, Reducer
from handlers.pdf.uses import Uses, uses_in

_CARRIED = ("/NeedAppearances", "/DA", "/Q")


def form_of(copies: Copies, landmarks: Landmarks, reducer: Reducer, missing: Uses) -> Dictionary | None:
    """The form of the copied fields; None if there are none.

    ``missing`` are names that pages use without defining them: some viewers look for them in the form's resources.
    """
    original, tops = landmarks.form, set(copies.tops)
    if not tops or "/Fields" not in original:
        return None
    listed = [item.objgen for item in children(original, "/Fields") if item.objgen in tops]
    form = Dictionary(Fields=Array([copies.made[place] for place in dict.fromkeys(listed)]))
    for name in _CARRIED:
        if name in original:
            form[name] = original[name]
    order = [copies.made[item.objgen] for item in children(original, "/CO") if item.objgen in copies.made]
    if order:
        form.CO = Array(order)
    uses = Uses()
    for item in (copies.defaults, missing, *([uses_in(bytes(original.DA))] if "/DA" in original else [])):
        uses.add(item)
    if isinstance(original.get("/DR"), Dictionary):
        form.DR, _ = reducer.scope(original.DR, Needs(uses))
    return form
