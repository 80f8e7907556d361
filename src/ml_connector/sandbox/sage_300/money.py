"""Currencies, rates and sales taxes (dossier, sections 16 and 19). Rates are home currency for one unit of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.records import amount, each_row, text

RATE_TYPE = "SP"
AUTHORITIES = 5


class Money:
    """Amounts in the currencies of one company."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def decimals(self, currency: str) -> int:
        """Decimals of a currency. Raises 409 ``FieldInvalid`` where the company does not know it."""
        row = self._context.demand("CSCurrencyCodes", currency)
        return int(text(row, "DecimalPlaces").removeprefix("Num"))

    def rounded(self, value: Decimal, currency: str) -> Decimal:
        """An amount at its currency's decimals, half up."""
        return value.quantize(Decimal(1).scaleb(-self.decimals(currency)), rounding=ROUND_HALF_UP)

    def home(self, value: Decimal, currency: str, rate: Decimal) -> Decimal:
        """An amount in home currency."""
        return value if currency == HOME_CURRENCY else self.rounded(value * rate, HOME_CURRENCY)

    def demand_exact(self, value: Decimal, currency: str, what: str) -> None:
        """Raises 409 ``FieldInvalid`` for an amount with more decimals than its currency has."""
        if value != self.rounded(value, currency):
            raise field_invalid(f"{what}: {value} has more decimals than {currency}.")

    def rate(self, currency: str, rate_type: str, day: str) -> Decimal:
        """The rate of a day: the latest on or before it. Raises 409 ``FieldInvalid`` where there is none."""
        if currency == HOME_CURRENCY:
            return Decimal(1)
        table = self._context.records.get("CSCurrencyRates", HOME_CURRENCY, rate_type or RATE_TYPE)
        rows = [] if table is None else each_row(table, "CurrencyRateDetail")
        found = [row for row in rows if row["FromCurrency"] == currency and text(row, "RateDate") <= day]
        if not found:
            raise field_invalid(f"There is no exchange rate from {currency} to {HOME_CURRENCY} for {day}.")
        return amount(max(found, key=lambda row: text(row, "RateDate")), "Rate")


@dataclass(frozen=True, slots=True)
class Taxed:
    """The taxes of one line: ``net`` is the amount without included tax, ``amounts`` one per authority of the group."""

    net: Decimal
    amounts: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        return sum(self.amounts, Decimal(0))


class Taxes:
    """Sales taxes: a group has up to five authorities, each with a rate per class of buyer and item."""

    def __init__(self, context: Context, money: Money) -> None:
        self._context = context
        self._money = money

    def authorities(self, group: str) -> tuple[str, ...]:
        """The group's authorities, "" where there are fewer than five."""
        row = self._context.demand("TXTaxGroups", group, "Sales")
        return tuple(text(row, f"TaxAuthority{number}") for number in range(1, AUTHORITIES + 1))

    def of_line(
        self,
        value: Decimal,
        authorities: Sequence[str],
        classes: tuple[Mapping[int, int], Mapping[int, int]],
        included: frozenset[int],
        currency: str,
    ) -> Taxed:
        """Taxes on one amount. ``classes``: the buyer's and the item's class per authority number, 1 when missing."""
        buyer, item = classes
        rates = {
            number: self.rate(authority, buyer.get(number) or 1, item.get(number) or 1)
            for number, authority in enumerate(authorities, start=1)
            if authority
        }
        inside = sum((rate for number, rate in rates.items() if number in included), Decimal(0))
        net = self._money.rounded(value / (1 + inside / 100), currency) if inside else value
        amounts = [
            self._money.rounded(net * rates.get(number, Decimal(0)) / 100, currency)
            for number in range(1, AUTHORITIES + 1)
        ]
        return Taxed(net, tuple(amounts))

    def rate(self, authority: str, buyer_class: int, item_class: int) -> Decimal:
        """Per cent. Raises 409 ``FieldInvalid`` for a class nobody set up."""
        row = self._context.records.get("TXTaxRates", authority, "Sales", buyer_class)
        if row is None or not 1 <= item_class <= 10:
            raise field_invalid(f"Tax authority {authority} has no rate for classes {buyer_class} and {item_class}.")
        return amount(row, f"ItemRate{item_class}")
