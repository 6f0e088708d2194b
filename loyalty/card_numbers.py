"""Numbers of members' cards. Pure: what is random is passed in.

Digits only, so that a keypad can type them. One of 13 digits is an EAN-13, which the oldest till reads;
longer ones end with a Luhn digit and are drawn as Code 128, which packs two digits into a bar.
"""

from collections.abc import Callable

EAN_DIGITS = 13
SHORTEST, LONGEST = 12, 19


def new_number(prefix: str, digits: int, *, below: Callable[[int], int]) -> str:
    """Return a number of so many digits that begins with `prefix`; `below(n)` is a random number under n.

    Raises ValueError where too few digits are left for numbers nobody guesses.
    """
    free = digits - len(prefix) - 1
    if not SHORTEST <= digits <= LONGEST or free < 9 or not (prefix + "0").isdigit():
        raise ValueError("A card's number has 12 to 19 digits, nine of them free.")
    body = prefix + str(below(10**free)).zfill(free)
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """Return the digit that follows: of an EAN-13 after twelve digits, else by Luhn (ISO/IEC 7812-1)."""
    if len(body) == EAN_DIGITS - 1:
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
        return str(-total % 10)
    doubled = [int(digit) * 2 if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(body))]
    return str(-sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10)


def is_number(text: str) -> bool:
    """Return whether these are digits whose last one is right: nobody mistyped one, or swapped two."""
    return (
        text.isascii()
        and text.isdigit()
        and SHORTEST <= len(text) <= LONGEST
        and check_digit(text[:-1]) == text[-1]
    )


def written(number: str) -> str:
    """Return a number as people read it aloud: in fours from the left; what is no number stays as it is."""
    if not number.isdigit() or len(number) < 8:
        return number
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))
