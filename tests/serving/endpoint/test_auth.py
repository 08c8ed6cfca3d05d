"""API keys: which headers count, and which of two."""

import pytest

from serving.endpoint.auth import ApiKeys
from serving.status import Code, RequestError

KEY, OTHER, WRONG = "0123456789abcdef", "fedcba9876543210", "0123456789abcdeg"
KEYS = ApiKeys([KEY, OTHER])


def headers(bearer: str | None = None, api_key: str | None = None) -> dict[bytes, bytes]:
    given = {}
    if bearer is not None:
        given[b"authorization"] = f"Bearer {bearer}".encode()
    if api_key is not None:
        given[b"x-api-key"] = api_key.encode()
    return given


@pytest.mark.parametrize(
    ("bearer", "api_key"), [(KEY, None), (None, KEY), (OTHER, None), (KEY, OTHER), (WRONG, KEY), ("", KEY)]
)
def test_a_good_key_is_accepted_beside_whatever_authorization(bearer, api_key):
    KEYS.check(headers(bearer, api_key))


@pytest.mark.parametrize(
    ("bearer", "api_key"), [(WRONG, None), (None, WRONG), (KEY, WRONG), (KEY, ""), (WRONG, WRONG), ("", None)]
)
def test_of_both_headers_x_api_key_counts_and_a_wrong_one_is_refused(bearer, api_key):
    with pytest.raises(RequestError, match=r"^The API key is not valid$") as caught:
        KEYS.check(headers(bearer, api_key))
    assert caught.value.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("authorization", [b"", b"Basic abc", KEY.encode(), b"Bearer" + KEY.encode()])
def test_another_authorization_is_no_key(authorization):
    with pytest.raises(RequestError, match=r"^An API key is needed: "):
        KEYS.check({b"authorization": authorization})
    KEYS.check({b"authorization": authorization, b"x-api-key": KEY.encode()})
