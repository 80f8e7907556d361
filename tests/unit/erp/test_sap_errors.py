"""Promises about what is read out of Business One's refusals (SAP dossier, sections 3.4 and 4.1)."""

import pytest

from ml_connector.domain.errors import NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.errors import ServiceError, parse_error, refusal, session_lost

EXISTS = "1320000140 - Business partner code 'c1' already exists"


@pytest.mark.parametrize(
    ("body", "number", "words"),
    [
        ('{"error":{"code":-10,"message":{"lang":"en-us","value":"Item code exists"}}}', -10, "Item code exists"),
        (
            '{"error":{"code":-10,"innererror":{"context":null,"trace":null},"message":{"lang":"en-us","value":"x"}}}',
            -10,
            "x",
        ),
        (
            '{"error":{"code":"-5002","details":[{"code":"","message":""}],"message":"Internal error (-5002) occurred"}}',
            -5002,
            "Internal error (-5002) occurred",
        ),
        ('{"error":{"code":"301","message":"Invalid session"}}', 301, "Invalid session"),
        ('{"error":{"code":"ABC","message":"m"}}', None, "m"),
    ],
)
def test_every_form_of_the_envelope_is_read(body: str, number: int | None, words: str) -> None:
    error = parse_error(400, body.encode())

    assert error is not None
    assert (error.number, error.words) == (number, words)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Proxy Error</html>",
        b"[]",
        b"null",
        b'{"error":"x"}',
        b'{"error":{"code":1}}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_what_is_no_envelope_is_none(body: bytes) -> None:
    assert parse_error(502, body) is None


def test_business_ones_own_number_and_line_are_found_in_the_words() -> None:
    assert ServiceError(400, "-10", EXISTS).inner == 1320000140
    assert ServiceError(400, "-10", "(256000267) - The unit").inner == 256000267
    assert ServiceError(400, "-10", "Item number is missing [DocumentLines.ItemCode][line: 4]").line == 4
    assert ServiceError(400, "-10", "no number here").inner is None


def test_a_duplicate_is_told_by_its_code_or_by_its_code_and_words() -> None:
    assert ServiceError(400, "-2035", "(ODBC -2035)").duplicate
    assert ServiceError(400, "-10", EXISTS).duplicate
    assert not ServiceError(400, "-10", "Unbalanced Transaction").duplicate


@pytest.mark.parametrize(
    ("status", "code", "words", "idle_s", "lost"),
    [
        (401, "301", "Invalid session or session already timeout.", 0, True),
        (400, "301", "whatever", 0, True),
        (400, "-5002", "Invalid session or session already timeout.", 0, True),
        (400, "-5002", "Internal error (-5002) occurred", 0, False),
        (400, "-5002", "Internal error (-5002) occurred", 1739, False),
        (400, "-5002", "Internal error (-5002) occurred", 1740, True),
        (400, "-10", "Unbalanced Transaction", 9999, False),
        (500, "-1", "Session expired", 0, True),
    ],
)
def test_a_lost_session_is_told_from_a_business_rejection(
    status: int, code: str, words: str, idle_s: float, *, lost: bool
) -> None:
    error = ServiceError(status, code, words)

    assert session_lost(status, error, idle_s=idle_s, timeout_s=1800) is lost


def test_an_empty_401_is_a_lost_session_and_an_empty_400_is_not() -> None:
    assert session_lost(401, None, idle_s=0, timeout_s=1800)
    assert not session_lost(400, None, idle_s=9999, timeout_s=1800)


def test_a_missing_right_is_told_from_a_refusal() -> None:
    denied = refusal("read journal entries", ServiceError(403, "-6006", "You are not permitted"))
    refused = refusal("read journal entries", ServiceError(400, "201", "invalid property"))

    assert isinstance(denied, NotPermitted)
    assert "no right to read journal entries" in str(denied)
    assert isinstance(refused, RefusedByServer)
    assert refused.server_code == "201"
