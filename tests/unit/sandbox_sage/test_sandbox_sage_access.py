"""Who may ask the simulated Sage 300, where, and how it behaves as a server on somebody's premises."""

import base64

import pytest

from ml_connector.sandbox.faults import ConnectionBroken
from ml_connector.sandbox.ledger import Ledger
from tests.support.sage_client import Sage

ASKED = "AR/ARCustomers"


def test_the_sign_in_form_is_told_what_it_asks_for() -> None:
    sage = Sage()
    assert set(sage.credentials) == {"base_url", "company", "username", "password"}
    assert str(sage.credentials["base_url"]).endswith("/sage_300/Sage300WebApi")
    assert sage.credentials["username"] == "WEBAPI"
    assert sage.get(ASKED).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_request_without_content_type_is_an_internal_error(method: str) -> None:
    sage = Sage()
    path = ASKED if method in ("GET", "POST") else f"{ASKED}('AMZUS')"
    assert sage.send(method, path, headers=sage.basic()).error == (500, "InternalServerError")
    assert sage.send(method, path, headers={"Content-Type": "text/plain", **sage.basic()}).status == 500


def test_bad_credentials_are_challenged() -> None:
    sage = Sage()
    for header in ("", "Bearer x", "Basic !!", f"Basic {base64.b64encode(b'WEBAPI').decode()}"):
        said = sage.send("GET", ASKED, headers={"Content-Type": "application/json", "Authorization": header})
        assert said.error == (401, "Unauthorized")
        assert said.header("www-authenticate").startswith("Basic")


def test_user_ids_are_upper_case_and_passwords_are_as_they_are() -> None:
    sage = Sage()
    json = {"Content-Type": "application/json"}
    password = str(sage.credentials["password"])
    assert sage.send("GET", ASKED, headers={**json, **sage.basic("webapi")}).status == 401
    assert sage.send("GET", ASKED, headers={**json, **sage.basic("WEBAPI", password.upper())}).status == 401
    assert sage.send("GET", ASKED, headers={**json, **sage.basic("WEBAPI", password)}).status == 200

    folding = Sage(switches={"folds_user_id": True})
    assert folding.send("GET", ASKED, headers={**json, **folding.basic("webapi")}).status == 200

    upper = Sage(switches={"upper_case_password": True})
    announced = str(upper.credentials["password"])
    assert upper.get(ASKED).status == 401
    assert upper.send("GET", ASKED, headers={**json, **upper.basic("WEBAPI", announced.upper())}).status == 200


def test_admin_is_refused_unless_the_site_lets_it_in() -> None:
    def as_admin(sage: Sage) -> int:
        password = sage.world.random("sage_300.admin").getrandbits(64)
        header = sage.basic("ADMIN", f"Admin-{password:016x}")
        return sage.send("GET", ASKED, headers={"Content-Type": "application/json", **header}).status

    assert as_admin(Sage()) == 401
    assert as_admin(Sage(switches={"admin_allowed": True})) == 200


def test_wrong_passwords_in_a_row_lock_the_user_out() -> None:
    sage = Sage(switches={"lock_after": 3})
    wrong = {"Content-Type": "application/json", **sage.basic("WEBAPI", "wrong")}
    for _ in range(2):
        assert sage.send("GET", ASKED, headers=wrong).status == 401
    assert sage.get(ASKED).status == 200  # one that is right begins the count anew
    for _ in range(3):
        sage.send("GET", ASKED, headers=wrong)
    assert sage.get(ASKED).status == 401
    sage.control.lock_user(locked=False)
    assert sage.get(ASKED).status == 200


def test_the_right_is_given_per_module() -> None:
    sage = Sage()
    assert sage.get("AP/APVendors").error == (403, "Forbidden")
    sage.control.set_rights(["AR"])
    assert sage.get(ASKED).status == 200
    assert sage.get("GL/GLAccounts").error == (403, "Forbidden")
    assert Sage(switches={"missing_right": "401"}).get("AP/APVendors").error == (401, "Unauthorized")


def test_what_is_not_used_may_be_looked_at_only() -> None:
    sage = Sage()
    assert sage.get("AR/ARBillingCycles").value == []
    assert sage.get("AR/ARBillingCycles('BILLMT')").error == (404, "RecordNotFound")
    assert sage.post("AR/ARBillingCycles", {"BillingCycleKey": "X"}).error == (403, "Forbidden")


def test_company_tenant_version_and_resource_are_part_of_the_address() -> None:
    sage = Sage()
    company = "/Sage300WebApi/v1.0/-/SANDUS"
    assert sage.send("GET", f"{company}/AR/ARCustomers").status == 200
    assert sage.send("GET", "/Sage300WebApi/v1.0/-/OTHER/AR/ARCustomers").error == (404, "ResourceNotFound")
    assert sage.send("GET", "/Sage300WebApi/v1.0/acme/SANDUS/AR/ARCustomers").error == (404, "ResourceNotFound")
    assert sage.send("GET", f"{company}/AR/Customers").error == (404, "ResourceNotFound")
    assert sage.send("GET", f"{company}/GL/ARCustomers").error == (404, "ResourceNotFound")
    assert sage.send("GET", "/Sage300WebApi/-/SANDUS/AR/Customers").status == 404
    assert sage.send("GET", "/").status == 404
    assert (
        Sage(switches={"wrong_company": "401"}).send("GET", "/Sage300WebApi/v1.0/-/OTHER/AR/ARCustomers").status == 401
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("AR/ARCustomers('NOBODY')", (404, "RecordNotFound")),
        ("AR/ARCustomers(1200)", (400, "InvalidEntityKey")),
        ("AR/ARInvoiceBatches('75')", (400, "InvalidEntityKey")),
        ("AR/ARCustomers('A','B')", (400, "InvalidEntityKey")),
        ("AR/ARShipToLocations('AMZUS')", (400, "InvalidEntityKey")),
        ("AR/ARPostedDocuments(CustomerNumber='1200',Wrong='X')", (400, "InvalidEntityKey")),
        ("IC/ICItems('A1-103/0')", (404, "RecordNotFound")),
        ("IC/ICItems('A1-103%2F0')", (404, "RecordNotFound")),
    ],
)
def test_keys_are_read_as_the_model_types_them(path: str, error: tuple[int, str]) -> None:
    assert Sage().get(path).error == error


