from django.core.management.base import BaseCommand

from loyalty_site.catalogues import catalogue_paths, compile_catalogue


class Command(BaseCommand):
    help = "Compiles the message catalogues that changed, without the gettext tools."

    def handle(self, **options) -> None:
        for po in catalogue_paths():
            if compile_catalogue(po):
                self.stdout.write(f"Compiled {po}")
