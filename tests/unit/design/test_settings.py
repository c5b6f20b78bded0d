"""Settings are checked when made."""

from __future__ import annotations

import pytest

from pbr_opt.design.settings import METHODS, DesignSettings
from pbr_opt.errors import InvalidInputError


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_accepted(method: str) -> None:
    assert DesignSettings(method=method).method == method


def test_all_faults_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        DesignSettings(method="best", relative_gap=-1, cells=0, most_labels=1)
    assert [fault.place for fault in caught.value.faults] == ["method", "relative_gap", "cells", "most_labels"]
