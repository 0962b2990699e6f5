import pytest

from unstrung.engine import errors
from unstrung.engine.errors import (
    Cancelled,
    CheckpointError,
    DataError,
    EngineError,
    InvalidRequest,
    OutOfMemory,
)


@pytest.mark.parametrize(
    "kind", [InvalidRequest, CheckpointError, DataError, OutOfMemory, Cancelled]
)
def test_one_except_clause_catches_every_engine_error(kind: type[EngineError]) -> None:
    assert issubclass(kind, EngineError)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    tree = errors.__doc__ or ""
    kinds = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert kinds
    assert [name for name in kinds if name not in tree] == []


def test_an_invalid_request_is_a_value_error_too() -> None:
    assert issubclass(InvalidRequest, ValueError)


def test_the_message_names_field_value_rule_and_fix() -> None:
    error = InvalidRequest("num_frames", 48, "be 1 + 4k", "49")
    assert str(error) == "num_frames must be 1 + 4k, got 48; try 49"
    assert (error.field, error.rule, error.fix) == ("num_frames", "be 1 + 4k", "49")


def test_without_a_fix_the_message_ends_after_the_value() -> None:
    assert str(InvalidRequest("prompt", "", "say something")).endswith("got ")


def test_a_long_value_is_cut_and_its_length_is_told() -> None:
    message = str(InvalidRequest("prompt", "x" * 40_000, "have at most 2,000 characters"))
    assert len(message) < 200
    assert "(40,000 characters)" in message


def test_a_value_of_sixty_characters_is_shown_whole() -> None:
    assert "y" * 60 in str(InvalidRequest("prompt", "y" * 60, "be shorter"))
