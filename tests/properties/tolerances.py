"""How nearly two numbers must agree in the laws, and why no nearer."""

from __future__ import annotations

from typing import Final

ROUNDING: Final = 1e-12
"""Relative to the larger of the numbers that are added: some ten operations of 1.1e-16 each, with room for powers."""

CANCELLATION: Final = 1e-9
"""Relative to the largest number in an expression that subtracts near-equals (a support of pennies out of a price of
millions), or that goes through some hundred operations."""

RATE: Final = 1e-12
"""Absolute, for probabilities: they are at most 1 and come from a handful of operations."""

ON_THRESHOLD: Final = 2e-12
"""Prices nearer to a threshold than this (relatively) may be called either side of it: the package itself calls 1e-12
the same, and the test's own quotient adds rounding."""

SUMS: Final = 1e-10
"""Relative, for the same terms added in another order."""

QUADRATURE: Final = 1e-7
"""Relative, for 24-point Gauss-Legendre on panels over which the price at most doubles; in fact some 1e-13, but the
ends of a panel may lie within rounding of a kink."""

SOLVER: Final = 1e-6
"""Relative, for answers of interior-point and simplex codes, whose own tolerances are 1e-7 to 1e-8."""
