"""The residents' door: from a postcode or a point to wards, locality, and the nearest places."""
