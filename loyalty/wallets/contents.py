"""What a pass says, whatever the wallet."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date


@dataclass(frozen=True)
class CardContent:
    """One person's card at one instant, in their language; colours are #rrggbb.

    `back` holds pairs of a label and a text. `page_url` opens the member's page; it changes from day to day,
    which is no news, and so do pictures.
    """

    serial: str
    number: str
    written: str
    holder: str
    points: int
    pending: int = 0
    tier: str = ""
    expiring_points: int = 0
    expires_on: date | None = None
    language: str = "en"
    title: str = ""
    background: str = "#0f766e"
    foreground: str = "#ffffff"
    website: str = ""
    terms: str = ""
    page_url: str = ""
    logo: bytes = b""
    voided: bool = False

    @property
    def digest(self) -> str:
        """Return what differs exactly when the pass would say something else."""
        told = asdict(self) | {"page_url": "", "logo": hashlib.sha256(self.logo).hexdigest()}
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the parts of a colour written as #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
