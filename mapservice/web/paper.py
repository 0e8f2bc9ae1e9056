"""A page as a PDF, laid out by WeasyPrint from the page's own HTML and styles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapservice.database.packages import PDF

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcherResponse

log = logging.getLogger(__name__)
# It takes seconds of a processor and megabytes of memory: in each process one at a time.
_one_at_a_time = threading.Lock()


@lru_cache(maxsize=1)
def can_be_made() -> bool:
    """Whether this machine has what PDFs are laid out with; if not, the log says why."""
    if PDF.find() is None:
        log.warning("no PDF can be made: install %s", " ".join(PDF.packages))
        return False
    try:
        import weasyprint  # noqa: F401 - whether it can be imported is the question
    except OSError as error:
        log.warning("no PDF can be made: %s", error)
        return False
    return True


def as_pdf(html: str, address: str, files: Mapping[str, tuple[Path, str]]) -> bytes:
    """A page as PDF. `address` is the service's own, which links in it lead to.

    Of what the page refers to, styles and pictures, only `files` are read: path of the address to the file
    and its media type. Nothing is fetched from anywhere.
    """
    import weasyprint
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it says of every rule that it does not know

    class OnlyOurs(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            found = files.get(url.removeprefix(address))
            if found is None:
                return super().fetch(url, headers)
            path, media_type = found
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": media_type})

    with _one_at_a_time:
        page = weasyprint.HTML(
            string=html, base_url=f"{address}/", url_fetcher=OnlyOurs(allowed_protocols={"data"})
        )
        content: bytes = page.write_pdf(pdf_variant="pdf/ua-1")
    return content
