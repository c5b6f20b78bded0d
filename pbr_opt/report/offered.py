"""The pictures that a comparison offers as ``comparison.plot``, each a matplotlib figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbr_opt.analysis.assumptions import swings
from pbr_opt.analysis.frontier import Frontier
from pbr_opt.analysis.simulation import Simulation
from pbr_opt.analysis.world_answers import Answers
from pbr_opt.errors import Fault, InvalidInputError, UnsupportedModelError
from pbr_opt.evaluation import Evaluation
from pbr_opt.quantities import nearest
from pbr_opt.report import pictures
from pbr_opt.report.chain_drawing import draw_chain
from pbr_opt.report.compared import Compared
from pbr_opt.report.gathering import ReportSettings, frontier_around, played
from pbr_opt.report.picture_data import cash_frame
from pbr_opt.report.worlds import quantiles_shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Pictures"]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a comparison. Tariffs are meant by their labels; unsaid, the last one is.

    Attributes
    ----------
    comparison : Comparison
        What is drawn.

    Examples
    --------
    >>> import pbr_opt as pbr
    >>> programme = pbr.load("work_programme_2011")
    >>> plot = pbr.compare(programme, {"2011 tariff": programme.tariff}).plot
    >>> [axes.get_ylabel() for axes in plot.support().axes]
    ['support, GBP a head', 'parked, %']
    """

    comparison: Compared

    def tariff(self) -> Figure:
        """Draw what each tariff pays at most for one participant, group by group."""
        return pictures.draw_fees(self.comparison.evaluations)

    def support(self) -> Figure:
        """Draw support and parking by ease of help: creaming at a glance."""
        return pictures.draw_ease(self.comparison.evaluations)

    def frontier(self, line: Frontier | None = None, points: int = 60) -> Figure:
        """Draw what every budget can do at best, with the tariffs beside it.

        Parameters
        ----------
        line : Frontier, optional
            If not given, it is computed for what the last design was asked, at so many ``points``.

        Raises
        ------
        UnsupportedModelError
            Without a frontier where no tariff of the comparison was designed.
        """
        designs = list(self.comparison.designs.values())
        if line is None and not designs:
            raise UnsupportedModelError(
                "No tariff of this comparison was designed, so that nothing says what a frontier is to be best at; try "
                "plot.frontier(pbr.frontier(programme, minimise=pbr.Parked(), budgets_gbp=[...]))"
            )
        shown = line if line is not None else frontier_around(self.comparison, designs[-1], points)
        aim = shown.problem.objective
        marks = {label: (there.spend_gbp, aim.total(there)) for label, there in self.comparison.evaluations.items()}
        return pictures.draw_frontier(shown, marks)

    def cash(self, label: str | None = None, simulation: Simulation | None = None) -> Figure:
        """Draw cash by tier, month by month, added up from the start.

        Parameters
        ----------
        label : str, optional
            Of a tariff, which is played by 20,000 people with seed 0.
        simulation : Simulation, optional
            Drawn instead, when it was played already.
        """
        shown = simulation or played(self._named(label)[1], ReportSettings(replications=1))
        return pictures.draw_cash(cash_frame(shown))

    def tornado(self, label: str | None = None) -> Figure:
        """Draw how far each assumption moves the share parked under a tariff, from one end of its range to the other.

        Raises
        ------
        UnsupportedModelError
            For a programme without assumptions that could be varied.
        """
        name, there = self._named(label)
        frame = swings(self.comparison.programme, there.tariff)
        if not len(frame):
            raise UnsupportedModelError(
                "Nothing can be varied: the programme has no central case to be fitted anew, or it has a supply chain; "
                "try work_programme_2011, or a programme with a central case"
            )
        frame[["at_low", "at_high"]] *= 100
        return pictures.draw_tornado(frame, 100 * there.metrics.parked_share, f"parked under '{name}', %")

    def worlds(self, answers: Answers, measure: str = "parked_share") -> Figure:
        """Draw a measure across plausible worlds: P10 to P90 as a bar, the median as a mark, one row a tariff.

        Parameters
        ----------
        answers : Answers
            From :func:`~pbr_opt.analysis.world_answers.across_worlds`.
        measure : str, optional
            A headline measure.

        Raises
        ------
        InvalidInputError
            For another measure.
        """
        return pictures.draw_worlds(*quantiles_shown(answers, measure))

    def chain(self, label: str | None = None, area: str | None = None) -> Figure:
        """Draw the supply chain under a tariff, with its flows of people and money.

        Raises
        ------
        InvalidInputError
            Without a supply chain, or for an area that it does not have.
        """
        return draw_chain(self._named(label)[1], area).figure()

    def _named(self, label: str | None) -> tuple[str, Evaluation]:
        known = list(self.comparison.evaluations)
        name = known[-1] if label is None else label
        if name not in known:
            wanted = "a tariff that is compared"
            raise InvalidInputError("Comparison.plot", [Fault("label", name, wanted, nearest(name, known))])
        return name, self.comparison.evaluations[name]
