"""Connections: saved, tried, opened. Secrets go into the vault and come out only to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from ml_connector.amazon import config as amazon_config
from ml_connector.amazon.connection import AmazonAccount
from ml_connector.amazon.connection import Tools as AmazonTools
from ml_connector.app.house import OWN, House
from ml_connector.app.reports import ConnectionShown
from ml_connector.domain.catalog import Identity
from ml_connector.domain.documents import State
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Form
from ml_connector.domain.sealed import SecretId
from ml_connector.domain.target import Company
from ml_connector.erp import registry
from ml_connector.store import connections, documents, records, secrets
from ml_connector.store.buckets import StoredBuckets
from ml_connector.store.connections import ConnectionRow
from ml_connector.store.tokens import SealedTokens
from ml_connector.vault import envelopes

AMAZON: Final = "amazon"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

#: Name, settings, and which version of which secrets.
_MadeOf = tuple[str, tuple[tuple[str, str], ...], tuple[SecretId, ...]]


@dataclass(slots=True)
class Connections:
    """All connections of an installation, and the ones that are open."""

    house: House
    _targets: dict[_MadeOf, Company] = field(default_factory=dict)
    _accounts: dict[_MadeOf, AmazonAccount] = field(default_factory=dict)

    def form(self, kind: str) -> Form:
        """What the sign-in form of ``kind`` asks for. Raises :class:`WrongUse` naming the kinds there are."""
        if kind == AMAZON:
            return amazon_config.FORM
        known = registry.connectors()
        if kind not in known:
            raise WrongUse(f"There is no kind {kind!r}; there are: {', '.join([AMAZON, *known])}.")
        return known[kind].form

    async def add(
        self, name: str, kind: str, settings: Mapping[str, str], given: Mapping[str, str], by: str
    ) -> ConnectionShown:
        """Save a connection, or change what is given of one of the same kind: what is not given stays as it was."""
        check_name(name)
        form = self.form(kind)
        before = await self.house.store.call(lambda conn: connections.get(conn, name))
        if before is not None and before.kind != kind:
            raise WrongUse(f"{name} is a connection of kind {before.kind}; choose another name.")
        kept = await self._secrets(name) if before is not None else {}
        secret_names = {each.name for each in form.fields if each.secret}
        self.house.redactor.learn(given[key] for key in secret_names & given.keys())
        known = _text(before.settings) if before is not None else {}
        values = form.clean({**known, **settings}, {**kept, **{key: value for key, value in given.items() if value}})
        public = {key: value for key, value in values.items() if key not in secret_names}
        other = [each for each in form.fields if each.whose and known and known.get(each.name, "") != values[each.name]]

        def save(conn: Connection) -> None:
            if other and _used(conn, name):
                what = " and ".join(f"{each.label} ({each.name})" for each in other)
                raise WrongUse(
                    f"{what} of {name} cannot change any more: what was read or posted through it belongs to that account. Add a "
                    "connection with another name."
                )
            if before is None:
                connections.add(conn, name, kind, public)
            else:
                connections.change(conn, name, public)
            for key in secret_names & values.keys():
                if values[key] and values[key] != kept.get(key):
                    self.house.seal(conn, name, key, values[key])
            self.house.note(conn, "connection_saved", name, {"by": by, "kind": kind})

        await self.house.store.call(save)
        return await self.show(name)

    async def all(self) -> list[ConnectionShown]:
        rows = await self.house.store.call(connections.all_of)
        return [await self._shown(row) for row in rows]

    async def show(self, name: str) -> ConnectionShown:
        return await self._shown(await self._row(name))

    async def secret_fields(self, name: str) -> frozenset[str]:
        """Which secrets of a connection are set; none where there is no such connection."""
        found = await self.house.store.call(lambda conn: secrets.of(conn, name))
        return frozenset(secret.field for secret, _ in found)

    async def test(self, name: str) -> Identity:
        """Sign in anew and read who answers. Raises what is wrong, exactly."""
        row = await self._row(name)
        if row.kind == AMAZON:
            return await (await self.amazon(name)).ping(fresh=True)
        return await (await self.target(name)).ping()

    async def prepare(self, name: str, by: str) -> tuple[str, ...]:
        """Create what the strongest reliability class needs."""
        row = await self._row(name)
        if row.kind == AMAZON:
            return ("Amazon needs no preparation.",)
        words = await (await self.target(name)).prepare()
        await self.house.store.call(
            lambda conn: self.house.note(conn, "connection_prepared", name, {"by": by, "done": list(words)})
        )
        return words

    async def remove(self, name: str, by: str) -> None:
        await self._row(name)

        def forget(conn: Connection) -> None:
            connections.remove(conn, name)
            self.house.note(conn, "connection_removed", name, {"by": by})

        await self.house.store.call(forget)

    async def amazon(self, name: str) -> AmazonAccount:
        """The selling account behind a connection: one object per process, so that its quota is shared."""
        row, made_of = await self._opened_from(name, kind=AMAZON)
        account = self._accounts.get(made_of)
        if account is None:
            config = amazon_config.read_config(_text(row.settings), await self._secrets(name))
            account = self._accounts[made_of] = AmazonAccount(config, self._amazon_tools(name))
        return account

    async def target(self, name: str) -> Company:
        """The ERP company behind a connection, signed in."""
        row, made_of = await self._opened_from(name)
        if row.kind == AMAZON:
            raise WrongUse(f"{name} is an Amazon connection, not an ERP.")
        target = self._targets.get(made_of)
        if target is None:
            tools = registry.Tools(self.house.clock, self.house.random, settle_s=self._settle_s(row))
            target = self._targets[made_of] = await registry.connector(row.kind).connect(
                _text(row.settings), await self._secrets(name), tools
            )
        return target

    async def _opened_from(self, name: str, kind: str | None = None) -> tuple[ConnectionRow, _MadeOf]:
        """A connection, and what an object for it is made of: a process that serves for weeks follows what people change.
        What was made before stays open until the end, for somebody may be in the middle of something with it."""
        row = await self._row(name, kind)
        found = await self.house.store.call(lambda conn: secrets.of(conn, name))
        return row, (name, tuple(sorted(_text(row.settings).items())), tuple(secret for secret, _ in found))

    async def close(self) -> None:
        for target in self._targets.values():
            await target.close()
        for account in self._accounts.values():
            await account.aclose()

    def _settle_s(self, row: ConnectionRow) -> float | None:
        """The shortened settle window of a test. Production refuses it: a window that is too short posts twice."""
        wanted = self.house.settings.test_settle_s
        if wanted is not None and urlsplit(str(row.settings.get("base_url", ""))).hostname not in _LOOPBACK:
            raise WrongUse(
                f"test_settle_s is set, and {row.name} is not on this machine. Remove the setting: with a shortened "
                "settle window a lost reply could post twice."
            )
        return wanted

    def _amazon_tools(self, name: str) -> AmazonTools:
        house = self.house

        async def keep_refresh_token(token: str) -> None:
            await house.store.call(lambda conn: house.seal(conn, name, "refresh_token", token))

        return AmazonTools(
            clock=house.clock,
            random=house.random,
            tokens=SealedTokens(
                house.store,
                lambda secret, content: envelopes.seal(house.ring.primary, secret, content),
                lambda secret, envelope: envelopes.unseal(house.ring, secret, envelope),
            ),
            buckets=StoredBuckets(house.store),
            on_new_refresh_token=keep_refresh_token,
        )

    async def _row(self, name: str, kind: str | None = None) -> ConnectionRow:
        row = await self.house.store.call(lambda conn: connections.get(conn, name))
        if row is None or (kind is not None and row.kind != kind):
            what = f"{kind} connection" if kind else "connection"
            raise WrongUse(f"There is no {what} {name!r}: see ml-connector connection list.")
        return row

    async def _secrets(self, name: str) -> dict[str, str]:
        found = await self.house.store.call(lambda conn: secrets.of(conn, name))
        return {secret.field: self.house.unseal((secret, envelope)) for secret, envelope in found}

    async def _shown(self, row: ConnectionRow) -> ConnectionShown:
        found = await self.house.store.call(lambda conn: secrets.of(conn, row.name))
        return ConnectionShown(row.name, row.kind, _text(row.settings), tuple(secret.field for secret, _ in found))


def _used(conn: Connection, name: str) -> bool:
    """Whether anything was read through a connection, or decided to be posted."""
    posted = documents.find(conn, connection=name, state=set(State) - {State.PLANNED}, limit=1)
    return bool(posted or records.find(conn, connection=name, limit=1))


def _text(settings: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in settings.items()}


def check_name(name: str) -> None:
    """Raises :class:`WrongUse` for a name that would be trouble on a command line or in a document."""
    if not name or len(name) > 40 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise WrongUse("A name consists of up to 40 letters, digits, '-' and '_'.")
    if name == OWN:
        raise WrongUse(f"{name} is the name under which ml-connector keeps its own secrets: choose another one.")
