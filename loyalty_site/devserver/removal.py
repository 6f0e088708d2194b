"""Remove the data folder of `make run`: `python -m loyalty_site.devserver.removal`."""

from __future__ import annotations

import shutil
import sys

from .folder import DataFolder
from .processes import StartFailed


def main() -> int:
    folder = DataFolder()
    if not folder.path.exists():
        print(f"There is no data folder {folder.path}.")
        return 0
    if not (folder.path / "lock").exists():
        print(
            f"{folder.path} does not look like a data folder of Fidelio; nothing was removed.",
            file=sys.stderr,
        )
        return 1
    try:
        folder.claim()
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    shutil.rmtree(folder.path)
    folder.release()
    print(f"Removed {folder.path}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
