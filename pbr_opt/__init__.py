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
    from pbr_opt.design.limits import Budget, PriceRange, PriceStep
    from pbr_opt.design.objectives import (
        AdditionalOutcomes,
        FirstPoundLoss,
        NetSocialValue,
        Parked,
        SupportShortfall,
        TotalSupport,
    )
    from pbr_opt.design.optimise import optimise
    from pbr_opt.design.problem import DesignProblem
    from pbr_opt.design.result import Design
    from pbr_opt.design.settings import DesignSettings
    from pbr_opt.equilibrium.certificate import Certificate
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
    from pbr_opt.evaluation import Evaluation, evaluate
    from pbr_opt.market.caseload import Caseload
    from pbr_opt.market.evidence import Figure, Source
    from pbr_opt.market.programme import Programme
    from pbr_opt.market.supply_chain import SupplyChain
    from pbr_opt.market.tariffs import ContractTerms, Tariff
    from pbr_opt.metrics import Metrics
    from pbr_opt.programmes.registry import list_programmes, load
    from pbr_opt.report.comparison import Comparison, compare

__version__ = "0.1.0"

_HOME = {
    "AdditionalOutcomes": "design.objectives",
    "Budget": "design.limits",
    "Caseload": "market.caseload",
    "Certificate": "equilibrium.certificate",
    "CertificateError": "errors",
    "Comparison": "report.comparison",
    "ContractTerms": "market.tariffs",
    "Design": "design.result",
    "DesignInfeasibleError": "errors",
    "DesignProblem": "design.problem",
    "DesignSettings": "design.settings",
    "EquilibriumError": "errors",
    "Evaluation": "evaluation",
    "Figure": "market.evidence",
    "FirstPoundLoss": "design.objectives",
    "InvalidInputError": "errors",
    "Metrics": "metrics",
    "NetSocialValue": "design.objectives",
    "Parked": "design.objectives",
    "PbrError": "errors",
    "PriceRange": "design.limits",
    "PriceStep": "design.limits",
    "Programme": "market.programme",
    "ProgrammeDataError": "errors",
    "SolverError": "errors",
    "Source": "market.evidence",
    "SupplyChain": "market.supply_chain",
    "SupportShortfall": "design.objectives",
    "Tariff": "market.tariffs",
    "TotalSupport": "design.objectives",
    "UnsupportedModelError": "errors",
    "compare": "report.comparison",
    "evaluate": "evaluation",
    "list_programmes": "programmes.registry",
    "load": "programmes.registry",
    "optimise": "design.optimise",
}

__all__ = [  # written out for type checkers; a test holds it against _HOME
    "AdditionalOutcomes",
    "Budget",
    "Caseload",
    "Certificate",
    "CertificateError",
    "Comparison",
    "ContractTerms",
    "Design",
    "DesignInfeasibleError",
    "DesignProblem",
    "DesignSettings",
    "EquilibriumError",
    "Evaluation",
    "Figure",
    "FirstPoundLoss",
    "InvalidInputError",
    "Metrics",
    "NetSocialValue",
    "Parked",
    "PbrError",
    "PriceRange",
    "PriceStep",
    "Programme",
    "ProgrammeDataError",
    "SolverError",
    "Source",
    "SupplyChain",
    "SupportShortfall",
    "Tariff",
    "TotalSupport",
    "UnsupportedModelError",
    "compare",
    "evaluate",
    "list_programmes",
    "load",
    "optimise",
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
