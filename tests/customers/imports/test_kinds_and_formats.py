import json
from datetime import UTC, datetime

import pytest

from customers.models import Consent, Event, Order, PendingEvent, Product
from customers.services import imports
from operations.errors import InvalidInput
from operations.services import cancel_job, carry_out
from tests.customers.imports.files import carried_out, checked, counts, errors, imported, mapped, upload
from tests.customers.imports.test_hostile_files import workbook

pytestmark = pytest.mark.django_db

ORDERS = """Numero ordine;Data;Codice cliente;Articolo;Qta;Prezzo;Sconto;Negozio
o1;02/11/2026 10:15;7;A;2;1.234,50;0,50;MI-1
o1;02/11/2026 10:15;7;B;1,5;2,00;;MI-1
o2;03/11/2026;8;A;1;10;;RM-1
o3;04/11/2026;8;A;x;10;;RM-1
"""


def test_rows_of_one_order_become_its_lines_and_local_times_are_the_programmes():
    run = imported(ORDERS, kind="orders")

    assert counts(run) == (3, 0, 0, 1)
    order = Order.objects.get(external_id="o1")
    assert order.ordered_at == datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    assert order.store.code == "MI-1"
    lines = order.lines.order_by("line_id").values_list(
        "product__sku", "quantity", "amount", "discount_amount"
    )
    assert [(sku, str(quantity), amount, off) for sku, quantity, amount, off in lines] == [
        ("A", "2.000", 246_900, 50),
        ("B", "1.500", 300, 0),
    ]
    assert errors(run)[0].startswith("5,Qta,not_a_number,")
    assert run.report["notices"]["unknown_customer"] == 2


def test_the_past_is_told_to_nobody_unless_asked_for(settings):
    settings.EVENT_SUBSCRIBERS = {"order.recorded": ["tests.customers.test_events.hear"]}
    rows = "order id,date,sku,amount\n{},2026-11-02,A,5\n"

    imported(rows.format("o1"), kind="orders")
    silent = PendingEvent.objects.count()
    carried_out(mapped(upload(rows.format("o2"), kind="orders"), announce=True))

    assert Event.objects.filter(type="order.recorded").count() == 2
    assert silent == 0


def test_orders_as_the_api_takes_them_can_be_lines_of_json():
    order = {
        "source_id": "o1",
        "ordered_at": "2026-11-02T10:00:00+01:00",
        "currency": "EUR",
        "customer": {"source_id": "7"},
        "lines": [{"sku": "A", "quantity": "2", "unit_price": 250}],
    }

    run = imported(json.dumps(order) + "\n", kind="orders", name="orders.ndjson")

    assert counts(run) == (1, 0, 0, 0)
    assert Order.objects.get().total_amount == 500
    assert Order.objects.get().customer.profiles.get().external_id == "7"


def test_an_order_told_with_other_content_is_a_conflict_with_its_line():
    imported(ORDERS, kind="orders")

    run = imported(ORDERS.replace("2,00", "3,00"), kind="orders")

    assert counts(run) == (0, 0, 1, 3)
    assert errors(run)[0].startswith("2,,conflict,")


def test_a_workbook_of_articles_keeps_its_types():
    rows = [
        ["SKU", "Name", "Unit cost", "Line"],
        [1001, "Oven", 12.5, "Kitchen"],
        [1002, "Pan", None, "Kitchen"],
    ]

    run = imported(workbook(rows), kind="products", name="articles.xlsx")

    assert counts(run) == (2, 0, 0, 0)
    oven = Product.objects.get(sku="1001")
    assert (oven.name, oven.unit_cost_amount, oven.product_line) == ("Oven", 1250, "Kitchen")


def test_events_take_their_content_from_columns_of_their_own():
    events = (
        "id,date,email,score\ne1,2026-11-02 10:00,a@mail.example,9\ne2,2026-11-02 10:00,b@mail.example,11\n"
    )
    run = mapped(upload(events, kind="events"), mapping={"score": "+score"}, values={"type": "nps.answered"})

    run = carried_out(run)

    assert counts(run) == (1, 0, 0, 1)
    assert Event.objects.get(type="nps.answered").payload == {"score": 9}
    assert not hasattr(run, "quarantine")


def test_consents_may_say_channel_and_purpose_once_for_the_file():
    values = {"channel": "email", "purpose": "MARKETING", "proof": "Form of 2026"}
    run = mapped(
        upload("email,consenso\na@mail.example,si\nb@mail.example,no\n", kind="consents"), values=values
    )

    run = carried_out(run)

    assert counts(run) == (2, 0, 0, 0)
    states = Consent.objects.order_by("address").values_list("address", "state")
    assert list(states) == [("a@mail.example", "GRANTED"), ("b@mail.example", "DENIED")]


def test_a_file_whose_required_column_is_not_mapped_does_not_start():
    run = upload("zzz,first_name\n1,Anna\n")

    with pytest.raises(InvalidInput, match="Customer number"):
        imports.start_import(run, owner=None)

    run.refresh_from_db()
    assert run.status == "DRAFT"


def test_an_import_that_was_killed_goes_on_behind_its_last_portion(monkeypatch):
    monkeypatch.setattr(imports, "PORTION", 2)
    rows = "".join(f"{n},Name {n},{'31/02/1980' if n % 2 else ''}\n" for n in range(1, 8))
    run = imports.start_import(upload("id,first_name,birth_date\n" + rows), owner=None)
    take, taken = imports.take_portion, []

    def die_after_two(*args, **kwargs):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(args)
        return take(*args, **kwargs)

    monkeypatch.setattr(imports, "take_portion", die_after_two)
    with pytest.raises(KeyboardInterrupt):
        carry_out(run.job)
    run.refresh_from_db()
    halfway = (run.status, run.position)
    monkeypatch.setattr(imports, "take_portion", take)
    carry_out(run.job)
    run.refresh_from_db()

    assert halfway == ("RUNNING", 5)
    assert run.status == "DONE"
    assert counts(run) == (3, 0, 0, 4)
    assert [line.partition(",")[0] for line in errors(run)] == ["2", "4", "6", "8"]


def test_a_cancelled_import_keeps_what_it_took_and_can_be_undone(monkeypatch):
    monkeypatch.setattr(imports, "PORTION", 2)
    monkeypatch.setattr(imports, "SECONDS_BETWEEN_SIGNS", 0)
    run = imports.start_import(upload("id\n" + "".join(f"{n}\n" for n in range(1, 8))), owner=None)
    take = imports.take_portion

    def cancel_after_one(*args, **kwargs):
        report = take(*args, **kwargs)
        cancel_job(run.job)
        return report

    monkeypatch.setattr(imports, "take_portion", cancel_after_one)
    carry_out(run.job)
    run.refresh_from_db()

    assert run.status == "STOPPED"
    assert counts(run) == (2, 0, 0, 0)
    assert run.can_be_undone(at=run.finished_at)


def test_a_dry_run_does_not_need_the_file_to_be_good():
    run = checked(upload("id,birth_date\n1,nonsense\n"))

    assert run.status == "CHECKED"
    assert run.checked["rejected"] == 1
    assert run.is_open
