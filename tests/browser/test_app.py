"""The app in Chromium: it is served to this machine only, and asks nobody else for anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("streamlit", reason="the app needs Streamlit")
_PATIENCE_S = 60.0


@pytest.fixture
def address() -> Iterator[str]:
    """Serve the app as the command does, on a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pbr_opt.cli", "app", "worked_example", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(run.pid, 15)


def _wait(address: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(address)


@pytest.mark.long
def test_it_shows_the_comparison_and_asks_nobody_else(address: str, browser: Browser) -> None:
    page = browser.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_text("Worst-served group").first.wait_for(timeout=1000 * _PATIENCE_S)
    page.get_by_role("button", name="Design").click()
    page.get_by_text("designed: least people parked").first.wait_for(timeout=1000 * _PATIENCE_S)
    pictures = page.locator("figure img")
    pictures.nth(1).wait_for(timeout=1000 * _PATIENCE_S)
    assert pictures.evaluate_all("found => found.every(each => each.naturalWidth > 0 && each.alt)")
    assert hosts <= {"127.0.0.1", None}
    assert errors == []
    page.close()
