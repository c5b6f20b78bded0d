"""pbr_opt: payment by results as a game along a supply chain, and the tariffs that park fewest people.

The shop window: everything here is stable, and imported only when asked for.

>>> import pbr_opt as pbr
>>> people = pbr.Caseload(["a", "a"], [100, 100], [.12, .02], [.42, .10], 600)
>>> programme = pbr.Programme("example", people, pbr.Tariff(["a"], 0, 4000))
>>> pbr.evaluate(programme).metrics.parked_share
0.5
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbr_opt.analysis.frontier import frontier
    from pbr_opt.analysis.regrouping import regroup
    from pbr_opt.analysis.scenarios import scenarios
    from pbr_opt.design.group_limits import (
        MaxAttachmentShare,
        MaxParkedShare,
        MinimumService,
        NoGroupWorse,
        PriceCeilingByValue,
    )
    from pbr_opt.design.joint_limits import MaxDistinctPrices, MinimumPassThrough, Participation, PriceOrder
    from pbr_opt.design.limits import Budget, PriceRange, PriceStep
    from pbr_opt.design.objectives import (
        AdditionalOutcomes,
        FirstPoundLoss,
        NetSocialValue,
        Parked,
        SupportShortfall,
        TotalSupport,
        WorstServed,
    )
    from pbr_opt.design.optimise import optimise
    from pbr_opt.design.settings import DesignSettings
    from pbr_opt.errors import (
        CertificateError,
        DesignInfeasibleError,
        EquilibriumError,
        InvalidInputError,
        PbrError,
        ProgrammeDataError,
        SolverError,
        UnsupportedModelError,
    )
    from pbr_opt.evaluation import evaluate
    from pbr_opt.market.caseload import Caseload
    from pbr_opt.market.programme import Programme
    from pbr_opt.market.supply_chain import SupplyChain
    from pbr_opt.market.tariffs import Tariff
    from pbr_opt.programmes.registry import list_programmes, load
    from pbr_opt.report.comparison import compare

__version__ = "0.1.0"

_HOME = {
    "AdditionalOutcomes": "design.objectives",
    "Budget": "design.limits",
    "Caseload": "market.caseload",
    "CertificateError": "errors",
    "DesignInfeasibleError": "errors",
    "DesignSettings": "design.settings",
    "EquilibriumError": "errors",
    "FirstPoundLoss": "design.objectives",
    "InvalidInputError": "errors",
    "MaxAttachmentShare": "design.group_limits",
    "MaxDistinctPrices": "design.joint_limits",
    "MaxParkedShare": "design.group_limits",
    "MinimumPassThrough": "design.joint_limits",
    "MinimumService": "design.group_limits",
    "NetSocialValue": "design.objectives",
    "NoGroupWorse": "design.group_limits",
    "Parked": "design.objectives",
    "Participation": "design.joint_limits",
    "PbrError": "errors",
    "PriceCeilingByValue": "design.group_limits",
    "PriceOrder": "design.joint_limits",
    "PriceRange": "design.limits",
    "PriceStep": "design.limits",
    "Programme": "market.programme",
    "ProgrammeDataError": "errors",
    "SolverError": "errors",
    "SupplyChain": "market.supply_chain",
    "SupportShortfall": "design.objectives",
    "Tariff": "market.tariffs",
    "TotalSupport": "design.objectives",
    "UnsupportedModelError": "errors",
    "WorstServed": "design.objectives",
    "compare": "report.comparison",
    "evaluate": "evaluation",
    "frontier": "analysis.frontier",
    "list_programmes": "programmes.registry",
    "load": "programmes.registry",
    "optimise": "design.optimise",
    "regroup": "analysis.regrouping",
    "scenarios": "analysis.scenarios",
}

__all__ = [  # written out for type checkers; a test holds it against _HOME
    "AdditionalOutcomes",
    "Budget",
    "Caseload",
    "CertificateError",
    "DesignInfeasibleError",
    "DesignSettings",
    "EquilibriumError",
    "FirstPoundLoss",
    "InvalidInputError",
    "MaxAttachmentShare",
    "MaxDistinctPrices",
    "MaxParkedShare",
    "MinimumPassThrough",
    "MinimumService",
    "NetSocialValue",
    "NoGroupWorse",
    "Parked",
    "Participation",
    "PbrError",
    "PriceCeilingByValue",
    "PriceOrder",
    "PriceRange",
    "PriceStep",
    "Programme",
    "ProgrammeDataError",
    "SolverError",
    "SupplyChain",
    "SupportShortfall",
    "Tariff",
    "TotalSupport",
    "UnsupportedModelError",
    "WorstServed",
    "compare",
    "evaluate",
    "frontier",
    "list_programmes",
    "load",
    "optimise",
    "regroup",
    "scenarios",
]


if not TYPE_CHECKING:  # a type checker reads the imports above, and is to notice a name that is misspelt

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for: ``import pbr_opt`` itself loads nothing heavy."""
        if name not in _HOME:
            raise AttributeError(f"module 'pbr_opt' has no attribute '{name}'")
        value = getattr(importlib.import_module(f"pbr_opt.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
