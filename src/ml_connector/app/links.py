"""Links and their mappings: checked when they are saved, made ready for the flows when they are used."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection

from ml_connector.accounting import opening
from ml_connector.accounting.mapping_check import Suggestion, check_mapping, suggest
from ml_connector.amazon import marketplaces
from ml_connector.app import mapping_files
from ml_connector.app.connections import AMAZON, Connections, check_name
from ml_connector.app.house import House
from ml_connector.app.reports import LinkShown, MappingSaved
from ml_connector.domain.documents import Kind, State
from ml_connector.domain.errors import Finding, MlConnectorError, WrongUse
from ml_connector.domain.keys import account_prefix
from ml_connector.domain.links import Link
from ml_connector.domain.mapping import (
    CATEGORIES,
    AccountingPolicy,
    ClosedPeriod,
    Policy,
    Presentation,
    StoreSettings,
    rules_to_data,
)
from ml_connector.domain.mapping import Mapping as AccountMapping
from ml_connector.domain.settlements import Granularity, store_key
from ml_connector.domain.target import ReliabilityClass, Unsupported
from ml_connector.flows import planning
from ml_connector.posting.decide import Rules
from ml_connector.store import connections, links, queue
from ml_connector.store.links import LinkRow
from ml_connector.store.queue import Schedule

#: What a policy posts: a company that cannot hold one of these kinds cannot be linked with it.
_POSTS: Final = {Policy.SETTLEMENT_SUMMARY: (Kind.JOURNAL_ENTRY,)}

#: Seconds between looks of a poster that nobody asked, and between reconciliations.
POST_EVERY_S: Final = 300
DAILY_S: Final = 86_400


class LinkSettings(BaseModel):
    """A link's settings as they are kept. Stores are country codes (US, CA)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amazon: str
    erp: str
    stores: list[str]
    policy: Policy
    closed_period: ClosedPeriod
    approval: Literal["automatic", "person"] = "automatic"
    granularity: Granularity = Granularity.SETTLEMENT
    presentation: Presentation = Presentation.NET
    period_split: bool = True
    suspense: bool = False
    adopt_equal: bool = False
    zones: dict[str, str] = {}
    branches: dict[str, str] = {}
    always_facilitated: list[str] = []
    vat_not_deductible: list[str] = []
    goals: dict[Kind, Literal["entered", "posted"]] = {}
    every_hours: int = 6
    #: 0: orders are not looked for by themselves. A policy that books no orders does not need them.
    orders_every_minutes: int = 0


