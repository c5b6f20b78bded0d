"""What is in the wheel: an editable installation would not notice that data are missing from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("pbr_opt/")}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pbr_opt").rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed", ".toml", ".csv"}
    }
    assert "pbr_opt/py.typed" in packed
    assert wanted <= packed
    assert not any("__pycache__" in name for name in packed)
