"""Gift cards in the console: given within a limit, shown once, found by their code, switched off."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from coupons import services
from coupons.gift_card_codes import written_code
from coupons.models import GiftCard, GiftCardBatch, GiftCardRequest, SealedCode
from coupons.services.gift_card_batches import issue_batch
from coupons.services.ledger import debit
from coupons.services.sealed_codes import open_code
from loyalty_site.roles import Role
from operations.models import Approval
from operations.services import carry_out, decide_approval
from tests.console_data import PASSWORD, prove
from tests.console_data import staff as role_of
from tests.coupons.factories import customer

pytestmark = pytest.mark.django_db
BATCH = {"name": "Staff", "amount": "50.00", "note": "to print", "vat_kind": "MPV", "token": "t"}
BACKEND = "django.contrib.auth.backends.ModelBackend"
FORM = {"amount": "50.00", "vat_kind": "MPV", "reason": "GIFT", "note": "a birthday", "token": "t"}


def login(client, role, *, proved=True):
    """Log in; `proved` is somebody who gave their password a moment ago."""
    person = role_of(role)
    client.force_login(person, backend=BACKEND)
    if proved:
        prove(client, person)
    return person


@pytest.fixture
def agent(client):
    client.person = login(client, Role.AGENT)
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def issue(client, **fields):
    return client.post(reverse("admin:coupons_giftcard_issue"), FORM | fields, follow=True)


def made(amount=5000, **fields):
    fields = {"amount": amount, "currency": "EUR", "source_key": "x", "at": timezone.now(), **fields}
    return services.issue_gift_card(**fields)


def test_the_code_of_a_new_card_is_shown_once(agent):
    page = issue(agent)

    card = GiftCard.objects.get()
    code = written_code(open_code(card.pk, at=timezone.now()))
    assert code in text_of(page)
    assert "€50.00 can be spent now" in text_of(page)
    assert code not in text_of(agent.get(reverse("admin:coupons_giftcard_change", args=[card.pk])))
    assert (card.issued_by, card.reason, card.note) == (agent.person, "GIFT", "a birthday")


def test_the_same_form_twice_gives_one_card(agent):
    issue(agent)
    issue(agent)

    assert GiftCard.objects.count() == 1


def test_who_gives_money_proves_who_they_are_first(client):
    login(client, Role.AGENT, proved=False)

    answer = client.post(reverse("admin:coupons_giftcard_issue"), FORM)

    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert GiftCard.objects.count() == 0


def test_a_form_that_comes_back_after_the_proof_can_be_sent_again(client):
    person = login(client, Role.AGENT, proved=False)
    person.set_password(PASSWORD)
    person.save()
    client.force_login(person, backend=BACKEND)
    address = reverse("admin:coupons_giftcard_issue")

    proof = client.post(address, FORM | {"amount": "-3"}).url
    page = text_of(client.post(proof, {"password": PASSWORD}))

    assert "greater than or equal to" in page
    assert f'action="{address}"' in page


def test_beyond_the_limit_of_the_day_another_person_agrees(agent):
    supervisor = role_of(Role.SUPERVISOR)
    issue(agent, amount="150.00")
    page = issue(agent, amount="50.01", token="u")

    assert "another person has to approve it" in text_of(page)
    assert GiftCard.objects.count() == 1
    approval = Approval.objects.get()
    assert approval.summary == "A gift card of €50.01: a birthday"

    decide_approval(approval, approve=True, by=supervisor, at=timezone.now())
    assert sorted(GiftCard.objects.values_list("amount", flat=True)) == [5001, 15000]
    assert GiftCardRequest.objects.latest("pk").status == "DONE"


def test_nobody_gives_a_card_to_themselves(agent):
    agent.person.email = "agent@fidelio.example"
    agent.person.save()
    me = customer(email="agent@fidelio.example")

    page = agent.post(reverse("admin:coupons_giftcard_issue_to", args=[me.pk]), FORM)

    assert "themselves" in text_of(page)
    assert GiftCard.objects.count() == 0


def test_a_card_sent_to_a_customer_shows_its_code_to_nobody_here(agent):
    person = customer(email="anna@mail.example")

    page = agent.post(
        reverse("admin:coupons_giftcard_issue_to", args=[person.pk]), FORM | {"send": "on"}, follow=True
    )

    card = GiftCard.objects.get()
    assert (card.holder, card.channel) == (person, "email")
    assert "only time the code is shown" not in text_of(page)


def test_a_card_is_found_by_its_code_without_naming_it_in_an_address(agent):
    issued = made()

    found = agent.post(reverse("admin:coupons_giftcard_find"), {"code": written_code(issued.code).lower()})
    missed = agent.post(reverse("admin:coupons_giftcard_find"), {"code": "0000-0000-0000-0000"})

    assert found.url == reverse("admin:coupons_giftcard_change", args=[issued.card.pk])
    assert "There is no gift card with this code." in text_of(missed)


def test_a_card_is_topped_up_switched_off_and_given_a_new_code(agent):
    issued = made()
    page = reverse("admin:coupons_giftcard_change", args=[issued.card.pk])

    agent.post(
        reverse("admin:coupons_giftcard_give", args=[issued.card.pk, "top-up"]),
        {"amount": "10.00", "note": "sorry", "token": "t"},
    )
    agent.post(reverse("admin:coupons_giftcard_move", args=[issued.card.pk, "renew"]), {"reason": "lost"})
    renewed = text_of(agent.get(page))
    agent.post(reverse("admin:coupons_giftcard_move", args=[issued.card.pk, "off"]), {"reason": "stolen"})

    shown = text_of(agent.get(page))
    assert "This is the only time the code is shown" in renewed
    assert services.find_gift_card(issued.code) is None
    assert "stolen" in shown
    assert "+€10.00" in shown
    card = GiftCard.objects.get()
    assert (card.status, card.account.balance) == ("DISABLED", 6000)


def test_a_batch_is_made_by_a_job_and_its_codes_are_fetched_once(client):
    login(client, Role.MARKETER)
    client.post(
        reverse("admin:coupons_giftcard_many"),
        {
            "name": "Christmas",
            "count": "3",
            "amount": "10.00",
            "note": "to print",
            "vat_kind": "MPV",
            "token": "t",
        },
    )
    batch = GiftCardBatch.objects.get()
    carry_out(batch.job)
    batch.job.refresh_from_db()

    assert (batch.job.status, batch.job.result["cards"]) == ("DONE", 3)
    issue_batch(batch.job)
    assert list(batch.cards.values_list("status", "account__balance")) == [("INACTIVE", 0)] * 3
    file = client.post(reverse("admin:coupons_giftcardbatch_codes", args=[batch.pk]))
    lines = file.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    card = services.find_gift_card(lines[1].split(",")[1])
    assert services.activate_gift_card(card, at=timezone.now()).available_at(timezone.now()) == 1000
    again = client.post(reverse("admin:coupons_giftcardbatch_codes", args=[batch.pk]))
    assert (again.status_code, SealedCode.objects.count()) == (302, 0)


def test_a_batch_with_money_is_loaded_and_counts_with_all_it_is_worth(client):
    login(client, Role.MARKETER)
    role_of(Role.SUPERVISOR)
    many = reverse("admin:coupons_giftcard_many")
    form = {
        "name": "Staff",
        "count": "4",
        "amount": "50.00",
        "note": "gifts",
        "vat_kind": "MPV",
        "active": "on",
    }

    client.post(many, form | {"token": "t"})
    client.post(many, form | {"token": "u", "count": "1"})

    batch = GiftCardBatch.objects.get()
    carry_out(batch.job)
    assert list(batch.cards.values_list("account__balance", flat=True)) == [5000] * 4
    assert [card.account.spendable(timezone.now()) for card in batch.cards.all()] == [5000] * 4
    assert Approval.objects.get().summary == "Many gift cards of €50.00: gifts"


def test_a_new_code_of_more_money_than_an_agent_may_give_is_sent_or_shown_by_somebody_else(client):
    rich = made(amount=20001, holder=customer())
    move = reverse("admin:coupons_giftcard_move", args=[rich.card.pk, "renew"])
    page = reverse("admin:coupons_giftcard_change", args=[rich.card.pk])
    login(client, Role.AGENT)

    refused = text_of(client.post(move, {"reason": "lost"}, follow=True))

    assert "Another person with the right to approve has to decide." in refused
    assert services.find_gift_card(rich.code) == rich.card
    sent = text_of(client.post(move, {"reason": "lost", "send": "on"}, follow=True))
    assert "This is the only time the code is shown" not in sent
    assert services.find_gift_card(rich.code) is None
    login(client, Role.SUPERVISOR)
    client.post(move, {"reason": "lost"})
    assert "This is the only time the code is shown" in text_of(client.get(page))


def test_the_codes_of_a_batch_are_for_who_issued_it_or_may_approve(client):
    batch = services.start_batch(
        name="A", count=2, amount=1000, currency="EUR", active=True, issued_by=role_of(Role.MARKETER)
    )
    carry_out(batch.job)
    codes = reverse("admin:coupons_giftcardbatch_codes", args=[batch.pk])
    page = reverse("admin:coupons_giftcardbatch_change", args=[batch.pk])

    login(client, Role.AGENT)
    assert client.post(codes).status_code == 403
    assert codes not in text_of(client.get(page))

    assert SealedCode.objects.count() == 2
    login(client, Role.SUPERVISOR)
    assert codes in text_of(client.get(page))
    assert client.post(codes).status_code == 200


def test_the_list_asks_the_database_a_fixed_number_of_times(agent, django_assert_max_num_queries):
    for number in range(5):
        made(source_key=f"{number}", holder=customer())

    with django_assert_max_num_queries(20):
        page = text_of(agent.get(reverse("admin:coupons_giftcard_changelist")))

    assert page.count("€50.00") >= 5


def test_an_analyst_sees_cards_and_changes_none(client):
    login(client, Role.ANALYST)
    card = made().card

    assert client.get(reverse("admin:coupons_giftcard_change", args=[card.pk])).status_code == 200
    assert client.get(reverse("admin:coupons_giftcard_issue")).status_code == 403
    off = reverse("admin:coupons_giftcard_move", args=[card.pk, "off"])
    assert client.post(off, {}).status_code == 403
    card.refresh_from_db()
    assert card.status == "ACTIVE"


def test_codes_whose_day_is_over_are_gone(client):
    login(client, Role.MARKETER)
    batch = services.start_batch(name="Old", count=2, amount=1000, currency="EUR", active=False)
    carry_out(batch.job)
    SealedCode.objects.update(sealed_at=timezone.now() - timedelta(hours=24))

    page = client.get(reverse("admin:coupons_giftcardbatch_change", args=[batch.pk]))
    fetch = client.post(reverse("admin:coupons_giftcardbatch_codes", args=[batch.pk]))

    assert "the codes are gone" in text_of(page)
    assert fetch.status_code == 302


def test_a_card_is_made_good_for_longer_on_its_page(client):
    login(client, Role.SUPERVISOR)
    card = made(expires_at=timezone.now() + timedelta(days=10)).card
    page = reverse("admin:coupons_giftcard_change", args=[card.pk])
    assert "extend-until" in text_of(client.get(page))

    move = reverse("admin:coupons_giftcard_move", args=[card.pk, "extend"])
    odd = text_of(client.post(move, {"expires_on": "9999-12-31"}, follow=True))
    assert "The year is from 1900 to 2999." in odd
    assert GiftCard.objects.get().expires_at == card.expires_at
    client.post(move, {"expires_on": "2040-05-31", "reason": "closed for works"})

    assert timezone.localtime(GiftCard.objects.get().last_minute).date().isoformat() == "2040-05-31"
    assert "closed for works" in text_of(client.get(page))


def test_a_card_is_good_until_a_day_in_the_feminine_in_italian(client):
    login(client, Role.SUPERVISOR)
    card = made(expires_at=timezone.now() + timedelta(days=10)).card
    italian = {"accept-language": "it"}
    address = reverse("admin:coupons_giftcard_change", args=[card.pk])

    page = text_of(client.get(address, headers=italian))
    form = text_of(client.get(reverse("admin:coupons_giftcard_issue"), headers=italian))

    assert '<label for="extend-until">Valida fino al</label>' in page
    assert "Valida fino al" in form


def test_changes_of_a_cards_money_have_their_signs_as_other_pages_write_them(agent):
    card = made(amount=5000).card
    debit(card.account, units=699, source_key="paid", at=timezone.now())

    page = text_of(agent.get(reverse("admin:coupons_giftcard_change", args=[card.pk])))

    assert '<td class="fi-num">+€50.00</td>' in page
    assert '<td class="fi-num">−€6.99</td>' in page
    assert "-€6.99" not in page


def test_the_batches_are_reached_from_the_list(agent):
    assert "batches" in text_of(agent.get(reverse("admin:coupons_giftcard_changelist")))


def test_new_codes_read_one_by_one_add_up_over_the_day(client):
    cards = [made(8000, source_key=f"card {n}", holder=customer()) for n in range(3)]
    moves = [reverse("admin:coupons_giftcard_move", args=[one.card.pk, "renew"]) for one in cards]
    login(client, Role.AGENT)

    client.post(moves[0], {"reason": "lost"})
    client.post(moves[1], {"reason": "lost"})
    client.post(moves[1], {"reason": "lost again"})
    refused = text_of(client.post(moves[2], {"reason": "lost"}, follow=True))

    assert "Another person with the right to approve has to decide." in refused
    assert services.find_gift_card(cards[2].code) == cards[2].card
    shown = GiftCardRequest.objects.filter(kind="CODE").order_by("pk")
    assert list(shown.values_list("worth_amount", flat=True)) == [8000, 8000, 0]


def test_the_new_code_of_a_card_one_gave_today_counts_once(agent):
    issue(agent, amount="150.00")
    card = GiftCard.objects.get()

    agent.post(reverse("admin:coupons_giftcard_move", args=[card.pk, "renew"]), {"reason": "misprinted"})

    card.refresh_from_db()
    assert card.code_version == 2
    assert services.gift_card_limit(agent.person, at=timezone.now()).used_amount == 15000
