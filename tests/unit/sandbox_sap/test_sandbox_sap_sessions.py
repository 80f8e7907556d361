"""Signing in to the simulated Service Layer, and how a session ends (dossier, sections 3.2 to 3.8)."""

from __future__ import annotations

import pytest

from ml_connector.sandbox.faults import ConnectionBroken
from tests.support.sap_client import Sap


def test_login_sets_both_cookies_as_recorded() -> None:
    sap = Sap(sign_in=False)

    said = sap.log_in()

    session = said.json["SessionId"]
    cookies = [value for name, value in said.headers if name == "set-cookie"]
    assert said.status == 200
    assert cookies[0] == f"B1SESSION={session};HttpOnly;"
    assert cookies[1] in ("ROUTEID=.node1; path=/b1s", "ROUTEID=.node2; path=/b1s")
    assert said.header("content-type") == "application/json;odata.metadata=minimal;charset=utf-8"
    assert said.header("odata-version") == ""
    assert said.json == {
        "@odata.context": "http://sandbox.test/sap_business_one/b1s/v2/$metadata#B1Sessions/$entity",
        "SessionId": session,
        "Version": "1000280",
        "SessionTimeout": 30,
    }


@pytest.mark.parametrize("changes", [{"Password": "wrong"}, {"UserName": "nobody"}, {"CompanyDB": "OTHER"}])
def test_wrong_credentials_are_refused(changes: dict[str, object]) -> None:
    assert Sap(sign_in=False).log_in(**changes).error == (401, "100000027")


def test_an_older_build_refuses_a_login_with_another_code() -> None:
    assert Sap(sign_in=False, switches={"wrong_password_code": "-304"}).log_in(Password="x").error == (401, "-304")


def test_a_user_is_locked_after_too_many_wrong_passwords_and_stays_locked() -> None:
    sap = Sap(sign_in=False, switches={"lock_after": 3})

    for _ in range(3):
        assert sap.log_in(Password="wrong").error == (401, "100000027")

    assert sap.log_in().error == (401, "100000055")


def test_a_request_without_a_session_is_refused_whatever_it_names() -> None:
    sap = Sap(sign_in=False)

    for path in ("JournalEntries", "NoSuchThing", "login", "$metadata", "CompanyService_GetCompanyInfo"):
        assert sap.send("POST" if path == "login" else "GET", path).error == (401, "301")


def test_a_resource_in_the_wrong_case_looks_like_a_lost_session() -> None:
    sap = Sap()

    assert sap.get("journalentries").error == (401, "301")
    assert sap.get("NoSuchThing").status == 404


def test_a_session_ends_after_its_idle_minutes_and_each_request_renews_it() -> None:
    sap = Sap(switches={"session_timeout_minutes": 10})

    sap.clock.advance(9 * 60)
    assert sap.get("Currencies").status == 200
    sap.clock.advance(9 * 60)
    assert sap.get("Currencies").status == 200
    sap.clock.advance(10 * 60 + 1)

    assert sap.get("Currencies").error == (401, "301")


def test_logout_ends_the_session() -> None:
    sap = Sap()

    assert (sap.send("POST", "Logout").status, sap.get("Currencies").status) == (204, 401)


def test_the_expiry_may_be_worded_as_the_seed_said() -> None:
    sap = Sap(switches={"expiry_as_5002": True}, sign_in=False)

    said = sap.get("Currencies")

    assert said.error == (400, "-5002")
    assert said.json["error"]["message"] == "Invalid session or session already timeout."


def test_the_expiry_may_come_in_the_envelope_of_the_older_protocol() -> None:
    said = Sap(switches={"expiry_body": "v1"}, sign_in=False).get("Currencies")

    assert said.json == {
        "error": {
            "code": 301,
            "message": {"lang": "en-us", "value": "Invalid session or session already timeout."},
        }
    }


def test_expect_is_answered_by_an_empty_500() -> None:
    said = Sap().send("POST", "JournalEntries", {}, headers={"Expect": "100-continue"})

    assert (said.status, said.text) == (500, "")


def test_ping_needs_no_session() -> None:
    sap = Sap(sign_in=False)

    assert sap.send("GET", "/ping/").json["message"] == "pong"
    assert sap.send("GET", "/ping/node/1").json["sender"] == "node 1"
    assert sap.send("GET", "/ping/node/5").json["message"] == "node 5 does not exist"


def test_the_fault_of_an_expired_session_strikes_in_mid_run() -> None:
    sap = Sap(
        faults=[{"system": "sap_business_one", "operation": "Currencies.GET", "fault": "expired_session", "nth": 2}]
    )

    assert sap.get("Currencies").status == 200
    assert sap.get("Currencies").error == (401, "301")
    assert sap.log_in().status == 200
    assert sap.get("Currencies").status == 200


def test_the_fault_of_a_revoked_permission_locks_the_user() -> None:
    sap = Sap(faults=[{"operation": "Currencies.GET", "fault": "revoked_token", "nth": 1}])

    assert sap.get("Currencies").status == 401
    assert sap.log_in().error == (401, "100000055")


def test_faults_of_the_line_name_operations() -> None:
    sap = Sap(
        faults=[
            {"operation": "JournalEntries.POST", "fault": "lost_reply", "nth": 1},
            {"operation": "JournalEntries.POST", "fault": "html_error", "nth": 2},
            {"operation": "JournalEntries.POST", "fault": "http_500", "nth": 3},
            {"operation": "Login", "fault": "http_503", "nth": 2},
        ]
    )

    with pytest.raises(ConnectionBroken):
        sap.post_entry()
    html, empty, busy = sap.post_entry(), sap.post_entry(), sap.log_in()

    assert len(sap.control.entries()) == 1
    assert (html.status, html.header("content-type")) == (502, "text/html")
    assert (empty.status, empty.text) == (500, "")
    assert (busy.status, busy.json) == (503, {"message": "Service Unavailable"})


def test_a_session_may_be_known_on_its_own_node_only_and_moves_when_that_one_dies() -> None:
    sap = Sap(switches={"sticky_sessions": True}, sign_in=False)
    said = sap.log_in()
    session = f"B1SESSION={said.json['SessionId']}"
    node = next(value for name, value in said.headers if value.startswith("ROUTEID")).partition(";")[0]

    assert sap.get("Currencies", headers={"Cookie": session}).error == (401, "301")
    assert sap.get("Currencies", headers={"Cookie": f"{session}; {node}"}).status == 200

    sap.control.fail_over()
    moved = sap.get("Currencies", headers={"Cookie": f"{session}; {node}"})
    other = moved.header("set-cookie").partition(";")[0]
    assert (moved.status, {node, other}) == (200, {"ROUTEID=.node1", "ROUTEID=.node2"})
    assert sap.get("Currencies", headers={"Cookie": f"{session}; {other}"}).header("set-cookie") == ""


def test_the_sessions_of_a_user_may_be_counted() -> None:
    sap = Sap(switches={"sessions_max": 1})

    assert sap.log_in().error == (401, "100000027")
    sap.send("POST", "Logout")
    assert sap.log_in().status == 200
    sap.clock.advance(31 * 60)
    assert sap.log_in().status == 200, "one that has ended does not count"
