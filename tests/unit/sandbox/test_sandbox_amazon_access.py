"""Who gets in at the simulated Amazon, how often, and in which words the others are turned away."""

from typing import Any

import httpx2
import pytest

from tests.support.sandbox_amazon import DOCUMENTS, REPORTS, V2, Seller

PING = "/sellers/v1/marketplaceParticipations"
DENIED = "Access to requested resource is denied."


def error(answer: httpx2.Response) -> dict[str, Any]:
    errors: list[dict[str, Any]] = answer.json()["errors"]
    return errors[0]


def test_the_ping_names_the_stores_and_their_shadows_but_not_the_seller() -> None:
    seller = Seller()
    answer = seller.call("GET", PING)
    listed = {each["marketplace"]["id"]: each["marketplace"]["name"] for each in answer.json()["payload"]}
    assert listed == {
        "ATVPDKIKX0DER": "Amazon.com",
        "A1PA6795UKMFR9": "Amazon.de",
        "A2ZV50J4W1RKNI": "Non-Amazon US",
        "A38D8NSA03LJTC": "Non-Amazon DE",
    }
    assert seller.credentials["seller_id"] not in answer.text


def test_the_credentials_hold_what_the_sign_in_form_asks_for() -> None:
    told = Seller().credentials
    assert set(told) == {
        "base_url", "token_url", "client_id", "client_secret", "refresh_token", "seller_id", "marketplace_ids",
    }  # fmt: skip
    assert told["token_url"] == "http://sandbox.test/amazon/auth/o2/token"
    assert told["marketplace_ids"] == ["ATVPDKIKX0DER", "A1PA6795UKMFR9"]


