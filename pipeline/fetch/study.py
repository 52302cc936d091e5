"""All files of one study: archives that are here, its bundle, requests for the rest, its series of GEO."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from pipeline.fetch.downloads import Downloads, FinalRefusal
from pipeline.fetch.series import SeriesFetcher
from pipeline.fetch.verify import check_bundle, check_request
from pipeline.fetch.web import TransferError
from pipeline.sources.archive import header_runs, open_archive
from pipeline.sources.receipt import RawFile, Receipt
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run, kept_runs
from pipeline.sources.settings import SourceConfig

MAX_ARCHIVE = 16 << 30
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

    def fetch(self, item: StudyWanted, before: Receipt | None = None) -> Receipt:
        """Fetch one study, as far as it can be; what can't is told by the receipt's reason.

        Parameters
        ----------
        before
            What was fetched of it before: runs in archives that are here still are not asked for again.
        """
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
            counts, complete = ([], True) if item.cuts else self._counts(item, runs, before)
            series, flags_of_geo = SeriesFetcher(self.downloads, settings.geo).fetch(
                item.series or _series_of(item.bundles)
            )
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
            flags=tuple(flags_of_geo),
            complete=complete and not flags_of_geo,
        )

    def _counts(
        self, item: StudyWanted, runs: Sequence[str], before: Receipt | None
    ) -> tuple[list[RawFile], bool]:
        """Archives that have the runs between them, each run in one; False: ask again for the rest."""
        left = list(runs)
        files = self._here(before, left) if before is not None else []
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
        pages: list[Refusal] = []
        for batch in [left[i : i + n] for i in range(0, len(left), n)]:
            files += self._requested(item.study, batch, left, pages)
        if not files:
            raise next(
                iter(pages),
                Refusal(
                    "not_on_server",
                    f"DEE2 lists {len(runs)} runs of {item.study} and has counts of none; the next "
                    "fetch asks again",
                ),
            )
        return files, not left

    def _here(self, before: Receipt, left: list[str]) -> list[RawFile]:
        """Archives of an earlier receipt that are here still, with the runs of them that are needed."""
        files: list[RawFile] = []
        for file in before.counts:
            if left and self.downloads.is_here(file):
                try:
                    files += self._taken(file, left)
                except Refusal:
                    continue  # damaged since: its runs are asked for like any others
        return files

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

    def _requested(
        self, study: str, runs: Sequence[str], left: list[str], pages: list[Refusal]
    ) -> Iterator[RawFile]:
        """Archives of these runs: of all at once, and of what that does not give, of either half.

        So a busy server that leaves out half of a batch, or one lost run that spoils it, costs no other
        run. What is not in `left` came; `pages` gets what the server sent in the place of an archive.
        """
        try:
            yield from self._taken(self._request(study, runs), left)
        except Refusal as refusal:
            if refusal.code == "not_on_server":
                return
            cause = refusal.__cause__
            too_long = isinstance(cause, TransferError) and cause.status == _TOO_LONG
            if not (too_long or isinstance(cause, FinalRefusal)):
                # A page is what DEE2 says of runs of which it has none: there may be others.
                if refusal.code != "damaged_download":
                    raise
                pages.append(refusal)
                return
        again = [run for run in runs if run in left]
        if len(runs) > 1:
            half = (len(again) + 1) // 2
            for part in filter(None, (again[:half], again[half:])):
                yield from self._requested(study, part, left, pages)

    def _request(self, study: str, runs: Sequence[str]) -> RawFile:
        """The archive that DEE2 makes of these runs; it may lack some."""
        settings = self.settings
        query = "".join(f"&x={quote(run)}" for run in runs)
        name = hashlib.sha256(query.encode()).hexdigest()[:16]
        script = f"{settings.dee2}/cgi-bin/request.sh"
        address = f"{script}?org={settings.species}{query}"
        try:
            return self.downloads.get(
                address,
                f"dee2/requests/{study}/{name}.zip",
                partial(check_request, layer=settings.layer, asked=runs),
                max_bytes=MAX_ARCHIVE,
            )
        except Refusal as refusal:
            # The address names up to 500 runs.
            told = f"{script} for {len(runs)} runs of {study}"
            raise Refusal(
                refusal.code, refusal.message.replace(address, told)
            ) from refusal.__cause__


def _series_of(bundles: Sequence[str]) -> list[str]:
    """Series that the names of bundles tell."""
    named = [_SERIES_IN_NAME.search(name) for name in bundles]
    return sorted({name[1] for name in named if name})
