"""A sign-in form takes what is public from anywhere, and a secret only where nobody can look over a shoulder."""

from __future__ import annotations

import pytest

from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Field, Form

FORM = Form((Field("user", "User", "Who signs in."), Field("password", "Password", "Its password.", secret=True)))


def test_a_whole_sign_in_may_come_as_one_document() -> None:
    assert FORM.clean({}, {"user": "anna", "password": "s3cret!"}) == {"user": "anna", "password": "s3cret!"}


def test_a_secret_among_the_settings_is_refused_without_being_shown() -> None:
    with pytest.raises(WrongUse, match=r"Password \(password\) is a secret") as refused:
        FORM.clean({"user": "anna", "password": "s3cret!"}, {})
    assert "s3cret!" not in str(refused.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(WrongUse) as refused:
        FORM.clean({"colour": "red"}, {})
    assert "'colour'" in str(refused.value)
    assert "User (user) is missing" in str(refused.value)
    assert "Password (password) is missing" in str(refused.value)
