"""Promises about the sign-in form of a Business One company."""

import pytest

from ml_connector.domain.errors import WrongUse
from ml_connector.erp.sap_business_one.config import FORM, read_config
from tests.support.sap import SECRETS, SETTINGS


def test_defaults_fill_what_is_not_given() -> None:
    config = read_config(SETTINGS, SECRETS)

    assert (config.language, config.page_size, config.settle_s, config.claims) == ("3", 100, 600.0, True)
    assert (config.connect_timeout_s, config.read_timeout_s) == (10.0, 120.0)
    assert config.ssl_context() is None, "the system's authorities"


def test_a_trailing_slash_does_not_matter() -> None:
    assert (
        read_config({**SETTINGS, "base_url": " https://h:50000/b1s/v2/ "}, SECRETS).base_url == "https://h:50000/b1s/v2"
    )


def test_the_address_says_which_version_of_the_protocol_is_spoken() -> None:
    for name in ("v1", "v2"):
        assert read_config({**SETTINGS, "base_url": f"https://h:50000/x/b1s/{name}"}, SECRETS).wire.name == name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://h:50000", "Did you mean https://h:50000/b1s/v2?"),
        ("https://h:50000/b1s", "Did you mean https://h:50000/b1s/v2?"),
        ("https://h:50000/b1s/v3", "must end in /b1s/v2 or /b1s/v1"),
        ("http://h:50000/b1s/v2", "must begin with https://"),
        ("https://user:pw@h:50000/b1s/v2", "must look like"),
        ("h:50000/b1s/v2", "must look like"),
        ("", "is missing"),
    ],
)
def test_an_address_that_cannot_work_is_refused_with_what_to_do(url: str, words: str) -> None:
    with pytest.raises(WrongUse) as refused:
        read_config({**SETTINGS, "base_url": url}, SECRETS)

    assert words in str(refused.value)


def test_a_system_on_this_machine_may_be_reached_without_tls() -> None:
    url = "http://127.0.0.1:8080/sap_business_one/b1s/v2"

    assert read_config({**SETTINGS, "base_url": url}, SECRETS).base_url == url


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("settle_s", "599"),
        ("page_size", "0"),
        ("page_size", "ten"),
        ("language", "-3"),
        ("read_timeout_s", "1e3"),
        ("claims", "on"),
        ("ca_pem", "not a certificate"),
        ("insecure", "yes"),
        ("password", "in the open"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(field: str, value: str) -> None:
    with pytest.raises(WrongUse):
        read_config({**SETTINGS, field: value}, SECRETS)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(WrongUse) as refused:
        read_config({"base_url": "https://h", "page_size": "x"}, {})

    for word in ("Did you mean", "company_db", "username", "password", "Rows per page"):
        assert word in str(refused.value)


def test_only_the_password_is_a_secret_and_it_is_not_printed() -> None:
    assert [field.name for field in FORM.fields if field.secret] == ["password"]
    assert SECRETS["password"] not in repr(read_config(SETTINGS, SECRETS))
