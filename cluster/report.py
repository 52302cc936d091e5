"""Dask's performance report of a run, as one HTML page."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from distributed import performance_report

from cluster.profile import ClusterError

log = logging.getLogger(__name__)


@contextmanager
def written_report(folder: Path) -> Iterator[Path]:
    """Write the report of what the current client does meanwhile into `folder`; yield its path.

    Raises
    ------
    ClusterError
        Dask's plots need a package that is not installed.
    """
    if not has_dashboard():
        raise ClusterError("report = true needs the package bokeh: pip install 'dexome[dashboard]'")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"report-{time.strftime('%Y%m%d-%H%M%S')}.html"
    temporary = path.with_name(f".tmp-{path.name}")
    report = performance_report(filename=str(temporary))
    report.__enter__()
    try:
        yield path
    finally:
        try:
            report.__exit__(None, None, None)
            temporary.replace(path)
            log.info("report: %s", path)
        except Exception as error:
            # The run's own error, if there is one, must not be hidden by that of its report.
            log.warning("no report was written: %s", error)


def has_dashboard() -> bool:
    """Whether Dask's dashboard has what it draws with."""
    return find_spec("bokeh") is not None
