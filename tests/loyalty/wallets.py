"""Certificates and accounts to test wallets with: an authority like Apple's, a certificate of a pass type."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
PASS_TYPE, TEAM, ISSUER = "pass.example.fidelio", "TEAM123456", "3388000000000000001"


def make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certify(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    authority: bool = False,
    host: str = "",
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + timedelta(days=730))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@cache
def apple() -> dict[str, str]:
    """Return settings of an Apple Wallet that works until the end of 2027."""
    root, own = make_key(), make_key()
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test WWDR")])
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.USER_ID, PASS_TYPE),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, TEAM),
        ]
    )
    above = certify(authority, root, authority, root, authority=True)
    certificate = certify(subject, own, authority, root)
    return {
        "WALLET_APPLE_CERTIFICATE": certificate.public_bytes(Encoding.PEM).decode() + pem_of(own),
        "WALLET_APPLE_AUTHORITY": above.public_bytes(Encoding.PEM).decode(),
    }


@cache
def google() -> dict[str, str]:
    """Return settings of a Google Wallet; its tokens come from where `token_uri` says."""
    told = {
        "client_email": "cards@example.iam.gserviceaccount.com",
        "private_key": pem_of(make_key()),
        "token_uri": "http://127.0.0.1:9/token",
    }
    return {"WALLET_GOOGLE_ISSUER": ISSUER, "WALLET_GOOGLE_CREDENTIALS": json.dumps(told)}


def public_key_of(credentials: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_private_key(json.loads(credentials)["private_key"].encode(), None)
    return key.public_key()
