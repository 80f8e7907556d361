"""Envelopes: a secret opens in the row it was sealed for, under a key that is at hand, unchanged. Otherwise not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import SecretId
from ml_connector.vault.envelopes import rewrap, seal, unseal
from ml_connector.vault.keys import KeyRing, MasterKey

OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)
PASSWORD = SecretId("sap", "password", 1)
CANARY = b"canary-7f3a"


def test_what_was_sealed_opens() -> None:
    assert unseal(KeyRing(OLD), PASSWORD, seal(OLD, PASSWORD, CANARY)) == CANARY


@settings(max_examples=30)
@given(st.binary(max_size=4096))
def test_any_bytes_come_back(content: bytes) -> None:
    assert unseal(KeyRing(OLD), PASSWORD, seal(OLD, PASSWORD, content)) == content


@pytest.mark.parametrize(
    "elsewhere",
    [
        SecretId("sage", "password", 1),
        SecretId("sap", "username", 1),
        SecretId("sap", "password", 2),
        SecretId("sap/password", "", 1),
    ],
)
def test_an_envelope_moved_to_another_row_does_not_open(elsewhere: SecretId) -> None:
    with pytest.raises(KeyProblem, match="does not open"):
        unseal(KeyRing(OLD), elsewhere, seal(OLD, PASSWORD, CANARY))


def test_parts_of_two_envelopes_do_not_make_a_third() -> None:
    mine, theirs = seal(OLD, PASSWORD, b"mine"), seal(OLD, PASSWORD, b"theirs")

    with pytest.raises(KeyProblem):
        unseal(KeyRing(OLD), PASSWORD, replace(mine, ciphertext=theirs.ciphertext))


@pytest.mark.parametrize("part", ["wrapped_key", "ciphertext"])
def test_one_changed_bit_anywhere_is_found(part: str) -> None:
    envelope = seal(OLD, PASSWORD, CANARY)
    before: bytes = getattr(envelope, part)

    for place in range(len(before)):
        changed = bytes(byte ^ (place == at) for at, byte in enumerate(before))
        spoiled = {
            "wrapped_key": replace(envelope, wrapped_key=changed),
            "ciphertext": replace(envelope, ciphertext=changed),
        }[part]
        with pytest.raises(KeyProblem):
            unseal(KeyRing(OLD), PASSWORD, spoiled)


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_envelope_does_not_open(length: int) -> None:
    envelope = seal(OLD, PASSWORD, CANARY)

    with pytest.raises(KeyProblem):
        unseal(KeyRing(OLD), PASSWORD, replace(envelope, ciphertext=envelope.ciphertext[:length]))


def test_an_unknown_master_key_is_named_and_nothing_else() -> None:
    with pytest.raises(KeyProblem, match=OLD.kid) as problem:
        unseal(KeyRing(NEW), PASSWORD, seal(OLD, PASSWORD, CANARY))

    assert "canary" not in str(problem.value)


def test_another_key_under_the_right_name_does_not_open() -> None:
    impostor = replace(NEW, kid=OLD.kid)

    with pytest.raises(KeyProblem, match="does not open"):
        unseal(KeyRing(impostor), PASSWORD, seal(OLD, PASSWORD, CANARY))


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert seal(OLD, PASSWORD, CANARY).ciphertext != seal(OLD, PASSWORD, CANARY).ciphertext


def test_rewrapping_changes_the_wrapped_key_and_not_what_it_encrypts() -> None:
    before = seal(OLD, PASSWORD, CANARY)

    after = rewrap(KeyRing(NEW, (OLD,)), PASSWORD, before)

    assert after.ciphertext == before.ciphertext
    assert after.kid == NEW.kid
    assert unseal(KeyRing(NEW), PASSWORD, after) == CANARY
