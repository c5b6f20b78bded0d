"""What becomes of payment groups under a tariff, as far as limits look at it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from pbr_opt.evaluation import Evaluation
from pbr_opt.quantities import FloatArray, IntArray

__all__ = ["GroupStates"]


@dataclass(frozen=True, slots=True, eq=False)
class GroupStates:
    """Sums over the people of a group, one entry a tariff of one group, or one a group under one tariff.

    Attributes
    ----------
    participants : array
        People.
    price_gbp : array
        List price of an outcome.
    attachment_gbp, spend_gbp : array
        Attachment fees paid; everything paid, attachment fees included.
    parked, support_gbp, additional : array
        People parked, pounds of support, additional outcomes.
    """

    participants: FloatArray
    price_gbp: FloatArray
    attachment_gbp: FloatArray
    spend_gbp: FloatArray
    parked: FloatArray
    support_gbp: FloatArray
    additional: FloatArray

    @classmethod
    def of(cls, evaluation: Evaluation) -> GroupStates:
        """Return what becomes of every group, in the order of the caseload's groups."""
        caseload, behaviour, payable = evaluation.rows.caseload, evaluation.behaviour, evaluation.payable
        people, heads = caseload.participants, caseload.group_participants
        attachment = heads * payable.attachment_fee_gbp
        return cls(
            participants=np.asarray(heads),
            price_gbp=evaluation.tariff.aligned(caseload.groups).price_gbp,
            attachment_gbp=attachment,
            spend_gbp=attachment + caseload.sum_by_group(people * behaviour.payment_gbp),
            parked=caseload.sum_by_group(people * behaviour.parked),
            support_gbp=caseload.sum_by_group(people * behaviour.support_gbp),
            additional=caseload.sum_by_group(people * (behaviour.outcome_rate - caseload.deadweight_rate)),
        )

    def take(self, rows: IntArray) -> GroupStates:
        """Return some of the entries."""
        return GroupStates(*(getattr(self, column.name)[rows] for column in fields(self)))

    @property
    def parked_share(self) -> FloatArray:
        """Return the share of people parked; 0 where there is nobody."""
        return np.divide(self.parked, self.participants, out=np.zeros_like(self.parked), where=self.participants > 0)

    @property
    def attachment_share(self) -> FloatArray:
        """Return the share of attachment fees in what is paid; 0 where nothing is."""
        return np.divide(
            self.attachment_gbp, self.spend_gbp, out=np.zeros_like(self.spend_gbp), where=self.spend_gbp > 0
        )
