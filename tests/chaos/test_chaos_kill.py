"""Real processes, killed while they write: whatever died, each document is in the ERP once, and the books are the plan.

ML_CONNECTOR_CHAOS_KILLS says how often (5 unless given; ``make chaos`` asks for 30), half of them with claims, half plain.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.support.chaos import BETWEEN, KINDS, Fall, Trade, fall, finish, require_the_plan_once, trade
from tests.support.told import TOLD

KILLS = int(os.environ.get("ML_CONNECTOR_CHAOS_KILLS", "5"))
#: In one run-through of about twenty documents.
KILLS_PER_TRADE = 4
#: A machine that stands still lets a run end before it is killed, or be killed before it has written: then there is another.
TRADES_MORE = 8
HELD_S = 0.2
#: The share of writes that lie in the network while the next run is started.
LATE = 0.2

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("claims", [True, False], ids=["claim", "plain"])
def test_a_run_that_is_killed_while_it_writes_posts_every_document_once(
    claims: bool, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    random = Random(f"kill:{claims}")
    wanted = KILLS - KILLS // 2 if claims else KILLS // 2
    falls: list[Fall] = []
    for number in range(wanted + TRADES_MORE):
        left = min(_missing(falls, wanted), KILLS_PER_TRADE)
        if not left:
            break
        folder = tmp_path / str(number)
        folder.mkdir()
        # Where nothing but waiting protects, what lay in the network costs the wait: not in the first run-through.
        with trade(folder, claims=claims, held_s=HELD_S, late=LATE if claims or number % 2 else 0.0) as world:
            falls += _kill_again_and_again(world, left, random)
            finish(world)
            require_the_plan_once(world, proofs=True)

    record_property(TOLD, _histogram("claim" if claims else "plain", falls))
    assert not _missing(falls, wanted), (
        "too few kills, or too few between the ERP's acceptance and our recorded outcome"
    )


def _missing(falls: Sequence[Fall], wanted: int) -> int:
    """How many kills are to come: so many in all, a third of them between the ERP's acceptance and our recorded outcome."""
    return max(wanted - len(falls), math.ceil(wanted / 3) - _between(falls), 0)


def _between(falls: Sequence[Fall]) -> int:
    return sum(BETWEEN in each.writes for each in falls)


def _kill_again_and_again(world: Trade, kills: int, random: Random) -> Iterator[Fall]:
    """Start a run and kill it at a random moment between its first write and its last, so often; fewer times where what a
    killed run had sent arrives and leaves the next one nothing to write."""
    for left in range(kills, 0, -1):
        before = world.newest_attempt()
        running = world.run()
        if not world.await_attempt_after(before, running):
            running.end()
            return
        written = world.sandbox.written()
        room = max(1, (world.documents() - written) // left)
        world.await_write(written + random.randrange(room), running)
        if running.wait_at_most(random.uniform(0, HELD_S)):
            running.end()
            return
        assert running.kill()
        yield fall(world, before)


def _histogram(name: str, falls: Sequence[Fall]) -> str:
    """Where the kills fell by the newest write, and what had become of all writes of the killed processes."""
    of_kills = Counter(each.kind for each in falls)
    of_writes = Counter(write for each in falls for write in each.writes)
    rows = [f"{kind:<32}{of_kills[kind]:>4}  {'#' * of_kills[kind]:<32}{of_writes[kind]:>5} writes" for kind in KINDS]
    end = f"{'with a write of that middle kind':<32}{_between(falls):>4}"
    return "\n".join([f"{name}: {len(falls)} kills between first and last write", *rows, end])