def test_parts_of_a_key_may_be_named_or_stand_in_order() -> None:
    sage = Sage()
    named = sage.get("AR/ARPostedDocuments(CustomerNumber='1200',DocumentNumber='TR-INV-003')")
    assert named.status == sage.get("AR/ARPostedDocuments('1200','TR-INV-003')").status == 200
    assert sage.get("AR/ARReceiptAndAdjustmentBatches(BatchRecordType='CA',BatchNumber=65)").status == 200
    assert sage.get("AR/ARCustomers('amzus')").json["CustomerNumber"] == "AMZUS"


def test_a_sleeping_pool_is_slow_at_first() -> None:
    sage = Sage(switches={"cold_start_s": 40})
    before = sage.clock.now()
    assert sage.get(ASKED).status == 200
    assert (sage.clock.now() - before).total_seconds() == 40
    sage.get(ASKED)
    assert (sage.clock.now() - before).total_seconds() == 40
    sage.clock.advance(21 * 60)
    asleep = sage.clock.now()
    sage.get(ASKED)
    assert (sage.clock.now() - asleep).total_seconds() == 40


def test_a_sleeping_pool_may_refuse_everybody_until_it_has_started() -> None:
    sage = Sage(switches={"cold_start_s": 40, "cold_start": "503", "idle_minutes": 5})
    assert sage.get(ASKED).status == 503
    sage.clock.advance(39)
    assert sage.get(ASKED).status == 503
    sage.clock.advance(2)
    assert sage.get(ASKED).status == 200


def test_a_connection_dropped_after_commit_leaves_the_document() -> None:
    sage = Sage(faults=[{"system": "sage_300", "operation": "GLJournalBatches.POST", "fault": "lost_reply", "nth": 1}])
    with pytest.raises(ConnectionBroken):
        sage.journal()
    assert len(sage.get("GL/GLJournalBatches", filter="Description eq 'AMZ STL 1 US'").value) == 1


def test_faults_of_the_line_speak_as_the_application_does() -> None:
    kinds = ("http_429", "http_500", "http_503")
    for kind, (status, code) in zip(
        kinds, ((429, "TooManyRequests"), (500, "InternalServerError"), (503, "")), strict=True
    ):
        said = Sage(faults=[{"operation": "ARCustomers.GET", "fault": kind}]).get(ASKED)
        assert said.status == status
        assert said.error == (status, code) if code else "Service Unavailable" in said.text


def test_faults_of_the_inside_are_asked_for_by_name() -> None:
    ended = Sage(faults=[{"operation": "ARCustomers.GET", "fault": "expired_session", "nth": 1}])
    assert ended.get(ASKED).error == (500, "SessionError")
    assert ended.get(ASKED).status == 200

    revoked = Sage(faults=[{"operation": "ARCustomers.GET", "fault": "revoked_token", "nth": 2}])
    assert [revoked.get(ASKED).status for _ in range(3)] == [200, 403, 403]


def test_a_world_read_again_is_the_same_company() -> None:
    ledger = Ledger()
    first = Sage(ledger=ledger)
    first.journal()
    again = Sage(ledger=ledger)
    assert again.credentials == first.credentials
    assert again.get("GL/GLJournalBatches", filter="Description eq 'AMZ STL 1 US'").value
    assert again.journal().json["BatchNumber"] == "000004"


def test_the_control_path_answers_this_machine_only() -> None:
    sage = Sage()
    listed = sage.send("GET", "/_control")
    assert listed.status == 200 and "post_batch" in listed.json["acts"]
    assert sage.send("POST", "/_control/set_period", {"day": "2026-11-20"}).json == {"result": None}
    assert sage.journal().error == (409, "FieldInvalid")
    assert sage.send("POST", "/_control/no_act", {}).status == 404
    assert sage.send("POST", "/_control/set_period", {"wrong": 1}).status == 400
    assert sage.send("POST", "/_control/post_batch", {"kind": "XX", "number": 1}).status == 400


def test_what_the_company_holds_is_shown_over_the_control_path() -> None:
    sage = Sage()
    sage.order()
    sage.control.day_end(post=True)
    found = {
        name: sage.send("POST", f"/_control/{name}", {}).json["result"] for name in ("orders", "invoices", "documents")
    }
    assert (
        [row["OrderNumber"] for row in found["orders"]]
        == [row["OrderNumber"] for row in found["invoices"]]
        == ["114-1"]
    )
    assert "IN000097" in {row["DocumentNumber"] for row in found["documents"]}
    lines = sage.send("POST", "/_control/transactions", {}).json["result"]
    assert sum(line["JournalTransactionAmount"] for line in lines) == 0


def test_the_connectors_user_gets_another_password() -> None:
    sage = Sage()
    sage.control.change_password("Other-1")
    assert sage.get(ASKED).status == 401
    assert sage.world.credentials()["sage_300"]["password"] == "Other-1"
    other = {"Content-Type": "application/json", **sage.basic("WEBAPI", "Other-1")}
    assert sage.send("GET", ASKED, headers=other).status == 200
