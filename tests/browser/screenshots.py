"""Pictures of a running console: `python -m tests.browser.screenshots http://127.0.0.1:8000 FOLDER`.

Logs in as each demo user, opens every entry of the menu and the first row of each list.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.visitor import Visitor, open_browser, visit

LINKS = "(links) => links.map((link) => link.getAttribute('href'))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--password", default="fidelio-demo")
    parser.add_argument("--users", default="marketer,agent,supervisor,analyst,administrator")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--phone", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        for user in options.users.split(","):
            look = "".join(f"-{kind}" for kind in ("dark", "phone") if getattr(options, kind))
            with visit(
                browser,
                options.address.rstrip("/"),
                label=f"{user}{look}",
                dark=options.dark,
                phone=options.phone,
                screenshots=options.folder,
            ) as visitor:
                take_pictures(visitor, user, options.password)
                print(*visitor.problems, sep="\n")


def take_pictures(visitor: Visitor, user: str, password: str) -> None:
    page = visitor.page
    page.goto(visitor.base_url + "/console/")
    page.fill("#id_login", user)
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_selector("#nav-sidebar")
    for path in links(page, "#nav-sidebar-apps a"):
        visitor.open(path)
        for row in links(page, "#result_list tbody th a, #result_list tbody td a")[:1]:
            visitor.open(row)


def links(page: Page, selector: str) -> list[str]:
    return list(dict.fromkeys(page.eval_on_selector_all(selector, LINKS)))


if __name__ == "__main__":
    main()
