from typing import Any

from django.core.management.base import BaseCommand

from loyalty_site.demo.staff import demo_logins


class Command(BaseCommand):
    help = "Print who can log in to this demo; nothing outside a demo."

    def handle(self, *args: Any, **options: Any) -> None:
        logins = demo_logins()
        if logins:
            self.stdout.write("Demo logins (one per role):")
        for login in logins:
            self.stdout.write(f"  {login.username:<12} {login.password or '(password was changed)'}")
