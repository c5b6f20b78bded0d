"""What solvers print from C never reaches standard output, where answers in JSON go."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import pytest

from pbr_opt.design.solver_output import printing_to_stderr

C_LIBRARY: Final = "ctypes.CDLL('ucrtbase' if os.name == 'nt' else None)"
NOISY: Final = f"""
import ctypes, os, sys
import scipy.optimize
from pbr_opt import cli
true = scipy.optimize.milp
def noisy(*given, **more):
    {C_LIBRARY}.printf(b"HighsMipSolverData::transformNewIntegerFeasibleSolution\\n")
    return true(*given, **more)
scipy.optimize.milp = noisy
sys.argv = ["pbr-opt", *sys.argv[1:]]
cli.main()
"""
QUESTION: Final = ("optimise", "worked_example", "--max-distinct-prices=1", "--step=50", "--json")


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=300)


def test_json_is_json_though_the_solver_prints_to_standard_output() -> None:
    told = _python("-c", NOISY, *QUESTION)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["prices"]
    assert "transformNewIntegerFeasibleSolution" in told.stderr


def test_without_standard_output_or_error_nothing_breaks() -> None:
    inside = "import os; os.close(1); os.close(2)\nfrom pbr_opt.design.solver_output import printing_to_stderr\n"
    for streams in ("", "import sys; sys.stdout = sys.stderr = None\n"):
        told = _python("-c", f"{inside}{streams}with printing_to_stderr():\n    pass\nos._exit(7)")
        assert told.returncode == 7


def test_descriptors_are_set_right_again_whoever_ends_last(tmp_path: Path) -> None:
    """Many threads at once, one of which fails; afterwards standard output leads where it led before."""
    before, open_before = os.fstat(1), len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0

    def work(fails: bool) -> None:
        for _ in range(50):
            try:
                with printing_to_stderr():
                    assert os.path.sameopenfile(1, 2)
                    if fails:
                        raise KeyError
            except KeyError:
                pass

    threads = [threading.Thread(target=work, args=(k == 0,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.samestat(os.fstat(1), before)
    if open_before:
        assert len(os.listdir("/proc/self/fd")) == open_before


def test_what_python_held_back_still_goes_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    library = ctypes.CDLL("ucrtbase" if os.name == "nt" else None)
    sys.stdout.write("before;")
    with printing_to_stderr():
        library.printf(b"inside;")
    sys.stdout.write("after")
    sys.stdout.flush()
    told = capfd.readouterr()
    assert told.out == "before;after"
    assert told.err == "inside;"
