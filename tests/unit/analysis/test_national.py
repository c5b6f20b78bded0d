"""The equilibrium of many worlds at once, against the equilibrium of one programme, with which it shares no loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbr_opt import Programme, Tariff, evaluate, load
from pbr_opt.analysis.national import deadweight_logits, national_equilibrium
from pbr_opt.analysis.nations import National, Nations
from pbr_opt.analysis.world_inputs import WorldInputs
from pbr_opt.analysis.world_programme import world_programme
from pbr_opt.analysis.worlds import in_blocks
from pbr_opt.market.facts import Prior
from pbr_opt.market.tariffs import ContractTerms
from pbr_opt.programmes.facts import load_priors
from pbr_opt.quantities import IDENTITY_RELATIVE

DIRECT, CHAIN = "work_programme_2011", "work_programme_2011_chain"
AGREE = IDENTITY_RELATIVE
"""Both sides are closed forms summed in different orders."""
_TIGHT = ("working_capital_gbp", 5.0, 150.0)
"""GBP per participant: little enough to bind."""


@pytest.fixture(scope="module")
def direct() -> WorldInputs:
    return WorldInputs(load(DIRECT), load_priors(DIRECT))


@pytest.fixture(scope="module")
def chain() -> WorldInputs:
    """Worlds without attachment fees or base service: nobody leaves, and working capital often binds."""
    dropped = ("base_service_gbp", _TIGHT[0], "attachment_taper", "intake_share")
    priors = [prior for prior in load_priors(CHAIN) if not prior.id.startswith(dropped)]
    programme = load(CHAIN).replace(base_service_gbp=0.0, terms=ContractTerms(0.06, [0.0], [1.0]))
    figures = [figure for figure in programme.figures if figure.id != "base_service_gbp"]
    return WorldInputs(programme.replace(figures=figures), [*priors, Prior(*_TIGHT)])


def _nations(inputs: WorldInputs, draws: int) -> Nations:
    return inputs.nations(inputs.values(inputs.points(0, draws, 5)))


def _agree(there: National, row: int, programme: Programme, tariff: Tariff | None = None) -> None:
    """Hold one world against the evaluation of its programme, measure by measure."""
    evaluation = evaluate(programme, tariff)
    metrics = evaluation.metrics
    for name, value in there.measures().items():
        wanted = getattr(metrics, name)
        assert value[row] == pytest.approx(wanted, rel=AGREE, abs=AGREE), name
    caseload = evaluation.rows.caseload
    by_group = caseload.sum_by_group(caseload.participants * evaluation.behaviour.parked)
    assert there.parked[row] == pytest.approx(by_group, rel=AGREE, abs=1e-6)


def test_every_world_without_a_chain_is_the_evaluation_of_its_programme(direct: WorldInputs) -> None:
    nations = _nations(direct, 40)
    there = national_equilibrium(nations, direct.contracts)
    for row in range(len(nations)):
        _agree(there, row, world_programme(direct, nations, row))


def test_every_world_with_a_chain_is_the_evaluation_of_its_chain(chain: WorldInputs) -> None:
    """Forty contracts, two deliverers each, working capital that binds for some and not for others."""
    nations = _nations(chain, 8)
    there = national_equilibrium(nations, chain.contracts)
    bound = []
    for row in range(len(nations)):
        programme = world_programme(chain, nations, row)
        _agree(there, row, programme)
        equilibrium = evaluate(programme).equilibrium
        assert equilibrium is not None
        assert not equilibrium.departures
        bound.append(np.mean([account.shadow_price > 0 for account in equilibrium.accounts[1:]]))
    assert 0.0 < np.mean(bound) < 1.0, "the draws no longer try both sides of the limit"


def test_another_tariff_is_paid_in_every_world(direct: WorldInputs) -> None:
    nations = _nations(direct, 4)
    tariff = direct.programme.tariff.at_price(6000.0)
    there = national_equilibrium(nations.paying(tariff), direct.contracts)
    for row in range(len(nations)):
        _agree(there, row, world_programme(direct, nations, row), tariff)


@pytest.mark.parametrize("name", ["direct", "chain"])
def test_no_world_depends_on_its_neighbours(name: str, request: pytest.FixtureRequest) -> None:
    """Bit for bit: on this rests that sweeps are the same for every size of chunk."""
    inputs: WorldInputs = request.getfixturevalue(name)
    nations = _nations(inputs, 7)
    together = national_equilibrium(nations, inputs.contracts).measures()
    for row in range(len(nations)):
        alone = national_equilibrium(nations.take(slice(row, row + 1)), inputs.contracts).measures()
        for measure, value in alone.items():
            assert value[0] == together[measure][row], measure


def test_blocks_are_put_together_in_order(direct: WorldInputs) -> None:
    nations = _nations(direct, 1500)
    whole = national_equilibrium(nations, direct.contracts).measures()
    blocks = in_blocks(nations, direct, lambda there: there.measures())
    for name, column in whole.items():
        assert np.array_equal(column, blocks[name])


@given(mean=st.floats(1e-6, 1 - 1e-6), spread=st.sampled_from([0.0, 1e-9, 0.5, 1.6, 5.0, 10.0]), flip=st.booleans())
@settings(max_examples=60)
def test_deadweight_has_its_mean_whatever_the_spread(mean: float, spread: float, flip: bool) -> None:
    readiness = np.linspace(-2.5, 2.5, 20) + (0.3 if flip else 0.0)
    ones = np.ones((1, 1))
    nations = Nations(*([ones] * 13), *([np.ones(1)] * 7))
    nations = replace(nations, deadweight_rate=mean * ones, spread=spread * ones)
    logits = deadweight_logits(nations, readiness)[0, 0]
    assert np.mean(1 / (1 + np.exp(-logits))) == pytest.approx(mean, rel=1e-9)
    assert np.diff(logits) == pytest.approx(spread * np.diff(readiness))


def test_discounting_is_that_of_the_tariff(direct: WorldInputs) -> None:
    nations = _nations(direct, 6)
    assert np.unique(nations.discount_rate).size > 1
    for row in range(6):
        programme = world_programme(direct, nations, row)
        price = programme.effective_price_gbp()[:: direct.segments_per_group]
        assert nations.price_gbp[row] == pytest.approx(price, rel=1e-12)
