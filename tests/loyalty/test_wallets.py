import base64
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from structlog.testing import capture_logs

from coupons.services.ledger import credit, debit, open_account
from customers.services.erasure import erase_customer
from customers.services.merges import merge_customers
from loyalty.models import CardDesign, WalletDevice, WalletPass
from loyalty.services import wallet_news, wallets
from loyalty.services.cards import card_number
from loyalty.services.member_links import member_token, revoke_member_links
from loyalty.wallet_pages import COMPLAINTS_A_MINUTE
from loyalty.wallets import apple, google, pictures
from loyalty.wallets.apns import Told
from loyalty.wallets.contents import CardContent
from operations.safe_http import Answer
from tests.factories import NOON, CustomerFactory
from tests.loyalty import wallets as cast

CONTENT = CardContent(
    serial="5f0e",
    number="2900000000000428",
    written="2900 0000 0000 0428",
    holder="Alice Rossi",
    points=1250,
    pending=40,
    tier="Gold",
    expiring_points=300,
    expires_on=date(2026, 12, 31),
    language="it",
    title="Fidelio",
    page_url="https://shop.example/m/x/",
)


@pytest.fixture
def apple_wallet(settings):
    for name, value in cast.apple().items():
        setattr(settings, name, value)
    return apple.identity(at=NOON)


@pytest.fixture
def google_wallet(settings):
    for name, value in cast.google().items():
        setattr(settings, name, value)
    return google.account()


