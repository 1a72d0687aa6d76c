"""What personal data and secrets look like: finders that give each value with its place.

Numbers count only where a checksum, a numbering plan or a word before them tells what they are, so that years,
prices, house numbers, dates and versions stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

Found = tuple[str, int, int]
"""A value in a form that is the same however it is written, and where it begins and ends."""
Finder = Callable[[str], Iterator[Found]]

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT")
"""Countries whose numbers are also known without their country code, if they are grouped as is usual there."""

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+%-]{1,64}(?:@|\s?[\[(]at[\])]\s?)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@])", re.I
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}", re.I)
_DIGITS = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){12,18}(?![\w]|[.,]\d)")
_ISSUERS = re.compile(r"3[0-9]|4|5[1-5]|2[2-7]|6")
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){3,7})(?![\w:]|\.\d)"
)
_COUNTED = re.compile(r"(?:version|release|firmware|build|update|driver|section|chapter|§)[\s#:.]*\Z", re.I)
_NAMED_ID = re.compile(
    r"\b(?:ssn|social security|national insurance|nino|passport|identity card|id card|tax id|steuer-?id|ausweis|"
    r"personnummer|dni|bsn|nhs)(?:\s?(?:number|no\.?|nr\.?|nummer))?\s?(?:is|ist|:|=|#)?\s{0,2}"
    r"([A-Z]{0,3}\d[A-Z0-9 .-]{4,18}[A-Z0-9])\b",
    re.I,
)
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)(\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\w-])")
_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?"
    r"|(?:sk-|gsk_|hf_|npm_|pypi-|glpat-|xox[abeprs]-|gh[opusr]_|github_pat_|AIza)[\w-]{12,})(?![A-Za-z0-9])",
    re.DOTALL,
)
_NAMED_SECRET = re.compile(
    r"(?:password|passwort|kennwort|pwd|secret|api[ _-]?key|access[ _-]?token|bearer)[\"']?"
    r"\s?(?:[:=]|is|ist|\s)\s?[\"']?"
    r"(?=\S{0,80}\d)([^\s\"'<>\[\],;]{6,})",
    re.I,
)
_SECRET_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://"
    r"(?:[^\s/?#@]+@\S+|\S+[?&#][\w-]*(?:token|secret|passw|key|sig|auth)=[^&\s]{6,}\S*)",
    re.I,
)


def find_emails(text: str) -> Iterator[Found]:
    """Addresses as `name@host.tld`, and with (at)."""
    for match in _EMAIL.finditer(text):
        yield re.sub(r"\s?[\[(]at[\])]\s?", "@", match[0], flags=re.I).casefold(), *match.span()


def find_ibans(text: str) -> Iterator[Found]:
    """Bank account numbers with the length of their country and the right checksum (ISO 13616)."""
    from stdnum import iban  # here and below: half a second of numbering plans that most commands never need

    for match in _IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            value = text[match.start() : end]
            if value[-1].isalnum() and iban.is_valid(value):
                yield iban.compact(value), match.start(), end
                break


def find_cards(text: str) -> Iterator[Found]:
    """Payment card numbers: 13 to 19 digits of an issuer with Luhn's checksum (ISO/IEC 7812)."""
    from stdnum import luhn

    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _ISSUERS.match(digits) and luhn.is_valid(digits):
            yield digits, *match.span()


def find_identity_numbers(text: str) -> Iterator[Found]:
    """Numbers of social security, passports, tax and the like behind a word that names them, and 123-45-6789."""
    for pattern in (_NAMED_ID, _SSN):
        for match in pattern.finditer(text):
            yield re.sub(r"\W", "", match[1]).upper(), *match.span(1)


def find_secrets(text: str) -> Iterator[Found]:
    """Private keys, tokens with a known beginning, and what stands behind "password:" and the like."""
    for match in _KEY.finditer(text):
        yield match[0], *match.span()
    for match in _NAMED_SECRET.finditer(text):
        yield match[1], *match.span(1)


def find_secret_urls(text: str) -> Iterator[Found]:
    """Addresses with a password before the host, or a secret in the query."""
    for match in _SECRET_URL.finditer(text):
        yield match[0], *match.span()


def find_ips(text: str) -> Iterator[Found]:
    """IPv4 and IPv6 addresses; four numbers behind a word such as "version" are none."""
    for match in _IP.finditer(text):
        try:
            value = ip_address(match[0])
        except ValueError:
            continue
        if not _COUNTED.search(text[max(match.start() - 24, 0) : match.start()]):
            yield str(value), *match.span()


def find_phones(text: str) -> Iterator[Found]:
    """Phone numbers as the numbering plans know them (libphonenumber), in their international form."""
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

    for region, leniency in ((None, Leniency.VALID), *((region, Leniency.STRICT_GROUPING) for region in REGIONS)):
        for match in PhoneNumberMatcher(text, region, leniency):
            grouped = match.raw_string.startswith("+") or len(re.findall(r"\d+", match.raw_string)) > 1
            if grouped:
                yield format_number(match.number, PhoneNumberFormat.E164), match.start, match.end


FINDERS: tuple[tuple[str, Finder], ...] = (
    ("url", find_secret_urls),
    ("email", find_emails),
    ("iban", find_ibans),
    ("card", find_cards),
    ("id", find_identity_numbers),
    ("key", find_secrets),
    ("ip", find_ips),
    ("phone", find_phones),
)
"""In the order in which they are applied: what is surer of itself comes first."""
