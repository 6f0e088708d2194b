from base64 import b64encode

import pytest

pytestmark = pytest.mark.django_db
ENCODED = [b64encode(text.encode()).decode() for text in ("p=abc", "p=\x00", "o=x", "r=1&p=1.5")]


@pytest.mark.parametrize("cursor", ["zzz", "%FF", "è", *ENCODED])
@pytest.mark.parametrize("path", ["orders", "products"])
def test_what_is_no_cursor_is_invalid_input(api, path, cursor):
    answer = api.get(f"/api/v1/{path}", {"cursor": cursor})

    problem = answer.json()
    assert (answer.status_code, problem["key"]) == (422, "invalid_input")
    assert [mistake["pointer"] for mistake in problem["details"]] == ["/cursor"]
