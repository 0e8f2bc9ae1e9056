"""Photographs as they are kept: a new JPEG of the picture alone, small, upright, nothing hidden in it.

What comes in may be hostile: it is opened only as one of three formats, its size is looked at before anything
is unpacked, and what goes out is always drawn anew.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from mapservice.saying import Said, english

log = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP")
ACCEPTED = "image/jpeg,image/png,image/webp"
"""What the form asks a telephone for; iPhones then hand their own format over as JPEG."""
LONGEST_SIDE = 2000
QUALITY = 84
MOST_PIXELS = 60_000_000
# These two formats can only be unpacked whole, four bytes for each point of the picture.
MOST_PIXELS_WHOLE = 25_000_000
# A real photograph that appears step by step has a dozen; each is a walk through the whole picture.
MOST_SCANS = 100
SCAN = b"\xff\xda"

NOT_A_PICTURE = english(
    "This is not a photograph that can be opened here. Choose a JPEG, PNG or WebP picture"
)
HEIC = english(
    "This is in Apple's format HEIC, which cannot be opened here. Save or share it as JPEG, then choose that"
)
DAMAGED = english("This is damaged or came through incomplete. Choose it again, or take another")

_one_at_a_time = threading.Lock()
"""An unpacked picture takes up to 300 MB: a process unpacks one, and the others wait."""


class NotAPhotograph(Exception):
    """It cannot be taken; `why` says why, and what to do."""

    def __init__(self, why: Said) -> None:
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture to keep, and where its camera said it was taken (longitude, latitude)."""

    jpeg: bytes
    width: int
    height: int
    taken_at: tuple[float, float] | None


def prepare(stream: IO[bytes]) -> Photograph:
    """The picture in a file, drawn anew; raises NotAPhotograph."""
    with _one_at_a_time:
        # The library that lays out PDFs has Pillow take cut pictures for whole ones, in all of the process.
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            return _prepared(stream)
        except Image.DecompressionBombError:
            raise NotAPhotograph(_too_large(MOST_PIXELS)) from None
        except UnidentifiedImageError:
            raise NotAPhotograph(HEIC if _is_heic(stream) else NOT_A_PICTURE) from None
        except NotAPhotograph:
            raise
        except Exception as error:  # a broken file makes decoders say all sorts of things
            log.info("a picture could not be opened: %s", type(error).__name__)
            raise NotAPhotograph(DAMAGED) from None


def _prepared(stream: IO[bytes]) -> Photograph:
    stream.seek(0)
    with Image.open(stream, formats=FORMATS) as image:
        jpeg = image.format not in ("PNG", "WEBP")
        most = MOST_PIXELS if jpeg else MOST_PIXELS_WHOLE
        if image.width * image.height > most:
            raise NotAPhotograph(_too_large(most))
        if jpeg and _scans(stream) > MOST_SCANS:
            raise NotAPhotograph(NOT_A_PICTURE)
        exif = image.getexif()
        taken_at = _taken_at(exif)
        # A JPEG is unpacked at a half, a quarter or an eighth of its size where that is enough.
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        upright = _on_white(_turned(image))
    kept = BytesIO()
    # Of what else the file held, nothing is written: no EXIF, no comment, no profile, no trailing bytes.
    Image.frombytes("RGB", upright.size, upright.tobytes()).save(kept, "JPEG", quality=QUALITY, optimize=True)
    return Photograph(kept.getvalue(), upright.width, upright.height, taken_at)


def _turned(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # see _taken_at
        return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        see_through = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "white")
        ground.paste(see_through, mask=see_through.getchannel("A"))
        return ground
    return image.convert("RGB")


def _scans(stream: IO[bytes]) -> int:
    stream.seek(0)
    count, last = 0, b""
    while chunk := stream.read(1024 * 1024):
        count += (last + chunk).count(SCAN)
        last = chunk[-1:]
    stream.seek(0)
    return count


def _taken_at(exif: Image.Exif) -> tuple[float, float] | None:
    try:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef) == "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef) == "W")
    except (
        Exception
    ):  # a camera's notes about itself: whatever is wrong with them, the picture is none the worse
        return None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90) or (longitude, latitude) == (0, 0):
        return None
    return round(longitude, 6), round(latitude, 6)


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if negative else value


def _is_heic(stream: IO[bytes]) -> bool:
    stream.seek(0)
    head = stream.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"heim")


def _too_large(most: int) -> Said:
    return english(
        "This is too large: a picture may have at most %(most)s megapixels. Take it at a smaller size",
        most=most // 1_000_000,
    )
