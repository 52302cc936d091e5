"""What lies in a folder of a server: the page that lists it, or one made of a mirror's folder."""

from pathlib import Path

from pipeline.fetch.downloads import Check, Downloads
from pipeline.sources.refusal import Refusal

_MAX_PAGE = 64 << 20


def read_listing(downloads: Downloads, folder: str, key: str, check: Check) -> str:
    """The newest page that lists a folder; what is here does if there is no answer.

    Many mirroring tools bring no such pages. Where there is none, the folder of the mirror is looked at, and
    offline the one in raw/ that was copied there by hand.

    Raises
    ------
    Refusal
        It can't be had, or `check` refuses it.
    """
    try:
        page = downloads.get(
            f"{folder}/", f"{key}/index.html", check, max_bytes=_MAX_PAGE, renew=True
        )
    except Refusal as refusal:
        here = downloads.disk.path(key) if downloads.offline else Path(folder)
        if refusal.code not in ("not_on_server", "not_fetched") or not here.is_dir():
            raise
        return "".join(f'<a href="{path.name}">\n' for path in sorted(here.iterdir()))
    return downloads.disk.path(page.key).read_text(errors="replace")
