"""The commands of the how-to pages print what the pages say."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pbr_opt import cli

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PAGES = ("workbook.md", "command-line.md", "records.md", "scenarios.md", "pages.md", "sweeps.md")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _commands(page: str) -> list[tuple[str, str]]:
    """Return every command of a page and what it is said to print."""
    blocks = BLOCK.findall((HOW_TO / page).read_text(encoding="utf-8"))
    return [(command, wanted) for block in blocks for command, wanted in COMMAND.findall(block)]


def _run(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Return everything that a command prints: errors and proofs first."""
    program, *arguments = shlex.split(command)
    if program == "python":
        subprocess.run([sys.executable, *arguments], check=True, timeout=60)
        return ""
    assert program == "pbr-opt", f"the page shows a command that is not ours: {command}"
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return f"{out}{err}" if "FAIL" in out else f"{err}{out}"


@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = _commands(page)
    assert len(commands) >= 2
    for command, wanted in commands:
        got = _run(command, monkeypatch, capsys)
        agrees = doctest.OutputChecker().check_output(wanted, got, FLAGS)
        assert agrees, f"$ {command}\nthe page says:\n{wanted}\nit prints:\n{got[:3000]}"
    result = doctest.testfile(str(HOW_TO / page), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert result.failed == 0, "see the report of doctest on standard output"


def test_every_command_is_on_the_page() -> None:
    """A new command gets a row in the table."""
    page = (HOW_TO / "command-line.md").read_text(encoding="utf-8")
    names = {command.name or getattr(command.callback, "__name__", "") for command in cli.app.registered_commands}
    assert not [name for name in sorted(names) if f"`{name}`" not in page]
