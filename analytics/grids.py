"""Segment maps whose segments are cells of a grid: recency by frequency, and recency by both others together.

A cell is two digits such as 54. Every map comes down to a partition of the 125 codes (`analytics.rules`).
"""

from itertools import product

from analytics.rules import CODES, ELEVEN, SCORES, RfmSegment, SegmentMap

# By the sum of a cell's two digits, 2 to 10.
COLOURS = ("#64748b", "#475569", "#b91c1c", "#c2410c", "#b45309", "#a16207", "#2563eb", "#0d9488", "#0f766e")
CELLS = tuple("".join(digits) for digits in product("12345", repeat=2))


def frequency_and_money(f: int, m: int) -> int:
    """Return the mean of F and M, halves rounded up."""
    return (f + m + 1) // 2


def codes_of_grid(cell: str) -> frozenset[str]:
    """Return the codes of a cell of R and F: 54 holds 541 to 545."""
    return frozenset(code for code in CODES if code[:2] == cell)


def codes_of_r_fm(cell: str) -> frozenset[str]:
    """Return the codes of a cell of R and the mean of F and M."""
    return frozenset(
        code for code in CODES if code[0] + str(frequency_and_money(int(code[1]), int(code[2]))) == cell
    )


def _advice(first: int, second: int):
    like = {
        (True, True): "champions",
        (True, False): "new",
        (False, True): "at-risk",
        (False, False): "hibernating",
    }
    if 3 in (first, second):
        return ELEVEN.by_code("need-attention").advice
    return ELEVEN.by_code(like[first > 3, second > 3]).advice


def _grid(letter: str, codes_of) -> SegmentMap:
    segments = []
    for first, second in product(range(SCORES, 0, -1), repeat=2):
        name = f"R{first} {letter}{second}"
        code = f"r{first}{letter.lower()}{second}"
        segments.append(
            RfmSegment(
                code,
                name,
                name,
                COLOURS[first + second - 2],
                _advice(first, second),
                codes_of(f"{first}{second}"),
            )
        )
    return SegmentMap(tuple(segments))


GRID = _grid("F", codes_of_grid)
R_FM = _grid("FM", codes_of_r_fm)
BUILT_IN: dict[str, SegmentMap] = {"ELEVEN": ELEVEN, "GRID": GRID, "R_FM": R_FM}
CODES_OF = {
    "CODES": lambda code: frozenset([code]),
    "GRID": codes_of_grid,
    "R_FM": codes_of_r_fm,
}
