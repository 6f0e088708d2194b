"""How a migration between segments is drawn: bands from the segments then to the segments now. No database.

Lengths are units of the drawing, whose width is `WIDTH`; a page scales it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 960
NODE_WIDTH = 10
LEFT, RIGHT = 190, WIDTH - 190 - NODE_WIDTH
BANDS_HEIGHT = 420
# However few people: enough for the name beside it.
SLOT, GAP = 16, 5


@dataclass(frozen=True)
class Place:
    """A segment, or being outside of all of them: what it is called and how it is coloured."""

    code: str
    label: str
    colour: str


@dataclass(frozen=True)
class Node:
    """A segment on one side of the drawing, as tall as its customers are many."""

    place: Place
    customers: int
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Band:
    """The customers who went from one segment to another, or stayed; `path` is the outline in SVG."""

    source: Place
    target: Place
    customers: int
    share: float
    path: str

    @property
    def stayed(self) -> bool:
        return self.source.code == self.target.code


@dataclass(frozen=True)
class Drawing:
    """A whole drawing: nodes of then at the left, of now at the right, and the bands between."""

    before: Sequence[Node]
    after: Sequence[Node]
    bands: Sequence[Band]
    height: float


def draw_flows(places: Sequence[Place], customers: Mapping[tuple[str, str], int]) -> Drawing | None:
    """Return the drawing of how many went from which place to which, or None where nobody is.

    Places stand in their order; those that nobody was in and nobody is in are left out.
    """
    total = sum(customers.values())
    if not total:
        return None
    scale = BANDS_HEIGHT / total
    before = _column(places, _sums(customers, 0), LEFT, scale)
    after = _column(places, _sums(customers, 1), RIGHT, scale)
    return Drawing(before, after, _bands(before, after, customers, scale, total), _height(before, after))


def _sums(customers: Mapping[tuple[str, str], int], side: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for pair, count in customers.items():
        sums[pair[side]] = sums.get(pair[side], 0) + count
    return sums


def _column(places: Sequence[Place], sums: Mapping[str, int], x: float, scale: float) -> list[Node]:
    nodes, top = [], 0.0
    for place in places:
        if count := sums.get(place.code, 0):
            height = count * scale
            slot = max(height, SLOT)
            nodes.append(Node(place, count, x, top + (slot - height) / 2, height))
            top += slot + GAP
    return nodes


def _height(*columns: Sequence[Node]) -> float:
    lowest = max(node.middle + max(node.height, SLOT) / 2 for nodes in columns for node in nodes)
    return round(lowest + 1, 1)


def _bands(
    before: Sequence[Node],
    after: Sequence[Node],
    customers: Mapping[tuple[str, str], int],
    scale: float,
    total: int,
) -> list[Band]:
    bands = []
    filled = {node.place.code: node.y for node in after}
    for source in before:
        top = source.y
        for target in after:
            count = customers.get((source.place.code, target.place.code), 0)
            if not count:
                continue
            thick = count * scale
            path = _path(top, filled[target.place.code], thick)
            bands.append(Band(source.place, target.place, count, count / total, path))
            top += thick
            filled[target.place.code] += thick
    return bands


def _path(start: float, end: float, thick: float) -> str:
    """Return a band from the left nodes to the right ones, beginning at the height `start`."""
    from_x, to_x = LEFT + NODE_WIDTH, RIGHT
    half = (from_x + to_x) / 2
    return (
        f"M{from_x} {start:.1f}C{half} {start:.1f} {half} {end:.1f} {to_x} {end:.1f}V{end + thick:.1f}"
        f"C{half} {end + thick:.1f} {half} {start + thick:.1f} {from_x} {start + thick:.1f}Z"
    )
