"""What telephones complain about to Apple's web service, without what says whose telephone it is. Pure.

Their lines name devices, passes and addresses, and anybody may send any text: only what is on the lists here
is kept of them.
"""

import re
from collections.abc import Iterable
from typing import Any

MOST_LINES, LONGEST_LINE = 5, 1000
TASKS = {
    "get serial #s": "serials",
    "get pass": "pass",
    "unregister": "unregister",
    "register": "register",
    "requested update": "unchanged",
}
CODE = re.compile(r"response code:? ([1-5]\d\d)\b")
WORDS = ("authentication", "signature", "certificate", "invalid", "timed out", "not trusted", "unchanged")


def complaints_in(lines: Iterable[Any]) -> list[str]:
    """Return what the first lines are about: a task, the code it was answered, known words; each once."""
    found = dict.fromkeys(complaint_in(str(line)[:LONGEST_LINE]) for line in list(lines)[:MOST_LINES])
    return list(found)


def complaint_in(line: str) -> str:
    """Return what one line is about: `pass 503 signature`; `other` for what is not known."""
    said = line.lower()
    task = next((short for words, short in TASKS.items() if words in said), "other")
    code = CODE.search(said)
    return " ".join([task, *([code[1]] if code else []), *(word for word in WORDS if word in said)])
