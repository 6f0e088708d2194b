from datetime import timedelta

import pytest

from customers.models import ImportRun
from customers.models.imports import ImportedRow
from customers.services.imports import forget_imports
from tests.customers.imports.files import imported, upload

pytestmark = pytest.mark.django_db


def test_an_upload_and_its_journal_go_when_it_can_no_longer_be_undone(media):
    done, draft = imported("id\n1\n"), upload("id\n2\n")

    early = forget_imports(at=done.finished_at + timedelta(hours=23))
    kept = ImportedRow.objects.count()
    late = forget_imports(at=done.finished_at + timedelta(hours=25))

    assert (early, kept, late) == (0, 1, 1)
    assert not ImportedRow.objects.exists()
    assert [run.pk for run in ImportRun.objects.with_upload()] == [draft.pk]
    assert len([path for path in media.rglob("imports/*") if path.is_file()]) == 1


def test_a_file_that_an_erasure_deleted_can_be_uploaded_again_and_breaks_nothing(client):
    from django.urls import reverse

    from loyalty_site.roles import Role
    from tests.console_data import staff

    run = upload("id\n1\n")
    run.upload.storage.delete(run.upload.name)
    client.force_login(staff(Role.MARKETER))

    page = client.get(reverse("admin:customers_import_mapping", args=[run.pk]))
    start = client.post(reverse("admin:customers_import_start", args=[run.pk]), follow=True)

    assert page.status_code == 200
    assert "The file was deleted." in page.content.decode()
    assert "The file was deleted." in start.content.decode()
    run.refresh_from_db()
    assert run.status == "DRAFT"
