"""`python -m gameday.rehearsal --manifests DIR`: run a stage in the foreground, e.g. to play with kubectl."""

import asyncio
import gc
import logging
import sys
import tempfile
from pathlib import Path

from gameday.rehearsal import options
from gameday.rehearsal.house import House, StageError
from gameday.rehearsal.manifests import ManifestError


async def _run(given: options.Options) -> None:
    await House(given).run()


def main() -> int:
    """Run a stage until it is told to stop; exit 1 when it cannot come up."""
    given = options.parse(sys.argv[1:], lambda: Path(tempfile.mkdtemp(prefix="gameday-rehearsal-")))
    given.directory.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=given.directory / "stage.log", format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    gc.freeze()  # what the imports made lives as long as the process: collections need not walk it
    try:
        asyncio.run(_run(given))
    except (StageError, ManifestError, RuntimeError) as error:
        logging.getLogger(__name__).exception("stopped")
        print(f"error {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
