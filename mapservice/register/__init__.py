"""The register: what the borough knows of its places, boundaries and green spaces, and the rules between."""
