"""Files as they should not be: each ends in a report with line numbers, or is refused with a sentence."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from customers.imports.records import UnreadableFile
from customers.models import Customer
from customers.models.imports import ImportRun
from tests.customers.imports.files import carried_out, checked, counts, errors, mapped, upload

pytestmark = pytest.mark.django_db

HEAD = b"id,email,first_name,birth_date\n"
GOOD = b"1,a@mail.example,Anna,1980-12-31\n"
LAST = b"9,z@mail.example,Zoe,1990-01-02\n"
BIG = b"x" * 10_000_000
BROKEN = (
    b"".join(f"{n},b{n}@mail.example,Zoë,\n".encode() for n in range(20, 32)) + b"2,b@mail.example,B\xffa,\n"
)
ROWS = [["id", "first_name"], [1, "Anna"], [None], [9, "Zoe"]]
COLUMNS = b"".join(b",c%d" % number for number in range(496))


def workbook(rows: list[list]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


# What stands in the second line of a file whose other lines are good: name, line, code of the refusal.
BAD_LINES = [
    ("a day that does not exist", b"2,b@mail.example,Bea,31/02/1980\n", "not_a_date"),
    ("an American day", b"2,b@mail.example,Bea,31/12/80\n", "not_a_date"),
    ("a birth date of the future", b"2,b@mail.example,Bea,2199-01-01\n", "invalid_value"),
    ("a NUL", b"2,b@mail.example,B\x00ea,1980-12-31\n", "control_character"),
    ("a control character", b"2,b@mail.example,B\x07ea,1980-12-31\n", "invalid_value"),
    ("a formula", b"2,b@mail.example,=1+1,1980-12-31\n", "formula"),
    ("a formula that calls a program", b"2,b@mail.example,+cmd|'/C calc'!A0,1980-12-31\n", "formula"),
    ("a formula that sends data away", b'2,b@mail.example,"@SUM(1,2)",1980-12-31\n', "formula"),
    ("a look-alike letter", "2,b\u0430@mail.example,Bea,1980-12-31\n".encode(), "mixed_alphabets"),
    ("no address", b"2,nonsense,Bea,1980-12-31\n", "invalid_input"),
    ("an address of 300 letters", b"2," + b"b" * 300 + b"@mail.example,Bea,\n", "invalid_value"),
    ("a name of 10 MB", b"2,b@mail.example," + BIG + b",1980-12-31\n", "too_long"),
    ("a number that is too long", b"2" * 200 + b",b@mail.example,Bea,\n", "invalid_value"),
    ("no number", b",b@mail.example,Bea,1980-12-31\n", "invalid_value"),
    ("too many cells", b"2,b@mail.example,Bea,1980-12-31,more,and more\n", "too_many_cells"),
    ("too few cells", b"2,b@mail.example,Bea\n", "too_few_cells"),
    ("a line break in a name", b'2,b@mail.example,"Be\na",1980-12-31\n', "invalid_value"),
    ("a broken byte in UTF-8", BROKEN, "undecodable"),
]  # fmt: skip


@pytest.mark.parametrize("line,code", [case[1:] for case in BAD_LINES], ids=[case[0] for case in BAD_LINES])
def test_a_bad_line_is_refused_and_the_others_are_taken(line, code):
    run = carried_out(upload(HEAD + GOOD + line + LAST))

    assert run.status == "DONE"
    assert run.report["rejected"] == 1
    assert list(run.report["reasons"]) == [code]
    assert run.report["reasons"][code]["line"] == (15 if code == "undecodable" else 3)
    assert {"Anna", "Zoe"} <= set(Customer.objects.values_list("first_name", flat=True))
    assert len(errors(run)) >= 1


NUMBERS = [
    ("too large for a float", "1e309"),
    ("not a number", "nan"),
    ("infinite", "Infinity"),
    ("two to the power of 63", "9223372036854775808"),
    ("negative", "-5"),
    ("too many decimals", "1.005"),
    ("thousands in the wrong place", '"1,00.50"'),
    ("a hexadecimal", "0x10"),
    ("digits of another alphabet", "١٢"),
    ("200 digits", "9" * 200),
]


@pytest.mark.parametrize("cost", [case[1] for case in NUMBERS], ids=[case[0] for case in NUMBERS])
def test_an_amount_that_is_none_is_refused(cost):
    run = carried_out(upload(f"sku,cost\nA,1.50\nB,{cost}\nC,2.50\n", kind="products"))

    assert counts(run) == (2, 0, 0, 1)
    assert errors(run)[0].startswith("3,cost,")


GOOD_FILES = [
    ("a mark of UTF-8", b"\xef\xbb\xbf" + HEAD + GOOD + LAST),
    ("UTF-16 with a mark", (HEAD + GOOD + LAST).decode().encode("utf-16")),
    ("UTF-16 without a mark", (HEAD + GOOD + LAST).decode().encode("utf-16-le")),
    ("Windows characters", (HEAD + GOOD + LAST).decode().replace("Zoe", "Zoë").encode("cp1252")),
    ("UTF-8 after much ASCII", HEAD + b"\n" * 300_000 + GOOD + LAST.replace(b"Zoe", "Zoë".encode())),
    ("line ends of old Macintoshes", (HEAD + GOOD + LAST).replace(b"\n", b"\r")),
    ("line ends of Windows", (HEAD + GOOD + LAST).replace(b"\n", b"\r\n")),
    ("no line end at the end", (HEAD + GOOD + LAST).rstrip(b"\n")),
    ("tabs", (HEAD + GOOD + LAST).replace(b",", b"\t")),
    ("bars", (HEAD + GOOD + LAST).replace(b",", b"|")),
    ("empty lines and lines of separators", b"\n\n" + HEAD + b"\n,,,\n" + GOOD + b"   \n" + LAST + b",,,\n"),
    ("two headings alike", b"id,email,first_name,birth_date,email\n" + GOOD + LAST),
    ("a heading without a name", b"id,email,first_name,birth_date,\n" + GOOD + LAST),
    ("500 columns", HEAD.strip() + COLUMNS + b"\n" + GOOD + LAST),
    ("an Excel workbook", workbook(ROWS)),
    ("JSON", b'{"source_id": "1", "first_name": "Anna"}\n\n{"source_id": "9", "first_name": "Zoe"}\n'),
]  # fmt: skip


@pytest.mark.parametrize("content", [case[1] for case in GOOD_FILES], ids=[case[0] for case in GOOD_FILES])
def test_a_file_written_unusually_is_read(content):
    run = carried_out(upload(content))

    assert counts(run) == (2, 0, 0, 0)
    assert {name.replace("ë", "e") for name in Customer.objects.values_list("first_name", flat=True)} == {
        "Anna",
        "Zoe",
    }


REFUSED = [
    ("nothing", b""),
    ("nothing but space", b" \n\n \n"),
    ("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
    ("an old Excel file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    ("a compressed file", b"\x1f\x8b\x08\x00" + b"\0" * 60),
    ("a broken archive", b"PK\x03\x04nonsense"),
    ("an archive of a CSV file", archive({"people.csv": HEAD + GOOD})),
    ("a zip bomb", archive({"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": b" " * 500_000_000})),
    ("a workbook without sheets", archive({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})),
    ("a list of JSON", b'[{"source_id": "1"}]'),
    ("2,000 columns", b",".join(b"c%d" % n for n in range(2000)) + b"\n1\n"),
    ("one endless line", b"a," * 9_000_000),
]


@pytest.mark.parametrize("content", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_list_of_records_is_refused_with_a_sentence_and_not_kept(content, media):
    with pytest.raises(UnreadableFile) as refusal:
        upload(content)

    assert str(refusal.value).endswith(".")
    assert not ImportRun.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


BAD_JSON = [
    (b"{", "not_json"),
    (b'{"source_id": "1", "source_id": "2"}', "not_json"),
    (b'{"source_id": NaN}', "not_json"),
    (b'{"source_id": 1e999}', "not_json"),
    (b'{"source_id": "\\u0000"}', "not_json"),
    (b'{"source_id": "\\ud800"}', "not_json"),
    (b'{"source_id": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "not_json"),
    (b"[1, 2]", "not_an_object"),
    (b'{"source_id": {"a": 1}}', "not_a_text"),
    (b'{"source_id": "2", "attributes": "text"}', "not_json"),
    (b'{"source_id": "2", "attributes": [1]}', "invalid_value"),
    (b'{"source_id": "2", "consents": [{"channel": "pigeon"}]}', "invalid_value"),
]


@pytest.mark.parametrize("line,code", BAD_JSON)
def test_a_bad_line_of_json_is_refused_and_the_others_are_taken(line, code):
    heads = b'{"source_id": "1", "attributes": {}, "consents": []}\n'

    run = carried_out(upload(heads + line + b'\n{"source_id": "9"}\n'))

    assert counts(run)[0] == 2
    assert {run.report["reasons"][each]["line"] for each in run.report["reasons"]} == {2}
    assert code in run.report["reasons"]


def test_a_quotation_mark_that_is_never_closed_is_said_where_it_was_opened():
    lines = b"".join(b"%d,,Name,\n" % number for number in range(10, 400))

    run = carried_out(upload(HEAD + GOOD + b'2,b@mail.example,"Bea,\n' + lines))

    assert counts(run) == (1, 0, 0, 1)
    assert run.report["reasons"]["quote_not_closed"]["line"] == 3


def test_a_workbook_that_claims_a_million_rows_is_read_as_far_as_it_goes():
    book = Workbook()
    book.active.append(["id", "first_name"])
    book.active.append(["1", "Anna"])
    book.active["XFD1048576"] = "far away"
    out = io.BytesIO()
    book.save(out)

    run = carried_out(upload(out.getvalue()))

    assert counts(run)[0] == 1


def test_a_file_that_ends_in_the_middle_keeps_what_was_read():
    content = (HEAD + GOOD + LAST).decode().encode("utf-16")

    run = carried_out(upload(content[:-31]))

    assert run.status == "DONE"
    assert counts(run)[0] >= 1


def test_whatever_a_heading_says_it_is_harmless_in_the_error_file():
    run = mapped(upload(b"id,=cmd()\n1,=x\n2,y\n"), mapping={"=cmd()": "first_name"})

    run = carried_out(run)

    assert errors(run) == ['2,\'=cmd(),formula,"The cell holds a formula, not a text.","1,=x"']


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: f"id,email\n{text}".encode("utf-8", "replace"))
)
def test_any_bytes_end_in_a_report_or_a_refusal(content):
    try:
        run = upload(content)
    except UnreadableFile:
        return
    source_id = next(iter(run.mapping))
    run = mapped(run, mapping=dict.fromkeys(run.mapping, "") | {source_id: "source_id"})

    run = checked(run)

    assert run.status in {"CHECKED", "FAILED"}
    assert run.status == "CHECKED" or run.checked["error"]
