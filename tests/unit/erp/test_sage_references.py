"""What a Sage 300 company looks like to planning."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import httpx2
import pytest

from ml_connector.domain.catalog import Account, ControlAccount, Currency, References, TaxCode, Warehouse
from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Unsupported
from ml_connector.posting.decide import Decision, Done
from tests.support.sage_company import Scene, journal, play, sale


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


@dataclass
class Garbled(httpx2.AsyncBaseTransport):
    """A server whose tax rates, receipts, and description of order entry are no such thing."""

    inner: httpx2.AsyncBaseTransport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        where = request.url.path
        if "TXTaxRates" in where:
            return httpx2.Response(200, json={"value": [{"TaxAuthority": "A", "ItemRate1": "many"}], "@odata.count": 1})
        if "ARReceipt" in where:
            return httpx2.Response(200, json={"value": [{"ReceiptsAdjustments": "none"}]})
        if "$metadata" in where:
            return httpx2.Response(404, json={"error": {"code": "ResourceNotFound", "message": {"value": "no"}}})
        return await self.inner.handle_async_request(request)


def test_what_only_some_documents_need_and_cannot_be_read_stops_those_and_no_others() -> None:
    async def act(scene: Scene) -> tuple[Decision, str, object]:
        decision = await scene.post(journal())
        return decision, scene.target.capabilities().unsupported(Kind.RECEIPT), scene.target.steps(sale())

    decision, receipts, invoices = play(act, between=Garbled)

    assert isinstance(decision, Done)
    assert "no batch of receipts shows it" in receipts
    assert isinstance(invoices, Unsupported)


def test_a_word_that_was_missing_is_found_the_next_time_that_the_company_is_read() -> None:
    async def act(scene: Scene) -> tuple[str, str]:
        for row in scene.control.batches("CA"):
            scene.control.purge_batch(str(row["BatchNumber"]), "CA")
        await scene.target.ping()
        before = scene.target.capabilities().unsupported(Kind.RECEIPT)
        entry = {
            "CustomerNumber": "1200",
            "BankReceiptAmount": 1,
            "ReceiptTransactionType": "Receipt",
            "AppliedReceiptsAdjustments": [{"DocumentNumber": "TR-INV-003", "CustomerReceiptAmount": 1}],
        }
        scene.control.plant_batch("CA", {"BatchRecordType": "CA", "BankCode": "SEATAC", "ReceiptsAdjustments": [entry]})
        await scene.target.references()
        return before, scene.target.capabilities().unsupported(Kind.RECEIPT)

    before, after = play(act)

    assert "Enter one such receipt" in before
    assert after == ""
