"""Batches: what goes in, what comes out byte for byte, and that a change set happens whole or not at all (section 9)."""

from __future__ import annotations

import json
import re
from email import message_from_bytes
from email.message import Message

import pytest

from ml_connector.sandbox.sap_business_one.batch import Answer, Answers, write_batch
from tests.support.sap_client import LINES, Said, Sap

Request = tuple[str, str, object]
ENTRY = {"ReferenceDate": "2026-11-20", "Memo": "claimed", "JournalEntryLines": LINES}


def _http(method: str, target: str, body: object, content_id: str = "") -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"{method} {target} HTTP/1.1"]
    lines += ["", ""] if body is None else ["Content-Type: application/json", "", json.dumps(body)]
    return "\r\n".join(lines)


def _batch(*items: Request | list[Request]) -> bytes:
    """A batch as the documentation writes it: single requests, and lists of writes as change sets."""
    parts = []
    for number, item in enumerate(items):
        if isinstance(item, list):
            inner = "".join(
                f"--cs{number}\r\n{_http(*each, content_id=str(at))}\r\n" for at, each in enumerate(item, 1)
            )
            parts.append(f"Content-Type: multipart/mixed;boundary=cs{number}\r\n\r\n{inner}--cs{number}--")
        else:
            parts.append(_http(*item))
    return ("".join(f"--b1\r\n{part}\r\n" for part in parts) + "--b1--\r\n").encode()


def _send(sap: Sap, body: bytes, content_type: str = "multipart/mixed;boundary=b1") -> Said:
    return sap.send("POST", "$batch", body, headers={"Content-Type": content_type})


def _statuses(said: Said) -> list[int | list[int]]:
    """The inner statuses; those of a change set that was kept as a list of their own."""
    whole = message_from_bytes(f"Content-Type: {said.header('content-type')}\r\n\r\n{said.text}".encode())
    parts = whole.get_payload()
    assert isinstance(parts, list)
    return [
        [_status(each) for each in part.get_payload()] if part.is_multipart() else _status(part)  # type: ignore[union-attr]
        for part in parts
    ]


def _status(part: Message | str) -> int:
    assert isinstance(part, Message)
    match = re.match(r"HTTP/1\.1 (\d{3}) ", str(part.get_payload()))
    assert match is not None
    return int(match[1])


def _with_claims(**switches: object) -> Sap:
    sap = Sap(switches=switches)
    table = {"TableName": "ML_LINK", "TableDescription": "ml-connector keys", "TableType": "bott_NoObject"}
    assert sap.send("POST", "UserTablesMD", table).status == 201
    return sap


def _claim(code: str) -> list[Request]:
    return [
        ("POST", "/b1s/v2/U_ML_LINK", {"Code": code, "Name": "the whole key"}),
        ("POST", "/b1s/v2/JournalEntries", ENTRY),
    ]


def test_a_claim_and_its_entry_are_kept_together() -> None:
    sap = _with_claims()

    said = _send(sap, _batch(_claim("c" * 40)))

    assert said.status == 200
    assert _statuses(said) == [[201, 201]]
    assert "Content-ID: 2" in said.text
    assert sap.get("U_ML_LINK").json["value"][0]["Code"] == "c" * 40
    assert sap.balance("114100") != 0


def test_a_claim_taken_before_refuses_the_whole_set_in_one_answer() -> None:
    sap = _with_claims()
    _send(sap, _batch(_claim("c1")))

    said = _send(sap, _batch(_claim("c1")))

    assert _statuses(said) == [400]
    assert '"code": "-2035"' in said.text
    assert len(sap.control.entries()) == 1


def test_an_entry_refused_gives_its_claim_back() -> None:
    sap = _with_claims()
    broken: list[Request] = [
        _claim("c1")[0],
        ("POST", "/b1s/v2/JournalEntries", {**ENTRY, "ReferenceDate": "2026-06-01"}),
    ]

    assert _statuses(_send(sap, _batch(broken))) == [400]
    assert sap.get("U_ML_LINK/$count").text == "0"
    assert _statuses(_send(sap, _batch(_claim("c1")))) == [[201, 201]]


def test_nothing_is_done_after_the_first_failure() -> None:
    sap = _with_claims()
    _send(sap, _batch(_claim("c1")))

    said = _send(sap, _batch(_claim("c2"), _claim("c1"), _claim("c3")))

    assert _statuses(said) == [[201, 201], 400]
    assert [row["Code"] for row in sap.get("U_ML_LINK").json["value"]] == ["c1", "c2"]


