"""Records of worlds: they carry the evidence they were drawn from, and verify from it alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pbr_opt import load
from pbr_opt.analysis.world_answers import across_worlds
from pbr_opt.analysis.world_designs import WorldDesignSettings, design_for_worlds
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.worlds import plausible_worlds
from pbr_opt.programmes.facts import evidence_texts, load_facts, load_priors
from pbr_opt.programmes.writing import folder_texts
from pbr_opt.report.records import sealed, sha256, unsealed, write_record
from pbr_opt.report.verification import verify
from pbr_opt.report.worlds import WorldReport

NAME = "work_programme_2011"
SETTINGS = {"programme": "a name that no package knows", "draws": 4096, "seed": 3, "optimised": False}
SETTINGS |= {"robust": 2, "tail": 0.5, "budget_gbp": None}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a record of worlds whose facts are not those of the package."""
    facts = [replace(f, tolerance=2 * f.tolerance) if f.id == "outcome_rate/1" else f for f in load_facts(NAME)]
    ensemble = plausible_worlds(WorldInputs(load(NAME), load_priors(NAME)), facts, 4096, 3)
    answers = across_worlds(ensemble, {}, "2011 tariff")
    told = WorldReport(ensemble, answers, design_for_worlds(answers, {}, WorldDesignSettings(2, 0.5)))
    folder = tmp_path_factory.mktemp("worlds") / "results"
    write_record(folder, told.files(), told.record(SETTINGS))
    return folder


def test_it_verifies_from_what_it_carries(results: Path) -> None:
    verdict = verify(results)
    assert verdict.passed, verdict
    assert verdict.numbers > 300
    assert verdict.largest_difference == 0.0


@pytest.mark.parametrize("name", ["inputs/priors.csv", "inputs/facts.csv", "robust_prices.csv"])
def test_one_changed_byte_fails(name: str, results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    data = (folder / name).read_bytes()
    for at in (0, len(data) // 2, len(data) - 1):
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        assert verify(folder).failures == (f"{name} is not as it was written",)
    (folder / name).unlink()
    assert verify(folder).failures == (f"{name} is missing",)


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [("priors.csv", "uplift,0.15,2,log", "uplift,0.15,2.1,log"), ("facts.csv", "0.024,equal", "0.012,equal")],
)
def test_evidence_exchanged_and_sealed_again_is_found_by_drawing_again(
    name: str, was: str, now: str, results: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "copy"))
    text = (folder / "inputs" / name).read_text(encoding="utf-8")
    assert was in text
    (folder / "inputs" / name).write_text(text.replace(was, now), encoding="utf-8")
    record = unsealed((folder / "run.json").read_text(encoding="utf-8"))
    assert record is not None
    record["files_sha256"][f"inputs/{name}"] = sha256(text.replace(was, now))
    (folder / "run.json").write_text(sealed(record), encoding="utf-8")
    verdict = verify(folder)
    assert not verdict.passed
    assert any(name == "facts.csv" or "worlds_sha256" in line for line in verdict.failures), verdict


@pytest.mark.parametrize("name", [NAME, "work_programme_2011_chain"])
def test_priors_and_facts_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    facts, priors = load_facts(name), load_priors(name)
    for file, text in (folder_texts(load(name)) | evidence_texts(facts, priors)).items():
        (tmp_path / file).write_text(text, encoding="utf-8", newline="")
    assert load_facts(tmp_path) == facts
    assert load_priors(tmp_path) == priors
