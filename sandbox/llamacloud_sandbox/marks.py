"""Shapes in a text that tell of its kind as words do: amounts of money, citations, clauses, blanks to fill."""

import re

from llamacloud_sandbox.wording import alternatives
from llamacloud_sandbox.words import fold

_CURRENCY = r"(?:[$€£¥₹]|\b(?:usd|eur|gbp|chf|jpy|cad|aud|sek)\b)"
_FIGURE = r"\d{1,3}(?:[.,' ]?\d{3}){0,4}"
_DAY, _TIME = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", r"\d{1,2}:\d\d\b"
_AUTHOR = r"[A-Z][\w'-]+"
_CLAUSE = alternatives("pages", "clause")

_AS_WRITTEN = {
    "@citation": rf"\[\d{{1,3}}(?:, ?\d{{1,3}})*\]|\({_AUTHOR}(?: et al\.?| and {_AUTHOR})?,? \d{{4}}[a-z]?\)",
    "@iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "@mrz": r"(?<![A-Z0-9<])[A-Z0-9<]{5,44}<<[A-Z0-9<]+",
    "@blank": r"_{4,}|\.{8,}|[☐☑☒□]|\[ ?[xX]?\](?= )",
    "@prose": r"^[^\d|:]{60,}$",
}
_FOLDED = {
    "@money": rf"{_CURRENCY}\s?-?{_FIGURE}|\b{_FIGURE}[.,]\d{{2}}\s?(?:{_CURRENCY}|(?!\S))",
    "@clause": rf"^\s*(?:§+ ?\d+|{_CLAUSE}\s+\d+|\d{{1,2}}(?:\.\d{{1,2}})?\.?\s+[a-z][\w ,-]{{2,40}}[.:])",
    "@header": rf"^ *{alternatives('pages', 'header')} *:",
    "@salutation": rf"^ *{alternatives('pages', 'salutation')}[^.:;\d]{{0,40}}[,:!]? *$",
    "@closing": rf"^ *{alternatives('pages', 'closing')}[^.:;\d]{{0,40}}$",
    "@tender": rf"^ *{alternatives('pages', 'tender')}[^\n:;]{{0,30}}?\b{_FIGURE}[.,]\d\d\b",
    "@clock": rf"\b{_DAY},? +{_TIME}|\b{_TIME} +{_DAY}",
    "@period": rf"\b(?:19|20)\d{{2}} ?[-–—] ?(?:(?:19|20)\d{{2}}\b|{alternatives('pages', 'today')})",
}
_COMPILED = [
    {name: re.compile(pattern, re.MULTILINE) for name, pattern in patterns.items()}
    for patterns in (_AS_WRITTEN, _FOLDED)
]

IN_WORDS = {
    "@money": "amounts of money",
    "@citation": "citations",
    "@clause": "numbered clauses",
    "@iban": "an IBAN",
    "@blank": "blanks to fill in",
    "@mrz": "a machine-readable zone",
    "@header": "mail header lines",
    "@salutation": "a salutation",
    "@closing": "a closing line",
    "@prose": "running prose",
    "@tender": "how it was paid",
    "@clock": "a date with a time of day",
    "@period": "periods of years",
}


def marks(text: str) -> list[str]:
    """One `@name` for every place in `text` that has the shape of that name."""
    return [
        name
        for shown, patterns in zip((text, fold(text)), _COMPILED, strict=True)
        for name, pattern in patterns.items()
        for _ in pattern.finditer(shown)
    ]
