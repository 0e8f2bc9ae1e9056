"""Walking: the network of streets and paths, how far it is along it, and the way to go.

`build` makes edges of ways, `store` keeps them in the database and the graph in memory, `access` finds
where a place or a point meets the network, `measuring` is the batch, `walking` answers how far, `routing`
which way.
"""

REACH_M = 3000
"""How far off, in a straight line, a postcode's distance to a place is measured."""
FARTHEST_WALK_M = 6000
"""Longest walk looked for: twice the reach, so that a detour round a railway is still found."""
FARTHEST_ACCESS_M = 200
"""How far from the network a place or a postcode may be; beyond it no path is known."""
METRES_A_MINUTE = 80
"""4.8 km/h: the speed at which Transport for London reckons walks to stops (PTAL)."""
