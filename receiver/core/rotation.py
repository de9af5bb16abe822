"""The three steps of a rotation, on a list of accepted values of which the first is in use."""


def accept(values: tuple[str, ...], new: str) -> tuple[str, ...]:
    """The new value is accepted too; the present one stays in use."""
    return (*(value for value in values if value != new), new)


def switch(values: tuple[str, ...], new: str) -> tuple[str, ...]:
    """The new value is in use; the old ones are still accepted."""
    return (new, *(value for value in values if value != new))


def drop(values: tuple[str, ...], new: str) -> tuple[str, ...]:
    """Only the new value is left."""
    return (new,)
