import gettext
import os

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from loyalty_site.catalogues import Source, check_catalogue, compile_catalogue, extract_messages

HEADER = r"""msgid ""
msgstr ""
"Language: it\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
PYTHON = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
_("Coupon")
ngettext("%(count)d point", "%(count)d points", n)
pgettext("verb", "Order")
_("Hello {name}")
"""
TEMPLATE = """{% load i18n %}
  <h1 class='it"s'>{% translate "Segments" %}</h1>
    {% blocktranslate with total=10 %}In all {{ total }}{% endblocktranslate %}
"""
COMPLETE = """
msgid "Coupon"
msgstr "Buono"

msgid "%(count)d point"
msgid_plural "%(count)d points"
msgstr[0] "%(count)d punto"
msgstr[1] "%(count)d punti"

msgctxt "verb"
msgid "Order"
msgstr "Ordina"

msgid "Hello {name}"
msgstr "Ciao {name}"

msgid "Segments"
msgstr "Segmenti"

msgid "In all %(total)s"
msgstr "In tutto %(total)s"
"""


@pytest.fixture
def extracted(tmp_path):
    app = tmp_path / "shop"
    (app / "templates").mkdir(parents=True)
    (app / "rules.py").write_text(PYTHON)
    (app / "templates" / "page.html").write_text(TEMPLATE)
    return extract_messages([Source(app, "shop")], language="it")


@pytest.fixture
def write_catalogue(tmp_path, settings):
    po = tmp_path / "locale" / "it" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    settings.LOCALE_PATHS = [tmp_path / "locale"]

    def write(text: str):
        po.write_text(HEADER + text)
        return po

    return write


def test_a_complete_catalogue_has_no_faults(extracted, write_catalogue):
    assert len(extracted) == 6

    assert not check_catalogue(write_catalogue(COMPLETE), extracted)


def test_a_missing_message_is_named_with_its_place(extracted, write_catalogue):
    po = write_catalogue(COMPLETE.replace('"Segmenti"', '""'))

    assert check_catalogue(po, extracted).missing == ["shop/templates/page.html:2 'Segments'"]


def test_a_plural_without_its_second_form_is_missing(extracted, write_catalogue):
    po = write_catalogue(COMPLETE.replace('"%(count)d punti"', '""'))

    assert check_catalogue(po, extracted).missing == ["shop/rules.py:4 '%(count)d point'"]


def test_a_fuzzy_message_is_named(extracted, write_catalogue):
    po = write_catalogue(COMPLETE.replace('msgid "Coupon"', '#, fuzzy\nmsgid "Coupon"'))

    assert check_catalogue(po, extracted).fuzzy == ["shop/rules.py:3 'Coupon'"]


@pytest.mark.parametrize(("right", "wrong"), [("Ciao {name}", "Ciao {nome}"), ("punti", "punti %(altro)s")])
def test_another_placeholder_is_a_fault(extracted, write_catalogue, right, wrong):
    report = check_catalogue(write_catalogue(COMPLETE.replace(right, wrong)), extracted)

    assert len(report.broken) == 1


def test_a_compiled_catalogue_is_compiled_again_only_when_it_changed(write_catalogue):
    po = write_catalogue(COMPLETE)

    assert compile_catalogue(po) is True
    assert compile_catalogue(po) is False
    with po.with_suffix(".mo").open("rb") as file:
        italian = gettext.GNUTranslations(file)
    assert italian.gettext("Coupon") == "Buono"
    assert italian.ngettext("%(count)d point", "%(count)d points", 2) == "%(count)d punti"
    assert italian.pgettext("verb", "Order") == "Ordina"

    os.utime(po, (po.stat().st_atime, po.stat().st_mtime + 10))
    assert compile_catalogue(po) is True


def test_the_check_fails_on_an_incomplete_catalogue_until_it_is_filled(write_catalogue, capsys):
    po = write_catalogue("")

    with pytest.raises(CommandError, match="faults in the catalogues"):
        call_command("check_catalogues", add=True)

    assert 'msgid "Loyalty console"' in po.read_text()
