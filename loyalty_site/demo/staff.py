"""One login per role for a demo, with a password that follows from the secret key: nothing to store."""

import base64
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.utils.crypto import salted_hmac

from loyalty_site.roles import Role, ensure_roles
from operations.errors import Refusal
from operations.models import User

DEMO = "demo"
USERNAMES = {
    "admin": Role.ADMINISTRATOR,
    "marketer": Role.MARKETER,
    "agent": Role.AGENT,
    "supervisor": Role.SUPERVISOR,
    "analyst": Role.ANALYST,
}


class NotADemo(Refusal):
    key = "not_a_demo"
    message = "This is no demo: ENVIRONMENT is not 'demo'. Nothing was changed."


@dataclass(frozen=True)
class Login:
    """What a newcomer types; `password` is empty where it was changed since."""

    username: str
    role: Role
    password: str


def refuse_outside_demo() -> None:
    """Raises NotADemo."""
    if settings.ENVIRONMENT != DEMO:
        raise NotADemo


def demo_password() -> str:
    """Return the password of all demo logins of this installation."""
    digest = salted_hmac("fidelio.demo", "logins", algorithm="sha256").digest()
    return f"demo-{base64.b32encode(digest).decode().lower()[:8]}"


@transaction.atomic
def create_logins() -> list[User]:
    """Make the roles and a member of staff for each; who exists already stays as they are."""
    ensure_roles()
    return [_create_login(username, role) for username, role in USERNAMES.items()]


def demo_logins() -> list[Login]:
    """Return who can log in to this demo; nobody outside a demo."""
    if settings.ENVIRONMENT != DEMO:
        return []
    staff = {user.username: user for user in User.objects.filter(username__in=USERNAMES, is_active=True)}
    password = demo_password()
    return [
        Login(username, role, password if _still_has(staff[username], password) else "")
        for username, role in USERNAMES.items()
        if username in staff
    ]


def _still_has(user: User, password: str) -> bool:
    """Return whether this is the user's password; remembered by its hash, because checking one is slow."""
    key = salted_hmac("fidelio.demo", user.password, algorithm="sha256").hexdigest()
    known = cache.get(key)
    if known is None:
        known = user.check_password(password)
        cache.set(key, known, timeout=None)
    return known


def _create_login(username: str, role: Role) -> User:
    user, created = User.objects.get_or_create(
        username=username,
        defaults={
            "first_name": "Demo",
            "last_name": str(role.value),
            "email": f"{username}@fidelio.example",
            "is_staff": True,
            "is_superuser": role == Role.ADMINISTRATOR,
        },
    )
    if created:
        user.set_password(demo_password())
        user.save(update_fields=["password"])
        user.groups.add(Group.objects.get(name=role.value))
    return user
