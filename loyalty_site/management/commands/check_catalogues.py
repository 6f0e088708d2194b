from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty_site.catalogues import (
    add_missing_messages,
    catalogue_paths,
    check_catalogue,
    extract_messages,
    own_sources,
)


class Command(BaseCommand):
    help = (
        "Names the messages that a catalogue lacks, has marked fuzzy or translates with wrong placeholders."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--add", action="store_true", help="add the missing messages to the catalogues, to be translated"
        )

    def handle(self, *, add: bool, **options) -> None:
        faults = messages_checked = 0
        for po in catalogue_paths():
            extracted = extract_messages(own_sources(), language=po.parent.parent.name)
            messages_checked += len(extracted)
            if add:
                self.stdout.write(f"{po}: added {add_missing_messages(po, extracted)} messages")
            report = check_catalogue(po, extracted)
            for kind in ("missing", "fuzzy", "broken"):
                messages = getattr(report, kind)
                faults += len(messages)
                for message in messages:
                    self.stdout.write(f"{kind}: {message}")
        if not catalogue_paths():
            raise CommandError("There is no catalogue in LOCALE_PATHS.")
        if faults:
            raise CommandError(f"{faults} faults in the catalogues.")
        self.stdout.write(f"The catalogues are complete: {messages_checked} messages.")
