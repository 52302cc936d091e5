"""The stage fetch: lists, then every study, a few at a time in threads; what is here is left alone."""

import json
import logging
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

from pipeline.fetch.bulk import cut_bulk, delete_cuts, fetch_bulk, runs_of
from pipeline.fetch.downloads import Downloads
from pipeline.fetch.host import WebSettings
from pipeline.fetch.keep import Keeper
from pipeline.fetch.lists import fetch_lists, studies_wanted
from pipeline.fetch.study import StudyFetcher, StudyWanted
from pipeline.progress import Progress, Report
from pipeline.sources.receipt import RawFile, Receipt
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run, kept_runs
from pipeline.sources.settings import SourceConfig, selection_hash
from pipeline.sources.source import remote_raw
from storage.concurrent import map_concurrently
from storage.disk import Disk
from storage.errors import InputError
from storage.lease import Lease

log = logging.getLogger(__name__)

# What may go better next time.
TRY_AGAIN = frozenset({"not_fetched", "not_downloaded", "not_on_server", "damaged_download"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch came to: `known` studies were here before; `refused` are by study, with the reason."""

    studies: int
    known: int
    n_bytes: int
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)


def run_fetch(
    disk: Disk,
    settings: SourceConfig,
    lease: Lease,
    report: Report,
    web: WebSettings | None = None,
) -> Fetched:
    """Fetch what is not here yet of every study asked for; the caller holds the lease.

    Parameters
    ----------
    disk
        That of the folder raw/; with an address `raw` in the settings, what is complete goes on to there.

    Raises
    ------
    InputError
        There is no run list or no bulk file to be had, or an accession is not known.
    StoreError
        Something can't be written.
    """
    disk.sweep("")
    downloads = Downloads(
        disk, web or WebSettings(per_host=settings.per_host), offline=settings.offline
    )
    lists = fetch_lists(downloads, settings)
    cuts = None
    if settings.counts == "bulk":
        cuts = _cuts(downloads, settings, lists.runs, report)
    items = studies_wanted(lists, cuts, settings)
    fetcher, keeper = StudyFetcher(downloads, settings), Keeper(downloads, remote_raw(settings))
    refused: dict[str, tuple[str, str]] = {}
    reasons, known = Counter[str](), 0
    left: list[tuple[StudyWanted, Receipt | None]] = []
    here = map_concurrently(keeper.receipt, [item.study for item in items])
    again = False
    for item, receipt in zip(items, here, strict=True):
        if receipt is None or not _is_settled(item, receipt):
            left.append((item, receipt))
            continue
        known += 1
        if receipt.reason:
            refused[item.study] = (receipt.reason, receipt.message)
            reasons[receipt.reason] += 1
    done = known
    report(Progress(stage="fetch", done=done, total=len(items), known=known, refused=reasons))
    with closing(_in_threads(fetcher, keeper, left, 2 * settings.per_host)) as receipts:
        for receipt in receipts:
            keeper.commit(receipt)
            done += 1
            again |= receipt.reason in TRY_AGAIN or not receipt.complete
            if receipt.reason:
                refused[receipt.study] = (receipt.reason, receipt.message)
                reasons[receipt.reason] += 1
            report(
                Progress(stage="fetch", done=done, total=len(items), known=known, refused=reasons)
            )
    lease.check()
    index = {"selection": selection_hash(settings), "studies": [item.study for item in items]}
    keeper.finish(json.dumps(index).encode())
    if cuts is not None:
        # Studies of another list may still be in the cuts of an earlier pass.
        new = (file for of in cuts.values() for file in of)
        delete_cuts(disk, new, (file for one in keeper.receipts() for file in one.bulk))
    if not again:
        downloads.forget_partials()
    log.info("fetched %d studies, %d of them before", len(items), known)
    return Fetched(len(items), known, downloads.n_bytes, dict(sorted(refused.items())))


def _is_settled(item: StudyWanted, receipt: Receipt) -> bool:
    """Whether a study with this receipt needs nothing more."""
    return receipt.wanted == item.wanted and receipt.complete and receipt.reason not in TRY_AGAIN


def _in_threads(
    fetcher: StudyFetcher,
    keeper: Keeper,
    items: Sequence[tuple[StudyWanted, Receipt | None]],
    n_threads: int,
) -> Generator[Receipt, None, None]:
    """Receipts as they come; whatever ends this, an interrupt too, ends the transfers first."""
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="fetch")
    waiting = iter(items)

    def fetch(item: StudyWanted, before: Receipt | None) -> Receipt:
        receipt = fetcher.fetch(item, before)
        if before is not None and not before.reason and receipt.reason in TRY_AGAIN:
            # What is new is not to be had now, and what was fetched before can still be read.
            log.warning("%s is as it was fetched before: %s", item.study, receipt.message)
            receipt = replace(before, complete=False)
        keeper.send(receipt)
        return receipt

    running: set[Future[Receipt]] = set()
    try:
        while True:
            running |= {
                pool.submit(fetch, *of) for of in islice(waiting, 2 * n_threads - len(running))
            }
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        fetcher.downloads.stop.set()
        pool.shutdown(cancel_futures=True)


def _cuts(
    downloads: Downloads, settings: SourceConfig, runs: dict[str, list[Run]], report: Report
) -> dict[str, tuple[RawFile, ...]]:
    """What each study has in the bulk file."""

    shown = -1

    def arrived(have: int, total: int) -> None:
        # Bytes come in small pieces.
        nonlocal shown
        if have >> 20 != shown:
            shown = have >> 20
            report(Progress(stage="download", done=shown, total=max(total, have) >> 20))

    try:
        bulk = fetch_bulk(downloads, settings, arrived)
    except Refusal as refusal:
        raise InputError(
            f"there is no bulk file of {settings.species}: {refusal.message}"
        ) from refusal
    study_of = {
        run: study
        for study, of in runs.items()
        if len(of) <= settings.max_runs
        for run in kept_runs(of, settings.qc)
    }

    def told(n_runs: int) -> None:
        report(Progress(stage="cut", done=min(n_runs, len(study_of)), total=len(study_of)))

    cuts = cut_bulk(downloads.disk, bulk, study_of, told)
    log.info("cut %d runs from the bulk file", sum(1 for of in cuts.values() for _ in runs_of(of)))
    return cuts
