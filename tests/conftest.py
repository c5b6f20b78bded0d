"""How hypothesis draws: the same examples on every run by default, many fresh ones for a search."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A wall clock decides `deadline` and `too_slow`: on a shared machine that would make a run depend on its neighbours.
settings.register_profile(
    "steady", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", derandomize=False, deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
