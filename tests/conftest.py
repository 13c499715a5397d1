"""For every test: hypothesis looks for wrong answers, not for slow ones; timing belongs to the benchmarks."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
