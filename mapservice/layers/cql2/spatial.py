"""S_* functions: literals are moved to a stored geometry column, so that its index answers."""

from __future__ import annotations

import shapely
from shapely.geometry.base import BaseGeometry

from mapservice.layers.cql2.nodes import BBox, Call, FilterError, Geometry, Node, PropertyRef
from mapservice.layers.cql2.values import Scope, Typed
from mapservice.layers.layer import Layer
from mapservice.layers.queryables import GEOMETRY
from mapservice.layers.sql import FITTED_GRID_SRID, geometry

_FUNCTIONS = {
    "s_intersects": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_disjoint": "ST_Disjoint",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
}
# Where a literal may be moved from one system to another without leaving what the projection is made for.
_BOUNDS = {
    (4326, 27700): (-9.0, 49.0, 3.0, 61.5),
    (3857, 27700): (-1_001_000.0, 6_270_000.0, 334_000.0, 8_750_000.0),
    (4326, 3857): (-180.0, -85.0, 180.0, 85.0),
    (3857, 4326): (-20_037_508.0, -19_900_000.0, 20_037_508.0, 19_900_000.0),
    (27700, 4326): (-500_000.0, -500_000.0, 1_200_000.0, 1_700_000.0),
    (27700, 3857): (-500_000.0, -500_000.0, 1_200_000.0, 1_700_000.0),
}


def compile_spatial(scope: Scope, call: Call) -> Typed:
    """The SQL of an S_* function; raises FilterError."""
    shapes = [_shape(scope, arg, call.op) for arg in call.args]
    srid = _meeting_srid(scope, [shape for shape in shapes if shape is not None])
    first, second = (
        geometry(scope.layer, srid) if shape is None else _literal(scope, shape, srid) for shape in shapes
    )
    return Typed(f"{_FUNCTIONS[call.op]}({first}, {second})", "a truth value", "boolean")


def _meeting_srid(scope: Scope, shapes: list[BaseGeometry]) -> int:
    """The SRID in which to compare: one that is stored, if the literals can be moved there."""
    layer: Layer = scope.layer
    if scope.srid in layer.geometries or not shapes:
        return scope.srid if scope.srid in layer.geometries else layer.storage_srid
    west, south, east, north = _BOUNDS.get((scope.srid, layer.storage_srid), (0.0, 0.0, 0.0, 0.0))
    for shape in shapes:
        minx, miny, maxx, maxy = shape.bounds
        if minx < west or miny < south or maxx > east or maxy > north:
            return scope.srid
    return layer.storage_srid


def _literal(scope: Scope, shape: BaseGeometry, srid: int) -> str:
    """A literal as a bound parameter, in another SRID than its own where it must be."""
    if srid == scope.srid:
        return _bound(scope, shape, srid)
    if scope.srid == 27700:
        return f"ST_Transform({_bound(scope, shape, FITTED_GRID_SRID)}, {srid})"
    own = _bound(scope, shape, scope.srid)
    if srid == 27700:
        return f"ST_SetSRID(ST_Transform({own}, {FITTED_GRID_SRID}), 27700)"
    return f"ST_Transform({own}, {srid})"


def _bound(scope: Scope, shape: BaseGeometry, srid: int) -> str:
    # As a parameter of type geometry it is read once for the statement and not once for each row.
    return scope.bind(shapely.to_wkb(shapely.set_srid(shape, srid), hex=True, include_srid=True), "geometry")


def _shape(scope: Scope, node: Node, op: str) -> BaseGeometry | None:
    """A literal's shape, x before y; None stands for the features' own geometry."""
    if isinstance(node, Geometry | BBox):
        return _checked(scope, node)
    if isinstance(node, PropertyRef):
        if scope.property(node).family != "a geometry":
            raise FilterError(
                node.at, f"{op.upper()} compares geometries; {node.name!r} is none", f"write {GEOMETRY}"
            )
        return None
    raise FilterError(
        node.at, f"{op.upper()} compares geometries", f"write {GEOMETRY}, POINT(…), BBOX(…) or POLYGON((…))"
    )


def _checked(scope: Scope, node: Geometry | BBox) -> BaseGeometry:
    if isinstance(node, BBox):
        shape = _box(scope, node)
    else:
        shape = _plain(node)
        if scope.latitude_first:
            shape = shapely.transform(shape, lambda places: places[:, ::-1])
    if scope.srid == 4326:
        minx, miny, maxx, maxy = shape.bounds
        if minx < -180 or maxx > 180 or miny < -90 or maxy > 90:
            order = "latitude, then longitude" if scope.latitude_first else "longitude, then latitude"
            raise FilterError(
                node.at,
                "longitudes are from -180 to 180 and latitudes from -90 to 90",
                f"the order is {order}; another system needs filter-crs",
            )
    if not shape.is_valid:
        raise FilterError(node.at, f"this geometry is not valid: {shapely.is_valid_reason(shape)}")
    return shape


def _plain(node: Geometry) -> BaseGeometry:
    if node.kind == "GeometryCollection":
        members = [_plain(member) for member in node.members]
        for member, given in zip(members, node.members, strict=True):
            if not member.is_valid:
                raise FilterError(given.at, f"this geometry is not valid: {shapely.is_valid_reason(member)}")
        # Members that overlap have no well-defined boundary; their union has.
        return shapely.unary_union(members)
    return shapely.geometry.shape({"type": node.kind, "coordinates": node.coordinates})


def _box(scope: Scope, node: BBox) -> BaseGeometry:
    (minx, miny), (maxx, maxy) = node.low, node.high
    if scope.latitude_first:
        minx, miny, maxx, maxy = miny, minx, maxy, maxx
    if miny > maxy:
        raise FilterError(node.at, "the south edge must not be north of the north edge")
    if minx <= maxx:
        return _rectangle(minx, miny, maxx, maxy)
    if scope.srid != 4326:
        raise FilterError(node.at, "the west edge must not be east of the east edge")
    halves = (_rectangle(minx, miny, 180.0, maxy), _rectangle(-180.0, miny, maxx, maxy))
    return shapely.unary_union(halves)


def _rectangle(minx: float, miny: float, maxx: float, maxy: float) -> BaseGeometry:
    """A box, or the line or point that it comes down to."""
    if minx == maxx and miny == maxy:
        return shapely.Point(minx, miny)
    if minx == maxx or miny == maxy:
        return shapely.LineString([(minx, miny), (maxx, maxy)])
    return shapely.box(minx, miny, maxx, maxy)
