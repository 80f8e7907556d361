"""The raw archive: any size in and out in chunks, and never other bytes than those it was named for."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from random import Random

import pytest
import zstandard
from sqlalchemy import Connection, text

from ml_connector.domain.errors import Inconsistent, LimitExceeded
from ml_connector.store import archive
from ml_connector.store.archive import CHUNK_SIZE
from ml_connector.store.door import Store
from tests.support.databases import in_store, in_transaction, sqlite_database

SMALL = b"settlement-id\tcurrency\n111\tUSD\n"
#: Two whole chunks and a bit, incompressible, so that chunk borders are met.
LARGE = Random(7).randbytes(2 * CHUNK_SIZE + 12345)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def collected(store: Store, name: str) -> list[bytes]:
    return [piece async for piece in archive.stream(store, name)]


@pytest.mark.parametrize(
    "content", [SMALL, b"", LARGE, LARGE[: 2 * CHUNK_SIZE]], ids=["small", "empty", "large", "even"]
)
def test_what_was_streamed_in_is_streamed_out(where: str | Path, content: bytes) -> None:
    pieces = [content[start : start + 300_000] for start in range(0, len(content), 300_000)]

    async def round_trip(store: Store) -> tuple[archive.Raw, bytes]:
        kept = await archive.write(store, sha256(content), pieces)
        return kept, b"".join(await collected(store, kept.sha256))

    kept, back = in_store(where, round_trip)

    assert back == content
    assert kept.size == len(content)


def test_a_small_content_goes_in_and_out_inside_one_transaction(where: str | Path) -> None:
    def round_trip(conn: Connection) -> bytes:
        return archive.load(conn, archive.put(conn, SMALL).sha256)

    assert in_transaction(where, round_trip) == SMALL


def test_the_same_content_is_kept_once(where: str | Path) -> None:
    def twice(conn: Connection) -> int:
        assert archive.put(conn, SMALL) == archive.put(conn, SMALL)
        return int(conn.execute(text("SELECT count(*) FROM raw_chunks")).scalar_one())

    assert in_transaction(where, twice) == 1


def test_a_file_goes_in_and_comes_out_as_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "report.txt", tmp_path / "copy.txt"
    source.write_bytes(LARGE)

    async def round_trip(store: Store) -> None:
        await archive.to_file(store, (await archive.write_file(store, source)).sha256, target)

    in_store(sqlite_database(tmp_path), round_trip)

    assert target.read_bytes() == LARGE


def test_text_takes_less_room_than_it_had(where: str | Path) -> None:
    kept = in_transaction(where, lambda conn: archive.put(conn, SMALL * 1000))

    assert kept.compressed_size < kept.size / 10


def test_a_writer_that_died_half_way_leaves_nothing_to_read_and_its_successor_finishes(where: str | Path) -> None:
    def half() -> object:
        yield LARGE[: CHUNK_SIZE + 10]
        raise ConnectionResetError

    async def story(store: Store) -> tuple[archive.Raw | None, bytes]:
        with pytest.raises(ConnectionResetError):
            await archive.write(store, sha256(LARGE), half())  # type: ignore[arg-type]
        in_between = await store.call(lambda conn: archive.get(conn, sha256(LARGE)))
        await archive.write(store, sha256(LARGE), [LARGE])
        return in_between, b"".join(await collected(store, sha256(LARGE)))

    assert in_store(where, story) == (None, LARGE)


def test_a_content_that_is_not_what_it_is_named_never_enters(where: str | Path) -> None:
    async def story(store: Store) -> archive.Raw | None:
        with pytest.raises(Inconsistent, match="is not the content"):
            await archive.write(store, sha256(SMALL), [SMALL + b" "])
        return await store.call(lambda conn: archive.get(conn, sha256(SMALL)))

    assert in_store(where, story) is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-5] + b"\0\0\0\0\0", id="overwritten"),
        pytest.param(lambda content: content[:20], id="cut"),
        pytest.param(lambda content: b"", id="emptied"),
        pytest.param(lambda content: zstandard.ZstdCompressor().compress(b"something else"), id="exchanged"),
        pytest.param(lambda content: zstandard.ZstdCompressor().compress(bytes(CHUNK_SIZE * 50)), id="bomb"),
    ],
)
def test_a_damaged_content_is_never_handed_out_whole(where: str | Path, damage: object) -> None:
    def tamper(conn: Connection) -> None:
        last = conn.execute(text("SELECT bytes FROM raw_chunks WHERE n = 2")).scalar_one()
        conn.execute(text("UPDATE raw_chunks SET bytes = :bytes WHERE n = 2"), {"bytes": damage(bytes(last))})  # type: ignore[operator]

    async def story(store: Store) -> None:
        await archive.write(store, sha256(LARGE), [LARGE])
        await store.call(tamper)
        with pytest.raises(Inconsistent, match="damaged"):
            await collected(store, sha256(LARGE))
        with pytest.raises(Inconsistent, match="damaged"):
            await store.call(lambda conn: archive.load(conn, sha256(LARGE)))

    in_store(where, story)


def test_a_missing_chunk_is_damage_and_a_missing_content_says_so(where: str | Path) -> None:
    async def story(store: Store) -> None:
        await archive.write(store, sha256(LARGE), [LARGE])
        await store.call(lambda conn: conn.execute(text("DELETE FROM raw_chunks WHERE n = 1")).close())
        with pytest.raises(Inconsistent, match="damaged"):
            await collected(store, sha256(LARGE))
        with pytest.raises(Inconsistent, match="not in the archive"):
            await collected(store, sha256(SMALL))

    in_store(where, story)


def test_a_damaged_content_never_becomes_a_file(tmp_path: Path) -> None:
    target = tmp_path / "copy.txt"

    async def story(store: Store) -> None:
        await archive.write(store, sha256(LARGE), [LARGE])
        await store.call(lambda conn: conn.execute(text("UPDATE raw_chunks SET bytes = x'00' WHERE n = 2")).close())
        with pytest.raises(Inconsistent):
            await archive.to_file(store, sha256(LARGE), target)

    in_store(sqlite_database(tmp_path), story)

    assert not target.exists()


def test_one_transaction_takes_no_more_than_it_can(where: str | Path) -> None:
    with pytest.raises(LimitExceeded):
        in_transaction(where, lambda conn: archive.put(conn, bytes(archive.PUT_SIZE_MAX + 1)))


def test_an_endless_content_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SIZE_MAX", 3 * CHUNK_SIZE)

    def endless() -> object:
        while True:
            yield bytes(CHUNK_SIZE)

    async def story(store: Store) -> None:
        with pytest.raises(LimitExceeded):
            await archive.write(store, sha256(b"whatever"), endless())  # type: ignore[arg-type]

    in_store(sqlite_database(tmp_path), story)


def test_two_writers_of_the_same_content_do_each_other_no_harm(where: str | Path) -> None:
    async def both(store: Store) -> bytes:
        name = sha256(LARGE)
        await asyncio.gather(archive.write(store, name, [LARGE]), archive.write(store, name, [LARGE]))
        return b"".join(await collected(store, name))

    assert in_store(where, both) == LARGE