def test_reads_stand_outside_of_change_sets_and_a_part_can_name_what_another_made() -> None:
    sap = Sap()
    written: list[Request] = [
        ("POST", "/b1s/v2/JournalEntries", ENTRY),
        ("PATCH", "/b1s/v2/$1", {"Memo": "changed"}),
        ("POST", "/b1s/v2/$1/Cancel", None),
    ]

    said = _send(sap, _batch(("GET", "/b1s/v2/Currencies('EUR')?$select=Code", None), written))

    assert _statuses(said) == [200, [201, 204, 204]]
    assert [entry["Memo"] for entry in sap.control.entries()] == ["changed", "(Reversal) changed"]


def test_a_company_may_refuse_claims_in_change_sets() -> None:
    sap = _with_claims(claim_change_set=False)

    assert _statuses(_send(sap, _batch(_claim("c1")))) == [400]
    assert sap.send("POST", "U_ML_LINK", {"Code": "c1", "Name": "x"}).status == 201


GOOD = _batch(_claim("c1"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/mixed;boundary=b1"),
        (GOOD.removesuffix(b"--b1--\r\n"), "multipart/mixed;boundary=b1"),
        (GOOD.replace(b"--cs0--", b""), "multipart/mixed;boundary=b1"),
        (GOOD.replace(b"Content-ID: 1\r\n", b""), "multipart/mixed;boundary=b1"),
        (GOOD, "multipart/mixed;boundary=other"),
        (GOOD, 'multipart/mixed;boundary="b1"'),
        (GOOD, "application/json"),
        (_batch([("GET", "/b1s/v2/Currencies", None)]), "multipart/mixed;boundary=b1"),
        (
            _batch(("GET", "/b1s/v2/Currencies", None)).replace(b"\r\n\r\n\r\n", b"\r\n\r\n"),
            "multipart/mixed;boundary=b1",
        ),
        (GOOD.replace(b"HTTP/1.1", b""), "multipart/mixed;boundary=b1"),
        (GOOD.replace(b"application/http", b"text/plain"), "multipart/mixed;boundary=b1"),
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(body: bytes, content_type: str) -> None:
    sap = _with_claims()

    assert _send(sap, body, content_type).error == (400, "-1000")
    assert sap.control.entries() == []


def test_line_ends_without_carriage_return_are_understood() -> None:
    assert _statuses(_send(_with_claims(), GOOD.replace(b"\r\n", b"\n"))) == [[201, 201]]


def test_a_batch_needs_a_session_and_may_lose_it_on_the_way() -> None:
    assert _send(Sap(sign_in=False), GOOD).error == (401, "301")

    sap = Sap(faults=[{"operation": "$batch/Currencies.GET", "fault": "expired_session", "nth": 2}])
    read: Request = ("GET", "/b1s/v2/Currencies", None)
    assert _statuses(_send(sap, _batch(read, read, read))) == [200, 401]


def test_the_fault_of_a_partial_batch_leaves_what_came_before() -> None:
    sap = Sap(faults=[{"operation": "$batch", "fault": "partial_batch", "nth": 1}])
    post: Request = ("POST", "/b1s/v2/JournalEntries", ENTRY)

    assert _statuses(_send(sap, _batch(post, post, post, post))) == [201, 201, 400]
    assert len(sap.control.entries()) == 2


def test_an_answer_is_written_as_recorded() -> None:
    created = Answer(201, (("Content-Type", "application/json"), ("OData-Version", "4.0")), b'{"some":"content"}', "1")
    changed = Answer(204, (("OData-Version", "4.0"),), b"", "2")

    content_type, body = write_batch([Answers((created, changed))], "00000000-0000-0000-0000-000000000000")

    assert content_type == "multipart/mixed; boundary=batchresponse_00000000-0000-0000-0000-000000000000"
    assert body == (
        b"--batchresponse_00000000-0000-0000-0000-000000000000\r\n"
        b"Content-Type: multipart/mixed; boundary=changesetresponse_00000000-0000-0000-0000-000000000000\r\n"
        b"\r\n"
        b"--changesetresponse_00000000-0000-0000-0000-000000000000\r\n"
        b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n"
        b"\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nOData-Version: 4.0\r\n"
        b"\r\n"
        b'{"some":"content"}\n'
        b"\r\n"
        b"--changesetresponse_00000000-0000-0000-0000-000000000000\r\n"
        b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 2\r\n"
        b"\r\n"
        b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n"
        b"\r\n"
        b"\r\n"
        b"--changesetresponse_00000000-0000-0000-0000-000000000000--\r\n"
        b"--batchresponse_00000000-0000-0000-0000-000000000000--\r\n"
    )
