"""What Amazon charges and credits a selling account beside orders: fees in both layouts, advertising, reimbursements.

Vocabulary and signs: settlement dossier, sections 6 and 7. The same economic fee comes as ``other-transaction`` in one
fortnight and in the three-level layout in the next, as it does in real files.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.orders import CATALOG, letters
from ml_connector.sandbox.amazon.rows import Event, Row, share

_SUBSCRIPTION = {"US": 3999, "CA": 2999, "UK": 3000, "DE": 3900, "FR": 3900, "JP": 4900}
FEE_TAX = {"US": 0, "CA": 1300, "UK": 2000, "DE": 1900, "FR": 2000, "JP": 1000}
_REIMBURSEMENTS = (
    "WAREHOUSE_LOST",
    "WAREHOUSE_DAMAGE",
    "REVERSAL_REIMBURSEMENT",
    "FREE_REPLACEMENT_REFUND_ITEMS",
    "MISSING_FROM_INBOUND",
    "CS_ERROR_ITEMS",
)


class Charges:
    """The account rows of one store. Days are counted from the start of its chain of settlements."""

    def __init__(self, store: Store, *, other_stores: bool) -> None:
        self._store = store
        self._other_stores = other_stores

    def events(self, number: int, day: datetime, chance: random.Random) -> Iterator[Event]:
        """What happens on the ``number``-th day, which begins at ``day``."""
        fortnight, weekday = divmod(number, 14)
        posted = day + timedelta(seconds=chance.randrange(80_000))
        three_levels = fortnight % 2 == 1
        if number % 28 == 1:
            yield self._other("subscription", "Subscription Fee", -_SUBSCRIPTION[self._store.code], posted)
        if number % 4 == 3:
            spent = -self._cents(chance, 600, 2400)
            yield self._event(
                "advertising", "ServiceFee", "Cost of Advertising", "TransactionTotalAmount", spent, posted
            )
        if number % 28 == 26:
            back = self._cents(chance, 200, 500)
            yield self._event(
                "advertising", "ServiceFee", "Refund for Advertiser", "TransactionTotalAmount", back, posted
            )
        if weekday == 6:
            yield self._storage(-self._cents(chance, 900, 2200), posted, three_levels=three_levels)
        if weekday == 8:
            yield self._inbound(-self._cents(chance, 700, 1500), posted, chance, three_levels=three_levels)
        if weekday == 10:
            yield self._removal(-self._cents(chance, 90, 210), posted, chance, three_levels=three_levels)
        if weekday == 11:
            yield self._coupon(posted, chance, three_levels=three_levels)
        if number % 7 == 2 or number % 28 == 20:
            yield self._reimbursement(posted, chance, clawback=number % 28 == 20)
        if number % 28 == 12:
            yield self._liquidation(posted, chance)
        if number % 28 == 22:
            fee = -self._cents(chance, 4000, 4500)
            yield self._fee("vine", "AmazonFees", "Vine Enrollment Fee", fee, posted, discounted=True)
        yield from self._american(number, posted, chance)

    def _storage(self, amount: int, posted: datetime, *, three_levels: bool) -> Event:
        if three_levels:
            return self._fee("storage", "FBAFees", "FBA Inventory Storage Fee", amount, posted)
        return self._other("storage", "Storage Fee", amount, posted)

    def _inbound(self, amount: int, posted: datetime, chance: random.Random, *, three_levels: bool) -> Event:
        shipment = f"FBA{letters(chance, 9)}"
        if three_levels:
            name = "FBA Inbound Placement Service Fee"
            return self._fee("placement", "FBAFees", name, amount, posted, order_id=shipment)
        return self._other("inbound", "FBAInboundTransportationFee", amount, posted, order_id=shipment)

    def _removal(self, amount: int, posted: datetime, chance: random.Random, *, three_levels: bool) -> Event:
        sku = chance.choice(CATALOG[self._store.code]).sku
        removal = letters(chance, 10)
        if three_levels:
            name = "FBA Removal Order: Disposal Fee"
            return self._fee("removal", "FBAFees", name, amount, posted, order_id=removal, sku=sku)
        return self._other("removal", "DisposalComplete", amount, posted, order_id=removal, sku=sku)

    def _coupon(self, posted: datetime, chance: random.Random, *, three_levels: bool) -> Event:
        if three_levels:
            fixed, worked = -self._cents(chance, 500, 500), -self._cents(chance, 100, 300)
            participation = self._fee("coupon", "AmazonFees", "Coupon Participation Fee", fixed, posted)
            performance = self._fee("coupon", "AmazonFees", "Coupon Performance Based Fee", worked, posted)
            return Event("coupon", posted, participation.rows + performance.rows)
        title = f"Save on everything for the garden {letters(chance, 4)}"
        redeemed = -self._cents(chance, 60, 180)
        return self._event("coupon", "CouponRedemptionFee", "CouponRedemptionFee", title, redeemed, posted)

    def _reimbursement(self, posted: datetime, chance: random.Random, *, clawback: bool) -> Event:
        article = chance.choice(CATALOG[self._store.code])
        paid = share(article.price, 6000)
        row = Row(
            transaction_type="other-transaction",
            amount_type="FBA Inventory Reimbursement",
            amount_description="COMPENSATED_CLAWBACK" if clawback else chance.choice(_REIMBURSEMENTS),
            amount=-paid if clawback else paid,
            posted=posted,
            order_id="" if clawback else f"{chance.randrange(10**9, 10**10)}",
            adjustment_id=f"{chance.randrange(10**9, 10**10)}",
            fulfillment_id="AFN",
            sku=article.sku,
            quantity="1",
        )
        return Event("reimbursement", posted, (row,))

    def _liquidation(self, posted: datetime, chance: random.Random) -> Event:
        sku = chance.choice(CATALOG[self._store.code]).sku
        order_id = letters(chance, 12)
        proceeds = self._cents(chance, 300, 900)
        sold = Row("Liquidations", "ItemPrice", "Principal", proceeds, posted, order_id, sku=sku, quantity="2")
        kept = sold._replace(
            amount_type="ItemFees", amount_description="LiquidationsBrokerageFee", amount=-share(proceeds, 1500)
        )
        return Event("liquidation", posted, (sold, kept))

    def _american(self, number: int, posted: datetime, chance: random.Random) -> Iterator[Event]:
        """Late corrections of facilitated tax, and orders of other shops that Amazon ships."""
        if self._store.code != "US":
            return
        if number % 28 == 16:
            tax = Row(
                "Order_Retrocharge",
                "ItemPrice",
                "Tax",
                self._cents(chance, 150, 420),
                posted,
                order_id=f"112-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}",
                marketplace_name=self._store.name,
                order_item_code=f"{chance.randrange(10**13, 10**14)}",
                sku=chance.choice(CATALOG["US"]).sku,
            )
            withheld = tax._replace(
                amount_type="ItemWithheldTax",
                amount_description="MarketplaceFacilitatorTax-Principal",
                amount=-tax.amount,
            )
            yield Event("retrocharge", posted, (tax, withheld))
        if self._other_stores and number % 5 == 4:
            row = Row(
                "Order",
                "Shipment-Fees",
                "FBATransportationFee",
                -self._cents(chance, 500, 900),
                posted,
                order_id=f"S01-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}",
                marketplace_name="Non-Amazon US",
                fulfillment_id="AFN",
            )
            yield Event("fulfilment", posted, (row,))

    def _fee(
        self,
        kind: str,
        transaction_type: str,
        name: str,
        amount: int,
        posted: datetime,
        *,
        order_id: str = "",
        sku: str = "",
        discounted: bool = False,
    ) -> Event:
        """A fee in the three-level layout: base, tax where the store has any, and a discount that eats it whole."""
        base = Row(transaction_type, name, "Base fee", amount, posted, order_id=order_id, sku=sku)
        tax = base._replace(amount_description="Tax on fee", amount=-share(-amount, FEE_TAX[self._store.code]))
        discount = base._replace(amount_description="Discount on Fee", amount=-amount if discounted else 0)
        rows = (base, discount) if discounted else (base, tax)
        return Event(kind, posted, tuple(row for row in rows if row.amount != 0))

    def _other(
        self, kind: str, description: str, amount: int, posted: datetime, *, order_id: str = "", sku: str = ""
    ) -> Event:
        row = Row("other-transaction", "other-transaction", description, amount, posted, order_id=order_id, sku=sku)
        return Event(kind, posted, (row,))

    def _event(
        self, kind: str, transaction_type: str, amount_type: str, description: str, amount: int, posted: datetime
    ) -> Event:
        return Event(kind, posted, (Row(transaction_type, amount_type, description, amount, posted),))

    def _cents(self, chance: random.Random, low: int, high: int) -> int:
        """An amount between two, in minor units of a hundredth; about as much in a currency without any."""
        amount = chance.randrange(low, high + 1)
        return amount if self._store.minor_digits == 2 else amount * 3 // 2
