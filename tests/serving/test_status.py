"""Codes and their HTTP statuses, as TensorFlow Serving has them."""

import grpc
import pytest

from serving.status import Code


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.OK, 200),
        (Code.INVALID_ARGUMENT, 400),
        (Code.FAILED_PRECONDITION, 400),
        (Code.OUT_OF_RANGE, 400),
        (Code.NOT_FOUND, 404),
        (Code.ALREADY_EXISTS, 409),
        (Code.ABORTED, 409),
        (Code.RESOURCE_EXHAUSTED, 429),
        (Code.INTERNAL, 500),
        (Code.UNKNOWN, 500),
        (Code.UNIMPLEMENTED, 501),
        (Code.UNAVAILABLE, 503),
        (Code.DEADLINE_EXCEEDED, 504),
    ],
)
def test_statuses_are_tensorflow_servings(code, status):
    assert code.http == status


def test_codes_are_grpcs_by_name_and_number_and_all_have_a_status():
    assert {code.name: code.value for code in Code} == {code.name: code.value[0] for code in grpc.StatusCode}
    assert all(200 <= code.http < 600 for code in Code)
