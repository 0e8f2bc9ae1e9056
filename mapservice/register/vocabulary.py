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

STAGES = {
    "suggested": "Suggested",
    "checked-on-site": "Checked on site",
    "owner-contacted": "Owner contacted",
    "plan": "Plan",
    "opened": "Opened",
    "declined": "Declined",
}
"""How far a potential green space has come, in order; with the last, no further."""

LAND_NOW = {
    "vacant-land": "Vacant land",
    "hard-surfaced-estate-land": "Hard-surfaced land on an estate",
    "car-park": "Car park or garages",
    "churchyard": "Churchyard or other land of a faith",
    "verge": "Verge or part of a street",
    "roof": "Roof",
    "school-ground": "School ground",
    "canal-side": "Canal side",
    "railway-side": "Railway side",
    "meanwhile-site": "Meanwhile site, waiting for something else",
    "green-not-open": "Green already, but not open to the public",
    "other": "Something else",
}
"""What is there now (`current_use`); other words may come from other sources."""

OWNER_KINDS = {
    "council": "The council",
    "housing-association": "A housing association",
    "nhs": "The NHS",
    "school": "A school or college",
    "transport-body": "A railway, Transport for London or the canal's trust",
    "public-body": "Another public body",
    "faith": "A church or other faith body",
    "charity": "A charity",
    "private": "A private owner",
}
"""Who owns it, by kind (`owner_kind`); empty where nobody knows."""

GREEN_SPACE_ACCESS = {
    "open-to-all": "Open to all",
    "restricted-hours": "Open at certain hours",
    "members-or-residents": "Members or residents only",
    "no-access": "Nobody may go in",
    "unknown": "Not known",
}
"""Who may use a green space."""
