"""Amounts in cents, written the way each country writes them."""

from decimal import ROUND_HALF_UP, Decimal

STYLES = {
    "us": ("${}", ",", "."),
    "gb": ("£{}", ",", "."),
    "de": ("{} €", ".", ","),
    "fr": ("{} €", "\u00a0", ","),
    "es": ("{} €", ".", ","),
    "bare": ("{}", ",", "."),
}


def money(cents: int, style: str = "us") -> str:
    """`123456` as `$1,234.56`, `1.234,56 €`, ... ; negative amounts carry a minus sign in front."""
    frame, thousands, point = STYLES[style]
    whole, rest = divmod(abs(cents), 100)
    digits = f"{whole:,}".replace(",", thousands) + f"{point}{rest:02d}"
    return ("-" if cents < 0 else "") + frame.format(digits)


def percent(cents: int, rate: str) -> int:
    """`rate` percent of an amount, rounded half up to the cent as tax offices do."""
    return int((Decimal(cents) * Decimal(rate) / 100).quantize(Decimal(1), ROUND_HALF_UP))
