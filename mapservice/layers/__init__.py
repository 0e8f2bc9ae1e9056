"""The register published as layers: a layer is declared once, and one SQL statement answers a request."""
