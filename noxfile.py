"""The project's sessions. `uv run nox` runs `lint` and `tests`, in the environment that uv made from uv.lock."""

import os
import shutil
import sys

import nox

nox.options.default_venv_backend = "none"  # `uv run` has made the environment already, exactly as locked
nox.options.sessions = ["lint", "tests"]
nox.options.error_on_missing_interpreters = True

PYTHON = sys.executable


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint, types and the layers."""
    session.run(PYTHON, "-m", "ruff", "format", "--check", ".")
    session.run(PYTHON, "-m", "ruff", "check", ".")
    session.run(PYTHON, "-m", "mypy")
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests and the rehearsal stage; needs no cluster."""
    session.run(PYTHON, "-m", "pytest", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """The tests that need a real cluster: KUBECONFIG names it, and it must be one for tests."""
    if not os.environ.get("KUBECONFIG"):
        session.error("KUBECONFIG is not set: name the kubeconfig of a test cluster")
    session.run(PYTHON, "-m", "pytest", "tests/cluster", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The report in headless Chromium, which must be installed."""
    session.run(PYTHON, "-m", "pytest", "tests/browser", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: ratios measured in one run, printed; too noisy to be tests."""
    session.run(PYTHON, "tests/bench/bench_recorder.py")
    session.run(PYTHON, "tests/bench/bench_rehearse.py")


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel into dist/."""
    if shutil.which("uv") is None:
        session.error("uv is not installed: pip install uv")
    session.run("uv", "build", "--wheel", external=True)