def test_an_exchange_gives_a_token_for_an_hour_and_repeats_the_refresh_token() -> None:
    seller = Seller()
    granted = seller.exchange().json()
    assert granted["token_type"] == "bearer"
    assert granted["expires_in"] == 3600
    assert granted["refresh_token"] == seller.credentials["refresh_token"]
    assert granted["access_token"].startswith("Atza|")


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"refresh_token": "Atzr|somebody"}, 400, "invalid_grant"),
        ({"client_secret": "amzn1.oa2-cs.v1.wrong"}, 401, "invalid_client"),
        ({"client_id": "amzn1.application-oa2-client.wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unauthorized_client"),
        ({"grant_type": "client_credentials", "scope": "everything"}, 400, "invalid_scope"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_sign_in_errors_are_named(changes: dict[str, str], status: int, word: str) -> None:
    answer = Seller().exchange(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, word)
    assert answer.json()["error_description"]


def test_a_revoked_permission_ends_tokens_and_exchange() -> None:
    seller = Seller()
    seller.sign_in()
    seller.account.revoke()
    refused = seller.call("GET", PING)
    assert refused.status_code == 403
    assert error(refused)["details"] == "The access token you provided is revoked, malformed or invalid."
    assert seller.exchange().json()["error"] == "invalid_grant"


def test_a_rotated_secret_is_refused_until_the_new_one_is_used() -> None:
    seller = Seller({"secret_rotated": True})
    assert seller.exchange().json()["error"] == "invalid_client"
    assert seller.exchange(client_secret=seller.account.rotate_secret()).status_code == 200


def test_a_token_expires_on_the_virtual_clock_with_403_and_says_so() -> None:
    seller = Seller()
    seller.sign_in()
    seller.clock.advance(3599)
    assert seller.call("GET", PING).status_code == 200
    seller.clock.advance(1)
    refused = seller.call("GET", PING)
    assert refused.status_code == 403
    assert error(refused) == {
        "code": "Unauthorized",
        "message": DENIED,
        "details": "The access token you provided has expired.",
    }


def test_a_missing_token_a_missing_role_and_another_region_look_alike_but_for_their_code() -> None:
    no_token = Seller().call("GET", PING, headers={"x-amz-access-token": ""})
    no_role = Seller({"missing_roles": ["getReports"]}).call("GET", REPORTS, params={"reportTypes": V2})
    elsewhere = Seller({"other_region": True}).call("GET", PING)
    assert [answer.status_code for answer in (no_token, no_role, elsewhere)] == [403, 403, 403]
    assert [error(answer)["details"] for answer in (no_token, no_role, elsewhere)] == ["", "", ""]


def test_a_path_that_does_not_exist_answers_403_as_the_gateway_does() -> None:
    seller = Seller()
    for path in ("/sellers/v1/marketplaceParticipation", "/orders/v0/orders", "/"):
        refused = seller.call("GET", path)
        assert (refused.status_code, error(refused)["message"]) == (403, DENIED)


@pytest.mark.parametrize("user_agent", ["", "x" * 501])
def test_callers_without_a_proper_user_agent_are_refused(user_agent: str) -> None:
    assert Seller().call("GET", PING, headers={"user-agent": user_agent}).status_code == 403


def test_a_get_with_a_body_gets_a_page_from_the_edge() -> None:
    refused = Seller().call("GET", PING, content=b"{}")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/html")


def test_a_grantless_token_does_not_open_a_sellers_data() -> None:
    seller = Seller()
    scope = "sellingpartnerapi::notifications"
    granted = seller.exchange(grant_type="client_credentials", scope=scope, refresh_token="").json()
    assert "refresh_token" not in granted
    seller.token = granted["access_token"]
    assert seller.call("GET", PING).status_code == 403


def test_a_bucket_holds_its_burst_and_refills_at_its_rate() -> None:
    seller = Seller()
    seller.sign_in()
    statuses = [seller.call("GET", PING).status_code for _ in range(16)]
    assert statuses == [200] * 15 + [429]
    seller.clock.advance(62)
    assert seller.call("GET", PING).status_code == 429  # 0.016 a second: one call takes 62.5 s
    seller.clock.advance(1)
    assert seller.call("GET", PING).status_code == 200


def test_a_429_says_quota_exceeded_and_announces_nothing() -> None:
    seller = Seller()
    seller.sign_in()
    refused = [seller.call("GET", PING) for _ in range(16)][-1]
    assert error(refused)["code"] == "QuotaExceeded"
    assert "x-amzn-ratelimit-limit" not in refused.headers
    assert "retry-after" not in refused.headers


def test_buckets_are_kept_apart_by_operation() -> None:
    seller = Seller()
    for _ in range(16):
        seller.call("GET", PING)
    assert seller.call("GET", REPORTS, params={"reportTypes": V2}).status_code == 200


def test_a_refused_call_spends_quota() -> None:
    seller = Seller({"missing_roles": ["getReports"]})
    statuses = [seller.call("GET", REPORTS, params={"reportTypes": V2}).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


def test_rates_are_announced_on_answers_that_carry_them() -> None:
    seller = Seller()
    assert seller.call("GET", REPORTS, params={"reportTypes": V2}).headers["x-amzn-ratelimit-limit"] == "0.0222"
    assert seller.call("GET", REPORTS).headers["x-amzn-ratelimit-limit"] == "0.0222"  # 400
    assert seller.call("GET", f"{DOCUMENTS}/none").headers["x-amzn-ratelimit-limit"] == "0.0167"  # 404
    silent = Seller({"switches": {"announces_rate": False}})
    assert "x-amzn-ratelimit-limit" not in silent.call("GET", PING).headers


def test_every_answer_has_a_request_id_of_its_own() -> None:
    seller = Seller()
    answers = [seller.exchange(), seller.call("GET", PING), seller.call("GET", "/nowhere")]
    assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == 3


def test_another_seller_of_the_same_application_sees_his_own_and_nothing_else() -> None:
    seller = Seller()
    report = seller.listed()[0]
    seller.token = seller.exchange(refresh_token=seller.account.other_refresh_token).json()["access_token"]
    assert seller.listed() == []
    assert seller.call("GET", f"{REPORTS}/{report['reportId']}").status_code == 404
    assert seller.call("GET", f"{DOCUMENTS}/{report['reportDocumentId']}").status_code == 404


def test_faults_inside_amazon_are_played_when_the_plan_says() -> None:
    faults = [
        {"operation": "getReports", "fault": "expired_session", "nth": 1},
        {"operation": "getReport", "fault": "revoked_token", "nth": 1},
    ]
    seller = Seller(faults=faults)
    seller.sign_in()
    assert "expired" in error(seller.call("GET", REPORTS, params={"reportTypes": V2}))["details"]
    seller.sign_in()
    report = seller.listed()[0]
    assert "revoked" in error(seller.call("GET", f"{REPORTS}/{report['reportId']}"))["details"]
    assert seller.exchange().json()["error"] == "invalid_grant"


def test_a_secret_may_be_rotated_under_a_running_client() -> None:
    seller = Seller(faults=[{"operation": "token", "fault": "rotated_secret", "nth": 2}])
    seller.sign_in()
    assert seller.exchange().json()["error"] == "invalid_client"
    assert seller.call("GET", PING).status_code == 200  # tokens outlive the secret


def test_a_permission_may_be_withdrawn_at_the_token_endpoint() -> None:
    seller = Seller(faults=[{"operation": "token", "fault": "revoked_token", "nth": 2}])
    seller.sign_in()
    assert seller.exchange().json()["error"] == "invalid_grant"
    assert seller.call("GET", PING).status_code == 403


def test_a_large_world_is_drawn_before_anybody_asks() -> None:
    large = Seller({"stores": ["US"], "orders_per_day": 130})
    small = Seller({"stores": ["US"]})
    counted = [
        world.world.book("amazon").rows("SELECT count(*) AS n FROM {orders}")[0]["n"] for world in (large, small)
    ]
    assert counted[0] > 5_000
    assert counted[1] == 0


def test_faults_of_the_line_are_worded_as_amazon_words_them() -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": "http_503", "nth": 1}])
    answer = seller.call("GET", REPORTS, params={"reportTypes": V2})
    assert (answer.status_code, error(answer)["code"]) == (503, "ServiceUnavailable")


def test_switches_change_how_tokens_are_refused_and_rotated() -> None:
    rotating = Seller({"switches": {"refresh_token_rotates": True}})
    assert rotating.exchange().json()["refresh_token"] != rotating.credentials["refresh_token"]
    assert rotating.exchange().json()["error"] == "invalid_grant"

    terse = Seller({"switches": {"expired_token_has_details": False, "token_errors_are_401": True}})
    terse.sign_in()
    terse.clock.advance(3600)
    refused = terse.call("GET", PING)
    assert (refused.status_code, error(refused)["details"]) == (401, "")
