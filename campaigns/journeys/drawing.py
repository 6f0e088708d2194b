"""Where the parts of a journey stand when it is drawn: steps in a column, ways that skip beside it."""

from dataclasses import dataclass

from campaigns.journeys.flow import Journey
from campaigns.journeys.steps import END, Step

LEFT, WIDTH, HEIGHT, GAP = 30, 300, 56, 44
MARGIN, LANE = 16, 26


@dataclass(frozen=True)
class Box:
    """A step as a box; `y` is its upper edge. The END has no step."""

    step: Step | None
    x: int
    y: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True)
class Line:
    """A way as the path of an SVG, and where its name and count are written."""

    source: str
    name: str
    path: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int


def draw_journey(journey: Journey) -> Drawing:
    """Return the drawing of a journey, in the units of its SVG."""
    names = [step.id for step in journey.steps] + [END]
    tops = {name: MARGIN + place * (HEIGHT + GAP) for place, name in enumerate(names)}
    boxes = [Box(step, LEFT, tops[step.id]) for step in journey.steps]
    boxes.append(Box(None, LEFT + WIDTH // 4, tops[END], WIDTH // 2, HEIGHT - 20))
    lines, lanes = [], 0
    for way in journey.ways:
        start, end = tops[way.source] + HEIGHT, tops[way.target]
        if end - start == GAP:
            middle = LEFT + WIDTH // 2
            lines.append(Line(way.source, way.name, f"M{middle} {start}V{end - 3}", middle + 8, start + 26))
            continue
        lanes += 1
        edge, side = LEFT + WIDTH, LEFT + WIDTH + lanes * LANE
        leaves, arrives = start - 16, end + 16
        reach = edge if way.target != END else LEFT + WIDTH * 3 // 4
        path = f"M{edge} {leaves}H{side}V{arrives}H{reach + 3}"
        lines.append(Line(way.source, way.name, path, edge + 6, leaves - 5))
    return Drawing(boxes, lines, LEFT + WIDTH + (lanes + 1) * LANE + 90, tops[END] + HEIGHT)
