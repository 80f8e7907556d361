"""The sign-in form: production needs a region, the sandbox an address; every mistake is named at once."""

from __future__ import annotations

import pytest

from ml_connector.amazon.config import FORM, Region, read_config
from ml_connector.domain.errors import WrongUse

SETTINGS = {
    "region": "EU",
    "client_id": "amzn1.application-oa2-client.abc",
    "seller_id": "A1SELLER",
    "marketplace_ids": "A1PA6795UKMFR9, A13V1IB3VIYZZH",
}
SECRETS = {"client_secret": "amzn1.oa2-cs.v1.canary", "refresh_token": "Atzr|canary"}
SANDBOX = {
    "base_url": "http://127.0.0.1:8001/amazon",
    "token_url": "http://127.0.0.1:8001/amazon/auth/o2/token",
    "client_id": "amzn1.application-oa2-client.abc",
    "seller_id": "A1SELLER",
    "marketplace_ids": "ATVPDKIKX0DER,A1PA6795UKMFR9",
}


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("NA", "https://sellingpartnerapi-na.amazon.com"),
        ("EU", "https://sellingpartnerapi-eu.amazon.com"),
        ("FE", "https://sellingpartnerapi-fe.amazon.com"),
    ],
)
def test_a_region_brings_amazons_own_addresses(region: str, url: str) -> None:
    config = read_config({**SETTINGS, "region": region}, SECRETS)

    assert config.base_url == url
    assert config.token_url == "https://api.amazon.com/auth/o2/token"
    assert config.region is Region(region)


def test_the_sandbox_is_signed_in_to_with_its_own_seven_fields() -> None:
    config = read_config(SANDBOX, SECRETS)

    assert config.base_url == "http://127.0.0.1:8001/amazon"
    assert config.marketplace_ids == ("ATVPDKIKX0DER", "A1PA6795UKMFR9")
    assert config.region is Region.OTHER


def test_an_address_of_amazon_tells_its_region() -> None:
    settings = {**SETTINGS, "region": "", "base_url": "https://sandbox.sellingpartnerapi-fe.amazon.com/"}

    assert read_config(settings, SECRETS).region is Region.FE


def test_the_region_does_not_follow_the_marketplaces() -> None:
    """Document keys are made from it: another store must not change them."""
    more = {**SANDBOX, "marketplace_ids": "A1VC38T7YXB528"}

    assert read_config(SANDBOX, SECRETS).region is read_config(more, SECRETS).region


def test_quota_belongs_to_the_selling_account_at_one_address() -> None:
    assert read_config(SETTINGS, SECRETS).account == "A1SELLER@sellingpartnerapi-eu.amazon.com"
    assert read_config(SANDBOX, SECRETS).account == "A1SELLER@127.0.0.1:8001"


@pytest.mark.parametrize(
    "written", ["https://SellingPartnerAPI-EU.amazon.com", "https://sellingpartnerapi-eu.amazon.com:443/"]
)
def test_however_the_address_is_written_the_quota_is_one(written: str) -> None:
    """Two connections to one selling account would otherwise spend its burst twice."""
    assert read_config({**SETTINGS, "base_url": written}, SECRETS).account == read_config(SETTINGS, SECRETS).account


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"region": "US"}, "Region must be one of"),
        ({"region": ""}, "Region (region) is missing"),
        (
            {"region": "NA", "base_url": "https://sellingpartnerapi-eu.amazon.com"},
            "is the address of region EU, not of NA",
        ),
        ({"base_url": "http://example.com"}, "must begin with https://"),
        ({"base_url": "https://user:pw@example.com"}, "must look like"),
        ({"token_url": "https://api.amazon.com/x?y=1"}, "must look like"),
        ({"base_url": "https://[broken"}, "must look like"),
        ({"marketplace_ids": "amazon.de"}, "Amazon's ids"),
        ({"seller_id": "my shop"}, "seller id"),
        ({"client_id": ""}, "Client id (client_id) is missing"),
        ({"colour": "red"}, "no field 'colour'"),
        ({"ca_pem": "not a certificate"}, "not PEM text"),
    ],
)
def test_each_mistake_is_named(change: dict[str, str], says: str) -> None:
    with pytest.raises(WrongUse) as caught:
        read_config({**SETTINGS, **change}, SECRETS)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"refresh_token": "Atza|canary"}, "That is an access token"),
        ({"refresh_token": "Atzr|cana ry"}, "copy it again"),
        ({"client_secret": "cana\nry"}, "copy it again"),
        ({"client_secret": ""}, "is missing"),
    ],
)
def test_a_wrong_secret_is_named_and_not_shown(change: dict[str, str], says: str) -> None:
    with pytest.raises(WrongUse) as caught:
        read_config(SETTINGS, {**SECRETS, **change})
    assert says in str(caught.value)
    assert "cana" not in str(caught.value)


def test_several_mistakes_are_named_together() -> None:
    with pytest.raises(WrongUse) as caught:
        read_config({**SETTINGS, "seller_id": "?", "marketplace_ids": "?"}, SECRETS)
    assert "seller id" in str(caught.value) and "Marketplaces" in str(caught.value)


def test_only_the_two_secrets_are_secret_and_every_field_explains_itself() -> None:
    assert {field.name for field in FORM.fields if field.secret} == {"client_secret", "refresh_token"}
    assert all(field.label and field.help for field in FORM.fields)


def test_a_config_does_not_print_its_secrets() -> None:
    assert "canary" not in repr(read_config(SETTINGS, SECRETS))
