"""Decides whether the document or a setting caused the rejection of a request.

The document is the cause only if the error's place in the request, or its text, names the file. An error that names a
part of our configuration is reported with the setting, or the place in mailroom.yaml, that it comes from. Otherwise the
cause is unknown, and no document fails because of it.

Source of the vendor's texts: reference 1.1, 1.2, 1.4.
"""

import re
from collections.abc import Sequence

from receiver.core.errors import CloudRefused, DocumentRefused, MailroomError, SettingsRefused

FILE_PLACES = frozenset({"file", "upload_file", "file_input", "file_id", "document_input", "parse_job_id"})
"""Parts of a request that hold the document, or name it."""
FILE_WORDS = re.compile(
    r"\b(files?|documents?|upload(s|ed)?|pdf|pages?|image|encrypted|password|corrupt\w*|unreadable|mime|media type|"
    r"format|extension|empty|too (large|big|many|long)|size)\b",
    re.IGNORECASE,
)
SETTINGS = (
    (re.compile(r"webhook[_ ]?headers?|header (name|value)", re.IGNORECASE), "MAILROOM_WEBHOOK_HEADERS"),
    (re.compile(r"signing[_ ]?secret", re.IGNORECASE), "MAILROOM_SIGNING_SECRETS"),
    (re.compile(r"webhook|callback", re.IGNORECASE), "MAILROOM_PUBLIC_URL"),
    (re.compile(r"organi[sz]ation", re.IGNORECASE), "LLAMA_CLOUD_ORGANIZATION_ID"),
    (re.compile(r"project", re.IGNORECASE), "LLAMA_CLOUD_PROJECT_ID"),
    (re.compile(r"api key", re.IGNORECASE), "LLAMA_CLOUD_API_KEY"),
)
"""Pattern of a place or text of LlamaCloud's error -> the variable that it is about; the first match counts."""
SURE = (
    (re.compile(r"parse[_ ]config(uration|_id)", re.IGNORECASE), "parse_config_id"),
    (re.compile(r"webhook configuration whc-|webhook_configuration_ids", re.IGNORECASE), "webhook_configuration_ids"),
)
"""Pattern of a text -> the key in a section of mailroom.yaml that it is about, though it may mention pages, too."""
FILE_OF_RULES = re.compile(r"configuration|\brules?\b|categor|\bpreset\b|strategy", re.IGNORECASE)
RENAMED = {
    "splitting_strategy": "",
    "parsing_configuration": "parsing",
    "allow_uncategorized": "uncategorized",
}
"""Parts of LlamaCloud's configuration -> their name in mailroom.yaml, if that is another one or none."""


def blamed(path: str, places: Sequence[str], text: str, detail: str) -> MailroomError:
    """The error for a 400, 404 or 422 from this path, with ``places`` of a validation error, or any other ``text``."""
    section = "split" if "/split" in path else "classify"
    found = [_setting(place, section) for place in places] or [_setting(text, section)]
    setting = next((item for item in found if item), "")
    if sure := next((key for pattern, key in SURE for item in (*places, text) if pattern.search(item)), ""):
        return _ours(f"{section}.{sure}", detail)
    named = all(FILE_PLACES & set(place.split(".")) for place in places) if places else bool(FILE_WORDS.search(text))
    if setting and not named:
        return _ours(setting, detail)
    if named and not setting:
        return DocumentRefused(f"LlamaCloud rejects the document {detail}")
    return CloudRefused(f"LlamaCloud rejects this, possibly because of the document {detail}")


def _ours(place: str, detail: str) -> SettingsRefused:
    of_file = "" if place.isupper() else " in mailroom.yaml"
    return SettingsRefused(
        f"LlamaCloud rejects the value of {place}{of_file} {detail}",
        place=place,
        fix=f"correct {place}{of_file}{' (mailroom routes check)' if of_file else ''}, and restart Mailroom",
    )


def _setting(named: str, section: str) -> str:
    """The variable, or the place in mailroom.yaml, that this place or text is about; "" if unknown."""
    variable = next((name for pattern, name in SETTINGS if pattern.search(named)), "")
    if variable:
        return variable
    return _place(named, section) if FILE_OF_RULES.search(named) else ""


def _place(named: str, section: str) -> str:
    """The place in mailroom.yaml: ``classify.rules[1].description`` for ``body.configuration.rules.1.description``."""
    _, found, rest = named.partition("configuration")
    if not found or not rest.startswith("."):
        return f"{section}.configuration_id" if rest.startswith("_id") or "not found" in rest else section
    parts = [RENAMED.get(part, part) for part in rest.split(".") if part]
    return section + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts if part)
