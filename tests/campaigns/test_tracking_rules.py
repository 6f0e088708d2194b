from datetime import UTC, datetime, timedelta

import pytest

from campaigns.tracking import Scanner, Sighting, find_scanner, is_scanner, seal, unseal

SENT = datetime(2026, 11, 22, 9, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Linux; Android 15; CUBOT X30) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36"


def seen(seconds: float, number: int | None = 1, **fields) -> Sighting:
    return Sighting(SENT + timedelta(seconds=seconds), number, **fields)


def judged(*sightings: Sighting) -> list[str]:
    return [find_scanner(one, others=sightings, sent_at=SENT) for one in sightings]


def test_a_token_names_its_message_and_nothing_else():
    tokens = [seal(number) for number in (1, 2, 3, 2**40)]

    assert [unseal(token) for token in tokens] == [1, 2, 3, 2**40]
    assert {len(token) for token in tokens} == {27}
    assert len({token[-8:] for token in tokens}) == 4
    assert seal(1) == tokens[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: "B" + t[1:],
        lambda t: "",
        lambda t: "é" + t[1:],
        lambda t: t[:-2] + "AA",
        lambda t: "a" * 999,
    ],
)
def test_a_token_that_was_touched_is_none(change):
    assert unseal(change(seal(4711))) is None


def test_a_token_outlives_a_change_of_the_key(settings):
    token = seal(5)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    assert unseal(token) == 5
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(token) is None


def test_a_person_reads_first():
    assert judged(seen(9.9), seen(10)) == [Scanner.SOON, ""]


def test_three_links_in_three_seconds_are_no_person():
    assert judged(seen(60, 1), seen(61, 2), seen(62.9, 3)) == [Scanner.BURST] * 3
    assert judged(seen(60, 1), seen(61, 2), seen(63, 3)) == ["", "", ""]
    assert judged(seen(60, 1), seen(60.1, 1), seen(60.2, 1)) == ["", "", ""]


def test_whoever_follows_the_hidden_link_follows_all():
    assert judged(seen(60, 0), seen(70, 1), seen(300, 2)) == [Scanner.TRAP, Scanner.TRAP, ""]
    assert judged(seen(60, 1), seen(65, 0)) == [Scanner.TRAP, Scanner.TRAP]


def test_a_scanner_that_says_so_is_believed():
    assert judged(seen(600, 1, told=True)) == [Scanner.AGENT]
    assert is_scanner("Barracuda Sentinel (EE)") and is_scanner("") and is_scanner("Googlebot/2.1")
    assert not is_scanner(CHROME)


def test_a_picture_that_a_mailbox_loads_is_opened_by_its_reader():
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"

    assert not is_scanner(proxy, opening=True)
