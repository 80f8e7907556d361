"""``doctor`` and ``audit verify``: is everything as it must be?"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import text

from ml_connector import __version__
from ml_connector.app.connections import Connections
from ml_connector.app.house import House, open_house, recovering
from ml_connector.app.reports import AuditVerdict, DoctorCheck
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError
from ml_connector.store import audit, audit_head
from ml_connector.store.audit import Broken, Head, Verified
from ml_connector.store.audit_head import Standing

_OLDEST_PYTHON: Final = (3, 11)
#: Server dates are whole seconds, and answers take their time.
_CLOCK_APART_MAX_S: Final = 60.0


async def doctor(folder: Path, clock: Clock | None = None) -> list[DoctorCheck]:
    """Every check, in the order in which they build on each other; the first that fails ends those that need it."""
    checks = [_versions()]
    try:
        opened = await open_house(folder, clock)
    except MlConnectorError as error:
        return [*checks, DoctorCheck("data folder", ok=False, words=str(error))]
    try:
        checks.append(DoctorCheck("data folder", ok=True, words=f"{folder}, installation {opened.installation.id}"))
        checks.append(DoctorCheck("master key", ok=True, words=f"{opened.ring.primary.kid} from {opened.ring.source}"))
        checks.append(await _database(opened))
        verdict = await verify_audit(opened)
        checks.append(DoctorCheck("audit trail", verdict.ok, verdict.words))
        until = await opened.recovering_until()
        if until is not None:
            checks.append(DoctorCheck("recovery", ok=False, words=recovering(until)))
        reached, ahead_s = await _reach(opened)
        checks += [*reached, await _clock(opened, ahead_s)]
    finally:
        await opened.close()
    return checks


async def verify_audit(house: House) -> AuditVerdict:
    """Recompute the chain page by page, then hold its end against the head on file."""
    at: Verified | Broken = Verified(Head(0, audit.GENESIS))
    while isinstance(at, Verified):
        before = at.head
        at = await house.store.call(lambda conn, before=before: audit.verify_page(conn, house.audit_key, before))  # type: ignore[misc]
        if isinstance(at, Verified) and at.head == before:
            break
    if isinstance(at, Broken):
        return AuditVerdict(ok=False, events=at.seq, head="", words=f"Event {at.seq} does not hold: {at.why}.")
    if house.standing is not Standing.CURRENT:
        words = (
            f"The chain is whole, but {_how_it_stands(house)}. "
            "If the database was restored, the next run begins to recover."
        )
        return AuditVerdict(ok=False, events=at.head.seq, head=str(at.head), words=words)
    events = f"{at.head.seq} event{'' if at.head.seq == 1 else 's'}"
    return AuditVerdict(ok=True, events=at.head.seq, head=str(at.head), words=f"{events}, all as written.")


def _how_it_stands(house: House) -> str:
    unsaid = "so events may have been cut off its end: compare with the newest proof"
    if house.standing is Standing.MISSING:
        return f"there is no head beside it, {unsaid}"
    if house.standing is Standing.UNREADABLE:
        return f"{audit_head.NAME} beside it cannot be read, {unsaid}"
    on_file = audit_head.read(house.folder / audit_head.NAME)
    ends = "ends before" if house.standing is Standing.OLDER else "is not the one of"
    return f"{ends} the head beside it ({on_file})"


def _versions() -> DoctorCheck:
    ok = sys.version_info >= _OLDEST_PYTHON
    return DoctorCheck("versions", ok, f"ml-connector {__version__}, Python {platform.python_version()}")


async def _database(house: House) -> DoctorCheck:
    name = house.store.engine.dialect.name
    if name != "sqlite":
        return DoctorCheck("database", ok=True, words=name)
    verdict = await house.store.call(lambda conn: str(conn.execute(text("PRAGMA quick_check")).scalar()))
    return DoctorCheck("database", verdict == "ok", f"{name}: {verdict}")


async def _clock(house: House, ahead_s: Mapping[str, float]) -> DoctorCheck:
    """The machine's clock against every other there is: the database's, where that is a server, and those of the connections.

    Accounting dates, tokens and settle windows are reckoned by it.
    """
    before = house.clock.now()
    there = await house.store.call(house.store.now)
    # It answered at some moment in between: only what lies outside is apart.
    apart = there - min(max(there, before), house.clock.now())
    others = {"the database": apart.total_seconds(), **ahead_s}
    far = {name: seconds for name, seconds in others.items() if abs(seconds) > _CLOCK_APART_MAX_S}
    if not far:
        most_s = max(abs(seconds) for seconds in others.values())
        return DoctorCheck("clock", ok=True, words=f"at most {most_s:.0f} s from {', '.join(others)}")
    words = ", ".join(f"{abs(s):.0f} s {'behind' if s > 0 else 'ahead of'} {name}" for name, s in far.items())
    return DoctorCheck(
        "clock", ok=False, words=f"This machine's clock is {words}: set it right before anything is posted."
    )


async def _reach(house: House) -> tuple[list[DoctorCheck], dict[str, float]]:
    """Sign in to every connection; by how many seconds the clock of each that said so is ahead of ours."""
    connections = Connections(house)
    checks: list[DoctorCheck] = []
    ahead_s: dict[str, float] = {}
    try:
        for each in await connections.all():
            try:
                found = await connections.test(each.name)
            except MlConnectorError as error:
                checks.append(DoctorCheck(f"connection {each.name}", ok=False, words=str(error)))
                continue
            checks.append(
                DoctorCheck(f"connection {each.name}", ok=True, words=f"{found.name} {found.version}".strip())
            )
            if found.clock_ahead_s is not None:
                ahead_s[each.name] = found.clock_ahead_s
    finally:
        await connections.close()
    return checks, ahead_s
