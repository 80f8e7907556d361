"""Master data: records with a key of their own that a client may create, replace, change and remove (dossier, section 7).

Customers, ship-to locations, items, accounts and the tables behind them. What is not sent takes its default, and much of
that comes from what was put before: a customer's group brings its account set and terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.errors import duplicate, field_invalid, rejected
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.schema import Resource, Row, blank

#: What names a detail row within its record.
DETAIL_KEYS: Mapping[str, tuple[str, ...]] = {
    "CustomerOptionalFieldValues": ("OptionalField",),
    "ShipToLocationsOptionalField": ("OptionalField",),
    "ItemOptionalFields": ("OptionalField",),
    "TermsPaymentSchedules": ("PaymentNumber",),
    "AccountValidCurrencies": ("CurrencyCode",),
    "ItemUnitsOfMeasure": ("UnitOfMeasure",),
    "ItemPricingDetails": ("PriceDetailType", "QuantityUnit"),
    "CurrencyRateDetail": ("FromCurrency", "RateDate"),
    "BankCurrencies": ("CurrencyCode",),
    "CheckStocks": ("CheckStockCode",),
}
#: What the company keeps itself, whatever is sent.
_COMPUTED: Mapping[str, frozenset[str]] = {
    "ARCustomers": frozenset(
        {"BalanceDueInCustomerCurrency", "BalanceDueInFunctionalCurrency", "DateLastMaintained", "DateOfLastActivity"}
    ),
    "ICItems": frozenset({"QuantityAvailable", "QuantityOnHand", "QuantityCommitted", "DateLastMaintained"}),
    "GLAccounts": frozenset({"DateCreated"}),
}
#: References of a record: property, and the resource it must exist in. Empty ones are not asked for.
_REFERENCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ARCustomers": (
        ("GroupCode", "ARCustomerGroups"),
        ("AccountSet", "ARAccountSets"),
        ("Terms", "ARTerms"),
        ("CurrencyCode", "CSCurrencyCodes"),
    ),
    "ARShipToLocations": (("CustomerNumber", "ARCustomers"),),
    "ARDistributionCodes": (("RevenueAccount", "GLAccounts"),),
    "ICItemPricing": (("UnformattedItemNumber", "ICItems"), ("PriceListCode", "ICPriceListCodes")),
    "OEMiscellaneousCharges": (
        ("Currency", "CSCurrencyCodes"),
        ("MiscellaneousChargeRevenueAccount", "GLAccounts"),
    ),
}


class Masters:
    """The master data of one company."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = context.records
        self._finish: Mapping[str, Callable[[Row], None]] = {
            "ARCustomers": self._customer,
            "GLAccounts": self._account,
            "ICItems": self._item,
            "ARShipToLocations": self._ship_to,
        }

    def create(self, resource: Resource, sent: Row) -> Row:
        """A new record. Raises 409 ``RecordDuplicate`` where its key is taken."""
        row = blank(self._context.model_of(resource))
        if resource.name == "GLAccounts":
            row["DateCreated"] = self._context.today()
        if resource.name == "ARCustomers":
            row["CurrencyCode"] = HOME_CURRENCY
        self._fill(resource, row, sent)
        for name in resource.key:
            if row[name] in ("", None):
                raise field_invalid(f"{name} must be entered.")
        if self._records.get(resource.name, *(row[name] for name in resource.key)) is not None:
            raise duplicate(f"{self._context.model_of(resource).short_name} already exists.")
        self._records.insert(resource.name, row)
        return row

    def change(self, resource: Resource, row: Row, sent: Row) -> None:
        """PATCH: what is sent is put, details by their ``UpdateOperation``. The key stays."""
        key = {name: row[name] for name in resource.key}
        self._fill(resource, row, {name: value for name, value in sent.items() if name not in key})
        self._records.save(resource.name, row)

    def replace(self, resource: Resource, row: Row, sent: Row) -> None:
        """PUT: what is not sent is lost, details too (dossier, section 24.9); figures of the company's own stay."""
        kept = {*resource.key, *_COMPUTED.get(resource.name, ())}
        new = blank(self._context.model_of(resource))
        new.update({name: row[name] for name in kept})
        self._fill(resource, new, {name: value for name, value in sent.items() if name not in resource.key})
        self._records.save(resource.name, new)

    def remove(self, resource: Resource, row: Row) -> None:
        """DELETE. Raises 409 for a record that others hang on."""
        if resource.name == "ARCustomers" and self._in_use(text(row, "CustomerNumber")):
            raise rejected("The customer has documents and cannot be deleted.")
        self._records.delete(resource.name, *(row[name] for name in resource.key))

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _fill(self, resource: Resource, row: Row, sent: Row) -> None:
        model = self._context.model_of(resource)
        computed = _COMPUTED.get(resource.name, frozenset())
        self._context.puts.put(row, sent, model, self._cascade(resource), ignored=computed)
        for each in model.collections:
            if each.kind == "list" and each.name in sent:
                member = self._context.model(each.of)
                rows = each_row(row, each.name)
                self._context.puts.details(rows, each_row(sent, each.name), member, DETAIL_KEYS[each.name])
        if resource.name in self._finish:
            self._finish[resource.name](row)
        for name, other in _REFERENCES.get(resource.name, ()):
            if row[name]:
                self._context.demand(other, text(row, name))
        for stamp in ("DateLastMaintained", "LastMaintained"):
            if stamp in row:
                row[stamp] = self._context.today()

    def _cascade(self, resource: Resource) -> Cascade:
        return {"GroupCode": self._grouped} if resource.name == "ARCustomers" else {}

    def _grouped(self, customer: Row) -> None:
        """The group's settings; what is put later wins (dossier, section 10)."""
        group = self._context.demand("ARCustomerGroups", text(customer, "GroupCode"))
        for name in ("AccountSet", "BillingCycle", "InterestProfile", "AccountType", "Terms", "RateType"):
            customer[name] = group[name]
        customer["TaxGroup"] = group["TaxGroup"] or customer["TaxGroup"]
        customer["CurrencyCode"] = self._context.demand("ARAccountSets", text(group, "AccountSet"))["CurrencyCode"]
        customer.update({f"TaxClassCode{n}": 1 for n in range(1, 6)})

    def _customer(self, customer: Row) -> None:
        if not customer["GroupCode"]:
            raise field_invalid("GroupCode must be entered.")
        self._context.demand("TXTaxGroups", text(customer, "TaxGroup"), "Sales")
        accounts = self._context.demand("ARAccountSets", text(customer, "AccountSet"))
        if accounts["CurrencyCode"] != customer["CurrencyCode"]:
            raise field_invalid(f"Account set {customer['AccountSet']} is kept in {accounts['CurrencyCode']}.")
        customer["ShortName"] = customer["ShortName"] or text(customer, "CustomerName")[:10]

    def _ship_to(self, place: Row) -> None:
        customer = self._context.demand("ARCustomers", text(place, "CustomerNumber"))
        place["TaxGroup"] = place["TaxGroup"] or customer["TaxGroup"]
        self._context.demand("TXTaxGroups", text(place, "TaxGroup"), "Sales")

    def _account(self, account: Row) -> None:
        number = text(account, "UnformattedAccount").replace("-", "")
        account.update(UnformattedAccount=number, AccountNumber=formatted_account(number))
        account["AccountSegmentCode1"] = number[:4]

    def _item(self, item: Row) -> None:
        item["UnformattedItemNumber"] = item["UnformattedItemNumber"] or item["ItemNumber"]
        item["ItemNumber"] = item["ItemNumber"] or item["UnformattedItemNumber"]

    def _in_use(self, customer: str) -> bool:
        found = self._records.find("ARPostedDocuments", CustomerNumber=customer)
        return any(amount(row, "CustomerCurrencyInvoiceAmount") for row in found)


def formatted_account(number: str) -> str:
    """The account as people see it: segments of four and three characters, joined by a dash."""
    return "-".join(part for part in (number[:4], number[4:7], number[7:]) if part)
