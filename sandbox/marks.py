"""Shapes in a text that tell of its kind as words do: amounts of money, citations, clauses, blanks to fill."""

import re

_CURRENCY = r"(?:[$€£¥₹]|\b(?:usd|eur|gbp|chf|jpy|cad|aud|sek)\b)"
_FIGURE = r"\d{1,3}(?:[.,' ]?\d{3})*"
_AUTHOR = r"[A-Z][\w'-]+"
_HEADER = r"from|to|cc|sent|subject|date|von|an|gesendet|betreff|de|à|objet|para|asunto|da|a|oggetto|aan|onderwerp"
_CLAUSE = r"article|section|clause|artikel|art[ií]culo|articolo"

_MARKS = {
    name: re.compile(pattern, re.MULTILINE)
    for name, pattern in {
        "@money": rf"(?i){_CURRENCY}\s?-?{_FIGURE}|\b{_FIGURE}[.,]\d{{2}}\s?(?:{_CURRENCY}|(?!\S))",
        "@citation": rf"\[\d{{1,3}}(?:, ?\d{{1,3}})*\]|\({_AUTHOR}(?: et al\.?| and {_AUTHOR})?,? \d{{4}}[a-z]?\)",
        "@clause": rf"(?i)^\s*(?:§+ ?\d+|(?:{_CLAUSE})\s+\d+|\d{{1,2}}(?:\.\d{{1,2}})?\.?\s+[A-Z][\w ,-]{{2,40}}[.:])",
        "@iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
        "@blank": r"_{4,}|\.{8,}|[☐☑☒□]|\[ ?[xX]?\](?= )",
        "@mrz": r"[A-Z0-9<]{5,}<<[A-Z0-9<]+",
        "@header": rf"(?i)^ *(?:{_HEADER}) *:",
        "@prose": r"^[^\d|:]{60,}$",
        "@period": r"(?i)\b(?:19|20)\d{2} ?[-–—] ?(?:(?:19|20)\d{2}|present|today|now|heute|oggi|heden|actualidad)\b",
    }.items()
}


def marks(text: str) -> list[str]:
    """One `@name` for every place in `text` that has the shape of that name."""
    return [name for name, pattern in _MARKS.items() for _ in pattern.finditer(text)]
