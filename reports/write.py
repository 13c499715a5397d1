"""Write a run's reports. Importing this is cheap: what draws is imported when it is used, or by `preload`."""

import io
import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from gameday.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gameday.verdict import Verdict
    from reports.view import RunView

HTML, MARKDOWN, JUNIT = "report.html", "report.md", "junit.xml"


def write_reports(folder: Path, verdict: "Verdict", view: "RunView") -> list[Path]:
    """Write `report.html`, `report.md` and `junit.xml` into the run folder; each appears whole or not at all.

    Returns:
        The files, the page first.

    Raises:
        BadInputError: The folder cannot be written to.
    """
    from reports import junit, page

    contents: dict[str, Callable[[], bytes]] = {
        HTML: lambda: page.html(verdict, view).encode(),
        MARKDOWN: lambda: page.markdown(verdict, view).encode(),
        JUNIT: lambda: junit.junit(verdict),
    }
    return [_replace(folder / name, content()) for name, content in contents.items()]


def preload() -> None:
    """Import, compile and read what rendering needs, so that `write_reports` starts at once.

    Safe in a thread of its own; it takes seconds, more on a machine where matplotlib has yet to look for
    fonts.
    """
    from matplotlib import figure, font_manager
    from matplotlib.backends import backend_agg, backend_svg  # noqa: F401 - loaded by their first figure

    from reports import junit, page  # noqa: F401 - see write_reports

    font_manager.findfont("DejaVu Sans")
    scratch = figure.Figure()
    scratch.subplots().semilogy([1, 2], [1, 10])
    scratch.savefig(io.BytesIO(), format="svg")  # the first drawing loads what later ones share
    page.load_templates()


def _replace(path: Path, content: bytes) -> Path:
    """Write beside the file and rename: a reader sees the old file or the new one."""
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
            try:
                temporary.write(content)
                temporary.flush()
                os.fsync(temporary.fileno())
                Path(temporary.name).chmod(0o644)  # temporary files are private, reports are to be shared
                Path(temporary.name).replace(path)
            except BaseException:
                Path(temporary.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise BadInputError(
            f"{path}: {error.strerror or error}",
            "a run folder that can be written to",
            "The run's data are whole: make room or change the rights, then run `gameday report` on it.",
        ) from error
    return path
