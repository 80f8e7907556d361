"""Journal entries: what the company's rules let in, what the ledger then holds, and how balances follow.

Rules of the dossier, section 6.5. Amounts are in local currency (Debit, Credit) and, on lines in another currency, in that
one too (FCDebit, FCCredit); both are positive. Every method is called inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.company import (
    LOCAL_CURRENCY,
    ROUNDING_ACCOUNT,
    TOTALS_ACCURACY,
    account_code,
    rate_of,
)
from ml_connector.sandbox.sap_business_one.errors import (
    OBJECT_REJECTED,
    ServiceLayerError,
    not_found,
    not_supported,
    rejected,
)
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables, amount
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.switches import Switches

_ZERO = Decimal(0)
_FIRST_JDT_NUM, _FIRST_NUMBER = 98_001, 4_021
_COSTING = ("CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5")
_DECIMALS = {"cdDefault": TOTALS_ACCURACY, "cdWithoutDecimals": 0}

#: What a person may still change in a posted entry; amounts and accounts may not.
_AMENDABLE = frozenset({"Memo", "Reference", "Reference2", "Reference3", "DueDate", "ProjectCode", "Indicator"})


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the trial balance: totals of an account in local currency, ``balance`` = debit - credit."""

    account: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


class Journal:
    """The journal of one company."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches, today: Callable[[], str]) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._today = today
        tables.index("JDT1", ("AccountCode",))
        tables.index("OJDT", ("Reference",))

    def post(self, sent: Row) -> int:
        """Write an entry and return its JdtNum. Raises :class:`ServiceLayerError` where a rule says no."""
        header = {name: value for name, value in sent.items() if name != "JournalEntryLines"}
        lines = sent.get("JournalEntryLines")
        if not isinstance(lines, list) or len(lines) < 2:
            raise rejected("A journal entry needs at least two lines [JournalEntryLines].")
        self._complete(header)
        day = str(header["ReferenceDate"])
        self._check_period(header)
        booked = [self._line(line, number, header) for number, line in enumerate(lines, start=1)]
        for number, (line, was) in enumerate(zip(booked, lines, strict=True), start=1):
            self._value_line(line, was, day, number)
        self._balance(booked, lines)
        return self._write(header, booked)

    def amend(self, jdt_num: int, changes: Row) -> None:
        """PATCH: texts of the header. Lines of a posted entry stay as they are (a decision of this simulator)."""
        entry = self._catalog.schema.types["JournalEntry"]
        self._existing(jdt_num)
        changes = {
            name: value
            for name, value in changes.items()
            if name in _AMENDABLE or name.startswith("U_") or name == "JournalEntryLines"
        }
        if "JournalEntryLines" in changes:
            raise not_supported()
        if changes:
            self._tables.update(entry, {"JdtNum": jdt_num}, changes)

    def cancel(self, jdt_num: int) -> int:
        """Write the entry that takes another back and return its JdtNum; the original stays as it is."""
        original = self._existing(jdt_num)
        if self._tables.book.row('SELECT 1 FROM {storno} WHERE "Original" = ? OR "Storno" = ?', (jdt_num, jdt_num)):
            raise rejected("This journal entry was already reversed, or reverses another.")
        line_type = self._catalog.schema.types["JournalEntryLine"]
        lines = self._tables.children(line_type, ("JdtNum",), [original])[(jdt_num,)]
        header = self._storno_header(original)
        self._check_period(header)
        number = self._write(header, [self._storno_line(line, str(header["ReferenceDate"])) for line in lines])
        self._tables.book.execute("INSERT INTO {storno} VALUES (?, ?)", (jdt_num, number))
        return number

    def nudge(self, jdt_num: int, line_id: int, by: Decimal) -> None:
        """Change the amount of one line behind the system's back, on the side it stands, in both currencies."""
        line_type = self._catalog.schema.types["JournalEntryLine"]
        line = self._tables.one(line_type, {"JdtNum": jdt_num, "Line_ID": line_id})
        if line is None:
            raise not_found()
        side = "Debit" if _money(line, "Debit") or _money(line, "FCDebit") else "Credit"
        changes: Row = {side: _money(line, side) + by, f"{side}Sys": _money(line, f"{side}Sys") + by}
        if line["FCCurrency"]:
            changes[f"FC{side}"] = _money(line, f"FC{side}") + by
        self._tables.update(line_type, {"JdtNum": jdt_num, "Line_ID": line_id}, changes)
        self._follow([{"AccountCode": line["AccountCode"], side: by}])

    def vanish(self, jdt_num: int) -> None:
        """The company's database is an older copy: the entry was never there."""
        entry = self._existing(jdt_num)
        line_type = self._catalog.schema.types["JournalEntryLine"]
        lines = self._tables.children(line_type, ("JdtNum",), [entry])[(jdt_num,)]
        self._follow([{**line, "Debit": _money(line, "Credit"), "Credit": _money(line, "Debit")} for line in lines])
        self._tables.delete("JDT1", {"JdtNum": jdt_num})
        self._tables.delete("OJDT", {"JdtNum": jdt_num})
        self._tables.book.execute('DELETE FROM {storno} WHERE "Storno" = ?', (jdt_num,))

    def newest(self) -> int:
        """The JdtNum of the entry written last."""
        return self._tables.next_number("OJDT", "JdtNum", _FIRST_JDT_NUM) - 1

    def trial_balance(self) -> list[Balance]:
        """Every account that was ever posted to, in order of code; recomputed from the lines."""
        rows = self._tables.book.rows(
            'SELECT "AccountCode", sum("Debit"), sum("Credit") FROM {JDT1} GROUP BY "AccountCode" ORDER BY "AccountCode"'
        )
        return [Balance(row[0], amount(row[1]), amount(row[2])) for row in rows]

    # --- the header ----------------------------------------------------------------------------------------------------

    def _complete(self, header: Row) -> None:
        """Dates that were not sent follow the posting date, and that is today."""
        if header.get("UseAutoStorno") == "tYES" or header.get("StornoDate") or header.get("TransactionCode"):
            raise rejected("Automatic reversal and transaction codes are not set up in this company.")
        header["ReferenceDate"] = header.get("ReferenceDate") or self._today()
        for name in ("DueDate", "TaxDate"):
            header[name] = header.get(name) or header["ReferenceDate"]
        header["VatDate"] = header.get("VatDate") or header["TaxDate"]
        self._check_project(header.get("ProjectCode"))

    def _check_period(self, header: Row) -> None:
        """The posting period is there and open; due date and document date lie in its ranges."""
        period_type = self._catalog.schema.types["FinancePeriod"]
        day = str(header["ReferenceDate"])
        found = self._tables.select(period_type, '"PostingDateFrom" <= ? AND "PostingDateTo" >= ?', [day, day], limit=1)
        if not found:
            raise rejected("Date deviates from permissible range [OJDT.RefDate].")
        period = found[0]
        if period["PeriodStatus"] in ("ltLocked", "ltPeriodClosing"):
            raise rejected(f"Posting period '{period['PeriodCode']}' is locked [OJDT.RefDate].")
        for name, first, last in (("DueDate", "ValueDateFrom", "ValueDateTo"), ("TaxDate", "TaxDateFrom", "TaxDateTo")):
            if not str(period[first]) <= str(header[name]) <= str(period[last]):
                raise rejected(f"Date deviates from permissible range [OJDT.{name}].")

    def _check_project(self, code: object) -> None:
        if not code:
            return
        found = self._tables.one(self._catalog.schema.types["Project"], {"Code": code})
        if found is None or found["Active"] == "tNO":
            raise rejected(f"Project '{code}' does not exist or is not active [ProjectCode].")

    # --- the lines -----------------------------------------------------------------------------------------------------

    def _line(self, sent: Row, number: int, header: Row) -> Row:
        """A line with its account, dimensions and branch checked and what was not sent filled in."""
        line_type = self._catalog.schema.types["JournalEntryLine"]
        line = with_defaults(sent, line_type)
        line["Line_ID"] = number - 1
        line["AccountCode"] = line["AccountCode"] or line["ShortName"]
        if line["ShortName"] not in (None, line["AccountCode"]):
            raise rejected(f"Invalid BP code [JournalEntryLines.ShortName][line: {number}] , '{line['ShortName']}'")
        line["ShortName"] = line["AccountCode"]
        self._check_account(line, number, str(header["ReferenceDate"]))
        self._check_dimensions(line, number)
        self._check_branch(line, number)
        for name, source in (
            ("DueDate", "DueDate"),
            ("ReferenceDate1", "ReferenceDate"),
            ("TaxDate", "TaxDate"),
            ("Reference1", "Reference"),
            ("Reference2", "Reference2"),
            ("LineMemo", "Memo"),
        ):
            line[name] = line[name] or header.get(source)
        return line

    def _check_account(self, line: Row, number: int, day: str) -> None:
        where = f"[JournalEntryLines.AccountCode][line: {number}]"
        account = self._tables.one(self._catalog.schema.types["ChartOfAccount"], {"Code": line["AccountCode"]})
        if account is None:
            raise rejected(f"Invalid G/L account {where} , '{line['AccountCode']}'")
        code = account["Code"]
        if account["ActiveAccount"] != "tYES":
            raise rejected(f"G/L account '{code}' is a title; specify an active account {where}")
        if account["FrozenFor"] == "tYES" and _within(day, account["FrozenFrom"], account["FrozenTo"]):
            raise rejected(f"G/L account '{code}' is frozen {where}")
        if account["ValidFor"] == "tYES" and not _within(day, account["ValidFrom"], account["ValidTo"]):
            raise rejected(f"G/L account '{code}' is not valid on {day} {where}")
        control = self._tables.book.row('SELECT 1 FROM {control_accounts} WHERE "Code" = ?', (str(code),)) is not None
        if control or "tYES" in (account["LockManualTransaction"], account["BlockManualPosting"]):
            raise rejected(f"G/L account '{code}' is locked for manual transactions {where}")
        currency = account["AcctCurrency"]
        if currency not in ("##", line["FCCurrency"] or LOCAL_CURRENCY):
            raise rejected(f"G/L account '{code}' is kept in {currency} {where}")

    def _check_dimensions(self, line: Row, number: int) -> None:
        rule_type = self._catalog.schema.types["DistributionRule"]
        for dimension, name in enumerate(_COSTING, start=1):
            code = line[name]
            if not code:
                continue
            rule = self._tables.one(rule_type, {"FactorCode": code})
            if rule is None or rule["Active"] != "tYES" or rule["InWhichDimension"] != dimension:
                raise rejected(f"Invalid distribution rule [JournalEntryLines.{name}][line: {number}] , '{code}'")
        self._check_project(line["ProjectCode"])

    def _check_branch(self, line: Row, number: int) -> None:
        where = f"[JournalEntryLines.BPLID][line: {number}]"
        if not self._switches.on("enable_branches"):
            if line["BPLID"] is not None:
                raise rejected(f"Branches are not enabled {where}")
            return
        if line["BPLID"] is None:
            raise rejected(f"Specify an active branch {where}")
        branch = self._tables.one(self._catalog.schema.types["BusinessPlace"], {"BPLID": line["BPLID"]})
        if branch is None or branch["Disabled"] == "tYES":
            raise rejected(f"Specify an active branch {where}")
        line["BPLName"] = branch["BPLName"]

    def _value_line(self, line: Row, sent: Row, day: str, number: int) -> None:
        """Round amounts to their currency's decimals and find what the other currency shows."""
        where = f"[JournalEntryLines][line: {number}]"
        currency = line["FCCurrency"] or None
        line["FCCurrency"] = currency
        foreign = {name: _money(sent, name) for name in ("FCDebit", "FCCredit")}
        local = {name: _money(sent, name) for name in ("Debit", "Credit")}
        for pair in (foreign, local):
            if any(value < 0 for value in pair.values()) or all(pair.values()):
                raise rejected(f"Specify a positive amount on one side only {where}")
        if currency is None:
            if any(foreign.values()):
                raise rejected(f"Specify the currency of the amount {where}")
        else:
            decimals, rate = self._terms(str(currency), day, where)
            foreign = {name: _rounded(value, decimals) for name, value in foreign.items()}
            if not any(local.values()) and any(foreign.values()):
                if self._switches.on("foreign_needs_local"):
                    raise rejected(f"Specify the amount in local currency {where}")
                local = {name: foreign[f"FC{name}"] * rate for name in local}
            if (local["Debit"] and foreign["FCCredit"]) or (local["Credit"] and foreign["FCDebit"]):
                raise rejected(f"Amounts stand on different sides {where}")
        local = {name: _rounded(value, TOTALS_ACCURACY) for name, value in local.items()}
        line.update(**foreign, **local, DebitSys=local["Debit"], CreditSys=local["Credit"])

    def _terms(self, currency: str, day: str, where: str) -> tuple[int, Decimal]:
        """Decimals of a foreign currency and its rate on the day."""
        known = self._tables.one(self._catalog.schema.types["Currency"], {"Code": currency})
        if known is None or currency == LOCAL_CURRENCY:
            raise rejected(f"Invalid foreign currency {where} , '{currency}'")
        rate = rate_of(self._tables, currency, day)
        if rate is None:
            raise rejected(f"Update the exchange rate , '{currency}' {where}")
        kind = str(known["Decimals"])
        return _DECIMALS[kind] if kind in _DECIMALS else int(kind[2]), rate

    # --- the entry -----------------------------------------------------------------------------------------------------

    def _balance(self, booked: list[Row], sent: Sequence[Row]) -> None:
        """Debit equals credit: in each currency, in local currency, and per branch where the company works with branches."""
        converted = all(
            line["FCCurrency"] and not _money(was, "Debit") and not _money(was, "Credit")
            for line, was in zip(booked, sent, strict=True)
        )
        by_branch = self._switches.on("enable_branches") and self._switches.on("branch_balance")
        for branch in sorted({line["BPLID"] for line in booked}, key=str) if by_branch else [None]:
            group = [line for line in booked if not by_branch or line["BPLID"] == branch]
            for currency in {line["FCCurrency"] for line in group if line["FCCurrency"]}:
                if _difference((line for line in group if line["FCCurrency"] == currency), "FC"):
                    raise _unbalanced()
            rest = _difference(group, "")
            if not rest:
                continue
            # Each line's conversion may be wrong by half a cent; more than that is not rounding.
            if (
                not converted
                or abs(rest) > len(group) * Decimal("0.005")
                or not self._settle_rounding(booked, group, rest)
            ):
                raise _unbalanced()

    def _settle_rounding(self, booked: list[Row], group: list[Row], rest: Decimal) -> bool:
        """What converting lines left over in local currency; False where the company refuses such an entry."""
        reading = self._switches.text("foreign_rounding")
        if reading == "refuse":
            return False
        if reading == "absorb":
            largest = max(group, key=lambda line: _money(line, "Debit") + _money(line, "Credit"))
            side, sign = ("Debit", -1) if _money(largest, "Debit") else ("Credit", 1)
            largest[side] = largest[f"{side}Sys"] = _money(largest, side) + sign * rest
            return True
        side = "Credit" if rest > 0 else "Debit"
        line = {
            **group[-1],
            "Line_ID": len(booked),
            "LineMemo": "Conversion difference",
            "FCDebit": _ZERO,
            "FCCredit": _ZERO,
        }
        line.update({name: None for name in (*_COSTING, "ProjectCode") if name in line})
        line.update(Debit=_ZERO, Credit=_ZERO, DebitSys=_ZERO, CreditSys=_ZERO)
        line.update({side: abs(rest), f"{side}Sys": abs(rest)})
        line["AccountCode"] = line["ShortName"] = account_code(self._switches, ROUNDING_ACCOUNT)
        booked.append(line)
        return True

    def _write(self, header: Row, lines: list[Row]) -> int:
        entry_type = self._catalog.schema.types["JournalEntry"]
        jdt_num = self._tables.next_number("OJDT", "JdtNum", _FIRST_JDT_NUM)
        number = self._tables.next_number("OJDT", "Number", _FIRST_NUMBER)
        entry = with_defaults(header, entry_type)
        entry.update(
            JdtNum=jdt_num,
            Number=number,
            Series=17,
            OriginalJournal="ttJournalEntry",
            Original=jdt_num,
            BaseReference=str(number),
        )
        for line in lines:
            line["ContraAccount"] = line["ContraAccount"] or _opposite(line, lines)
        self._tables.insert(entry_type, entry)
        self._tables.insert_all(self._catalog.schema.types["JournalEntryLine"], lines, parent={"JdtNum": jdt_num})
        self._follow(lines)
        return jdt_num

    def _follow(self, lines: Iterable[Row]) -> None:
        """Account balances follow the lines: debit minus credit, local currency."""
        changes: dict[str, Decimal] = {}
        for line in lines:
            code = str(line["AccountCode"])
            changes[code] = changes.get(code, _ZERO) + _money(line, "Debit") - _money(line, "Credit")
        for code, change in changes.items():
            self._tables.book.execute(
                'UPDATE {OACT} SET "Balance" = "Balance" + ? WHERE "Code" = ?', (int(change * 1_000_000), code)
            )

    def _existing(self, jdt_num: int) -> Row:
        found = self._tables.one(self._catalog.schema.types["JournalEntry"], {"JdtNum": jdt_num})
        if found is None:
            raise not_found()
        return found

    def _storno_header(self, original: Row) -> Row:
        day = self._today() if self._switches.text("storno_date") == "today" else original["ReferenceDate"]
        header: Row = {"ReferenceDate": day, "DueDate": day, "TaxDate": day, "VatDate": day, "Memo": original["Memo"]}
        if self._switches.text("storno_marking") == "memo":
            header["Memo"] = f"(Reversal) {original['Memo'] or original['JdtNum']}"[:50]
        if self._switches.on("storno_copies_fields"):
            copied = ("Reference", "Reference2", "Reference3", *(name for name in original if name.startswith("U_")))
            header.update({name: original[name] for name in copied})
        return header

    def _storno_line(self, line: Row, day: str) -> Row:
        taken_back = {**line, "ReferenceDate1": day, "DueDate": day, "TaxDate": day}
        for prefix, suffix in (("", ""), ("FC", ""), ("", "Sys")):
            debit, credit = f"{prefix}Debit{suffix}", f"{prefix}Credit{suffix}"
            if self._switches.text("storno_sign") == "negative":
                taken_back.update({debit: -_money(line, debit), credit: -_money(line, credit)})
            else:
                taken_back.update({debit: line[credit], credit: line[debit]})
        return taken_back


def _unbalanced() -> ServiceLayerError:
    """The text is a placeholder of the dossier (section 6.5), not a fact."""
    return ServiceLayerError(400, OBJECT_REJECTED, "Unbalanced Transaction")


def _money(line: Row, name: str) -> Decimal:
    value = line.get(name)
    return value if isinstance(value, Decimal) else _ZERO


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _difference(lines: Iterable[Row], prefix: str) -> Decimal:
    return sum((_money(line, f"{prefix}Debit") - _money(line, f"{prefix}Credit") for line in lines), _ZERO)


def _within(day: str, first: object, last: object) -> bool:
    """Is the day inside a range whose ends may be open?"""
    return (first is None or str(first) <= day) and (last is None or day <= str(last))


def _opposite(line: Row, lines: Sequence[Row]) -> object:
    """The account of the first line on the other side, as the real system fills in (inferred)."""
    side = "Credit" if _money(line, "Debit") else "Debit"
    return next((other["AccountCode"] for other in lines if _money(other, side)), None)
