"""What a Sage 300 company looks like to planning."""

from datetime import date
from decimal import Decimal

import pytest

from ml_connector.domain.catalog import Account, ControlAccount, Currency, References, TaxCode, Warehouse
from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import BadAnswer
from tests.support.sage_company import Scene, play


def references(**switches: object) -> References:
    return play(lambda scene: scene.target.references(), switches=switches)


def test_accounts_say_what_a_line_may_do_with_them() -> None:
    found = {account.code: account for account in references().accounts}

    assert found["6105"] == Account(
        "6105", "6105", "Amazon referral fees", True, False, False, None, "", profit_and_loss=True
    )
    assert found["1100"].control is ControlAccount.RECEIVABLES
    assert found["2000"].manual_locked
    assert found["6900"].frozen
    assert (found["1300"].currency, found["1150"].currency) == ("USD", "")


def test_periods_are_those_of_the_calendars_and_locked_where_they_show_it() -> None:
    async def act(scene: Scene) -> References:
        scene.control.set_period("2026-09-15")
        return await scene.target.references()

    silent, telling = play(act), play(act, switches={"calendar_shows_locks": True})

    def september(found: References) -> tuple[str, date, date, bool]:
        period = next(period for period in found.periods if period.key == "2026P09")
        return period.name, period.first_day, period.last_day, period.open

    assert september(silent) == ("2026-09", date(2026, 9, 1), date(2026, 9, 30), True)
    assert september(telling) == ("2026-09", date(2026, 9, 1), date(2026, 9, 30), False)


def test_currencies_tax_groups_and_locations_are_there() -> None:
    found = references()

    assert (found.company, found.local_currency) == ("SANDUS", "USD")
    assert Currency("JPY", "JPY", 0) in found.currencies
    assert TaxCode("AMZNTX", "Tax group AMZNTX", Decimal(0), active=True) in found.tax_codes
    assert TaxCode("BCTAX", "Tax group BCTAX", Decimal(13), active=True) in found.tax_codes
    assert Warehouse("FBA", "Amazon FBA") in found.warehouses


@pytest.mark.parametrize(
    "switches",
    [{"page_size": 3}, {"old_annotations": True}, {"next_link": "keeps", "page_size": 7}, {"padded_text": True}],
)
def test_pages_annotations_and_padding_change_nothing(switches: dict[str, object]) -> None:
    assert references(**switches) == references()


def test_a_user_with_general_ledger_alone_gets_what_journal_entries_need() -> None:
    async def act(scene: Scene) -> tuple[References, str, str]:
        scene.control.set_rights(["CS", "GL"])
        await scene.target.ping()
        known = scene.target.capabilities()
        return await scene.target.references(), known.unsupported(Kind.JOURNAL_ENTRY), known.unsupported(Kind.INVOICE)

    found, journals, invoices = play(act)

    assert found.accounts
    assert (found.tax_codes, found.warehouses) == ((), ())
    assert journals == ""
    assert invoices


def test_a_functional_currency_that_the_company_does_not_have_is_said() -> None:
    with pytest.raises(BadAnswer, match="home_currency"):
        play(lambda scene: scene.target.references(), settings={"home_currency": "XTS"})


def test_there_is_nothing_to_prepare() -> None:
    (said,) = play(lambda scene: scene.target.prepare())

    assert "Nothing" in said
