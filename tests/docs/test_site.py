"""The documentation builds without a warning, and asks nothing of a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FETCHED = re.compile(r'(?:<script[^>]+src|<link[^>]+rel="stylesheet"[^>]+href|<img[^>]+src)="(?:https?:)?//[^"]+"')


@pytest.mark.long
def test_the_pages_build_with_warnings_as_errors_and_fetch_nothing(tmp_path: Path) -> None:
    pytest.importorskip("myst_nb", reason='the pages need the extra: pip install "pbr_opt[docs]"')
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-E", "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert tmp_path / "index.html" in pages
    for page in pages:
        assert not FETCHED.search(page.read_text(encoding="utf-8")), page.name


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in index, f"{page.name} is not in docs/index.md"
