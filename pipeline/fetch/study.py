"""All files of one study: its bundle, requests for what the bundle lacks, and its series of GEO."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from pipeline.fetch.downloads import Downloads, FinalRefusal
from pipeline.fetch.verify import (
    check_bundle,
    check_geo,
    check_listing,
    check_request,
    links,
)
from pipeline.fetch.web import TransferError
from pipeline.sources.archive import header_runs, open_archive
from pipeline.sources.receipt import RawFile, Receipt
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run, kept_runs
from pipeline.sources.settings import SourceConfig

MAX_ARCHIVE = 16 << 30
MAX_GEO = 4 << 30
MAX_PAGE = 64 << 20
_MAX_ALONE = 20
_TOO_LONG = 414  # the status of an address that is too long
_SERIES_IN_NAME = re.compile(r"_(GSE\d+)\.zip")


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyWanted:
    """What is to be had of one project: its runs, the bundles that the server lists, its series.

    `wanted` is the hash of it all; `cuts` are what it has in a bulk file, in the place of archives.
    """

    study: str
    wanted: str
    runs: tuple[Run, ...]
    bundles: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    cuts: tuple[RawFile, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyFetcher:
    """Fetches studies, in any number of threads."""

    downloads: Downloads
    settings: SourceConfig

    def fetch(self, item: StudyWanted) -> Receipt:
        """Fetch one study, as far as it can be; what can't is told by the receipt's reason."""
        settings = self.settings
        try:
            if len(item.runs) > settings.max_runs:
                raise Refusal(
                    "too_many_runs",
                    f"{item.study} has {len(item.runs)} runs, more than max_runs = "
                    f"{settings.max_runs}; raise it if they are no single cells",
                )
            runs = kept_runs(item.runs, settings.qc)
            if not runs:
                flags = ", ".join(sorted({run.qc for run in item.runs}))
                raise Refusal(
                    "no_runs",
                    f"none of the {len(item.runs)} runs of {item.study} can be used (quality "
                    f"{flags}); see fail_runs and warn_runs in [source]",
                )
            counts, complete = ([], True) if item.cuts else self._counts(item, runs)
            series, missing = self._series(item)
        except Refusal as refusal:
            return Receipt(
                study=item.study,
                wanted=item.wanted,
                reason=refusal.code,
                message=refusal.message,
                runs=item.runs,
            )
        return Receipt(
            study=item.study,
            wanted=item.wanted,
            runs=item.runs,
            counts=tuple(counts),
            bulk=item.cuts,
            geo=tuple(series),
            flags=tuple(f"no_geo:{name}" for name in missing),
            complete=complete and not missing,
        )

    def _counts(self, item: StudyWanted, runs: Sequence[str]) -> tuple[list[RawFile], bool]:
        """Archives that have the runs between them, each run in one; False: ask again for the rest."""
        files: list[RawFile] = []
        left = list(runs)
        for name in item.bundles:
            if left:
                try:
                    file = self._bundle(name)
                except Refusal as refusal:
                    # The listing may be older than the folder; then the runs are asked for by name.
                    if refusal.code not in ("not_on_server", "damaged_download"):
                        raise
                    continue
                files += self._taken(file, left)
        n = self.settings.runs_per_request
        for batch in [left[i : i + n] for i in range(0, len(left), n)]:
            for file in self._request(item.study, batch):
                files += self._taken(file, left)
        complete = True
        for run in list(left[:_MAX_ALONE]) if files else []:
            # A run that did not come with the others is asked for once more, alone.
            try:
                for file in self._request(item.study, [run]):
                    files += self._taken(file, left)
            except Refusal as refusal:
                if refusal.code != "damaged_download":
                    raise
                complete = False
        if not files:
            raise Refusal(
                "not_on_server",
                f"DEE2 lists {len(runs)} runs of {item.study} and has counts of none; the next fetch "
                "asks again",
            )
        return files, complete

    def _taken(self, file: RawFile, left: list[str]) -> Iterator[RawFile]:
        """The file, with those runs of it that are still needed; they are not any more."""
        path = self.downloads.disk.path(file.key)
        with open_archive(path) as archive:
            there = set(header_runs(archive, self.settings.layer, path.name))
        runs = tuple(run for run in left if run in there)
        if runs:
            left[:] = [run for run in left if run not in there]
            yield RawFile(key=file.key, sha256=file.sha256, size=file.size, runs=runs)

    def _bundle(self, name: str) -> RawFile:
        settings = self.settings
        return self.downloads.get(
            f"{settings.dee2}/huge/{settings.species}/{name}",
            f"dee2/huge/{settings.species}/{name}",
            partial(check_bundle, layer=settings.layer),
            max_bytes=MAX_ARCHIVE,
        )

    def _request(self, study: str, runs: Sequence[str]) -> list[RawFile]:
        """Archives of these runs: of all at once, or, where that fails, of either half; fewer if some are
        not there.
        """
        settings = self.settings
        query = "".join(f"&x={quote(run)}" for run in runs)
        name = hashlib.sha256(query.encode()).hexdigest()[:16]
        key = f"dee2/requests/{study}/{name}.zip"
        try:
            file = self.downloads.get(
                f"{settings.dee2}/cgi-bin/request.sh?org={settings.species}{query}",
                key,
                partial(check_request, layer=settings.layer, asked=runs),
                max_bytes=MAX_ARCHIVE,
            )
        except Refusal as refusal:
            if refusal.code == "not_on_server":
                return []
            cause = refusal.__cause__
            too_long = isinstance(cause, TransferError) and cause.status == _TOO_LONG
            if not (too_long or isinstance(cause, FinalRefusal)):
                raise
            # The matrix is empty or has other runs: one run that DEE2 lost spoils it for all.
            if len(runs) == 1:
                return []
            half = len(runs) // 2
            return [
                *self._request(study, runs[:half]),
                *self._request(study, runs[half:]),
            ]
        return [file]

    def _series(self, item: StudyWanted) -> tuple[list[RawFile], list[str]]:
        """Files of the study's series, and the series that GEO does not have."""
        named = [_SERIES_IN_NAME.search(name) for name in item.bundles]
        files: list[RawFile] = []
        missing = []
        for series in item.series or sorted({name[1] for name in named if name}):
            try:
                found = self._matrices(series) or self._soft(series)
            except Refusal as refusal:
                if refusal.code != "damaged_download":
                    raise
                found = self._soft(series)
                if not found:
                    raise
            if not found and self.downloads.offline:
                raise Refusal(
                    "not_fetched", f"{series} is not in raw/geo, and offline is set in [source]"
                )
            files += found
            missing += [] if found else [series]
        return files, missing

    def _matrices(self, series: str) -> list[RawFile]:
        """Its matrix, or the matrices of its platforms."""
        found = self._geo(series, f"matrix/{series}_series_matrix.txt.gz")
        if found:
            return found
        try:
            page = self.downloads.get(
                f"{self._folder(series)}/matrix/",
                f"{self._key(series)}/matrix/index.html",
                check_listing,
                max_bytes=MAX_PAGE,
            )
        except Refusal as refusal:
            if refusal.code in ("not_on_server", "damaged_download", "not_fetched"):
                return []
            raise
        text = self.downloads.disk.path(page.key).read_text(errors="replace")
        pattern = re.compile(rf"{series}-GPL\d+_series_matrix\.txt\.gz")
        names = sorted({name for name in links(text) if pattern.fullmatch(name)})
        return [file for name in names for file in self._geo(series, f"matrix/{name}")]

    def _soft(self, series: str) -> list[RawFile]:
        return self._geo(series, f"soft/{series}_family.soft.gz")

    def _geo(self, series: str, name: str) -> list[RawFile]:
        """A file of a series; none if GEO has none."""
        try:
            return [
                self.downloads.get(
                    f"{self._folder(series)}/{name}",
                    f"{self._key(series)}/{name}",
                    check_geo,
                    max_bytes=MAX_GEO,
                )
            ]
        except Refusal as refusal:
            if refusal.code in ("not_on_server", "not_fetched"):
                return []
            raise

    def _folder(self, series: str) -> str:
        return f"{self.settings.geo}/series/{geo_folder(series)}/{series}"

    def _key(self, series: str) -> str:
        return f"geo/series/{geo_folder(series)}/{series}"


def geo_folder(series: str) -> str:
    """Folder of a series on GEO's server: its number without the last three digits."""
    return re.sub(r"\d{1,3}$", "nnn", series)
