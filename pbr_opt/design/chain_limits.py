"""What a Department can write into the contracts below its own, besides protected pass-through and minimum service."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pbr_opt.design.limits import Limit
from pbr_opt.errors import Fault
from pbr_opt.market.agents import Contract
from pbr_opt.market.programme import Programme
from pbr_opt.market.supply_chain import SupplyChain
from pbr_opt.quantities import Inspection

__all__ = ["GuaranteedVolume"]


@dataclass(frozen=True)
class GuaranteedVolume(Limit):
    """Every specialist (tier 2) is sent at least so many participants, where its payer chooses whom it refers.

    A term of the contracts: the design is found, and evaluated, for the programme with that term
    (``design.problem.programme``; for an evaluation alone, ``evaluate(GuaranteedVolume(50).applied(programme))``). The
    payer sends those on whom it gives up least. Nobody is owed more people than it takes: a subcontractor that would
    lose money on a participant still declines, so a guarantee without a price that covers its cost brings nobody.

    Parameters
    ----------
    participants : float
        People each, at least 0; where a contract already guarantees more, that stays.

    Raises
    ------
    InvalidInputError
        For a number that is none; as a limit of a design also for a specialist that cannot take so many, by name.

    Examples
    --------
    >>> print(GuaranteedVolume(50))
    GuaranteedVolume(50 participants)
    """

    participants: float

    def __post_init__(self) -> None:
        """Check the number."""
        check = Inspection("GuaranteedVolume")
        object.__setattr__(self, "participants", check.number("participants", self.participants))
        check.finish()

    def faults(self, programme: Programme) -> tuple[Fault, ...]:
        """Return the subcontractors that cannot take so many."""
        chain = programme.supply_chain
        if chain is None:
            return ()
        wanted = f"a capacity of at least {self.participants:,.0f}"
        return tuple(
            Fault(f"GuaranteedVolume, agent '{agent.name}'", f"a capacity of {agent.capacity:,.0f}", wanted)
            for agent in chain.agents
            if _concerns(chain, agent.name) and agent.capacity < self.participants
        )

    def applied(self, programme: Programme) -> Programme:
        """Return the programme with the term in every contract that it concerns."""
        chain = programme.supply_chain
        if chain is None:
            return programme
        edges = [self._raised(edge) if _concerns(chain, edge.payee) else edge for edge in chain.contracts.values()]
        if edges == list(chain.contracts.values()):
            return programme
        return programme.replace(supply_chain=SupplyChain(chain.agents, edges, chain.areas))

    def _raised(self, edge: Contract) -> Contract:
        return replace(edge, guaranteed_volume=max(edge.guaranteed_volume, self.participants))

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"GuaranteedVolume({self.participants:,.6g} participants)"


def _concerns(chain: SupplyChain, name: str) -> bool:
    """Whether an agent is a specialist that gets whom its payer chooses."""
    edge = chain.contracts.get(name)
    return edge is not None and chain.by_name[name].kind == "tier2" and edge.volume_share is None