def unpacked(file: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_pass_says_what_the_card_says_in_the_member_s_language(apple_wallet):
    files = unpacked(
        apple.build_pass(CONTENT, apple_wallet, auth_token="t" * 64, service_url="https://x/wallet/")
    )

    told = json.loads(files["pass.json"])
    assert (told["passTypeIdentifier"], told["teamIdentifier"]) == (cast.PASS_TYPE, cast.TEAM)
    assert told["serialNumber"] == "5f0e" and told["backgroundColor"] == "rgb(15, 118, 110)"
    assert told["barcodes"][0]["message"] == "2900000000000428"
    assert told["storeCard"]["headerFields"][0]["value"] == "1.250"
    assert [field["value"] for field in told["storeCard"]["secondaryFields"]] == ["Alice Rossi", "Gold"]
    assert (told["webServiceURL"], told["authenticationToken"]) == ("https://x/wallet/", "t" * 64)
    assert Image.open(io.BytesIO(files["icon@2x.png"])).size == (58, 58)


def test_every_file_of_a_pass_stands_in_its_manifest_with_its_digest(apple_wallet):
    files = unpacked(apple.build_pass(CONTENT, apple_wallet, auth_token="", service_url=""))

    manifest = json.loads(files["manifest.json"])
    assert set(manifest) == set(files) - {"manifest.json", "signature"}
    assert all(hashlib.sha1(files[name]).hexdigest() == digest for name, digest in manifest.items())
    assert "webServiceURL" not in json.loads(files["pass.json"])


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_the_signature_of_a_pass_is_one_that_openssl_accepts(apple_wallet, settings, tmp_path):
    files = unpacked(apple.build_pass(CONTENT, apple_wallet, auth_token="", service_url=""))
    for name in ("manifest.json", "signature"):
        (tmp_path / name).write_bytes(files[name])
    (tmp_path / "ca.pem").write_text(settings.WALLET_APPLE_AUTHORITY)

    def verified() -> int:
        command = (
            "openssl smime -verify -binary -inform DER -purpose any -in signature -content manifest.json"
        )
        command += " -CAfile ca.pem"
        return subprocess.run(command.split(), cwd=tmp_path, capture_output=True).returncode

    assert verified() == 0
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"].replace(b"icon", b"icom"))
    assert verified() != 0


def test_a_certificate_that_cannot_sign_says_why(apple_wallet, settings):
    with pytest.raises(apple.NotUsable, match="ended on"):
        apple.identity(at=datetime(2028, 6, 1, tzinfo=UTC))

    own = settings.WALLET_APPLE_CERTIFICATE
    settings.WALLET_APPLE_CERTIFICATE = own.partition("-----BEGIN PRIVATE")[0] + cast.pem_of(cast.make_key())
    with pytest.raises(apple.NotUsable, match="key does not belong"):
        apple.identity(at=NOON)

    settings.WALLET_APPLE_CERTIFICATE, settings.WALLET_APPLE_AUTHORITY = own, own
    with pytest.raises(apple.NotUsable, match="not issued by"):
        apple.identity(at=NOON)

    settings.WALLET_APPLE_CERTIFICATE = "/nowhere.pem"
    with pytest.raises(apple.NotUsable, match="cannot be read"):
        apple.identity(at=NOON)


def test_google_s_link_is_signed_and_brings_the_card(google_wallet, settings):
    link = google.save_link(CONTENT, google_wallet, logo_url="https://x/logo.png", at=1_790_000_000)

    head, body, signature = link.removeprefix(google.SAVE).split(".")
    key = cast.public_key_of(settings.WALLET_GOOGLE_CREDENTIALS)
    raw = base64.urlsafe_b64decode(signature + "==")
    key.verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    (card,) = claims["payload"]["loyaltyObjects"]
    assert (claims["aud"], claims["typ"]) == ("google", "savetowallet")
    assert card["id"] == f"{cast.ISSUER}.5f0e" and card["loyaltyPoints"]["balance"] == {"int": 1250}
    assert card["barcode"]["value"] == "2900000000000428" and card["state"] == "ACTIVE"
    assert card["secondaryLoyaltyPoints"]["balance"] == {"string": "Gold"}


@pytest.mark.parametrize("issuer, credentials", [("x", "{}"), ("1", "{}"), ("1", "/nowhere"), ("1", "{")])
def test_an_account_of_google_that_cannot_sign_says_why(settings, issuer, credentials):
    settings.WALLET_GOOGLE_ISSUER, settings.WALLET_GOOGLE_CREDENTIALS = issuer, credentials

    with pytest.raises(apple.NotUsable):
        google.account()


def test_only_what_a_pass_says_makes_it_new():
    assert replace(CONTENT, page_url="https://other").digest == CONTENT.digest
    assert replace(CONTENT, points=1251).digest != CONTENT.digest
    assert replace(CONTENT, logo=b"x").digest != CONTENT.digest


def test_a_logo_is_a_picture_and_is_kept_small():
    big = io.BytesIO()
    Image.new("RGB", (2000, 500), "red").save(big, "JPEG")

    kept = Image.open(io.BytesIO(pictures.stored_logo(big.getvalue())))

    assert kept.format == "PNG" and kept.size == (480, 120)
    with pytest.raises(ValueError, match="not a picture"):
        pictures.stored_logo(b"<svg onload='alert(1)'/>")


@pytest.mark.django_db
def test_a_member_saves_the_card_from_their_page(client, apple_wallet):
    alice = CustomerFactory(language="en")
    token = member_token(alice, at=timezone.now())
    assert "Add to Apple Wallet" in client.get(f"/m/{token}/").content.decode()

    answer = client.get(f"/m/{token}/wallet/apple")

    assert answer["Content-Type"] == "application/vnd.apple.pkpass"
    told = json.loads(unpacked(answer.content)["pass.json"])
    assert told["barcodes"][0]["message"] == card_number(alice)
    assert told["serialNumber"] == str(WalletPass.objects.get().serial)
    client.get(f"/m/{token}/wallet/apple")
    assert WalletPass.objects.count() == 1


@pytest.mark.django_db
def test_google_s_link_is_where_the_member_is_led(client, google_wallet):
    token = member_token(CustomerFactory(), at=timezone.now())

    answer = client.get(f"/m/{token}/wallet/google")

    assert answer.status_code == 302 and answer["Location"].startswith(google.SAVE)


@pytest.mark.django_db
def test_without_certificates_there_is_no_wallet(client):
    token = member_token(CustomerFactory(language="en"), at=timezone.now())

    assert client.get(f"/m/{token}/wallet/apple").status_code == 404
    assert "Wallet" not in client.get(f"/m/{token}/").content.decode()


@pytest.fixture
def phone(client, apple_wallet, db):
    """A telephone with the pass of a member who has 100 points."""
    alice = CustomerFactory()
    credit(open_account(alice), units=100, source_key="first", at=NOON)
    found = wallets.ensure_pass(alice, "APPLE", at=NOON)

    class Phone:
        customer, wallet_pass = alice, found
        auth = {"HTTP_AUTHORIZATION": "ApplePass " + wallets.auth_token(found.serial)}
        place = f"/wallet/v1/devices/device1/registrations/{cast.PASS_TYPE}"

        def register(self, token="a1b2", **headers):
            body = json.dumps({"pushToken": token})
            return client.post(
                f"{self.place}/{found.serial}",
                body,
                content_type="application/json",
                **(headers or self.auth),
            )

        def news(self, since=""):
            return client.get(self.place, {"passesUpdatedSince": since} if since else {})

        def fetch(self, **headers):
            return client.get(f"/wallet/v1/passes/{cast.PASS_TYPE}/{found.serial}", **(self.auth | headers))

        def forget(self):
            return client.delete(f"{self.place}/{found.serial}", **self.auth)

    return Phone()


def test_a_telephone_registers_hears_of_news_and_forgets(phone):
    assert phone.register().status_code == 201
    assert phone.register("c3d4").status_code == 200
    assert WalletDevice.objects.get().push_token == "c3d4"
    first = phone.news().json()
    assert first["serialNumbers"] == [str(phone.wallet_pass.serial)]
    assert phone.news(first["lastUpdated"]).status_code == 204

    credit(open_account(phone.customer), units=50, source_key="second", at=NOON)
    assert wallet_news.note_changes(at=NOON + timedelta(minutes=5)) == 1

    assert phone.news(first["lastUpdated"]).json()["serialNumbers"] == [str(phone.wallet_pass.serial)]
    told = json.loads(unpacked(phone.fetch().content)["pass.json"])
    assert told["storeCard"]["headerFields"][0]["value"] == "150"
    assert phone.forget().status_code == 200 and phone.news().status_code == 204


def test_a_pass_that_did_not_change_is_not_sent_again(phone):
    answer = phone.fetch()

    assert phone.fetch(HTTP_IF_MODIFIED_SINCE=answer["Last-Modified"]).status_code == 304
    assert phone.fetch(HTTP_IF_MODIFIED_SINCE="nonsense").status_code == 200


def test_a_stranger_learns_nothing_of_a_pass(phone):
    wrong = {"HTTP_AUTHORIZATION": "ApplePass " + "0" * 64}

    assert phone.register(**wrong).status_code == 401
    assert phone.register(HTTP_AUTHORIZATION="Basic x").status_code == 401
    assert phone.fetch(**wrong).status_code == 401
    assert phone.fetch(HTTP_AUTHORIZATION="ApplePass é").status_code == 401
    assert not WalletDevice.objects.exists()


@pytest.mark.parametrize("token", ["", "../..", "a" * 201, "a b"])
def test_a_token_that_is_none_is_refused(phone, token):
    assert phone.register(token).status_code == 400

    assert not WalletDevice.objects.exists()


@pytest.mark.parametrize("since", ["x", "-1", "9" * 30, "9" * 19, "²"])
def test_a_tag_that_is_none_of_ours_is_no_error(phone, since):
    phone.register()

    assert phone.news(since).status_code in (200, 204)


def test_of_what_telephones_complain_about_only_its_kind_is_taken_down(client):
    told = (
        "Get pass task (pass type pass.example, serial number 6f9c-11, for anna@mail.example) encountered"
        " error: Unexpected response code 503"
    )
    body = json.dumps({"logs": [told, "Mario Rossi, +39 333 1234567", *["x" * 100] * 50, "Register task"]})

    with capture_logs() as logs:
        answers = [
            client.post("/wallet/v1/log", body, content_type="application/json").status_code
            for _ in range(2 * COMPLAINTS_A_MINUTE + 1)
        ]

    assert set(answers) == {200}
    logs = [line for line in logs if line["event"] == "wallet_telephone"]
    assert len(logs) <= 2 * COMPLAINTS_A_MINUTE  # The minute may turn meanwhile.
    assert {tuple(line["complaints"]) for line in logs} == {("pass 503", "other")}
    for odd in ("not json", "[" * 10_000):
        assert client.post("/wallet/v1/log", odd, content_type="application/json").status_code == 200


class Post:
    """Stands for Apple's push service: what it answers for each token."""

    answers: dict[str, Told] = {}
    told: list[str] = []
    problem = ""

    def __init__(self, signer):
        Post.told = []

    def tell(self, tokens):
        Post.told += sorted(tokens)
        self.problem = "503 busy" if Told.LATER in self.answers.values() else ""
        return {token: self.answers.get(token, Told.TAKEN) for token in tokens}

    def close(self):
        pass


@pytest.fixture
def post(monkeypatch):
    monkeypatch.setattr(wallet_news, "ApplePush", Post)
    Post.answers = {}
    return Post


def test_points_that_are_spent_reach_the_telephone_once(phone, post):
    phone.register()
    debit(open_account(phone.customer), units=30, source_key="spent", at=NOON)

    wallet_news.note_changes(at=NOON)
    assert wallet_news.tell_telephones(at=NOON) == 1 and post.told == ["a1b2"]
    assert wallet_news.note_changes(at=NOON) == 0 and wallet_news.tell_telephones(at=NOON) == 0


def test_points_that_become_spendable_or_expire_are_news_though_nothing_is_written(phone):
    credit(
        open_account(phone.customer),
        units=20,
        source_key="later",
        at=NOON,
        activates_at=NOON + timedelta(days=2),
        expires_at=NOON + timedelta(days=9),
    )
    wallet_news.note_changes(at=NOON)

    said = [
        wallets.contents_of([phone.wallet_pass], at=NOON + timedelta(days=days))[0] for days in (0, 3, 10)
    ]

    assert [(each.points, each.pending) for each in said] == [(100, 20), (120, 0), (100, 0)]
    assert said[1].expires_on == (NOON + timedelta(days=9)).date() and said[1].expiring_points == 20
    assert wallet_news.note_changes(at=NOON + timedelta(days=3)) == 1
    assert wallet_news.note_changes(at=NOON + timedelta(days=10)) == 1


def test_a_telephone_that_is_gone_is_forgotten_and_one_that_cannot_be_reached_is_told_later(phone, post):
    phone.register()
    WalletPass.objects.update(due=True)
    post.answers = {"a1b2": Told.LATER}

    assert wallet_news.tell_telephones(at=NOON) == 0
    waiting = WalletPass.objects.get()
    assert (waiting.due, waiting.attempts, waiting.problem) == (True, 1, "503 busy")

    post.answers = {"a1b2": Told.GONE}
    assert wallet_news.tell_telephones(at=NOON) == 1
    assert not WalletDevice.objects.exists() and not WalletPass.objects.get().due


def test_news_that_come_up_while_telephones_are_told_are_told_next(phone, post, monkeypatch):
    phone.register()
    WalletPass.objects.update(due=True)

    def tell(self, tokens):
        WalletPass.objects.update(due=True, changed_at=NOON + timedelta(seconds=1))
        return dict.fromkeys(tokens, Told.TAKEN)

    monkeypatch.setattr(Post, "tell", tell)
    wallet_news.tell_telephones(at=NOON)

    assert WalletPass.objects.get().due


def test_after_eight_attempts_a_pass_waits_for_its_next_news(phone, post):
    phone.register()
    WalletPass.objects.update(due=True, attempts=7)
    post.answers = {"a1b2": Told.LATER}

    wallet_news.tell_telephones(at=NOON)

    assert not WalletPass.objects.get().due


def test_the_pass_of_who_was_merged_shows_the_card_of_who_they_became(phone):
    bob = CustomerFactory()
    credit(open_account(bob), units=11, source_key="x", at=NOON)

    merge_customers(bob, [phone.customer], reason="the same", at=NOON)

    (content,) = wallets.contents_of([WalletPass.objects.get()], at=NOON)
    assert content.points == 111 and content.holder == bob.full_name


def test_ending_all_links_ends_the_passes_that_were_saved_from_them(phone):
    revoke_member_links(phone.customer, at=NOON + timedelta(minutes=1))

    assert wallet_news.note_changes(at=NOON + timedelta(minutes=2)) == 1
    told = json.loads(unpacked(phone.fetch().content)["pass.json"])
    assert told["voided"] is True and "barcodes" not in told
    assert "/m/" not in json.dumps(told) and phone.customer.first_name not in json.dumps(told)
    again = wallets.ensure_pass(phone.customer, "APPLE", at=NOON + timedelta(minutes=3))
    (content,) = wallets.contents_of([again], at=NOON + timedelta(minutes=3))
    assert again.pk != phone.wallet_pass.pk and not content.voided and "/m/" in content.page_url


def test_a_link_that_was_ended_makes_no_pass(db):
    alice = CustomerFactory()
    token = member_token(alice, at=NOON)
    assert wallets.pass_of_link(token, "APPLE", at=NOON) is not None

    revoke_member_links(alice, at=NOON)

    assert wallets.pass_of_link(token, "APPLE", at=NOON) is None
    assert not WalletPass.objects.filter(voided_at=None).exists()


def test_a_pass_that_was_ended_since_it_was_read_is_not_given_the_new_link(phone):
    revoke_member_links(phone.customer, at=NOON)

    (content,) = wallets.contents_of([phone.wallet_pass], at=NOON)

    assert phone.wallet_pass.voided_at is None and content.voided and content.page_url == ""


def test_what_a_thousand_passes_say_takes_as_many_statements_as_what_one_says(phone):
    def statements(passes):
        with CaptureQueriesContext(connection) as seen:
            wallets.contents_of(passes, at=NOON)
        return len(seen)

    for person in CustomerFactory.create_batch(5):
        WalletPass.objects.create(customer=person, platform="APPLE", made_at=NOON, changed_at=NOON)
    passes = list(WalletPass.objects.select_related("customer__merged_into"))

    assert statements(passes) == statements(passes[:1])


def test_the_pass_of_who_was_erased_says_nothing_of_them_and_its_telephone_is_forgotten(phone, google_wallet):
    phone.register()

    erase_customer(phone.customer, at=NOON)

    assert (WalletPass.objects.get().due, WalletDevice.objects.get().push_token) == (True, "")
    told = json.dumps(
        google.describe(wallets.contents_of([WalletPass.objects.get()], at=NOON)[0], google_wallet)
    )
    assert "INACTIVE" in told and "Rossi" not in told and phone.customer.first_name not in told


def test_what_a_card_says_no_more_is_taken_away_at_google(google_wallet, monkeypatch):
    sent = []
    monkeypatch.setattr(
        google.GoogleObjects,
        "_call",
        lambda self, *to, **what: sent.append(what["body"]) or Answer(200, b"{}", {}),
    )
    monkeypatch.setattr(google.GoogleObjects, "_ask_for_token", lambda self: True)
    objects = google.GoogleObjects(google_wallet)

    assert objects.change(replace(CONTENT, tier="", voided=True)) and objects.change(CONTENT)

    ended, shown = (json.loads(body) for body in sent)
    assert [ended[name] for name in google.MAY_GO[:4]] == [None] * 4 and ended["state"] == "INACTIVE"
    assert shown["barcode"]["value"] == "2900000000000428"


@pytest.mark.django_db
def test_the_logo_is_public_and_the_initial_where_there_is_none(client):
    assert Image.open(io.BytesIO(client.get("/wallet/logo.png").content)).size == (660, 660)

    logo = io.BytesIO()
    Image.new("RGB", (60, 20), "red").save(logo, "PNG")
    CardDesign.objects.create(pk=1, logo=pictures.stored_logo(logo.getvalue()))
    assert Image.open(io.BytesIO(client.get(reverse("wallet-logo")).content)).size == (60, 20)
