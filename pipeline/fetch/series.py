"""What GEO has of a series: its matrix, else the matrices of its platforms, else its family SOFT file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.fetch.downloads import Downloads, FinalRefusal
from pipeline.fetch.listing import read_listing
from pipeline.fetch.verify import check_geo, links
from pipeline.sources.receipt import RawFile
from pipeline.sources.refusal import Refusal

_MAX_GEO = 4 << 30


@dataclass(frozen=True, slots=True)
class SeriesFetcher:
    """Fetches series, in any number of threads; `geo` is the address of the server."""

    downloads: Downloads
    geo: str

    def fetch(self, names: Iterable[str]) -> tuple[list[RawFile], list[str]]:
        """Files of some series, and a flag for each of which GEO lacks something.

        Raises
        ------
        Refusal
            The server gives nothing, or what it gives is damaged.
        """
        files: list[RawFile] = []
        flags = []
        for series in names:
            found, whole = self._one(series)
            files += found
            if not whole:
                flags.append(f"{'geo_in_part' if found else 'no_geo'}:{series}")
        return files, flags

    def _one(self, series: str) -> tuple[list[RawFile], bool]:
        """Files of a series, and whether they have all of its samples."""
        try:
            found, whole = self._matrices(series)
        except Refusal as refusal:
            if refusal.code != "damaged_download":
                raise
            soft = self._soft(series)
            if not soft:
                raise
            return soft, True
        if not whole:
            # The family file has the samples of all platforms.
            soft = self._soft(series)
            if soft:
                return soft, True
        if not found and self.downloads.offline:
            raise Refusal(
                "not_fetched", f"{series} is not in raw/geo, and offline is set in [source]"
            )
        return found, whole

    def _matrices(self, series: str) -> tuple[list[RawFile], bool]:
        """Its matrix, or those of its platforms that there are, and whether that is all of them."""
        found = self._file(series, f"matrix/{series}_series_matrix.txt.gz")
        if found:
            return found, True
        try:
            page = read_listing(
                self.downloads,
                f"{self._folder(series)}/matrix",
                f"{self._key(series)}/matrix",
                partial(_check_matrices, series=series),
            )
        except Refusal as refusal:
            if refusal.code in ("not_on_server", "damaged_download", "not_fetched"):
                return [], False
            raise
        files = [self._file(series, f"matrix/{name}") for name in _matrices_on(page, series)]
        return [file for of in files for file in of], bool(files) and all(files)

    def _soft(self, series: str) -> list[RawFile]:
        return self._file(series, f"soft/{series}_family.soft.gz")

    def _file(self, series: str, name: str) -> list[RawFile]:
        """A file of a series; none if GEO has none."""
        try:
            return [
                self.downloads.get(
                    f"{self._folder(series)}/{name}",
                    f"{self._key(series)}/{name}",
                    check_geo,
                    max_bytes=_MAX_GEO,
                )
            ]
        except Refusal as refusal:
            if refusal.code in ("not_on_server", "not_fetched"):
                return []
            raise

    def _folder(self, series: str) -> str:
        return f"{self.geo}/series/{geo_folder(series)}/{series}"

    def _key(self, series: str) -> str:
        return f"geo/series/{geo_folder(series)}/{series}"


def geo_folder(series: str) -> str:
    """Folder of a series on GEO's server: its number without the last three digits."""
    return re.sub(r"\d{1,3}$", "nnn", series)


def _matrices_on(page: str, series: str) -> list[str]:
    """Names of the matrices of platforms on a page that lists the folder of matrices."""
    pattern = re.compile(rf"{series}-GPL\d+_series_matrix\.txt\.gz")
    return sorted({name for name in links(page) if pattern.fullmatch(name)})


def _check_matrices(path: Path, series: str) -> None:
    """A page that names matrices of the series; one that tells of maintenance has links too."""
    if not _matrices_on(path.read_text(errors="replace"), series):
        raise FinalRefusal("damaged_download", f"what came lists no matrix of {series}")
