"""The key of a document follows from what it is, so that whoever asks again gets the same one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.keys import account_prefix, document_key, wire_key

KEYS = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=120)


def test_a_key_names_account_kind_settlement_and_period() -> None:
    assert document_key("JNJS", "JE", "90000000011", "2026P10") == "JNJS-JE-90000000011-2026P10"


def test_empty_parts_leave_no_trace() -> None:
    assert document_key("JNJS", "JE", "1", "", "2026P10", "") == "JNJS-JE-1-2026P10"


@pytest.mark.parametrize("natural_id", ["a1", "1:2", "1 2", "ÄÖ", ""])
def test_a_part_outside_the_alphabet_is_refused(natural_id: str) -> None:
    with pytest.raises(ValueError, match="document key"):
        document_key("JNJS", "JE", natural_id or "ä")


def test_selling_accounts_and_regions_are_told_apart() -> None:
    assert len({account_prefix("A1", "NA"), account_prefix("A1", "EU"), account_prefix("A2", "NA")}) == 3
    assert account_prefix("A1", "NA") == account_prefix("A1", "NA")


@given(KEYS, st.integers(min_value=20, max_value=100))
def test_a_wire_key_fits_and_is_the_key_where_that_fits(text: str, longest: int) -> None:
    key = document_key("AAAA", "JE", text)
    wired = wire_key(key, longest)
    assert len(wired) <= longest
    assert (wired == key) == (len(key) <= longest)


def test_two_long_keys_with_the_same_beginning_have_different_wire_keys() -> None:
    one, other = (document_key("AAAA", "JE", "9" * 60, end) for end in ("A", "B"))
    assert wire_key(one, 30) != wire_key(other, 30)
