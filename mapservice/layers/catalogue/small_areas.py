"""The layer of who lives where: small areas of the census, with how deprived they are."""

from __future__ import annotations

from mapservice.layers.layer import Layer, Property, Style
from mapservice.register.borough import Borough


def small_areas(borough: Borough) -> Layer:
    """Small areas (LSOAs) as the register holds them."""
    return Layer(
        id="lsoa-2021",
        title="Small areas (LSOA 2021): residents and deprivation",
        description="Lower layer Super Output Areas of 2021 with the residents, ages and households of the "
        "Census of 21 March 2021 and England's Index of Multiple Deprivation 2025. "
        "Outlines generalised to 20 m.",
        relation="register.small_areas",
        geometry_kind="polygon",
        properties=(
            Property("name", "string", "Name"),
            Property("code", "string", "Code", "Code in the Office for National Statistics' register (GSS)."),
            Property("residents", "integer", "Residents", "Usual residents, Census 2021."),
            Property("aged_0_14", "integer", "Aged 0 to 14", "Residents under 15."),
            Property("aged_65_plus", "integer", "Aged 65 and over", "Residents of 65 and over."),
            Property("households", "integer", "Households", "Households, Census 2021."),
            Property(
                "residents_per_ha",
                "number",
                "Residents per hectare",
                "Residents divided by the area of the outline.",
                unit="1/ha",
                expression="round((f.residents * 10000 / ST_Area(f.geom))::numeric, 1)::double precision",
            ),
            Property(
                "imd_rank",
                "integer",
                "Deprivation rank",
                "Rank in the Index of Multiple Deprivation; 1 is the most deprived small area of England.",
            ),
            Property(
                "imd_decile",
                "integer",
                "Deprivation decile",
                "1 is the most deprived tenth of England's small areas, 10 the least.",
            ),
            Property("imd_score", "number", "Deprivation score", "Higher is more deprived."),
            Property("as_of", "string", "As of", "What day the counts are of.", filterable=False),
            Property("updated_at", "date-time", "Updated", "When the row last changed."),
        ),
        style=Style("#6b4c9a", "outline", dashed=True),
        id_column="code",
        visibility_column=None,
        time=("updated_at", "updated_at"),
        tracked=True,
        brief=("name", "residents", "imd_decile"),
        attribution=" ".join(borough.attribution),
        licence=borough.licence,
        licence_url=borough.licence_url,
        keywords=("population", "census", "deprivation", "LSOA", "2021"),
    )
