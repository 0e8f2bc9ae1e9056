"""Folium maps of the catalogue: built from its declarations, with data fetched as the map moves."""

from mapservice.maps.build import BaseMap, BuiltMap, FrontendFiles, base_map, build_map
from mapservice.maps.symbols import symbol_svg

__all__ = ["BaseMap", "BuiltMap", "FrontendFiles", "base_map", "build_map", "symbol_svg"]
