"""Promises about the multipart text of a change set and of its answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.errors import BadAnswer
from ml_connector.erp.sap_business_one.routes.batch import (
    ChangeSet,
    Reply,
    Request,
    content_type,
    decode,
    encode_change_sets,
)

FAILED = (
    "--batchresponse_x\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json;odata.metadata=minimal;charset=utf-8\r\n\r\n"
    '{"error":{"code":"-2035","message":"This entry already exists"}}\n\r\n--batchresponse_x--\r\n'
)


def test_a_change_set_is_written_line_by_line_as_the_manual_shows_it() -> None:
    requests = (Request("POST", "/b1s/v2/U_ML_LINK", b'{"Code":"1"}'), Request("POST", "/b1s/v2/JournalEntries", b"{}"))

    assert content_type("7f3a") == "multipart/mixed;boundary=batch_7f3a"
    assert encode_change_sets([requests], "7f3a").decode().split("\r\n") == [
        "--batch_7f3a",
        "Content-Type: multipart/mixed;boundary=changeset_7f3a",
        "",
        "--changeset_7f3a",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 1",
        "",
        "POST /b1s/v2/U_ML_LINK HTTP/1.1",
        "Content-Type: application/json",
        "",
        '{"Code":"1"}',
        "--changeset_7f3a",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 2",
        "",
        "POST /b1s/v2/JournalEntries HTTP/1.1",
        "Content-Type: application/json",
        "",
        "{}",
        "--changeset_7f3a--",
        "--batch_7f3a--",
        "",
    ]


def test_a_failed_change_set_is_one_reply() -> None:
    (reply,) = decode("multipart/mixed;boundary=batchresponse_x", FAILED.encode())

    assert isinstance(reply, Reply)
    assert (reply.status, reply.ok) == (400, False)
    assert reply.body == b'{"error":{"code":"-2035","message":"This entry already exists"}}'


def test_line_feeds_quotes_and_a_charset_do_not_matter() -> None:
    header = 'multipart/mixed; charset=utf-8; boundary="batchresponse_x"'

    assert decode(header, FAILED.replace("\r\n", "\n").encode()) == decode(
        "a;boundary=batchresponse_x", FAILED.encode()
    )


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("multipart/mixed", FAILED),
        ("multipart/mixed;boundary=batchresponse_x", FAILED[:-25]),
        ("multipart/mixed;boundary=batchresponse_x", "<html>502 Proxy Error</html>"),
        ("multipart/mixed;boundary=batchresponse_x", FAILED.replace("HTTP/1.1 400", "HTTP/1.1 four")),
        ("multipart/mixed;boundary=batchresponse_x", ""),
    ],
)
def test_what_is_cut_off_or_no_batch_is_not_understood(header: str, body: str) -> None:
    with pytest.raises(BadAnswer):
        decode(header, body.encode())


@given(st.binary(max_size=200))
def test_any_bytes_end_in_parts_or_in_a_bad_answer(noise: bytes) -> None:
    try:
        parts = decode("multipart/mixed;boundary=b", b"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n" + noise)
    except BadAnswer:
        return
    assert all(isinstance(part, ChangeSet | Reply) for part in parts)


def test_a_change_set_that_went_through_has_a_reply_for_each_request() -> None:
    inner = "".join(
        f"--c\r\nContent-Type: application/http\r\nContent-ID: {n}\r\n\r\nHTTP/1.1 201 Created\r\n\r\n{{}}\n\r\n"
        for n in (1, 2)
    )
    body = f"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n{inner}--c--\r\n--b--\r\n"

    (found,) = decode("multipart/mixed;boundary=b", body.encode())

    assert isinstance(found, ChangeSet)
    assert [reply.status for reply in found.replies] == [201, 201]
