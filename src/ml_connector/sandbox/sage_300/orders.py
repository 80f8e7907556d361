"""Order entry: orders, which cannot be changed once they are there, and the invoices they make (dossier, section 13).

An order that ships and is asked to invoice makes shipment and invoice in the same request, and moves the stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.errors import SageError, field_invalid, rejected
from ml_connector.sandbox.sage_300.money import AUTHORITIES, RATE_TYPE
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.sales_lines import Sales, Totals, active_customer, charge, extended, totals
from ml_connector.sandbox.sage_300.schema import Row, blank

ORDERS, INVOICES = "OEOrders", "OEInvoices"
_ZERO = Decimal(0)
_LINE_STEP = 32
_NEW = "*** NEW ***"
_ADDRESS = (
    "AddressLine1",
    "AddressLine2",
    "AddressLine3",
    "AddressLine4",
    "City",
    "StateProvince",
    "ZipPostalCode",
    "Country",
)


class Orders:
    """The orders of one company."""

    _computed = frozenset(
        {
            "OrderUniquifier", "LastInvoiceNumber", "LastShipmentNumber", "NumberOfInvoices", "OrderTotal",
            "OrderInclTaxTotal", "NumberOfLinesOnOrder", "OrderFiscalYear", "OrderFiscalPeriod", "OrderCompleted",
            "OrderHomeCurrency", "InvoiceNumber", "ShipmentNumber",
        }
    )  # fmt: skip
    _line_computed = frozenset(
        {"OrderUniquifier", "LineNumber", "DetailNumber", "QuantityBackordered", "QuantityCommitted", "StockItem"}
    )

    def __init__(self, context: Context, sales: Sales) -> None:
        self._context = context
        self._records = context.records
        self._sales = sales
        context.records.book.create("day_end", "seq INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT, key INTEGER")
        for resource, name in (
            (ORDERS, "OrderNumber"),
            (ORDERS, "PurchaseOrderNumber"),
            (ORDERS, "OrderReference"),
            (INVOICES, "OrderNumber"),
            (INVOICES, "InvoiceNumber"),
        ):
            context.records.index(resource, name)

    def create(self, sent: Row) -> Row:
        """A new order with everything it causes. Raises :class:`SageError`."""
        order = self._header(sent)
        self._check_header(order)
        for one in each_row(sent, "OrderDetails") if "OrderDetails" in sent else []:
            self._add_line(order, one)
        if not each_row(order, "OrderDetails"):
            raise field_invalid("The order has no details.")
        self._optional_fields(order, sent)
        found = self._totals(order, "QuantityOrdered")
        order.update(OrderTotal=found.net, OrderInclTaxTotal=found.gross)
        order["NumberOfLinesOnOrder"] = len(each_row(order, "OrderDetails"))
        self._move_stock(order)
        shipped = any(amount(line, "QuantityShipped") for line in each_row(order, "OrderDetails"))
        if shipped:
            order["LastShipmentNumber"] = f"SH{self._records.next_number('OE shipment', 123):06d}"
        if self._wants_invoice(order):
            self._invoice(order)
        self._records.insert(ORDERS, order)
        return order

    # --- the header ----------------------------------------------------------------------------------------------------

    def _header(self, sent: Row) -> Row:
        model = self._context.schema.model_of(ORDERS)
        order = blank(model)
        today = self._context.today()
        order.update(OrderUniquifier=Decimal(self._records.next_number("OE order uniquifier", 10_021_638)))
        order.update(OrderDate=today, PostingDate=today, OrderHomeCurrency=HOME_CURRENCY)
        cascade: Cascade = {
            "CustomerNumber": self._customer,
            "ShipToLocationCode": self._ship_to,
            "TaxGroup": self._tax_group,
            "OrderDate": lambda row: row.update(PostingDate=row["OrderDate"]),
        }
        self._context.puts.put(order, sent, model, cascade, ignored=self._computed)
        return order

    def _customer(self, order: Row) -> None:
        customer = active_customer(self._context, order)
        for side in ("BillTo", "ShipTo"):
            order[f"{side}Name"] = customer["CustomerName"]
            order.update({f"{side}{part}": customer[part] for part in _ADDRESS})
        order.update(
            CustomerGroupCode=customer["GroupCode"],
            TermsCode=customer["Terms"],
            TaxGroup=customer["TaxGroup"],
            DefaultPriceListCode=customer["CustomerPriceList"],
            DefaultLocationCode=customer["InventoryLocation"],
            OrderSourceCurrency=customer["CurrencyCode"],
            OrderRateType=customer["RateType"],
            OnHold=customer["OnHold"] == "Yes",
        )
        order.update({f"TaxClass{n}": customer[f"TaxClassCode{n}"] for n in range(1, AUTHORITIES + 1)})
        self._tax_group(order)

    def _ship_to(self, order: Row) -> None:
        code = text(order, "ShipToLocationCode")
        if code:
            place = self._context.demand("ARShipToLocations", text(order, "CustomerNumber"), code)
            order.update({f"ShipTo{part}": place[part] for part in _ADDRESS})
            order["TaxGroup"] = place["TaxGroup"] or order["TaxGroup"]
            self._tax_group(order)

    def _tax_group(self, order: Row) -> None:
        for number, authority in enumerate(self._sales.taxes.authorities(text(order, "TaxGroup")), start=1):
            order[f"TaxAuthority{number}"] = authority

    def _check_header(self, order: Row) -> None:
        active_customer(self._context, order)
        if order["OnHold"]:
            raise rejected(f"Customer {order['CustomerNumber']} is on hold.")
        year, period = self._sales.calendar.open_period(text(order, "OrderDate"), "OrderDate")
        order.update(OrderFiscalYear=year, OrderFiscalPeriod=f"Num{int(period)}")
        if order["OrderNumber"] in ("", _NEW):
            order["OrderNumber"] = f"ORD{self._records.next_number('OE order', 1):06d}"
        if self._records.find(ORDERS, OrderNumber=text(order, "OrderNumber")):
            code = self._context.switches.text("oe_duplicate_code")
            raise SageError(409, code, f"Order number {order['OrderNumber']} already exists.")
        self._check_purchase_order(order)
        if self._context.switches.on("address_is_checked"):
            self._check_address(order)
        if not order["OrderRateOverrideFlag"]:
            currency, kind = text(order, "OrderSourceCurrency"), text(order, "OrderRateType") or RATE_TYPE
            order["OrderRateDate"] = order["OrderRateDate"] or order["OrderDate"]
            order["OrderRate"] = self._sales.money.rate(currency, kind, text(order, "OrderRateDate"))

    def _check_purchase_order(self, order: Row) -> None:
        """The customer may forbid a second order with the same purchase order number (dossier, section 10)."""
        customer = active_customer(self._context, order)
        number = text(order, "PurchaseOrderNumber")
        if not number or customer["CheckForDuplicatePOs"] != "Error":
            return
        if self._records.find(ORDERS, PurchaseOrderNumber=number, CustomerNumber=text(order, "CustomerNumber")):
            raise rejected(f"Purchase order number {number} is on another order of the customer.")

    def _check_address(self, order: Row) -> None:
        line, city, region = (bool(order[f"ShipTo{part}"]) for part in ("AddressLine1", "City", "StateProvince"))
        if not order["ShipToZipPostalCode"] and not (line and city and region):
            raise rejected("The ship-to address is incomplete: enter a postal code, or line 1, city and region.")

    def _optional_fields(self, order: Row, sent: Row) -> None:
        if "OrderOptionalFields" in sent:
            model = self._context.model("OE.OrderOptionalField")
            rows = each_row(order, "OrderOptionalFields")
            self._context.puts.details(rows, each_row(sent, "OrderOptionalFields"), model, ("OptionalField",))

    # --- lines ---------------------------------------------------------------------------------------------------------

    def _add_line(self, order: Row, sent: Row) -> None:
        model, rows = self._context.model("OE.OrderDetail"), each_row(order, "OrderDetails")
        line = blank(model)
        line.update(OrderUniquifier=order["OrderUniquifier"], LineNumber=Decimal((len(rows) + 1) * _LINE_STEP))
        line.update(DetailNumber=len(rows) + 1, Location=order["DefaultLocationCode"], TaxClass1=1)
        line.update(TaxAuthority1=order["TaxAuthority1"], PriceList=order["DefaultPriceListCode"])
        self._context.puts.put(line, sent, model, self._cascade(order), ignored=self._line_computed)
        if line["LineType"] == "Item":
            self._check_item(line)
        else:
            self._check_charge(order, line)
        if "OrderDetailOptionalFields" in sent:
            fields = each_row(line, "OrderDetailOptionalFields")
            field_model = self._context.model("OE.OrderOptionalField")
            self._context.puts.details(
                fields,
                each_row(sent, "OrderDetailOptionalFields"),
                field_model,
                ("OptionalField",),
                ignored={"LineNumber"},
            )
        rows.append(line)

    def _cascade(self, order: Row) -> Cascade:
        """What a put on a line brings with it: an item brings its price, so a price put before the item is lost."""
        currency = text(order, "OrderSourceCurrency")

        def item(line: Row) -> None:
            if line["LineType"] != "Item":
                raise field_invalid("Item cannot be entered on a miscellaneous charge line.")
            found = self._sales.inventory.item(text(line, "Item"))
            line.update(Item=found["UnformattedItemNumber"], Description=found["Description"])
            line.update(
                StockItem=found["StockItem"], Category=found["Category"], ItemAccountSet=found["AccountSetCode"]
            )
            unit = found["StockingUnitOfMeasure"]
            line.update(OrderUnitOfMeasure=unit, PricingUnitOfMeasure=unit, PriceOverride=False)
            line.update(OrderUnitConversion=Decimal(1), PricingUnitConversion=Decimal(1))
            price(line)

        def price(line: Row) -> None:
            if not line["PriceOverride"]:
                place = (text(line, "Item"), text(line, "PriceList"), currency)
                line["PricingUnitPrice"] = self._sales.inventory.price(*place)
            line["OrderUnitPrice"] = line["PricingUnitPrice"]
            extend(line)

        def order_price(line: Row) -> None:
            if line["PriceOverride"]:
                line["PricingUnitPrice"] = line["OrderUnitPrice"]
            price(line)

        def extend(line: Row) -> None:
            if line["LineType"] == "Item":
                quantity = amount(line, "QuantityOrdered")
                line["ExtendedAmount"] = extended(self._sales, quantity, amount(line, "PricingUnitPrice"), currency)

        def fee(line: Row) -> None:
            if line["LineType"] == "Miscellaneous" and line["MiscellaneousChargesCode"]:
                found = charge(self._context, line, currency)
                line.update(Description=found["Description"], ExtendedAmount=found["Amount"])

        return {
            "Item": item,
            "PriceOverride": price,
            "PriceList": price,
            "PricingUnitPrice": price,
            "OrderUnitPrice": order_price,
            "QuantityOrdered": extend,
            "ExtendedAmount": extend,
            "MiscellaneousChargesCode": fee,
        }

    def _check_item(self, line: Row) -> None:
        if not line["Item"]:
            raise field_invalid("Item must be entered.")
        if not line["Location"]:
            raise field_invalid("Location must be entered.")
        self._context.demand("ICLocations", text(line, "Location"))
        ordered, shipped = amount(line, "QuantityOrdered"), amount(line, "QuantityShipped")
        if ordered <= 0 or not 0 <= shipped <= ordered:
            raise field_invalid("QuantityOrdered and QuantityShipped do not fit each other.")
        line.update(QuantityCommitted=ordered - shipped, OriginalQuantityOrdered=ordered)

    def _check_charge(self, order: Row, line: Row) -> None:
        currency = text(order, "OrderSourceCurrency")
        charge(self._context, line, currency)
        value = amount(line, "ExtendedAmount")
        self._sales.money.demand_exact(value, currency, "ExtendedAmount")
        if value < 0 and not self._context.switches.on("negative_charges"):
            raise field_invalid("ExtendedAmount must not be negative.")

    # --- what the order causes -----------------------------------------------------------------------------------------

    def _move_stock(self, order: Row) -> None:
        if order["OrderType"] != "Active":
            return
        for line in each_row(order, "OrderDetails"):
            if line["LineType"] != "Item" or not line["StockItem"]:
                continue
            place = (text(line, "Item"), text(line, "Location"))
            if amount(line, "QuantityShipped"):
                self._sales.inventory.ship(*place, amount(line, "QuantityShipped"))
            if amount(line, "QuantityCommitted"):
                self._sales.inventory.commit(*place, amount(line, "QuantityCommitted"))

    def _wants_invoice(self, order: Row) -> bool:
        reading = self._context.switches.text("invoiced_by")
        return any(order[name] for name in ("InvoiceWillBeProduced", "PostInvoice") if reading in (name, "both"))

    def _totals(self, order: Row, quantity: str) -> Totals:
        currency = text(order, "OrderSourceCurrency")
        lines = [(line, self._extended(line, quantity, currency)) for line in each_row(order, "OrderDetails")]
        return totals(self._sales, order, lines, currency)

    def _extended(self, line: Row, quantity: str, currency: str) -> Decimal:
        if line["LineType"] != "Item":
            return amount(line, "ExtendedAmount")
        return extended(self._sales, amount(line, quantity), amount(line, "PricingUnitPrice"), currency)

    def _invoice(self, order: Row) -> None:
        lines = [
            line
            for line in each_row(order, "OrderDetails")
            if line["LineType"] == "Miscellaneous" or amount(line, "QuantityShipped")
        ]
        if not lines:
            raise field_invalid("There is nothing to invoice: no quantity is shipped and there are no charges.")
        invoice = blank(self._context.schema.model_of(INVOICES))
        number = f"IN{self._records.next_number('OE invoice', 97):06d}"
        invoice.update(InvoiceUniquifier=Decimal(self._records.next_number("OE invoice uniquifier", 10_021_638)))
        same = (
            "OrderNumber",
            "CustomerNumber",
            "PurchaseOrderNumber",
            "DefaultLocationCode",
            "DefaultPriceListCode",
            "TaxGroup",
        )
        invoice.update({name: order[name] for name in same})
        invoice.update({f"TaxAuthority{n}": order[f"TaxAuthority{n}"] for n in range(1, AUTHORITIES + 1)})
        day = self._invoice_day(order)
        found = self._totals(order, "QuantityShipped")
        invoice.update(
            InvoiceNumber=number,
            InvoiceDate=day,
            ShipmentDate=order.get("ShipmentDate") or day,
            BillTo=order["BillToName"],
            Description=order["OrderDescription"],
            InvoiceSourceCurrency=order["OrderSourceCurrency"],
            InvoiceHomeCurrency=HOME_CURRENCY,
            InvoiceRate=order["OrderRate"],
            InvoiceRateType=order["OrderRateType"],
            InvoiceRateDate=order["OrderRateDate"],
            InvoiceSubtotalAmount=found.net,
            InvoiceTotalWithTax=found.gross,
            InvoiceAmountDue=found.gross,
            InvoiceStatus="Open",
            EnteredBy=self._context.user(),
        )
        invoice.update({f"TotalTaxAmount{n}": tax for n, tax in enumerate(found.taxes, start=1)})
        each_row(invoice, "InvoiceDetails").extend(self._invoice_lines(order, lines, invoice))
        self._records.insert(INVOICES, invoice)
        uniquifier = int(amount(invoice, "InvoiceUniquifier"))
        self._records.book.execute("INSERT INTO {day_end} (resource, key) VALUES (?, ?)", (INVOICES, uniquifier))
        order.update(LastInvoiceNumber=number, NumberOfInvoices=Decimal(1))

    def _invoice_lines(self, order: Row, lines: Sequence[Row], invoice: Row) -> list[Row]:
        currency = text(order, "OrderSourceCurrency")
        rows = []
        for line in lines:
            row = blank(self._context.model("OE.InvoiceDetail"))
            same = (
                "LineNumber",
                "LineType",
                "Item",
                "MiscellaneousChargesCode",
                "Location",
                "Description",
                "QuantityShipped",
            )
            row.update({name: line[name] for name in same})
            row.update(InvoiceUniquifier=invoice["InvoiceUniquifier"], PricingUnitPrice=line["PricingUnitPrice"])
            row["ExtendedAmount"] = self._extended(line, "QuantityShipped", currency)
            rows.append(row)
        return rows

    def _invoice_day(self, order: Row) -> str:
        """What the order names, else its own date or the session's (an open question); its period must be open."""
        named = order.get("InvoiceDate")
        own = self._context.today() if self._context.switches.text("invoice_date") == "session" else order["OrderDate"]
        day = str(named or own)
        self._sales.calendar.open_period(day, "InvoiceDate")
        return day
