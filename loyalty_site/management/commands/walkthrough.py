import time
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty_site.walkthrough.client import Client, Mismatch
from loyalty_site.walkthrough.mailbox import Mailbox
from loyalty_site.walkthrough.site import free_port, scratch_site
from loyalty_site.walkthrough.steps import STEPS
from loyalty_site.walkthrough.walk import Walkthrough


class Command(BaseCommand):
    help = (
        "Perform the whole loop over HTTP and SMTP on a fresh site of its own and check every number. "
        "With --base-url and --key it works on another fresh site, whose EMAIL_URL must be this machine's "
        "--smtp-port and which has the staff that --agent and --supervisor name."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", help="Of a running, empty site.")
        parser.add_argument("--key", help="An API key with the scope `all`.")
        parser.add_argument("--smtp-port", type=int, help="Where that site sends its mail.")
        parser.add_argument("--agent", default="agent")
        parser.add_argument("--supervisor", default="supervisor")
        parser.add_argument("--template", default="", help="A migrated database to copy, to save time.")

    def handle(self, *args: Any, **options: Any) -> None:
        given = [options["base_url"], options["key"], options["smtp_port"]]
        if any(given) and not all(given):
            raise CommandError("Give --base-url, --key and --smtp-port, or none of them.")
        mailbox = Mailbox(options["smtp_port"] or free_port())
        with ExitStack() as stack:
            mailbox.open()
            stack.callback(mailbox.close)
            if options["base_url"]:
                api = Client(options["base_url"].rstrip("/"), options["key"])
            else:
                api = stack.enter_context(scratch_site(mailbox.port, template=options["template"]))
            self._walk(Walkthrough(api, mailbox, options["agent"], options["supervisor"]))

    def _walk(self, walk: Walkthrough) -> None:
        began_at = time.monotonic()
        for number, (title, step) in enumerate(STEPS, start=1):
            try:
                told = step(walk)
            except Mismatch as error:
                raise CommandError(f"Step {number}, {title}: {error}") from error
            self.stdout.write(f"{number:>2}  {title:<12} {told}")
            self.stdout.flush()
        seconds = time.monotonic() - began_at
        self.stdout.write(f"\nAll {len(STEPS)} steps did what was known beforehand, in {seconds:.0f} s.")