@dataclass(slots=True)
class Links:
    """All links of an installation."""

    house: House
    connections: Connections

    async def add(self, name: str, given: Mapping[str, Any], by: str) -> LinkShown:
        """Save a link, or change the settings of one. Two links may not cover the same store of one selling account."""
        check_name(name)
        settings = _checked(given)
        account = await self._account(settings.amazon)
        await self._check_connections(settings)
        await self._check_company(settings)
        await self._check_stores(name, settings, account)

        def save(conn: Connection) -> None:
            data = settings.model_dump(mode="json")
            before = links.get(conn, name)
            if before is None:
                links.add(conn, name, settings.amazon, settings.erp, data)
            elif (before.amazon, before.erp) != (settings.amazon, settings.erp):
                raise WrongUse(f"Link {name} joins {before.amazon} and {before.erp}; choose another name.")
            else:
                links.change(conn, name, data)
            self._schedule(conn, name, settings)
            self.house.note(conn, "link_saved", name, {"by": by, "settings": data})

        await self.house.store.call(save)
        return await self.show(name)

    async def all(self) -> list[LinkShown]:
        rows = await self.house.store.call(links.all_of)
        return [await self._shown(row) for row in rows]

    async def show(self, name: str) -> LinkShown:
        return await self._shown(await self.row(name))

    async def remove(self, name: str, by: str) -> None:
        await self.row(name)

        def forget(conn: Connection) -> None:
            queue.remove_schedules(conn, name)
            planning.give_back(conn, name)
            links.remove(conn, name)
            self.house.note(conn, "link_removed", name, {"by": by})

        await self.house.store.call(forget)

    async def open(self, name: str, source: Path, by: str) -> tuple[opening.OpeningSheet, ...]:
        """Keep the opening sheet of a link, store by store in place of the one before."""
        link = await self.link(name)
        try:
            data = tomllib.loads(source.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
            raise WrongUse(f"{source} cannot be read as TOML: {error}.") from error
        sheets = opening.sheets_from_data(data)
        for sheet in sheets:
            # It would stand for nothing, and nobody would notice.
            if store_key(sheet.store) not in {store_key(store) for store in link.currencies.get(sheet.currency, ())}:
                there = ", ".join(f"{store} in {iso}" for iso, stores in link.currencies.items() for store in stores)
                raise WrongUse(f"Link {name} has no store {sheet.store} in {sheet.currency}; it has: {there}.")

        def keep(conn: Connection) -> None:
            for sheet in sheets:
                content = _sheet_to_json(sheet)
                group = f"{sheet.currency} {store_key(sheet.store)}"
                links.put_opening_sheet(conn, links.OpeningSheet(name, group, content, self.house.store.now(conn)))
            self.house.note(conn, "opened", name, {"by": by, "stores": [sheet.store for sheet in sheets]})

        await self.house.store.call(keep)
        return sheets

    async def covering(self, store: str | None, currency: str) -> str:
        """The one link that takes a settlement of ``store`` (None while undecided) in ``currency``. Raises
        :class:`WrongUse` where there is none or more."""
        ready = [await self.link(row.name) for row in await self.house.store.call(links.all_of)]
        found = [each.name for each in ready if each.takes(store, currency)]
        what = store or f"a store in {currency}"
        if not found:
            raise WrongUse(f"No link covers {what}: add its store to a link, or name one with --link.")
        if len(found) > 1:
            raise WrongUse(f"{' and '.join(found)} cover {what}: say which with --link.")
        return found[0]

    async def sheets(self, name: str) -> tuple[opening.OpeningSheet, ...]:
        kept = await self.house.store.call(lambda conn: links.opening_sheets_of(conn, name))
        return tuple(_sheet_from_json(each.content) for each in kept)

    async def rules_on(self, erp: str) -> dict[str, Rules]:
        """How documents are judged on an ERP connection, by link: a poster drains those of all links on it."""
        rows = await self.house.store.call(links.all_of)
        return {
            row.name: Rules(adopt_foreign=LinkSettings(**row.settings).adopt_equal) for row in rows if row.erp == erp
        }

    async def row(self, name: str) -> LinkRow:
        row = await self.house.store.call(lambda conn: links.get(conn, name))
        if row is None:
            raise WrongUse(f"There is no link {name!r}: see ml-connector link list.")
        return row

    async def link(self, name: str, *, removed: bool = False) -> Link:
        """The link as the flows see it; with ``removed`` also one that is out of use, to look at what it posted."""
        found = await self.house.store.call(lambda conn: links.known(conn, name)) if removed else None
        row = found or await self.row(name)
        settings = LinkSettings(**row.settings)
        stores = [_store(code) for code in settings.stores]
        currencies: dict[str, tuple[str, ...]] = {}
        for store in stores:
            currencies[store.currency] = (*currencies.get(store.currency, ()), store.name)
        account, prefix = await self._identity(settings.amazon)
        return Link(
            name=name,
            amazon=row.amazon,
            erp=row.erp,
            account=account,
            prefix=prefix,
            policy=_policy(settings, stores),
            currencies=currencies,
            zones={store_key(store.name): store.zone for store in marketplaces.STORES},
            approval_automatic=settings.approval == "automatic",
            adopt_equal=settings.adopt_equal,
            started_at=row.started_at,
            goals={kind: State(goal) for kind, goal in settings.goals.items()},
        )

    async def _identity(self, amazon: str) -> tuple[str, str]:
        """(selling account in our tables, selling account in document keys)."""
        config = (await self.connections.amazon(amazon)).config
        return f"{config.seller_id}/{config.region.value}", account_prefix(config.seller_id, config.region.value)

    async def _account(self, amazon: str) -> str:
        return (await self._identity(amazon))[0]

    async def _check_connections(self, settings: LinkSettings) -> None:
        erp = await self.house.store.call(lambda conn: connections.get(conn, settings.erp))
        if erp is None or erp.kind == AMAZON:
            raise WrongUse(f"There is no ERP connection {settings.erp!r}: see ml-connector connection list.")

    async def _check_company(self, settings: LinkSettings) -> None:
        """The company can hold what the policy posts. Raises what signing in raises."""
        able = (await self.connections.target(settings.erp)).capabilities()
        problems = [why for kind in _POSTS[settings.policy] if (why := able.unsupported(kind))]
        if problems:
            raise WrongUse(f"{settings.erp} cannot do {settings.policy.value}: {' '.join(problems)}")
        for kind, goal in settings.goals.items():
            routes = able.routes[kind]
            if goal == "entered" and (
                isinstance(routes, Unsupported) or routes[0].class_ is not ReliabilityClass.TWO_ACTS
            ):
                raise WrongUse(
                    f"{settings.erp} has no state between nothing and posted for {kind.value}: goal posted only."
                )

    async def _check_stores(self, name: str, settings: LinkSettings, account: str) -> None:
        for other in await self.house.store.call(links.all_of):
            if other.name == name or await self._account(other.amazon) != account:
                continue
            shared = {_store(code).code for code in LinkSettings(**other.settings).stores} & {
                _store(code).code for code in settings.stores
            }
            if shared:
                raise WrongUse(
                    f"Link {other.name} covers {', '.join(sorted(shared))} of this selling account already: "
                    "a store belongs to one link."
                )

    def _schedule(self, conn: Connection, name: str, settings: LinkSettings) -> None:
        now = self.house.store.now(conn)
        for flow, every_s in (
            ("settlements", settings.every_hours * 3600),
            ("post", POST_EVERY_S),
            ("reconcile", DAILY_S),
            ("orders", settings.orders_every_minutes * 60),
        ):
            if every_s:
                queue.put_schedule(conn, Schedule(name, flow, every_s, now, enabled=True))
            else:
                queue.remove_schedule(conn, name, flow)

    async def _shown(self, row: LinkRow) -> LinkShown:
        settings = LinkSettings(**row.settings)
        newest = await self.house.store.call(lambda conn: links.mapping(conn, row.name))
        return LinkShown(
            name=row.name,
            amazon=row.amazon,
            erp=row.erp,
            stores=tuple(settings.stores),
            policy=settings.policy.value,
            closed_period=settings.closed_period.value,
            approval=settings.approval,
            granularity=settings.granularity.value,
            presentation=settings.presentation.value,
            period_split=settings.period_split,
            suspense=settings.suspense,
            adopt_equal=settings.adopt_equal,
            zones={code: settings.zones.get(code) or _store(code).zone for code in settings.stores},
            every_hours=settings.every_hours,
            orders_every_minutes=settings.orders_every_minutes,
            mapping_version=newest.version if newest else None,
            goals={kind.value: settings.goals.get(kind, "posted") for kind in _POSTS[settings.policy]},
            classes=await self._classes(settings),
            branches=settings.branches,
            always_facilitated=tuple(settings.always_facilitated),
            vat_not_deductible=tuple(settings.vat_not_deductible),
        )

    async def _classes(self, settings: LinkSettings) -> dict[str, str]:
        """How each kind is kept from counting twice; {} while the ERP cannot be asked."""
        try:
            able = (await self.connections.target(settings.erp)).capabilities()
        except MlConnectorError:
            return {}
        return {
            kind.value: "window" if settings.goals.get(kind) == "entered" else routes[0].class_.value
            for kind in _POSTS[settings.policy]
            if not isinstance(routes := able.routes[kind], Unsupported)
        }


@dataclass(slots=True)
class Mappings:
    """The mappings of links, by version."""

    house: House
    links: Links

    async def import_file(self, link: str, file: Path, by: str) -> MappingSaved:
        """Take over a CSV or TOML file as the link's next version. The same content stays the same version."""
        await self.links.row(link)
        try:
            with file.open(encoding="utf-8") as lines:
                text = lines.read(mapping_files.TEXT_MAX + 1)
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUse(f"{file} cannot be read as UTF-8 text.") from error
        rules = mapping_files.read(text, "toml" if file.suffix == ".toml" else "csv")
        sha256 = AccountMapping(0, rules).sha256

        def keep(conn: Connection) -> links.MappingRow:
            row = links.add_mapping(conn, link, rules_to_data(rules), sha256)
            self.house.note(conn, "mapping_imported", link, {"by": by, "version": row.version, "sha256": sha256})
            return row

        row = await self.house.store.call(keep)
        return MappingSaved(link, row.version, len(rules), sha256)

    async def rules(self, link: str) -> list[dict[str, object]]:
        return rules_to_data((await self.newest(link)).rules)

    async def export_text(self, link: str, form: str) -> str:
        return mapping_files.write((await self.newest(link)).rules, form)

    async def newest(self, link: str) -> AccountMapping:
        """The mapping in force. Raises :class:`WrongUse` for a link that has none yet."""
        found = await self._version(link, None)
        if found is None:
            raise WrongUse(f"Link {link} has no mapping yet: ml-connector mapping import {link} FILE.")
        return found

    async def version(self, link: str, version: int) -> AccountMapping:
        found = await self._version(link, version)
        if found is None:
            raise WrongUse(f"Link {link} has no mapping version {version}.")
        return found

    async def check(self, link: str) -> tuple[Finding, ...]:
        """Hold the mapping against the ERP's accounts as they are now; unmapped categories are notes."""
        mapping = await self.newest(link)
        ready = await self.links.link(link)
        references = await (await self.links.connections.target(ready.erp)).references()
        findings = check_mapping(
            mapping, references, {name: iso for iso, names in ready.currencies.items() for name in names}
        )
        return (*findings, *(_unmapped(category) for category in sorted(_missing(mapping))))

    async def suggest(self, link: str) -> tuple[Suggestion, ...]:
        """Accounts that look like the categories not mapped yet."""
        ready = await self.links.link(link)
        references = await (await self.links.connections.target(ready.erp)).references()
        mapping = await self._version(link, None)
        return suggest(references, _missing(mapping) if mapping else CATEGORIES)

    async def _version(self, link: str, version: int | None) -> AccountMapping | None:
        row = await self.house.store.call(lambda conn: links.mapping(conn, link, version))
        return None if row is None else AccountMapping(row.version, mapping_files.from_data(row.content))


def _checked(given: Mapping[str, Any]) -> LinkSettings:
    try:
        settings = LinkSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongUse(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    if not settings.stores:
        raise WrongUse("A link covers at least one store: --stores US,CA.")
    unknown = [code for code in settings.stores if marketplaces.store_by_code(code) is None]
    if unknown:
        codes = ", ".join(store.code for store in marketplaces.STORES)
        raise WrongUse(f"There is no store {', '.join(unknown)}; there are: {codes}.")
    named = {*settings.zones, *settings.branches, *settings.always_facilitated, *settings.vat_not_deductible}
    strange = named - set(settings.stores)
    if strange:
        raise WrongUse(f"{', '.join(sorted(strange))} is no store of this link.")
    for zone in settings.zones.values():
        _check_zone(zone)
    return settings


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise WrongUse(f"{zone!r} is no IANA time zone such as Europe/Berlin.") from error


def _store(code: str) -> marketplaces.Store:
    store = marketplaces.store_by_code(code)
    if store is None:
        raise WrongUse(f"There is no store {code!r}.")
    return store


def _policy(settings: LinkSettings, stores: list[marketplaces.Store]) -> AccountingPolicy:
    return AccountingPolicy(
        policy=settings.policy,
        closed_period=settings.closed_period,
        stores={
            store.name: StoreSettings(
                zone=settings.zones.get(store.code) or store.zone,
                branch=settings.branches.get(store.code, ""),
                always_facilitated=store.code in settings.always_facilitated,
                vat_on_fees_deductible=store.code not in settings.vat_not_deductible,
                prices_include_tax=store.prices_include_tax,
            )
            for store in stores
        },
        granularity=settings.granularity,
        presentation=settings.presentation,
        period_split=settings.period_split,
        suspense=settings.suspense,
    )


def _sheet_to_json(sheet: opening.OpeningSheet) -> dict[str, Any]:
    (data,) = opening.sheets_to_data([sheet])["store"]
    return {**data, "boundary": sheet.boundary.isoformat()}


def _sheet_from_json(content: Mapping[str, Any]) -> opening.OpeningSheet:
    (sheet,) = opening.sheets_from_data(
        {"store": [{**content, "boundary": datetime.fromisoformat(content["boundary"])}]}
    )
    return sheet


def _missing(mapping: AccountMapping) -> set[str]:
    return set(CATEGORIES) - {rule.category for rule in mapping.rules}


def _unmapped(category: str) -> Finding:
    return Finding(
        "unmapped_category", f"No account is mapped for {category}: a settlement that needs it is held.", holds=False
    )
