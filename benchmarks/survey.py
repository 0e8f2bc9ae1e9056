"""Fifty volunteers send a suggestion with a photograph at the same moment, each twice: is all there, once?

The service is one of its own, in a folder that goes with the run, and writes to the disk in earnest.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path

from benchmarks import volunteers
from benchmarks.pages import service
from mapservice.database import Database
from mapservice.settings import load_settings
from mapservice.survey import storage

VOLUNTEERS = 50
TIMES = 2


def main() -> None:
    """Measure, print what came of it, and end with an error where something was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="ms-bench-") as folder:
        Path(folder).chmod(0o755)  # or the account that runs PostgreSQL could not enter
        settings = load_settings(var_dir=Path(folder), database_url=None)
        with service(settings) as address:
            database = Database.connect(settings)
            began = time.perf_counter()
            sendings = volunteers.send_all(
                address, VOLUNTEERS, lambda number: volunteers.photograph(seed=number), TIMES
            )
            kept = volunteers.what_is_kept(database, sendings)
            with database.reading() as cursor:
                digests = cursor.execute("SELECT DISTINCT sha256 FROM survey.files").fetchall()
            uploads = storage.folder_of(settings.var_dir)
            files = sum(storage.path_of(uploads, digest).is_file() for (digest,) in digests)
            database.dispose()
    seconds = [sending.seconds for sending in sendings]
    refused = [sending for sending in sendings if sending.status != HTTPStatus.SEE_OTHER]
    print(
        f"{VOLUNTEERS} volunteers, {TIMES} times each at once, a photograph of 1600 by 1200 each: "
        f"all answered after {max(seconds):.1f} s (median {statistics.median(seconds):.1f} s), "
        f"{len(refused)} refused.\n"
        f"Kept: {kept.submissions} submissions, {kept.spaces} spaces, {kept.photographs} photographs, "
        f"{files} of {VOLUNTEERS} files. It took {time.perf_counter() - began:.0f} s with filling in.",
        flush=True,
    )
    wanted = volunteers.Kept(VOLUNTEERS, VOLUNTEERS, VOLUNTEERS, VOLUNTEERS)
    if refused or kept != wanted or files != VOLUNTEERS:
        sys.exit("Something was lost, refused or doubled.")
