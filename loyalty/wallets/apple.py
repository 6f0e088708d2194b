"""Passes for Apple Wallet: a zip of a description, pictures, their digests, and the merchant's signature.

Apple's format: pass.json, manifest.json (SHA-1 of each file), signature (detached PKCS #7 of the manifest by
the certificate of the pass type, with Apple's intermediate certificate in it).
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from loyalty.wallets.contents import CardContent, rgb
from loyalty.wallets.pictures import ICON, icon_png, logo_png
from operations.formats import day, number

CONTENT_TYPE = "application/vnd.apple.pkpass"
FORMAT = 1
OPENED = datetime(1980, 1, 1).timetuple()[:6]  # Of every file in the zip: the same pass is the same bytes.


class NotUsable(Exception):
    """Why passes cannot be signed, in a sentence for whoever set the certificate."""


@dataclass(frozen=True)
class Identity:
    """With what passes are signed: the certificate of the pass type, its key, and Apple's certificate."""

    pass_type: str
    team: str
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    authority: x509.Certificate
    pem: bytes

    @property
    def ends_at(self) -> datetime:
        return self.certificate.not_valid_after_utc


def is_set() -> bool:
    """Return whether somebody set up Apple Wallet at all."""
    return bool(settings.WALLET_APPLE_CERTIFICATE)


def identity(*, at: datetime) -> Identity:
    """Return with what passes are signed, from the settings. Raises NotUsable."""
    found = _read(
        settings.WALLET_APPLE_CERTIFICATE,
        settings.WALLET_APPLE_AUTHORITY,
        settings.WALLET_APPLE_PASSWORD,
    )
    if not found.certificate.not_valid_before_utc <= at < found.ends_at:
        raise NotUsable(_("The certificate ended on %(day)s.") % {"day": day(found.ends_at)})
    return found


@lru_cache(maxsize=4)
def _read(certificate: str, authority: str, password: str) -> Identity:
    try:
        pem = _told(certificate)
        own = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, password.encode() or None)
        apple = x509.load_pem_x509_certificate(_told(authority))
    except (OSError, ValueError, TypeError) as error:
        raise NotUsable(_("The certificate, its key or Apple's certificate cannot be read.")) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != own.public_key():
        raise NotUsable(_("The key does not belong to the certificate."))
    try:
        own.verify_directly_issued_by(apple)
    except (ValueError, TypeError) as error:
        raise NotUsable(_("The certificate was not issued by Apple's certificate that is set.")) from error
    except Exception as error:  # cryptography's InvalidSignature says nothing.
        raise NotUsable(_("The certificate was not issued by Apple's certificate that is set.")) from error
    pass_type, team = _named(own, NameOID.USER_ID), _named(own, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if not pass_type.startswith("pass.") or not team:
        raise NotUsable(_("This certificate is not one for passes: it names no pass type or team."))
    return Identity(pass_type, team, own, key, apple, pem)


def _told(setting: str) -> bytes:
    """Return a setting that is PEM text, or the path of a file with it."""
    return setting.encode() if "-----BEGIN" in setting else Path(setting).read_bytes()


def _named(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def build_pass(content: CardContent, signer: Identity, *, auth_token: str, service_url: str) -> bytes:
    """Return the pass as a file; `service_url` is where the telephone asks for news, empty for nowhere."""
    with translation.override(content.language):
        described = describe(content, signer, auth_token=auth_token, service_url=service_url)
    files = {"pass.json": json.dumps(described, ensure_ascii=False, sort_keys=True).encode()}
    for scale, suffix in ((1, ""), (2, "@2x"), (3, "@3x")):
        files[f"icon{suffix}.png"] = icon_png(
            content.title, content.background, content.foreground, side=ICON * scale
        )
        if content.logo:
            files[f"logo{suffix}.png"] = logo_png(content.logo, scale)
    manifest = {name: hashlib.sha1(data, usedforsecurity=False).hexdigest() for name, data in files.items()}
    files["manifest.json"] = json.dumps(manifest, sort_keys=True).encode()
    files["signature"] = sign(files["manifest.json"], signer)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, OPENED), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def sign(manifest: bytes, signer: Identity) -> bytes:
    """Return the detached signature of a manifest, with both certificates and the time."""
    builder = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(manifest)
        .add_signer(signer.certificate, signer.key, hashes.SHA256())
        .add_certificate(signer.authority)
    )
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])


def describe(content: CardContent, signer: Identity, *, auth_token: str, service_url: str) -> dict[str, Any]:
    """Return pass.json of a store card, in the active language."""
    told: dict[str, Any] = {
        "formatVersion": FORMAT,
        "passTypeIdentifier": signer.pass_type,
        "teamIdentifier": signer.team,
        "serialNumber": content.serial,
        "organizationName": content.title,
        "description": _("Card of %(programme)s") % {"programme": content.title},
        "logoText": "" if content.logo else content.title,
        "backgroundColor": _colour(content.background),
        "foregroundColor": _colour(content.foreground),
        "labelColor": _colour(content.foreground),
        "sharingProhibited": True,
        "storeCard": _fields(content),
    }
    if content.voided:
        told["voided"] = True
    else:
        told["barcodes"] = [
            {
                "format": kind,
                "message": content.number,
                "messageEncoding": "iso-8859-1",
                "altText": content.written,
            }
            for kind in ("PKBarcodeFormatCode128", "PKBarcodeFormatQR")
        ]
    if service_url:
        told |= {"webServiceURL": service_url, "authenticationToken": auth_token}
    return told


def _fields(content: CardContent) -> dict[str, list[dict[str, Any]]]:
    if content.voided:
        return {"backFields": _back(content)}
    fields: dict[str, list[dict[str, Any]]] = {
        "headerFields": [
            _field("points", _("Points"), number(content.points), news=_("You have %@ points now."))
        ],
        "primaryFields": [],
        "secondaryFields": [_field("holder", _("Member"), content.holder)],
        "auxiliaryFields": [],
        "backFields": [_field("number", _("Card number"), content.written), *_back(content)],
    }
    if content.tier:
        fields["secondaryFields"].append(_field("tier", _("Tier"), content.tier, news=_("You are %@ now.")))
    if content.pending:
        fields["auxiliaryFields"].append(_field("pending", _("On their way"), number(content.pending)))
    if content.expires_on:
        until = _("Good until %(day)s") % {"day": day(content.expires_on)}
        fields["auxiliaryFields"].append(_field("expiring", until, number(content.expiring_points)))
    return {name: values for name, values in fields.items() if values}


def _back(content: CardContent) -> list[dict[str, str]]:
    back = (("page", _("Your page"), content.page_url), ("website", _("Website"), content.website),
            ("terms", _("Terms"), content.terms))  # fmt: skip
    return [_field(key, label, value) for key, label, value in back if value]


def _field(key: str, label: str, value: str, *, news: str = "") -> dict[str, str]:
    return {"key": key, "label": label, "value": value} | ({"changeMessage": news} if news else {})


def _colour(colour: str) -> str:
    return "rgb({}, {}, {})".format(*rgb(colour))
