"""What allauth asks the project: who may log in, and how the secrets of second factors are kept."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are made by an administrator; axes counts the failed logins, so allauth does not."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave the counting to axes, which locks by user name and address."""

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing was counted here."""

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Turn away accounts that are not staff with the words of a wrong password."""
        if not user.is_staff:
            messages.error(request, self.error_messages["username_password_mismatch"])
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
        return super().pre_login(request, user, **kwargs)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say what was done to a second factor, but not that somebody logged in or out."""
        template = kwargs.get("message_template") or (args[0] if args else "")
        if template not in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            super().add_message(request, level, *args, **kwargs)


class StaffMFAAdapter(DefaultMFAAdapter):
    """Secrets are encrypted with keys made from SECRET_KEY; the fallbacks still decrypt after a rotation."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return settings.PROGRAMME_NAME

    def _get_site_name(self) -> str:
        return settings.PROGRAMME_NAME

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:
        return _("Passkey")


def _cipher() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"fidelio second factor:" + secret.encode()).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
