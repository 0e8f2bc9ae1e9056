"""Photographs come out as pictures and nothing else; files are safe on the disk before a row names them."""

import errno
import io
import os
import resource
import struct
import subprocess
import sys
import time
import zlib

import pytest
from PIL import ExifTags, Image, ImageFile

from mapservice.survey import storage
from mapservice.survey.photographs import MOST_PIXELS, NotAPhotograph, prepare

SCRIPT = b"<script>alert(1)</script>"


def picture(size=(60, 40), kind="JPEG", mode="RGB", **options):
    kept = io.BytesIO()
    Image.new(mode, size, "green" if mode == "RGB" else 120).save(kept, kind, **options)
    return kept.getvalue()


def test_a_photograph_is_turned_upright_and_only_its_place_is_read():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "A telephone"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps.update({1: "N", 2: (51.0, 32.0, 6.0), 3: "W", 4: (0.0, 6.0, 19.5)})
    image = Image.new("RGB", (60, 40), "blue")
    image.putpixel((0, 0), (255, 0, 0))
    kept = io.BytesIO()
    image.save(kept, "JPEG", exif=exif, comment=SCRIPT)
    found = prepare(io.BytesIO(kept.getvalue() + SCRIPT))
    assert (found.width, found.height) == (40, 60)
    assert found.taken_at == pytest.approx((-0.105417, 51.535), abs=1e-5)
    again = Image.open(io.BytesIO(found.jpeg))
    assert (again.format, dict(again.getexif()), "comment" in again.info) == ("JPEG", {}, False)
    assert b"telephone" not in found.jpeg
    assert SCRIPT not in found.jpeg


@pytest.mark.parametrize(
    "kind, mode", [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("WEBP", "RGB"), ("JPEG", "CMYK")]
)
def test_every_kind_of_picture_comes_out_as_a_jpeg(kind, mode):
    data = picture(kind=kind, mode="RGB") if mode in ("RGB", "P") else picture(kind=kind, mode=mode)
    assert Image.open(io.BytesIO(prepare(io.BytesIO(data)).jpeg)).mode == "RGB"


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "not a photograph"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>", "not a photograph"),
        (b"<!doctype html>" + SCRIPT, "not a photograph"),
        (b"GIF89a" + SCRIPT * 10, "not a photograph"),
        (b"%PDF-1.4\n" + SCRIPT, "not a photograph"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, "HEIC"),
        (b"\x89PNG\r\n\x1a\n" + SCRIPT, "."),
        (picture()[:300], "damaged"),
        (picture(size=(400, 300), kind="PNG")[:-60], "damaged"),
    ],
    ids=["empty", "svg", "html", "gif", "pdf", "heic", "false png", "cut jpeg", "cut png"],
)
def test_what_is_no_photograph_is_refused_in_words(data, said):
    with pytest.raises(NotAPhotograph, match=said):
        prepare(io.BytesIO(data))


def test_what_came_through_cut_is_refused_after_a_pdf_was_laid_out_too(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as its library leaves it
    with pytest.raises(NotAPhotograph, match="damaged"):
        prepare(io.BytesIO(picture(size=(400, 300), kind="PNG")[:-60]))


def test_a_page_that_is_also_a_gif_or_begins_like_a_jpeg_never_comes_out_as_one():
    with pytest.raises(NotAPhotograph):
        prepare(io.BytesIO(b"\xff\xd8\xff\xe0" + SCRIPT))
    found = prepare(io.BytesIO(picture() + b"PK\x03\x04" + SCRIPT))
    assert found.jpeg.endswith(b"\xff\xd9")
    assert b"PK\x03\x04" not in found.jpeg


def claiming(size):
    """A small PNG that says it is of another size."""
    data = bytearray(picture(kind="PNG"))
    data[16:24] = struct.pack(">II", *size)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def test_a_bomb_is_refused_before_it_is_unpacked():
    started = time.process_time()
    for size in ((8000, 8000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)):
        bomb = claiming(size)
        with pytest.raises(NotAPhotograph, match="megapixels"):
            prepare(io.BytesIO(bomb))
    assert MOST_PIXELS < 8000 * 8000
    assert time.process_time() - started < 2


def test_a_jpeg_of_endless_passes_is_refused():
    with pytest.raises(NotAPhotograph):
        prepare(io.BytesIO(picture()[:-2] + b"\xff\xda\x00\x02" * 200 + b"\xff\xd9"))


FORTY_MEGAPIXELS = """
import io, resource, sys
from PIL import Image
from mapservice.survey.photographs import prepare
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = prepare(io.BytesIO(data))
print(found.width, found.height, len(found.jpeg), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_forty_megapixels_are_taken_in_little_memory(tmp_path):
    path = tmp_path / "large.jpg"
    Image.effect_noise((512, 384), 60).resize((7296, 5472)).convert("RGB").save(path, quality=80)
    done = subprocess.run(
        [sys.executable, "-c", FORTY_MEGAPIXELS, path], capture_output=True, text=True, check=True
    )
    width, height, size, kilobytes = map(int, done.stdout.split())
    assert (width, height) == (2000, 1500)
    assert size < 1_500_000
    assert kilobytes < 120_000  # whole it would be 120 MB, and twice that while it is made smaller


def test_a_file_is_kept_once_under_its_digest(tmp_path):
    first = storage.keep(tmp_path, b"some content")
    again = storage.keep(tmp_path, io.BytesIO(b"some content"))
    assert first == again
    assert storage.path_of(tmp_path, first.sha256).read_bytes() == b"some content"
    assert [file for file in (tmp_path / "incoming").iterdir()] == []
    for bad in ("../../etc/passwd", "", "A" * 64, first.sha256 + "\n"):
        with pytest.raises(ValueError, match="digest"):
            storage.path_of(tmp_path, bad)


def test_a_full_disk_leaves_nothing_half(tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    program = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom mapservice.survey import storage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    storage.keep(Path(sys.argv[1]), b'x' * 5000)\nexcept storage.NoRoom:\n    print('no room')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "no room\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"] == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == hard


def test_a_disk_that_says_it_is_full_is_no_room(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(storage.NoRoom):
        storage.keep(tmp_path, b"some content")


def test_what_nobody_names_goes_after_a_day_and_nothing_else(tmp_path):
    named, old, young = (storage.keep(tmp_path, name) for name in (b"named", b"old", b"young"))
    cut_off = tmp_path / "incoming" / "tmpabcdef"
    cut_off.write_bytes(b"half of it")
    day_before = time.time() - 25 * 3600
    for path in (cut_off, *(storage.path_of(tmp_path, each.sha256) for each in (named, old))):
        os.utime(path, (day_before, day_before))
    assert storage.sweep(tmp_path, lambda digests: {named.sha256} & {*digests}) == 2
    there = [storage.path_of(tmp_path, each.sha256).exists() for each in (named, old, young)]
    assert there == [True, False, True]
    assert not cut_off.exists()
    # What is sent again after a day is young again, also before a row names it.
    os.utime(storage.path_of(tmp_path, young.sha256), (day_before, day_before))
    storage.keep(tmp_path, b"young")
    assert storage.sweep(tmp_path, lambda digests: set()) == 1
    assert storage.path_of(tmp_path, young.sha256).exists()
