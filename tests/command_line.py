"""The command line, run in this process."""

from __future__ import annotations

import sys

import pytest

from pbr_opt import cli

__all__ = ["run"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["pbr-opt", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)
