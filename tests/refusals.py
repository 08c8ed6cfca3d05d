"""What a function says when it refuses its arguments."""

from collections.abc import Callable
from typing import Any

import pytest

from components.errors import InputError
from serving.status import Code, RequestError


def input_error(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The message of an InputError, with which a command ends with exit code 2."""
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


def invalid_argument(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The message of a request's error that is the client's fault."""
    with pytest.raises(RequestError) as caught:
        function(*arguments, **options)
    assert caught.value.code is Code.INVALID_ARGUMENT
    return caught.value.message
