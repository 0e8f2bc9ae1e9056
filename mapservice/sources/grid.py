"""A coordinate system for PostGIS that agrees with OSTN15 to centimetres over one borough.

PostGIS as packaged turns British National Grid into degrees with a Helmert shift that is metres off, and the
OSTN15 grid file is seldom installed. Over a borough, OSTN15 is very nearly an affine map of the transverse
Mercator grid on ETRS89, so the best affine map, found by least squares, is written to `spatial_ref_sys`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from convertbng.cutil import convert_lonlat
from numpy.typing import NDArray
from pyproj import Transformer

from mapservice.sources.staging import Cursor

SRID = 998277
SAMPLE_METRES = 100
MERCATOR = (
    "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=GRS80 +units=m +type=crs"
)

_WKT = """DERIVEDPROJCRS["British National Grid fitted to OSTN15",
BASEPROJCRS["British National Grid projection on ETRS89",
BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",
ELLIPSOID["GRS 1980",6378137,298.257222101,LENGTHUNIT["metre",1]]],
PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]]],
CONVERSION["British National Grid",METHOD["Transverse Mercator",ID["EPSG",9807]],
PARAMETER["Latitude of natural origin",49,ANGLEUNIT["degree",0.0174532925199433]],
PARAMETER["Longitude of natural origin",-2,ANGLEUNIT["degree",0.0174532925199433]],
PARAMETER["Scale factor at natural origin",0.9996012717,SCALEUNIT["unity",1]],
PARAMETER["False easting",400000,LENGTHUNIT["metre",1]],
PARAMETER["False northing",-100000,LENGTHUNIT["metre",1]]]],
DERIVINGCONVERSION["fit",METHOD["Affine parametric transformation",ID["EPSG",9624]],{parameters}],
CS[Cartesian,2],AXIS["(E)",east],AXIS["(N)",north],LENGTHUNIT["metre",1]]"""


@dataclass(frozen=True, slots=True)
class GridFit:
    """An affine map from the ETRS89 grid to OSGB36: E = a0 + a1·e + a2·n, N = b0 + b1·e + b2·n.

    The errors are distances in metres from OSTN15 over the sample: the largest and the root mean square.
    """

    a: tuple[float, float, float]
    b: tuple[float, float, float]
    max_error_m: float
    rms_error_m: float

    @property
    def wkt(self) -> str:
        """The coordinate system as WKT 2, on one line."""
        parameters = ",".join(
            f'PARAMETER["{letter}{i}",{value!r},{unit}]'
            for letter, values in (("A", self.a), ("B", self.b))
            for i, (value, unit) in enumerate(zip(values, _UNITS, strict=True))
        )
        return _WKT.format(parameters=parameters).replace("\n", "")


_UNITS = ('LENGTHUNIT["metre",1]', 'SCALEUNIT["coefficient",1]', 'SCALEUNIT["coefficient",1]')


def fit(extent: tuple[float, float, float, float]) -> GridFit:
    """Fit the grid over an extent (west, south, east, north; EPSG:27700).

    Close by outside the extent the errors grow slowly: by a few centimetres within a kilometre or two.
    Raises ValueError where OSTN15 does not reach.
    """
    easting, northing = _sample(extent)
    longitude, latitude = convert_lonlat(easting, northing)
    if not (np.isfinite(longitude).all() and np.isfinite(latitude).all()):
        raise ValueError("the extent lies outside Great Britain")
    e, n = Transformer.from_crs("EPSG:4258", MERCATOR, always_xy=True).transform(longitude, latitude)
    # Centred and scaled for the sake of the arithmetic; undone below.
    e0, n0 = float(np.mean(e)), float(np.mean(n))
    design = np.column_stack([np.ones_like(e), (e - e0) / 1000, (n - n0) / 1000])
    a, b = (np.linalg.lstsq(design, wanted, rcond=None)[0] for wanted in (easting, northing))
    errors = np.hypot(design @ a - easting, design @ b - northing)
    return GridFit(
        _uncentred(a, e0, n0),
        _uncentred(b, e0, n0),
        max_error_m=round(float(errors.max()), 4),
        rms_error_m=round(float(np.sqrt(np.mean(errors**2))), 4),
    )


def install(cursor: Cursor, grid: GridFit) -> bool:
    """Write the fitted grid to `spatial_ref_sys`; returns whether it is other than before.

    If it is, stored degrees that were computed with the old one are computed again.
    """
    cursor.execute(
        "INSERT INTO public.spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)"
        " VALUES (%s, 'mapservice', %s, %s, NULL)"
        " ON CONFLICT (srid) DO UPDATE SET srtext = EXCLUDED.srtext, proj4text = EXCLUDED.proj4text"
        " WHERE spatial_ref_sys.srtext IS DISTINCT FROM EXCLUDED.srtext",
        (SRID, SRID, grid.wkt),
    )
    return bool(cursor.rowcount)


def recompute(cursor: Cursor) -> None:
    """Compute every stored copy in degrees and Web Mercator again from the geometry it is a copy of."""
    tables = cursor.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'register'"
        " AND column_name = 'geom_4326' AND is_generated = 'ALWAYS' ORDER BY table_name"
    ).fetchall()
    for (table,) in tables:
        cursor.execute(f'UPDATE register."{table}" SET geom = geom')  # noqa: S608 - a name from the catalogue


def _sample(extent: tuple[float, float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    west, south, east, north = extent
    eastings = np.linspace(west, east, _steps(east - west))
    northings = np.linspace(south, north, _steps(north - south))
    grid_e, grid_n = np.meshgrid(eastings, northings)
    return grid_e.ravel(), grid_n.ravel()


def _uncentred(c: NDArray[np.float64], e0: float, n0: float) -> tuple[float, float, float]:
    slope_e, slope_n = float(c[1]) / 1000, float(c[2]) / 1000
    # Rounded below the micrometre, so that the last bit of another processor's sums makes no other grid.
    return (
        round(float(c[0]) - slope_e * e0 - slope_n * n0, 6),
        round(slope_e, 13),
        round(slope_n, 13),
    )


def _steps(metres: float) -> int:
    return max(2, min(400, round(metres / SAMPLE_METRES) + 1))
