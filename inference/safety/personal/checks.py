"""Which digits can be a number of a person: checksums, provinces, issuers, country codes. Pure;
everything here is given ASCII digits alone."""

from __future__ import annotations

import re
from calendar import monthrange

# GB/T 2260, the first two digits; 91: residents of abroad, 81 to 83: Hong Kong, Macao, Taiwan.
_PROVINCES = frozenset(
    map(
        str,
        [
            *(*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)),
            *(*range(61, 66), 71, 81, 82, 83, 91),
        ],
    )
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # ISO 7064, MOD 11-2
_CHECKS = "10X98765432"
_YEARS = range(1900, 2100)

# Sixteen digits: every large issuer. Longer ones are UnionPay's and those of older Chinese cards.
_ISSUERS_16 = re.compile(
    r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|35(?:2[89]|[3-8])|6011|64[4-9]|65|62|60|81|9[48]"
)
_ISSUERS_LONGER = re.compile(r"62|81|60(?:13|14)|43(?:67|6[67])|4563|4055|9558|9559|1030|6907|9400")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_COUNTRIES_2 = frozenset(
    map(
        str,
        [
            *(20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59)),
            *(*range(60, 67), 81, 82, 84, 86, *range(90, 96), 98),
        ],
    )
)
# How many digits follow; elsewhere six to twelve.
_NATIONAL = {
    "1": (10, 10),
    "7": (10, 10),
    "44": (9, 11),
    "61": (9, 9),
    "65": (8, 8),
    "81": (9, 10),
    "82": (8, 10),
    "86": (10, 11),
    "852": (8, 8),
    "853": (8, 8),
    "886": (8, 9),
}


def is_identity_card(number: str) -> bool:
    """Eighteen: seventeen digits and a check, which may be an X. Its first digit is 9 before the
    province on the cards of foreigners who live in the country."""
    region = number[1:3] if number[0] == "9" and number[:2] not in _PROVINCES else number[:2]
    return (
        region in _PROVINCES
        and _is_date(number[6:10], number[10:12], number[12:14])
        and _CHECKS[sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False)) % 11]
        == number[17].upper()
    )


def is_old_identity_card(number: str) -> bool:
    """Fifteen digits, as they were given out until 1999; there is no check in them."""
    return number[:2] in _PROVINCES and _is_date("19" + number[6:8], number[8:10], number[10:12])


def is_bank_card(number: str) -> bool:
    """Sixteen to nineteen digits."""
    issuers = _ISSUERS_16 if len(number) == 16 else _ISSUERS_LONGER
    return issuers.match(number) is not None and _luhn(number)


def is_mobile(number: str) -> bool:
    """Eleven digits without a country."""
    return number[0] == "1" and number[1] in "3456789"


def country_of(number: str) -> str:
    """The country code that `number`, which came after a +, begins with; empty: none."""
    if number[0] in "17":
        return number[0]
    if number[:2] in _COUNTRIES_2:
        return number[:2]
    return number[:3] if number[0] != "0" and len(number) > 2 else ""


def can_follow(country: str, digits: int) -> bool:
    """Has a number in that country so many digits?"""
    fewest, most = _NATIONAL.get(country, (6, 12))
    return fewest <= digits <= most


def is_day(number: str) -> bool:
    """What is rather a date: 20260501."""
    return len(number) == 8 and number.isdigit() and _is_date(number[:4], number[4:6], number[6:])


def _is_date(year: str, month: str, day: str) -> bool:
    return (
        int(year) in _YEARS
        and 1 <= int(month) <= 12
        and 1 <= int(day) <= monthrange(int(year), int(month))[1]
    )


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(_DOUBLED[digit] for digit in digits[1::2])) % 10 == 0
