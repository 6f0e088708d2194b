from datetime import date

import pytest
from django.utils import translation

from customers.models import Consent, ConsentRecord, Customer, SourceProfile
from customers.models.imports import ImportedRow, ImportRun
from customers.services import imports
from operations.models import JobRun
from operations.services import carry_out
from tests.customers.imports.files import carried_out, checked, counts, errors, imported, mapped, upload
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db

PEOPLE = """id;Nome;Cognome;E-mail;Cellulare;Data di nascita;Taglia
1;Giulia;Rossi;giulia@mail.example;347 1234567;31/12/1980;M
2;Zoë;D'Angelo;zoe@mail.example;;1/2/1990;S
3;Nicolò;De Luca;not an address;;31/02/1990;L
"""


def test_a_file_of_customers_is_mapped_by_its_headings_and_imported_row_by_row():
    run = upload(PEOPLE)

    assert run.options["delimiter"] == ";"
    assert run.mapping == {
        "id": "source_id",
        "Nome": "first_name",
        "Cognome": "last_name",
        "E-mail": "email",
        "Cellulare": "phone",
        "Data di nascita": "birth_date",
        "Taglia": "",
    }

    run = carried_out(mapped(run, mapping={"Taglia": "+size"}))

    assert run.status == "DONE"
    assert counts(run) == (2, 0, 0, 1)
    giulia = Customer.objects.get(first_name="Giulia")
    assert giulia.birth_date == date(1980, 12, 31)
    assert giulia.attributes == {"size": "M"}
    assert set(giulia.identities.values_list("namespace", "value")) == {
        ("email", "giulia@mail.example"),
        ("phone", "+393471234567"),
    }
    assert errors(run) == [
        "4,Data di nascita,not_a_date,This day does not exist.,3;Nicolò;De Luca;not an address;;31/02/1990;L"
    ]
    assert run.job.status == JobRun.Status.DONE
    assert run.job.result == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1}


def test_a_dry_run_says_what_would_happen_and_changes_nothing():
    run = checked(upload(PEOPLE))

    assert run.status == "CHECKED"
    assert {name: run.checked[name] for name in ("created", "rejected")} == {"created": 2, "rejected": 1}
    assert not Customer.objects.exists()
    assert not SourceProfile.objects.exists()
    assert not ImportedRow.objects.exists()
    assert len(errors(run)) == 1


def test_the_same_file_twice_changes_nothing():
    imported(PEOPLE)
    before = list(SourceProfile.objects.order_by("pk").values())

    run = imported(PEOPLE)

    assert counts(run) == (0, 0, 2, 1)
    assert list(SourceProfile.objects.order_by("pk").values()) == before
    assert not ImportedRow.objects.filter(run=run).exists()


def test_only_new_or_only_known_customers_are_taken_when_asked_for():
    imported("id,city\n1,Milano\n")

    only_new = carried_out(mapped(upload("id,city\n1,Roma\n2,Bari\n"), mode="create"))
    only_known = carried_out(mapped(upload("id,city\n1,Torino\n3,Como\n"), mode="update"))

    assert counts(only_new) == (1, 0, 0, 1)
    assert counts(only_known) == (0, 1, 0, 1)
    assert sorted(Customer.objects.values_list("city", flat=True)) == ["Bari", "Torino"]
    assert errors(only_new)[0].startswith("2,,known_already,")
    assert errors(only_known)[0].startswith("3,,not_known_yet,")


def test_an_empty_cell_leaves_a_field_as_it_is_unless_it_shall_clear_it():
    imported("id,city,street\n1,Milano,Via Roma 1\n")

    imported("id,city,street\n1,,Via Roma 2\n")
    kept = Customer.objects.get().city
    carried_out(mapped(upload("id,city,street\n1,,Via Roma 2\n"), clear=True))

    assert kept == "Milano"
    assert Customer.objects.get().city == ""


def test_a_consent_needs_a_proof_which_may_hold_for_the_whole_file():
    people = "id,email,newsletter\n1,a@mail.example,yes\n2,b@mail.example,no\n"
    without = imported(people)
    run = carried_out(mapped(upload(people, source="shop"), values={"proof": "Fair of Milan, paper forms"}))

    assert counts(without) == (1, 0, 0, 1)
    assert errors(without)[0].startswith("2,newsletter,")
    assert counts(run)[3] == 0
    granted = Consent.objects.get(state="GRANTED")
    assert granted.address == "a@mail.example"
    proof = ConsentRecord.objects.get(state="GRANTED").proof
    assert proof == {
        "statement": "Fair of Milan, paper forms",
        "import": run.pk,
        "file": "people.csv",
        "line": 2,
    }


def test_an_erased_person_is_refused_and_the_others_are_taken():
    erased = CustomerFactory(email="gone@mail.example", status="ERASED")

    run = imported("id,email\n1,gone@mail.example\n2,new@mail.example\n")

    assert counts(run) == (1, 0, 0, 1)
    assert errors(run)[0].startswith("2,,erased,")
    assert erased.profiles.count() == 0


def test_the_mapping_is_remembered_for_the_next_file_of_the_source():
    carried_out(mapped(upload("id,zzz\n1,M\n"), mapping={"zzz": "+size"}, values={"proof": "A form"}))

    again, elsewhere = upload("id,zzz\n2,L\n"), upload("id,zzz\n2,L\n", source="shop")

    assert again.mapping == {"id": "source_id", "zzz": "+size"}
    assert again.values == {"proof": "A form"}
    assert elsewhere.mapping == {"id": "source_id", "zzz": ""}


def test_of_a_number_that_stands_in_a_file_twice_the_first_counts_and_the_second_is_reported():
    run = imported("id,city\n1,Milano\n2,Bari\n1,Roma\n")

    assert counts(run) == (2, 0, 0, 1)
    assert SourceProfile.objects.get(external_id="1").data["city"] == "Milano"
    message = "Line 2 has this number already; the first one counts."
    assert errors(run) == [f'4,id,repeated,{message},"1,Roma"']


def test_a_number_counts_where_it_is_right_for_the_first_time():
    run = imported("id,birth_date\n1,31/02/1990\n1,28/02/1990\n")

    assert counts(run) == (1, 0, 0, 1)
    assert Customer.objects.get().birth_date == date(1990, 2, 28)


def test_an_import_that_goes_on_after_its_process_was_killed_still_knows_the_numbers_before():
    run = imports.start_import(upload("id,city\n1,Milano\n2,Bari\n1,Roma\n"), owner=None)
    ImportRun.objects.filter(pk=run.pk).update(position=3)

    carry_out(run.job)

    run.refresh_from_db()
    assert counts(run) == (0, 0, 0, 1)


def test_the_report_and_the_error_file_are_in_the_language_of_whoever_imports(monkeypatch):
    spoken = []
    monkeypatch.setattr(imports, "_work", lambda job, dry: spoken.append(translation.get_language()))

    imports.run_import(JobRun(owner=UserFactory(language="it")))
    imports.check_import(JobRun())

    assert spoken == ["it", "en"]
