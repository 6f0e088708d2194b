"""Where a setting comes from: the process's environment, else the running supervisor, else a default.

`make run` starts embedded services and writes their addresses to `services.json` in the data folder, so that
`manage.py` in another shell reaches them by itself. The file counts only while its supervisor is alive.
"""

import json
import os
from functools import cache
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("FIDELIO_DATA") or BASE_DIR / ".data")
# Matrices here are small, and processes many: threads of a linear algebra library that wait for each other by
# spinning make a fit of 7 ms take 130 ms of two cores. It is read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@cache
def running_services() -> dict[str, str]:
    """Return what the live supervisor of this data folder has published, or an empty dict."""
    try:
        services = json.loads((DATA_DIR / "services.json").read_text())
        os.kill(int(services["SUPERVISOR_PID"]), 0)
    except PermissionError:
        return services
    except (OSError, ValueError, KeyError):
        return {}
    return services


def read(name: str, default: str = "") -> str:
    """Return the variable from the environment, else from the running supervisor, else `default`."""
    return os.environ.get(name) or str(running_services().get(name) or default)


def read_flag(name: str, default: bool = False) -> bool:
    """Return whether the variable is one of 1, true, yes, on; `default` when it is absent."""
    value = read(name)
    return value.strip().lower() in {"1", "true", "yes", "on"} if value else default
