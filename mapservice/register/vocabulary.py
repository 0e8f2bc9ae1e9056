"""Words the register is written in that its importers, its layers and its pages share."""

from __future__ import annotations

SUPPORT = ("work", "money", "food", "home", "family", "wellbeing")
"""Dimensions of support, in the order in which they are asked for."""

YES_NO_UNKNOWN = ("yes", "no", "unknown")

ACCESS_FACTS = {
    "step_free": "Step-free way in",
    "toilet": "Toilet",
    "hearing_loop": "Hearing loop",
    "changing_place": "Changing Places toilet",
    "parking": "Parking",
}
"""What a person may need to know before setting out, each yes, no or not known, with its title."""
